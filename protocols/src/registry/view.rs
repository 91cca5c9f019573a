//! What a registry node believes, for checkers and debuggers.

use super::{
    process::{NodeId, Pid},
    table::Entry,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A copy of one node's belief at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Whose view it is.
    pub node: NodeId,
    /// Peers with a live connection.
    pub up: BTreeSet<NodeId>,
    /// Peers that are discovered too: broadcasts go to them, and their registrations are accepted.
    pub known: BTreeSet<NodeId>,
    /// The whole table, by name.
    pub entries: BTreeMap<String, Entry>,
    /// How many names the node says it has.
    pub count: i64,
    /// Process groups: their members, with metadata.
    pub groups: BTreeMap<String, BTreeMap<Pid, String>>,
    /// The processes that this node runs.
    pub alive: BTreeSet<Pid>,
    /// Frames that could not be read since the node started. Each cost its connection.
    pub malformed_frames: u64,
}
