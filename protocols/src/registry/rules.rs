//! What a node's rules must answer, whichever protocol they follow.

use super::{converged::Converged, state::Effect, state::Scope};
use super::{
    events::Events,
    message::{Answer, Call, Record},
    options::{Options, Protocol},
    process::{NodeId, Pid, Processes},
    table::Entry,
};
use std::collections::{BTreeMap, BTreeSet};

/// The rules of one node: plain functions that take one event each, and push what must leave the node, in order.
pub(super) trait Rules: Send {
    /// Peers whose entries this node has, and takes further ones from.
    fn known(&self) -> &BTreeSet<NodeId>;
    /// A copy of what every name points at.
    fn entries(&self) -> BTreeMap<String, Entry>;
    /// What changes, for those who watch.
    fn events(&mut self) -> &mut Events;
    /// How many names a node owns.
    fn count_of(&self, node: NodeId) -> u64;
    /// How many names this node has.
    fn count(&self) -> i64;
    fn processes(&self) -> &Processes;
    fn spawn(&mut self) -> Pid;
    /// The processes of this node that have died since it was last asked.
    fn take_dead(&mut self) -> Vec<Pid>;

    /// Where a name points, as clients see it.
    fn lookup(&self, name: &str) -> Option<&Entry>;
    /// Whom a name belongs to, dead or alive.
    fn holder(&self, name: &str) -> Option<Pid>;

    /// A question about a process of this node.
    fn on_call(&mut self, requester: NodeId, call: Call, now: u64, effects: &mut Vec<Effect>) -> Answer;
    /// The calling task of this node has its answer: `register` of a process of another node.
    fn write_registered(&mut self, name: &str, pid: Pid, meta: String, time: u64);
    /// The calling task of this node has its answer: `unregister` of a process of another node.
    fn write_unregistered(&mut self, name: &str, pid: Pid);
    /// Ends a process of this node. Its entries stay until the report of its death is handled. `false` if it was not
    /// alive.
    fn kill(&mut self, pid: Pid, effects: &mut Vec<Effect>) -> bool;
    /// A process that was watched has died.
    fn on_process_down(&mut self, pid: Pid, effects: &mut Vec<Effect>);

    fn on_node_up(&mut self, peer: NodeId, effects: &mut Vec<Effect>);
    fn on_node_down(&mut self, peer: NodeId);
    /// The scope process of this node crashes and is back at once: what it knew of others is gone.
    fn on_scope_crash(&mut self, peers: &[NodeId], effects: &mut Vec<Effect>);
    /// The scope process of a peer has crashed and is back.
    fn on_scope_down(&mut self, peer: NodeId, effects: &mut Vec<Effect>);
    fn on_discover(&mut self, from: NodeId, effects: &mut Vec<Effect>);
    fn on_ack_sync(&mut self, from: NodeId, records: Vec<Record>, now: u64, effects: &mut Vec<Effect>);
    fn on_sync_register(&mut self, record: Record, now: u64, effects: &mut Vec<Effect>);
    fn on_sync_unregister(&mut self, name: &str, pid: Pid);
}

/// The rules that the options ask for.
pub(super) fn rules(node: NodeId, incarnation: u64, options: &Options) -> Box<dyn Rules> {
    match options.protocol {
        Protocol::Syn => Box::new(Scope::new(node, incarnation, options.flaw)),
        Protocol::Converged => Box::new(Converged::new(node, incarnation)),
    }
}
