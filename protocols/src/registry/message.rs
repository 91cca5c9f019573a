//! What travels: between nodes, and between a client and its node.

use super::{
    events::Event,
    process::{NodeId, Pid},
    table::Entry,
};
use serde::{Deserialize, Serialize};

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 64 * 1024;

/// The longest metadata, in bytes.
pub const META_BYTES_MAX: usize = 1024 * 1024;

/// The first frame on every connection. Of two peers both say it, the dialler first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Hello {
    /// A node, in this life of it.
    Peer {
        node: NodeId,
        incarnation: u64,
    },
    Client,
}

/// One row of a snapshot or of a broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub name: String,
    pub pid: Pid,
    pub meta: String,
    /// The owner's stamp, in ns.
    pub time: u64,
}

impl Record {
    /// What it says that the name points at.
    pub fn entry(&self) -> Entry {
        Entry { pid: self.pid, meta: self.meta.clone(), time: self.time }
    }
}

/// Node to node, after the name of the scope it belongs to (the default one for what belongs to none). All of it
/// leaves through the peer's one ordered sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PeerMessage {
    Heartbeat,
    /// "I see you: tell me what you own."
    Discover,
    /// All that the sender owns, at this point of its channel.
    AckSync(Vec<Record>),
    SyncRegister(Record),
    SyncUnregister {
        name: String,
        pid: Pid,
    },
    Call {
        id: u64,
        call: Call,
    },
    Reply {
        id: u64,
        answer: Answer,
    },
    /// All memberships of the sender's processes, at this point of its channel: group, process, metadata.
    GroupSnapshot(Vec<(String, Pid, String)>),
    SyncJoin {
        group: String,
        pid: Pid,
        meta: String,
    },
    SyncLeave {
        group: String,
        pid: Pid,
    },
    /// A message for a process of the receiver.
    Deliver {
        pid: Pid,
        body: String,
    },
    /// The sender's scope process has crashed and is back, or is new: what was learnt from it is void.
    ScopeDown,
    /// The sender has lost its connection to this node, where partitions are to be whole.
    Lost {
        peer: NodeId,
    },
    /// It has one again.
    Found {
        peer: NodeId,
    },
}

impl PeerMessage {
    /// Whether this node may say so in this life of it: nobody speaks for another node's processes, nor for those of
    /// an earlier life, and names and metadata are within bounds.
    pub(super) fn is_honest(&self, from: NodeId, incarnation: u64) -> bool {
        let own = |pid: &Pid| pid.node == from && pid.incarnation == incarnation;
        let fair = |name: &str, meta: &str| check_name(name).is_ok() && check_meta(meta).is_ok();
        let record = |record: &Record| own(&record.pid) && fair(&record.name, &record.meta);
        match self {
            PeerMessage::AckSync(records) => records.iter().all(record),
            PeerMessage::SyncRegister(one) => record(one),
            PeerMessage::SyncUnregister { name, pid } => own(pid) && fair(name, ""),
            PeerMessage::GroupSnapshot(members) => {
                members.iter().all(|(group, pid, meta)| own(pid) && fair(group, meta))
            }
            PeerMessage::SyncJoin { group, pid, meta } => own(pid) && fair(group, meta),
            PeerMessage::SyncLeave { group, pid } => own(pid) && fair(group, ""),
            _ => true,
        }
    }
}

/// A question to the node that runs a process. It answers once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Call {
    Register {
        name: String,
        pid: Pid,
        meta: String,
    },
    Unregister {
        name: String,
        pid: Pid,
    },
    Kill {
        pid: Pid,
    },
    Join {
        group: String,
        pid: Pid,
        meta: String,
    },
    Leave {
        group: String,
        pid: Pid,
    },
    /// A question to the process itself, answered by whoever reads its messages.
    Ask {
        pid: Pid,
        body: String,
    },
    /// It is ended, if it is alive: a resolver has given it up.
    Stop {
        pid: Pid,
    },
}

/// The owner's answer to a [`Call`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// Written with this stamp.
    Registered {
        time: u64,
    },
    /// The same process with the same metadata was there already.
    Unchanged,
    Unregistered,
    Killed,
    Joined,
    Left,
    Said(String),
    Refused(Refusal),
}

