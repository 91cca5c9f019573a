//! Processes and who runs them: what a registration points at.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// The number of a node in its cluster, written `n1`, `n2`, …
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u16);

/// As it is written: messages are read in traces.
impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// A process: the node that runs it, the node's life it was started in, and a number within that life.
///
/// Written `<n1.3fa2.7>`, where `3fa2` are the incarnation's low 16 bits. Pids are ordered by node, then incarnation,
/// then serial: every node orders two pids alike, which breaks ties between equal stamps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pid {
    /// The node that runs the process, and is the authority for its registrations.
    pub node: NodeId,
    /// Drawn at each start of the node: a pid of an earlier life is never mistaken for a later one.
    pub incarnation: u64,
    /// Counts the processes of one life, from 1.
    pub serial: u64,
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{:04x}.{}>", self.node, self.incarnation & 0xffff, self.serial)
    }
}

/// As it is written.
impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The processes that one life of a node runs. They do nothing but live and die, or read why they were to.
#[derive(Debug)]
pub(super) struct Processes {
    node: NodeId,
    incarnation: u64,
    last_serial: u64,
    alive: BTreeSet<Pid>,
    /// Those that died since [`take_dead`](Processes::take_dead) was last asked.
    dead: Vec<Pid>,
    /// Whether they trap exit signals.
    pub traps_exits: bool,
    /// The signals that were trapped, and not yet handed over.
    trapped: Vec<(Pid, String)>,
    /// Those alive that are to be stopped.
    given_up: BTreeSet<Pid>,
}

impl Processes {
    pub fn new(node: NodeId, incarnation: u64) -> Self {
        Processes {
            node,
            incarnation,
            last_serial: 0,
            alive: BTreeSet::new(),
            dead: Vec::new(),
            traps_exits: false,
            trapped: Vec::new(),
            given_up: BTreeSet::new(),
        }
    }

    pub fn spawn(&mut self) -> Pid {
        self.last_serial += 1;
        let pid = Pid { node: self.node, incarnation: self.incarnation, serial: self.last_serial };
        self.alive.insert(pid);
        pid
    }

    /// Ends a process; `false` if it was not alive here.
    pub fn kill(&mut self, pid: Pid) -> bool {
        let killed = self.alive.remove(&pid);
        if killed {
            self.dead.push(pid);
            self.given_up.remove(&pid);
        }
        killed
    }

    /// Sends an ordinary exit signal: it ends a process, unless that traps it and lives on. `true` if it has ended.
    pub fn exit(&mut self, pid: Pid, reason: impl FnOnce() -> String) -> bool {
        if self.traps_exits && self.is_alive(pid) {
            self.trapped.push((pid, reason()));
            return false;
        }
        self.kill(pid)
    }

    /// A process, if it is alive here, is to be stopped.
    pub fn give_up(&mut self, pid: Pid) {
        if self.is_alive(pid) {
            self.given_up.insert(pid);
        }
    }

    pub fn take_trapped(&mut self) -> Vec<(Pid, String)> {
        std::mem::take(&mut self.trapped)
    }

    pub fn take_dead(&mut self) -> Vec<Pid> {
        std::mem::take(&mut self.dead)
    }

    pub fn is_alive(&self, pid: Pid) -> bool {
        self.alive.contains(&pid)
    }

    pub fn alive(&self) -> &BTreeSet<Pid> {
        &self.alive
    }

    pub fn given_up(&self) -> &BTreeSet<Pid> {
        &self.given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_shows_its_node_a_short_incarnation_and_its_serial() {
        let pid = Pid { node: NodeId(1), incarnation: 0xdead_beef_0000_3fa2, serial: 7 };
        assert_eq!(pid.to_string(), "<n1.3fa2.7>");
    }

    #[test]
    fn pids_are_ordered_by_node_before_all_else() {
        let old = Pid { node: NodeId(1), incarnation: 9, serial: 9 };
        let new = Pid { node: NodeId(2), incarnation: 1, serial: 1 };
        assert!(old < new);
    }

    #[test]
    fn a_process_is_alive_from_spawn_to_kill() {
        let mut processes = Processes::new(NodeId(1), 5);
        let pid = processes.spawn();
        assert!(processes.is_alive(pid));
        assert!(processes.kill(pid));
        assert!(!processes.is_alive(pid));
        assert!(!processes.kill(pid));
    }

    #[test]
    fn who_is_given_up_is_until_it_dies_and_the_dead_are_not() {
        let mut processes = Processes::new(NodeId(1), 5);
        let (first, second) = (processes.spawn(), processes.spawn());
        processes.kill(second);
        processes.give_up(first);
        processes.give_up(second);
        assert!(processes.is_alive(first) && processes.given_up().iter().eq([&first]));
        processes.kill(first);
        assert!(processes.given_up().is_empty());
    }

    #[test]
    fn a_process_of_an_earlier_life_is_not_alive() {
        let earlier = Processes::new(NodeId(1), 4).spawn();
        let mut processes = Processes::new(NodeId(1), 5);
        processes.spawn();
        assert!(!processes.is_alive(earlier));
    }
}
