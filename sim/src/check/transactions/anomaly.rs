//! What can go wrong between transactions, and which level forbids it.

use std::fmt;

/// An anomaly, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anomaly {
    /// A read of a value that nobody wrote, or of lists that no order of appends explains.
    Garbage,
    /// A transaction does not see what it has done itself.
    Internal,
    /// A read of a value whose transaction failed.
    G1a,
    /// A read of a value that its own transaction overwrote.
    G1b,
    /// A cycle of writes over writes.
    G0,
    /// A cycle of writes over writes and reads of writes.
    G1c,
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
}

/// How isolated transactions must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Each works on a snapshot, and of two that write one key the second fails.
    SnapshotIsolation,
    /// There is a serial order.
    Serializable,
    /// There is one that agrees with the order of each process.
    SessionSerializable,
    /// There is one that agrees with real time.
    StrictSerializable,
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
            Anomaly::Internal => "internal",
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

impl Level {
    /// Every level.
    pub const ALL: [Level; 4] = [
        Level::SnapshotIsolation,
        Level::Serializable,
        Level::SessionSerializable,
        Level::StrictSerializable,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Level::SnapshotIsolation => "snapshot-isolation",
            Level::Serializable => "serializable",
            Level::SessionSerializable => "session-serializable",
            Level::StrictSerializable => "strict-serializable",
        }
    }

    /// Whether no history of this level has the anomaly.
    pub fn forbids(self, anomaly: Anomaly) -> bool {
        self != Level::SnapshotIsolation || anomaly != Anomaly::G2Item
    }
}

impl Found {
    /// An anomaly without a cycle.
    pub(super) fn plain(anomaly: Anomaly, operations: impl IntoIterator<Item = usize>, says: String) -> Self {
        let steps = operations.into_iter().map(|operation| Step { operation, link: None }).collect();
        Found { anomaly, steps, says }
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
