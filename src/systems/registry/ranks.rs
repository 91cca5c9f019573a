//! **ranks**: in the converged protocol a process has one rank, whatever its names, and it is greater than all that its
//! node had seen when it got it.
//!
//! Read off the table of a node each time that it publishes something. Who has a name and had none at the last look was
//! named in between: it comes after all that the table had then. What came in between as well is not known, and nothing
//! is asked about it.

use host::world::MachineId;
use protocols::registry::{Pid, Protocol, View};
use sim::check::{Broken, Seen};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of each node.
#[derive(Debug, Default)]
pub(super) struct Ranked(BTreeMap<u32, Known>);

#[derive(Debug, Default)]
struct Known {
    /// Which life of the node.
    incarnation: Option<u64>,
    /// The greatest rank that its tables had.
    greatest: u64,
    /// Its processes that had names when it was looked at last.
    named: BTreeSet<Pid>,
}

impl Ranked {
    pub(super) fn judge(&mut self, seen: &Seen<'_, View>) -> Result<(), Broken> {
        let Some(node) = seen.probe.and_then(|probe| probe.host).map(MachineId::number) else {
            return Ok(());
        };
        let Some(view) = seen.views.get(node).filter(|view| view.protocol == Protocol::Converged) else {
            self.0.remove(&node);
            return Ok(());
        };
        let known = self.0.entry(node).or_default();
        let incarnation = view.alive.first().map(|pid| pid.incarnation);
        if known.incarnation != incarnation {
            *known = Known { incarnation, ..Known::default() };
        }
        known.look(node, view)
    }
}

impl Known {
    fn look(&mut self, node: u32, view: &View) -> Result<(), Broken> {
        let mut ranks: BTreeMap<Pid, u64> = BTreeMap::new();
        let mut greatest = self.greatest;
        for (name, entry) in view.scopes.iter().flat_map(|scope| &*scope.entries) {
            greatest = greatest.max(entry.time);
            if entry.pid.node != view.node {
                continue;
            }
            let broken = |why: String| Err(Broken::new(why).node(node).key(name).process(entry.pid));
            let rank = *ranks.entry(entry.pid).or_insert(entry.time);
            if rank != entry.time {
                return broken(format!("{} has two ranks: {rank}, and {} for {name}", entry.pid, entry.time));
            }
            if rank <= self.greatest && !self.named.contains(&entry.pid) {
                let seen = self.greatest;
                return broken(format!(
                    "{} is named {name} with rank {rank}, and n{node} had seen {seen}",
                    entry.pid
                ));
            }
        }
        (self.greatest, self.named) = (greatest, ranks.into_keys().collect());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::world::Probe;
    use protocols::registry::{DEFAULT_SCOPE, Entry, NodeId, ScopeView};
    use sim::check::Views;
    use std::sync::Arc;

    fn pid(node: u16, serial: u64) -> Pid {
        Pid { node: NodeId(node), incarnation: 1, serial }
    }

    /// Looks at n1, one after the other: its names, whose they are, and with which rank.
    fn judged(looks: &[&[(&str, Pid, u64)]]) -> Result<(), Broken> {
        let mut ranked = Ranked::default();
        looks.iter().try_for_each(|names| {
            let entry = |pid, time| Entry { pid, meta: String::new(), time };
            let entries: BTreeMap<String, Entry> =
                names.iter().map(|(name, pid, rank)| ((*name).to_owned(), entry(*pid, *rank))).collect();
            let scope = ScopeView {
                name: DEFAULT_SCOPE.to_owned(),
                known: BTreeSet::new(),
                count: entries.len() as i64,
                entries: Arc::new(entries),
                groups: BTreeMap::new(),
            };
            let views = Views::new(vec![Some(View {
                node: NodeId(1),
                up: BTreeSet::new(),
                scopes: vec![scope],
                alive: BTreeSet::from([pid(1, 1), pid(1, 2)]),
                given_up: BTreeSet::new(),
                malformed_frames: 0,
                protocol: Protocol::Converged,
                losers_end: true,
            })]);
            let host = Some(MachineId::numbered(1));
            let probe = Probe { at_ns: 0, host, name: "node-up", values: Vec::new() };
            ranked.judge(&Seen::new(Some(&probe), &views))
        })
    }

    #[test]
    fn who_is_named_comes_after_all_that_its_node_had_seen_and_keeps_its_rank_while_it_has_a_name() {
        let theirs = ("b", pid(2, 1), 20);
        assert_eq!(judged(&[&[("a", pid(1, 1), 10)], &[("a", pid(1, 1), 10), theirs]]), Ok(()));
        assert_eq!(judged(&[&[theirs], &[theirs, ("a", pid(1, 1), 21)]]), Ok(()));
        assert!(judged(&[&[theirs], &[theirs, ("a", pid(1, 1), 20)]]).is_err());
        assert!(judged(&[&[theirs], &[], &[("a", pid(1, 1), 19)]]).is_err(), "it had seen it");
        assert_eq!(judged(&[&[("a", pid(1, 1), 10), theirs], &[("c", pid(1, 1), 10)]]), Ok(()));
        let lost_all = judged(&[&[("a", pid(1, 1), 10)], &[theirs], &[("a", pid(1, 1), 10)]]);
        assert!(lost_all.is_err(), "it had no name in between");
    }

    #[test]
    fn the_names_of_a_process_have_one_rank() {
        let names = |rank| [("a", pid(1, 1), 10), ("b", pid(1, 1), rank)];
        assert_eq!(judged(&[&names(10)]), Ok(()));
        assert!(judged(&[&names(11)]).is_err());
    }
}
