//! Whether those that a fault names exist.

use super::cast::{Cast, Name};
use super::error::{Problem, suggest};
use super::fault::{Target, Whose};
use super::model::Nodes;
use super::source::Path;
use super::validate::{Checked, Checks};
use std::collections::BTreeMap;

/// What may stand for a machine.
pub(super) trait Named {
    /// The machine, if it is known before the run.
    fn name(&self) -> Option<Name>;
}

impl Named for Name {
    fn name(&self) -> Option<Name> {
        Some(*self)
    }
}

impl Named for Target {
    fn name(&self) -> Option<Name> {
        match self {
            Target::Node(name) => Some(*name),
            Target::That | Target::Whose(_) => None,
        }
    }
}

impl Checks<'_> {
    pub(super) fn probe(&self, path: &Path, probe: &String) -> Checked {
        if self.words.probes.contains(probe) {
            return Ok(());
        }
        let system = &self.scenario.system;
        Err(Problem::new(path.clone(), format!("{system} has no probe `{probe}`"))
            .label("unknown probe")
            .help(suggest(probe, "probes", &self.words.probes)))
    }

    pub(super) fn process(&self, path: &Path, process: &str) -> Checked {
        if self.words.processes.iter().any(|known| known == process) {
            return Ok(());
        }
        let system = &self.scenario.system;
        Err(Problem::new(path.clone(), format!("{system} has no process `{process}`"))
            .label("unknown process")
            .help(match &self.words.processes[..] {
                [] => format!("remove `process`: a machine of {system} is one process"),
                known => suggest(process, "processes", known),
            }))
    }

    /// Two groups at least, of those who can be meant.
    pub(super) fn groups(&self, path: &Path, groups: &[Vec<Target>]) -> Checked {
        if groups.len() < 2 {
            return Err(Problem::new(path.clone(), "takes at least two groups")
                .label(format!("{} of 2", groups.len()))
                .help("name who cannot hear whom: [[\"n1\"], [\"n2\", \"n3\"]]"));
        }
        let groups: Vec<_> =
            groups.iter().enumerate().map(|(index, group)| (path.then(index), group)).collect();
        for (path, group) in &groups {
            for (index, target) in group.iter().enumerate() {
                if let Target::Whose(Whose { probe, .. }) = target {
                    self.probe(&path.then(index).then("whose"), probe)?;
                }
            }
        }
        self.disjoint(&groups)
    }

    /// Nodes that exist, none of them twice.
    pub(super) fn distinct_nodes(&self, path: Path, nodes: &Vec<Name>) -> Checked {
        for (index, node) in nodes.iter().enumerate() {
            self.node(path.then(index), *node, "")?;
        }
        self.disjoint(&[(path, nodes)])
    }

    /// Groups of machines that exist, none empty and none in two.
    pub(super) fn disjoint<T: Named>(&self, groups: &[(Path, &Vec<T>)]) -> Checked {
        let mut seen: BTreeMap<Name, &Path> = BTreeMap::new();
        for (path, group) in groups {
            if group.is_empty() {
                return Err(Problem::new(path.clone(), "is an empty group")
                    .label("empty")
                    .help(format!("name machines: {}", self.machines())));
            }
            for (index, one) in group.iter().enumerate() {
                let (here, Some(machine)) = (path.then(index), one.name()) else { continue };
                if !self.cast.has(machine) {
                    return Err(self.nobody(here, machine, "machines", &self.machines()));
                }
                if let Some(other) = seen.insert(machine, path) {
                    let says =
                        if other == path { "is named twice" } else { "is in two groups, which then overlap" };
                    return Err(Problem::new(here, format!("{machine} {says}"))
                        .label(format!("{machine} again"))
                        .help(format!("{machine} stands in {other} already: remove one of the two")));
                }
            }
        }
        Ok(())
    }

    pub(super) fn target(&self, path: Path, target: &Target) -> Checked {
        match target {
            Target::Node(node) => self.node(path, *node, ""),
            Target::That => Ok(()),
            Target::Whose(Whose { probe, .. }) => self.probe(&path.then("whose"), probe),
        }
    }

    pub(super) fn node(&self, path: Path, node: Name, or: &str) -> Checked {
        match node {
            _ if !self.cast.has(node) => {
                Err(self.nobody(path, node, "nodes", &format!("{or}{}", self.nodes())))
            }
            Name::Node(_) => Ok(()),
            Name::Client(_) => Err(Problem::new(path, format!("{node} is a client, and this takes a node"))
                .label("not a node")
                .help(format!("nodes: {or}{}", self.nodes()))),
        }
    }

    pub(super) fn client(&self, path: Path, client: Name) -> Checked {
        let there = self.scenario.workload.clients;
        let clients = range('c', there);
        match client {
            _ if !Cast { clients: there, ..self.cast }.has(client) => {
                Err(self.nobody(path, client, "clients", &clients))
            }
            Name::Client(_) => Ok(()),
            Name::Node(_) => Err(Problem::new(path, format!("{client} is a node, and this takes a client"))
                .label("not a client")
                .help(format!("clients: {clients}"))),
        }
    }

    fn nobody(&self, path: Path, name: Name, what: &str, known: &str) -> Problem {
        let smallest = match self.scenario.cluster.nodes {
            Nodes::Exactly(_) => "",
            Nodes::Between { .. } => " (in the smallest cluster)",
        };
        Problem::new(path, format!("there is no {name}{smallest}"))
            .label("does not exist")
            .help(format!("{what}: {known}"))
    }

    fn nodes(&self) -> String {
        range('n', self.cast.nodes)
    }

    fn machines(&self) -> String {
        format!("{}, and the clients {}", self.nodes(), range('c', self.cast.clients))
    }
}

/// `n1`, `n1, n2`, `n1 to n5`.
fn range(letter: char, count: u32) -> String {
    match count {
        0 => "none".to_owned(),
        1 => format!("{letter}1"),
        2 => format!("{letter}1, {letter}2"),
        _ => format!("{letter}1 to {letter}{count}"),
    }
}
