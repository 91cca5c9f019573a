//! What a replica believes, for checkers and debuggers.

use super::message::LeaseId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A replica's belief at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Which replica.
    pub id: u64,
    /// The number of the member that it is, or was last: greater each time that it is added.
    pub member: u64,
    /// The replicas that vote, as far as it has applied what changes them; none if it is no member itself and knows so.
    pub voters: BTreeSet<u64>,
    /// The index of the entry that made them vote.
    pub voters_since: u64,
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
    /// The leases that there are.
    pub leases: BTreeMap<LeaseId, Lease>,
    /// The keys that go with a lease, and with which.
    pub leased: BTreeMap<String, LeaseId>,
    /// Frames that could not be read since the node started. Each cost its connection.
    pub malformed_frames: u64,
}

/// What a replica believes of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// How long it lives after it was renewed, in ms.
    pub ttl_ms: u64,
    /// How often this replica has said since it led last that it is renewed.
    pub renewed: u64,
    /// How long it still lives by the last time that this replica said so, in ms; 0 if it never did.
    pub lives_ms: u64,
}
