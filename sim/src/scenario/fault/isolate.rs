//! One node hears none of some others, and they do not hear it: `isolate = { node = "n1", from = "clients" }`.

use super::groups::one_less;
use super::{
    Action, Cast, Checked, Checks, Drawing, Drawn, Effect, Kind, MachineEffect, Name, Path, Plan, Problem,
    Said, Stage, Target,
};
use crate::scenario::cast::listed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(super) static KIND: Kind = Kind::new::<Isolate>("isolate").drawn(&[Drawn {
    name: "isolate",
    about: "One node hears nobody, and nobody hears it.",
    nodes_min: 1,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Isolate {
    /// One node hears none of some others, and they do not hear it.
    isolate: Isolated,
}

/// A node without others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Isolate")]
#[serde(deny_unknown_fields)]
struct Isolated {
    /// Which.
    node: Target,
    /// From whom: "everyone" (if not given), "nodes", "clients", or a list of machines.
    #[serde(default)]
    from: Others,
}

/// Those from whom a node is isolated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected \"everyone\", \"nodes\", \"clients\", or a list of machines: [\"n1\", \"c2\"]"
)]
enum Others {
    /// A whole class of machines.
    All(Class),
    /// These.
    Machines(Vec<Name>),
}

/// A class of machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Class {
    /// All machines.
    Everyone,
    /// All nodes.
    Nodes,
    /// All clients.
    Clients,
}

impl Isolate {
    /// From everyone.
    pub(super) fn wholly(node: Target) -> Self {
        Isolate { isolate: Isolated { node, from: Others::default() } }
    }
}

impl Said for Isolate {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn target(&self) -> Option<(&'static str, &Target)> {
        Some(("isolate.node", &self.isolate.node))
    }

    fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked {
        let Isolated { node, from: Others::Machines(machines) } = &self.isolate else { return Ok(()) };
        let path = path.then("from");
        checks.disjoint(&[(path.clone(), machines)])?;
        let Target::Node(node) = node else { return Ok(()) };
        match machines.iter().position(|machine| machine == node) {
            None => Ok(()),
            Some(index) => {
                Err(Problem::new(path.then(index), format!("{node} cannot be isolated from itself"))
                    .label("itself")
                    .help(format!("remove {node} here")))
            }
        }
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let Isolated { node, from } = &self.isolate;
        let others: Vec<Name> = match from {
            Others::All(Class::Everyone) => stage.cast.nodes().chain(stage.cast.clients()).collect(),
            Others::All(Class::Nodes) => stage.cast.nodes().collect(),
            Others::All(Class::Clients) => stage.cast.clients().collect(),
            Others::Machines(machines) => machines.clone(),
        };
        let effect = MachineEffect::Isolate(stage.cast.ids(&others));
        Plan::Stroke(Effect::Machine(node.aim(stage.cast), effect))
    }

    /// From all of one class, or from one machine less.
    fn smaller(&self, cast: Cast) -> Vec<Action> {
        let Isolated { node, from } = &self.isolate;
        let fewer = |machines: &[Name]| -> Vec<Others> {
            one_less(machines).into_iter().map(Others::Machines).collect()
        };
        let others = match from {
            Others::All(Class::Everyone) => vec![Others::All(Class::Nodes), Others::All(Class::Clients)],
            Others::All(Class::Nodes) => {
                let not_itself = |other: &Name| *node != Target::Node(*other);
                fewer(&cast.nodes().filter(not_itself).collect::<Vec<_>>())
            }
            Others::All(Class::Clients) => fewer(&cast.clients().collect::<Vec<_>>()),
            Others::Machines(machines) => fewer(machines),
        };
        let isolated = |from| Isolate { isolate: Isolated { node: node.clone(), from } }.into();
        others.into_iter().map(isolated).collect()
    }
}

fn draw(drawing: &mut Drawing) -> Option<Action> {
    drawing.target().map(|node| Isolate::wholly(node).into())
}

impl Default for Others {
    fn default() -> Self {
        Others::All(Class::Everyone)
    }
}

impl fmt::Display for Isolate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Isolated { node, from } = &self.isolate;
        write!(f, "isolate {node} from ")?;
        match from {
            Others::All(Class::Everyone) => f.write_str("everyone"),
            Others::All(Class::Nodes) => f.write_str("all nodes"),
            Others::All(Class::Clients) => f.write_str("all clients"),
            Others::Machines(machines) => f.write_str(&listed(machines)),
        }
    }
}
