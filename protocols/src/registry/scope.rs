//! Scopes: overlays on the cluster. Each has a registry and groups of its own, and a scope process that may crash
//! alone.
//!
//! A node takes part in the scopes that it has added, when it starts or later; the nodes of a scope are those that have
//! added it. A message for a scope that a node has not added is lost, as is one to a scope process that does not exist
//! in Erlang. Processes belong to the node: one may have names in any number of scopes, and each that watches it is
//! told of its death.
//!
//! A scope that is added while peers are connected begins as one that has crashed and is back: with nothing, saying so.

use super::{
    events::Event,
    groups::Groups,
    local::Local,
    message::{Answer, Call, PeerMessage, Refusal},
    process::NodeId,
    rules::Rules,
    view::ScopeView,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The scope of those who name none.
pub const DEFAULT_SCOPE: &str = "default";

/// The name of a scope. The default scope's is empty, in memory and on the wire, where it costs one byte.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ScopeName(String);

impl ScopeName {
    pub fn new(name: &str) -> Self {
        ScopeName(if name == DEFAULT_SCOPE { String::new() } else { name.to_owned() })
    }

    pub fn as_str(&self) -> &str {
        if self.0.is_empty() { DEFAULT_SCOPE } else { &self.0 }
    }
}

impl fmt::Display for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// As it is written: messages are read in traces.
impl fmt::Debug for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ScopeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ScopeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(if name == DEFAULT_SCOPE { ScopeName::default() } else { ScopeName(name) })
    }
}

/// One scope of one node.
pub(super) struct Scope {
    pub rules: Box<dyn Rules>,
    pub groups: Groups,
    watchers: Vec<mpsc::UnboundedSender<Event>>,
}

impl Scope {
    pub fn new(node: NodeId, rules: Box<dyn Rules>) -> Self {
        Scope { rules, groups: Groups::new(node), watchers: Vec::new() }
    }

    pub fn view(&self, name: &ScopeName) -> ScopeView {
        ScopeView {
            name: name.as_str().to_owned(),
            known: self.rules.known().clone(),
            entries: self.rules.entries(),
            count: self.rules.count(),
            groups: self.groups.all().clone(),
        }
    }

    /// A question about a process of this node.
    pub fn on_call(&mut self, requester: NodeId, call: Call, now: u64, local: &mut Local) -> Answer {
        match call {
            Call::Join { pid, .. } if !local.processes.is_alive(pid) => Answer::Refused(Refusal::NotAlive),
            Call::Join { group, pid, meta } => self.groups.join(group, pid, meta, local),
            Call::Leave { group, pid } => self.groups.leave(group, pid, local),
            call => self.rules.on_call(requester, call, now, local),
        }
    }

    pub fn on_peer_message(&mut self, from: NodeId, message: PeerMessage, now: u64, local: &mut Local) {
        match message {
            PeerMessage::Discover => self.rules.on_discover(from, local),
            PeerMessage::AckSync(records) => self.rules.on_ack_sync(from, records, now, local),
            PeerMessage::SyncRegister(record) => self.rules.on_sync_register(record, now, local),
            PeerMessage::SyncUnregister { name, pid } => self.rules.on_sync_unregister(&name, pid),
            PeerMessage::ScopeDown => {
                self.rules.on_scope_down(from, local);
                self.groups.on_node_down(from);
                self.groups.on_node_up(from, local);
            }
            PeerMessage::GroupSnapshot(members) => self.groups.on_snapshot(from, members),
            PeerMessage::SyncJoin { group, pid, meta } => self.groups.on_join(&group, pid, &meta),
            PeerMessage::SyncLeave { group, pid } => self.groups.on_leave(&group, pid),
            // These are the node's.
            PeerMessage::Heartbeat
            | PeerMessage::Lost { .. }
            | PeerMessage::Found { .. }
            | PeerMessage::Call { .. }
            | PeerMessage::Reply { .. }
            | PeerMessage::Deliver { .. } => {}
        }
    }

    pub fn on_node_up(&mut self, peer: NodeId, local: &mut Local) {
        self.rules.on_node_up(peer, local);
        self.groups.on_node_up(peer, local);
    }

    pub fn on_node_down(&mut self, peer: NodeId) {
        self.rules.on_node_down(peer);
        self.groups.on_node_down(peer);
    }

    /// The scope process crashes and is back at once; its processes live on.
    pub fn on_crash(&mut self, peers: &[NodeId], local: &mut Local) {
        self.rules.on_scope_crash(peers, local);
        for peer in peers {
            self.groups.on_node_down(*peer);
            self.groups.on_node_up(*peer, local);
        }
    }

    /// Adds a watcher, who is first told what is there.
    pub fn watch(&mut self) -> mpsc::UnboundedReceiver<Event> {
        let (watcher, events) = mpsc::unbounded_channel();
        for (name, entry) in Arc::unwrap_or_clone(self.rules.entries()) {
            drop(watcher.send(Event::Registered { name, pid: entry.pid, meta: entry.meta }));
        }
        for (group, members) in self.groups.all() {
            for (pid, meta) in members {
                drop(watcher.send(Event::Joined { group: group.clone(), pid: *pid, meta: meta.clone() }));
            }
        }
        self.watchers.push(watcher);
        self.rules.events().watch(true);
        self.groups.events.watch(true);
        events
    }

    /// Hands on what has happened since.
    pub fn tell_watchers(&mut self) {
        if self.watchers.is_empty() {
            return;
        }
        let mut events = self.rules.events().take();
        events.extend(self.groups.events.take());
        for event in events {
            self.watchers.retain(|watcher| watcher.send(event.clone()).is_ok());
        }
        let watched = !self.watchers.is_empty();
        self.rules.events().watch(watched);
        self.groups.events.watch(watched);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_scope_costs_one_byte_on_the_wire_and_reads_as_its_name() {
        let bytes = postcard::to_stdvec(&ScopeName::new(DEFAULT_SCOPE)).unwrap();
        assert_eq!(bytes, [0]);
        let read: ScopeName = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(read.to_string(), "default");
        assert_eq!(read, ScopeName::default());
    }

    #[test]
    fn the_default_scope_spelt_out_is_the_default_scope() {
        let read: ScopeName = postcard::from_bytes(b"\x07default").unwrap();
        assert_eq!(read, ScopeName::default());
        let other: ScopeName = postcard::from_bytes(b"\x02eu").unwrap();
        assert_eq!(other.as_str(), "eu");
    }
}
