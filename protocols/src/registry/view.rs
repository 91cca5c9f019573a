//! What a registry node believes, for checkers and debuggers.

use super::{
    options::Protocol,
    process::{NodeId, Pid},
    table::Entry,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A copy of one node's belief at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Whose view it is.
    pub node: NodeId,
    /// Peers with a live connection.
    pub up: BTreeSet<NodeId>,
    /// What it believes of each scope that it has added, by name.
    pub scopes: Vec<ScopeView>,
    /// The processes that this node runs.
    pub alive: BTreeSet<Pid>,
    /// Those of them that have lost a name by a custom resolver, and are to be stopped.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub given_up: BTreeSet<Pid>,
    /// Frames that could not be read since the node started. Each cost its connection.
    pub malformed_frames: u64,
    /// Whose rules it follows; the options say so to those who read what was recorded.
    #[serde(skip)]
    pub protocol: Protocol,
    /// Whether the loser of a conflict ends at once: not by a custom resolver, nor where it traps the signal.
    #[serde(skip)]
    pub losers_end: bool,
}

impl View {
    /// One of the scopes, if the node has added it.
    pub fn scope(&self, name: &str) -> Option<&ScopeView> {
        self.scopes.iter().find(|scope| scope.name == name)
    }
}

/// One scope, as one node believes it to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeView {
    /// What it is called.
    pub name: String,
    /// Peers that are discovered in the scope: broadcasts go to them, and their registrations are accepted.
    pub known: BTreeSet<NodeId>,
    /// The whole table, by name.
    pub entries: Arc<BTreeMap<String, Entry>>,
    /// How many names the node says it has.
    pub count: i64,
    /// Process groups: their members, with metadata.
    pub groups: BTreeMap<String, BTreeMap<Pid, String>>,
}