/// A definite no: nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The owner has the name registered to another process.
    #[error("the name is taken by another process")]
    Taken,
    /// The process is not, or no longer, running on its node.
    #[error("the process is not alive")]
    NotAlive,
    /// No such name, at the node asked or at the owner.
    #[error("the name is not registered")]
    Undefined,
    /// The owner has the name registered to another process than the node asked believes.
    #[error("race condition: the name has moved to another process")]
    RaceCondition,
    /// The node asked, or the process' node, has not added the scope.
    #[error("the node has not added the scope")]
    NoSuchScope,
    /// The process is not in the group.
    #[error("the process is not in the group")]
    NotInGroup,
    /// Strict mode: only the process itself may register or join itself, that is, the client that started it.
    #[error("only the process itself may do that")]
    NotSelf,
    /// A name needs at least one byte.
    #[error("the name is empty")]
    EmptyName,
    /// See [`NAME_BYTES_MAX`].
    #[error("the name has {bytes} bytes, above the limit of {NAME_BYTES_MAX}")]
    NameTooLong {
        /// The name's length.
        bytes: usize,
    },
    /// See [`META_BYTES_MAX`].
    #[error("the metadata has {bytes} bytes, above the limit of {META_BYTES_MAX}")]
    MetaTooLong {
        /// The metadata's length.
        bytes: usize,
    },
    /// The process' node has no connection to the node asked: the call was never sent.
    #[error("no connection to {node}, which runs the process")]
    Unreachable {
        /// The process' node.
        node: NodeId,
    },
}

/// Client to node, after the name of the scope it is about. One is outstanding at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ClientRequest {
    Spawn,
    Kill {
        pid: Pid,
    },
    Register {
        name: String,
        pid: Pid,
        meta: String,
    },
    Unregister {
        name: String,
    },
    Lookup {
        name: String,
    },
    /// How many names there are, of all nodes or of one.
    Count {
        node: Option<NodeId>,
    },
    Join {
        group: String,
        pid: Pid,
        meta: String,
    },
    Leave {
        group: String,
        pid: Pid,
    },
    Members {
        group: String,
    },
    Groups,
    /// Send a message to each member of a group, or to those on this node.
    Publish {
        group: String,
        body: String,
        local: bool,
    },
    /// Ask each member of a group, and wait this long for its answer.
    MultiCall {
        group: String,
        body: String,
        timeout_ms: u64,
    },
    /// From now on this connection brings the messages of a process of this node.
    Attach {
        pid: Pid,
    },
    /// On an attached connection: the answer to a question.
    Say {
        question: u64,
        body: String,
    },
    /// From now on this connection brings the node's events.
    Watch,
    /// Take part in the scope from now on.
    AddScope,
    /// Crash the node's scope process; it comes back at once.
    CrashScope,
}

/// Node to client, one for each request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ClientReply {
    Spawned(Pid),
    Done,
    Found(Option<(Pid, String)>),
    Counted(u64),
    Members(Vec<(Pid, String)>),
    Groups(Vec<String>),
    /// Who answered what, and who did not.
    Answers(Vec<(Pid, String)>, Vec<Pid>),
    /// On an attached connection; a question has a number.
    Message {
        body: String,
        question: Option<u64>,
    },
    Event(Event),
    Failed(Failure),
}

/// Why a node could not do what its client asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Failure {
    /// Definite: nothing happened.
    Refused(Refusal),
    /// Unknown: the owner did not answer in time.
    CallTimeout,
    /// Unknown: the owner went down with the call outstanding.
    NodeDown(NodeId),
}

/// Whether a name is fit to be registered.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    match name.len() {
        0 => Err(Refusal::EmptyName),
        bytes if bytes > NAME_BYTES_MAX => Err(Refusal::NameTooLong { bytes }),
        _ => Ok(()),
    }
}

/// Whether metadata is small enough to travel.
pub(super) fn check_meta(meta: &str) -> Result<(), Refusal> {
    let bytes = meta.len();
    if bytes > META_BYTES_MAX { Err(Refusal::MetaTooLong { bytes }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_one_byte_and_one_at_the_limit_are_accepted() {
        assert_eq!(check_name("x"), Ok(()));
        assert_eq!(check_name(&"x".repeat(NAME_BYTES_MAX)), Ok(()));
    }

    #[test]
    fn an_empty_name_and_one_above_the_limit_are_refused() {
        assert_eq!(check_name(""), Err(Refusal::EmptyName));
        let bytes = NAME_BYTES_MAX + 1;
        assert_eq!(check_name(&"x".repeat(bytes)), Err(Refusal::NameTooLong { bytes }));
    }

    #[test]
    fn metadata_above_the_limit_is_refused() {
        assert_eq!(check_meta(""), Ok(()));
        let bytes = META_BYTES_MAX + 1;
        assert_eq!(check_meta(&"x".repeat(bytes)), Err(Refusal::MetaTooLong { bytes }));
    }
}
