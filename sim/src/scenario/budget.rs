//! How much may fail at the same time, of what is known before the run. The nemesis keeps the same budget during it.

use super::fault::{Action, Fault, Moment, Target};
use super::random::AtMost;
use std::time::Duration;

/// Something that a timed fault takes from a node, from one time to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) what: What,
    pub(super) node: String,
    pub(super) from: Duration,
    pub(super) to: Duration,
}

/// What a node does without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Its process: it is crashed or paused.
    Process,
    /// Its disk.
    Disk,
}

/// What the faults known so far take.
pub(super) struct Budget {
    at_most: AtMost,
    taken: Vec<Taken>,
}

impl Budget {
    pub(super) fn new(at_most: AtMost, faults: &[Fault]) -> Self {
        Budget { at_most, taken: faults.iter().filter_map(taken).collect() }
    }

    /// Takes what these faults need, all or nothing.
    pub(super) fn take(&mut self, faults: &[Fault]) -> bool {
        let before = self.taken.len();
        for next in faults.iter().filter_map(taken) {
            if !self.allows(&next) {
                self.taken.truncate(before);
                return false;
            }
            self.taken.push(next);
        }
        true
    }

    /// Whether one more may fail beside those that do: no process twice, and never more than the budget at once.
    ///
    /// Those that overlap the new one need not overlap each other, so that this may refuse one that would just fit.
    pub(super) fn allows(&self, next: &Taken) -> bool {
        let most = match next.what {
            What::Process => self.at_most.down,
            What::Disk => self.at_most.disk,
        };
        let mut nodes = vec![&next.node];
        for other in self.taken.iter().filter(|other| other.overlaps(next)) {
            if other.node == next.node && next.what == What::Process {
                return false;
            }
            if !nodes.contains(&&other.node) {
                nodes.push(&other.node);
            }
        }
        nodes.len() as u32 <= most
    }
}

impl Taken {
    /// Whether it takes this at this time; at the instant when it ends it no longer does.
    pub(super) fn holds_at(&self, what: What, at: Duration) -> bool {
        self.what == what && self.from <= at && at < self.to
    }

    pub(super) fn overlaps(&self, other: &Taken) -> bool {
        self.what == other.what && self.from <= other.to && other.from <= self.to
    }
}

/// What a timed fault takes from a node that the file names.
pub(super) fn taken(fault: &Fault) -> Option<Taken> {
    let Moment::At { at, .. } = fault.moment else { return None };
    let (what, node) = match &fault.action {
        Action::Crash { node, .. } | Action::Pause(node) => (What::Process, node),
        Action::Disk { node, .. } => (What::Disk, node),
        _ => return None,
    };
    let Target::Node(node) = node else { return None };
    // What was corrupted stays so after the fault.
    let corrupts = matches!(&fault.action, Action::Disk { action, .. } if action.corrupts());
    let lasts = fault.lasts.filter(|_| !corrupts);
    let to = lasts.map_or(Duration::MAX, |lasts| at.get().saturating_add(lasts.get()));
    Some(Taken { what, node: node.clone(), from: at.get(), to })
}
