//! What all scopes of a node share: its processes, and the way out.

use super::{
    message::PeerMessage,
    process::{NodeId, Pid, Processes},
};

/// Handed to the rules with each event.
#[derive(Debug)]
pub(super) struct Local {
    pub processes: Processes,
    /// What must leave the node after this event, in order.
    pub outgoing: Vec<Outgoing>,
    /// Those that a custom resolver gave up in this event, here or elsewhere.
    pub given_up: Vec<Pid>,
}

/// One message to each of these peers, through its ordered channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub to: Vec<NodeId>,
    pub message: PeerMessage,
}

impl Local {
    pub fn new(node: NodeId, incarnation: u64) -> Self {
        Local { processes: Processes::new(node, incarnation), outgoing: Vec::new(), given_up: Vec::new() }
    }

    /// Queues a message. Its receivers are fixed now.
    pub fn send(&mut self, to: Vec<NodeId>, message: PeerMessage) {
        if !to.is_empty() {
            self.outgoing.push(Outgoing { to, message });
        }
    }
}
