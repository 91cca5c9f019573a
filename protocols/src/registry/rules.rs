//! What a node's rules must answer, whichever protocol they follow.

mod converged;
mod syn;

use super::{
    events::Events,
    local::Local,
    message::{Answer, Call, Record},
    options::{Flaw, Options, Protocol},
    process::{NodeId, Pid, Processes},
    resolver::Resolve,
    table::Entry,
};
use converged::{Converged, Ranks};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use syn::Syn;

/// The rules of one scope: plain functions that take one event each, and send what must leave the node, in order.
pub(super) trait Rules: Send {
    /// Peers whose entries this node has, and takes further ones from.
    fn known(&self) -> &BTreeSet<NodeId>;
    /// A copy of what every name points at.
    fn entries(&self) -> Arc<BTreeMap<String, Entry>>;
    /// What changes, for those who watch.
    fn events(&mut self) -> &mut Events;
    /// How many names a node owns.
    fn count_of(&self, node: NodeId) -> u64;
    /// How many names this node has.
    fn count(&self) -> i64;
    /// Whether a process of this node has names here: its death must be reported.
    fn watches(&self, pid: Pid) -> bool;

    /// Where a name points, as clients see it.
    fn lookup(&self, name: &str, processes: &Processes) -> Option<&Entry>;
    /// Whom a name belongs to, dead or alive.
    fn holder(&self, name: &str) -> Option<Pid>;

    /// A question about a process of this node.
    fn on_call(&mut self, requester: NodeId, call: Call, now: u64, local: &mut Local) -> Answer;
    /// The calling task of this node has its answer: `register` of a process of another node.
    fn write_registered(&mut self, name: &str, pid: Pid, meta: String, time: u64);
    /// The calling task of this node has its answer: `unregister` of a process of another node.
    fn write_unregistered(&mut self, name: &str, pid: Pid);
    /// A process that was watched has died.
    fn on_process_down(&mut self, pid: Pid, local: &mut Local);

    fn on_node_up(&mut self, peer: NodeId, local: &mut Local);
    fn on_node_down(&mut self, peer: NodeId);
    /// The scope process of this node crashes and is back at once: what it knew of others is gone.
    fn on_scope_crash(&mut self, peers: &[NodeId], local: &mut Local);
    /// The scope process of a peer has crashed and is back.
    fn on_scope_down(&mut self, peer: NodeId, local: &mut Local);
    fn on_discover(&mut self, from: NodeId, local: &mut Local);
    fn on_ack_sync(&mut self, from: NodeId, records: Vec<Record>, now: u64, local: &mut Local);
    fn on_sync_register(&mut self, record: Record, now: u64, local: &mut Local);
    fn on_sync_unregister(&mut self, name: &str, pid: Pid);
}

/// What a node's rules are made by: the protocol that the options ask for, with what its scopes share.
pub(super) enum Rulebook {
    /// Scopes share nothing. A custom resolver is Syn's.
    Syn { flaw: Option<Flaw>, resolve: Option<Resolve> },
    /// The ranks of processes are the node's.
    Converged { ranks: Arc<Mutex<Ranks>> },
}

impl Rulebook {
    pub fn new(options: &Options, resolve: Option<Resolve>) -> Self {
        match options.protocol {
            Protocol::Syn => {
                let resolve = resolve.or_else(|| Resolve::named(options.resolver));
                Rulebook::Syn { flaw: options.flaw, resolve }
            }
            Protocol::Converged => Rulebook::Converged { ranks: Arc::default() },
        }
    }

    /// The rules of one more scope.
    pub fn scope(&self, node: NodeId) -> Box<dyn Rules> {
        match self {
            Rulebook::Syn { flaw, resolve } => Box::new(Syn::new(node, *flaw, resolve.clone())),
            Rulebook::Converged { ranks } => Box::new(Converged::new(node, Arc::clone(ranks))),
        }
    }
}
