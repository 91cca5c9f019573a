//! What can go wrong between transactions, and which level forbids it.

use std::fmt;

/// An anomaly, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anomaly {
    /// A read of a value that nobody wrote.
    Garbage,
    /// One append that is in a list more than once.
    DuplicateElements,
    /// Lists that no order of appends explains.
    IncompatibleOrder,
    /// A transaction does not see what it has done itself.
    Internal,
    /// A transaction sees what it will only do later.
    FutureRead,
    /// A transaction reads a key twice, and differently.
    NonRepeatable,
    /// A read of a value whose transaction failed.
    G1a,
    /// A read of a value that its own transaction overwrote.
    G1b,
    /// A cycle of writes over writes.
    G0,
    /// A cycle of writes over writes and reads of writes.
    G1c,
    /// A process read a version, then an earlier one.
    NonMonotonicReads,
    /// A transaction that was seen in part.
    Fractured,
    /// What was seen came after something that was not.
    Causal,
    /// Two that read one version and both wrote the next.
    LostUpdate,
    /// A cycle with one read that a write came after.
    GSingle,
    /// Two readers that saw two writes in opposite orders.
    LongFork,
    /// A cycle with several such reads, none next to another.
    GNonadjacent,
    /// A cycle with such reads side by side.
    G2Item,
    /// Whatever order the writes are given, there is a cycle.
    NoOrder,
    /// An account with less than nothing.
    BelowZero,
}

/// Why one transaction comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// It wrote the version before the other's.
    Ww,
    /// The other read its version.
    Wr,
    /// It read the version before the other's.
    Rw,
    /// It is earlier in the same process.
    Process,
    /// It had ended when the other began.
    RealTime,
}

/// An anomaly in a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which.
    pub anomaly: Anomaly,
    /// The operations of the cycle, each with why it comes before the next, the last before the first; without a cycle,
    /// the operations at fault.
    pub steps: Vec<Step>,
    /// What was seen, in words, where there is no cycle.
    pub says: String,
}

/// One operation of an anomaly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The operation: an index into the history.
    pub operation: usize,
    /// Why it comes before the next one, and the key; none without a cycle.
    pub link: Option<(Link, Option<String>)>,
}

impl Anomaly {
    /// Its name in the literature.
    pub fn name(self) -> &'static str {
        match self {
            Anomaly::Garbage => "garbage read",
            Anomaly::DuplicateElements => "duplicate elements",
            Anomaly::IncompatibleOrder => "incompatible order",
            Anomaly::Internal => "internal",
            Anomaly::FutureRead => "future read",
            Anomaly::NonRepeatable => "non-repeatable read",
            Anomaly::NonMonotonicReads => "non-monotonic reads",
            Anomaly::Fractured => "fractured read",
            Anomaly::Causal => "causality violation",
            Anomaly::NoOrder => "no order of writes",
            Anomaly::BelowZero => "balance below zero",
            Anomaly::G1a => "G1a",
            Anomaly::G1b => "G1b",
            Anomaly::G0 => "G0",
            Anomaly::G1c => "G1c",
            Anomaly::LostUpdate => "lost update",
            Anomaly::GSingle => "G-single",
            Anomaly::LongFork => "long fork",
            Anomaly::GNonadjacent => "G-nonadjacent",
            Anomaly::G2Item => "G2-item",
        }
    }
}

impl Found {
    /// An anomaly without a cycle.
    pub(super) fn plain(anomaly: Anomaly, operations: impl IntoIterator<Item = usize>, says: String) -> Self {
        let steps = operations.into_iter().map(|operation| Step { operation, link: None }).collect();
        Found { anomaly, steps, says }
    }

    /// Two that read one version of a key and both wrote the next.
    pub(super) fn lost_update(one: usize, two: usize, key: &str) -> Self {
        let step = |operation| Step { operation, link: Some((Link::Rw, Some(key.to_owned()))) };
        Found { anomaly: Anomaly::LostUpdate, steps: vec![step(one), step(two)], says: String::new() }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Link::Ww => "ww",
            Link::Wr => "wr",
            Link::Rw => "rw",
            Link::Process => "process",
            Link::RealTime => "real-time",
        })
    }
}
