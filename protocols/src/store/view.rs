//! What a replica believes, for checkers and debuggers.

use serde::{Deserialize, Serialize};

/// A replica's belief at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Which replica.
    pub id: u64,
    /// Who leads, as far as it knows.
    pub leader: Option<u64>,
    /// The term in which it leads itself, if it does.
    pub leads: Option<u64>,
    /// The index of the last entry that it has applied.
    pub applied: u64,
    /// The revision that it has come to.
    pub revision: u64,
    /// A hash over all changes up to that revision.
    pub digest: u32,
    /// How many leases there are.
    pub leases: u64,
    /// Frames that could not be read since the node started. Each cost its connection.
    pub malformed_frames: u64,
}
