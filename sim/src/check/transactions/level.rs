//! How isolated transactions must be, and which anomalies that forbids.

use super::anomaly::Anomaly;

/// An isolation level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Writes do not interleave.
    ReadUncommitted,
    /// Only what was committed is read, and information does not flow in a circle.
    ReadCommitted,
    /// And what a process reads does not go back.
    MonotonicReads,
    /// And of a transaction all is seen, or nothing.
    ReadAtomic,
    /// And whoever sees something sees what that came after.
    Causal,
    /// Each works on a snapshot, and of two that write one key the second fails.
    SnapshotIsolation,
    /// And the snapshot has what the same process did before.
    SessionSnapshotIsolation,
    /// And the snapshot has all that was committed before it began.
    StrongSnapshotIsolation,
    /// There is a serial order.
    Serializable,
    /// There is one that agrees with the order of each process.
    SessionSerializable,
    /// There is one that agrees with real time.
    StrictSerializable,
}

/// The order that a level asks for beside what was read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    None,
    Processes,
    RealTime,
}

/// What a history of a level must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// None of the cycles that the level forbids.
    NoCycle,
    /// A snapshot and a moment of commit for each.
    Snapshots,
    /// A serial order.
    Order,
}

impl Level {
    /// Every level, weakest first.
    pub const ALL: [Level; 11] = [
        Level::ReadUncommitted,
        Level::ReadCommitted,
        Level::MonotonicReads,
        Level::ReadAtomic,
        Level::Causal,
        Level::SnapshotIsolation,
        Level::SessionSnapshotIsolation,
        Level::StrongSnapshotIsolation,
        Level::Serializable,
        Level::SessionSerializable,
        Level::StrictSerializable,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Level::ReadUncommitted => "read-uncommitted",
            Level::ReadCommitted => "read-committed",
            Level::MonotonicReads => "monotonic-reads",
            Level::ReadAtomic => "read-atomic",
            Level::Causal => "causal",
            Level::SnapshotIsolation => "snapshot-isolation",
            Level::SessionSnapshotIsolation => "session-snapshot-isolation",
            Level::StrongSnapshotIsolation => "strong-snapshot-isolation",
            Level::Serializable => "serializable",
            Level::SessionSerializable => "session-serializable",
            Level::StrictSerializable => "strict-serializable",
        }
    }

    /// Whether no history of this level has the anomaly.
    pub fn forbids(self, anomaly: Anomaly) -> bool {
        match anomaly {
            Anomaly::Garbage
            | Anomaly::IncompatibleOrder
            | Anomaly::DuplicateElements
            | Anomaly::FutureRead
            | Anomaly::Internal
            | Anomaly::G0 => true,
            Anomaly::G1a | Anomaly::G1b | Anomaly::G1c => self >= Level::ReadCommitted,
            Anomaly::NonMonotonicReads => self >= Level::MonotonicReads,
            Anomaly::NonRepeatable | Anomaly::Fractured => self >= Level::ReadAtomic,
            Anomaly::Causal => self >= Level::Causal,
            Anomaly::LostUpdate | Anomaly::GSingle | Anomaly::LongFork | Anomaly::GNonadjacent => {
                self >= Level::SnapshotIsolation
            }
            Anomaly::G2Item => self >= Level::Serializable,
            Anomaly::NoOrder | Anomaly::BelowZero => true,
        }
    }

    pub(super) fn clock(self) -> Clock {
        match self {
            Level::Causal | Level::SessionSnapshotIsolation | Level::SessionSerializable => Clock::Processes,
            Level::StrongSnapshotIsolation | Level::StrictSerializable => Clock::RealTime,
            _ => Clock::None,
        }
    }

    pub(super) fn proof(self) -> Proof {
        match self {
            level if level >= Level::Serializable => Proof::Order,
            level if level >= Level::SnapshotIsolation => Proof::Snapshots,
            _ => Proof::NoCycle,
        }
    }
}
