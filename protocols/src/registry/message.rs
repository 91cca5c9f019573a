//! What travels: between nodes, and between a client and its node.

use super::process::{NodeId, Pid};
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

/// Node to node. All of it leaves through the peer's one ordered sender.
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
}

/// A question to the node that runs a process. It answers once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Call {
    Register { name: String, pid: Pid, meta: String },
    Unregister { name: String, pid: Pid },
    Kill { pid: Pid },
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

/// Client to node. One is outstanding at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ClientRequest {
    Spawn,
    Kill { pid: Pid },
    Register { name: String, pid: Pid, meta: String },
    Unregister { name: String },
    Lookup { name: String },
}

/// Node to client, one for each request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ClientReply {
    Spawned(Pid),
    Done,
    Found(Option<(Pid, String)>),
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
