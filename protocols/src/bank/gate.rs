//! Output commit: nothing leaves a branch before the records that it follows from are durable.
//!
//! Books change when a record is appended; whoever is told of it may act on it. So what is to leave waits here for its
//! place in the log, and a crash takes back only what nobody has heard of.

use super::message::{BranchId, Id};
use crate::common::{transport::Outbox, wal::Lsn};
use std::{collections::VecDeque, sync::Arc};

/// What leaves a branch.
pub(super) enum Output {
    /// A frame on a connection that came in.
    Frame { to: Arc<Outbox>, frame: Vec<u8> },
    /// A frame on the connection to another branch, if there is one by then.
    Ask { to: BranchId, frame: Vec<u8> },
    /// That a record is durable.
    Written { what: &'static str, id: Option<Id>, lsn: Lsn },
}

/// The queue of what is to leave, in order.
pub(super) struct Gate {
    waiting: VecDeque<(Lsn, Output)>,
    durable: Lsn,
    /// The flaw: everything passes at once.
    stands_open: bool,
}

impl Gate {
    pub fn new(durable: Lsn, stands_open: bool) -> Gate {
        Gate { waiting: VecDeque::new(), durable, stands_open }
    }

    /// Lets something out that follows from all records up to `lsn`; gives it back if it may leave now.
    pub fn pass(&mut self, lsn: Lsn, output: Output) -> Option<Output> {
        if self.stands_open || (lsn <= self.durable && self.waiting.is_empty()) {
            return Some(output);
        }
        self.waiting.push_back((lsn, output));
        None
    }

    /// More is durable.
    pub fn open(&mut self, durable: Lsn) {
        self.durable = self.durable.max(durable);
    }

    /// The next that may leave.
    pub fn next(&mut self) -> Option<Output> {
        let (lsn, _) = self.waiting.front()?;
        if *lsn > self.durable {
            return None;
        }
        self.waiting.pop_front().map(|(_, output)| output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Gate {
        /// Sends something through that follows from this record; whether it may leave now.
        fn lets(&mut self, lsn: u64) -> bool {
            let output = Output::Written { what: "done", id: None, lsn: Lsn(lsn) };
            self.pass(Lsn(lsn), output).is_some()
        }

        /// The records of all that may leave by now.
        fn leaves(&mut self) -> Vec<u64> {
            let all = std::iter::from_fn(|| self.next());
            let lsn = |output| if let Output::Written { lsn, .. } = output { lsn.0 } else { 0 };
            all.map(lsn).collect()
        }
    }

    #[test]
    fn what_follows_from_durable_records_leaves_at_once_and_the_rest_when_they_are() {
        let mut gate = Gate::new(Lsn(5), false);
        assert_eq!([5, 6, 8].map(|lsn| gate.lets(lsn)), [true, false, false]);
        assert!(gate.leaves().is_empty());
        gate.open(Lsn(7));
        assert_eq!(gate.leaves(), [6]);
        gate.open(Lsn(8));
        assert_eq!(gate.leaves(), [8]);
        assert_eq!([8, 9].map(|lsn| gate.lets(lsn)), [true, false]);
    }

    #[test]
    fn nothing_overtakes_what_waits() {
        let mut gate = Gate::new(Lsn(5), false);
        assert_eq!([6, 4].map(|lsn| gate.lets(lsn)), [false, false]);
        assert!(gate.leaves().is_empty());
        gate.open(Lsn(6));
        assert_eq!(gate.leaves(), [6, 4]);
    }

    #[test]
    fn what_was_durable_once_stays_so() {
        let mut gate = Gate::new(Lsn(5), false);
        gate.open(Lsn(3));
        assert_eq!([5, 6].map(|lsn| gate.lets(lsn)), [true, false]);
    }

    #[test]
    fn a_flawed_gate_holds_nothing_back() {
        assert!(Gate::new(Lsn(5), true).lets(6));
    }
}
