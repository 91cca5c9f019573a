//! What clients say to a store, what it answers, and what is replicated.

use serde::{Deserialize, Serialize};

/// A lease, by the number that the store chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaseId(pub u64);

/// A key, its value, and what became of it so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyValue {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// The revision at which it was created.
    pub created: u64,
    /// The revision at which it was last changed.
    pub modified: u64,
    /// How often it was put since it was created.
    pub version: u64,
    /// The lease that it goes with.
    pub lease: Option<LeaseId>,
}

/// If all comparisons hold, then these, else those. One revision, or none if nothing changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Txn {
    /// What must hold.
    pub compare: Vec<Compare>,
    /// What is done then.
    pub success: Vec<Operation>,
    /// What is done otherwise.
    pub failure: Vec<Operation>,
}

/// Something that must hold of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compare {
    /// The key.
    pub key: String,
    /// What.
    pub condition: Condition,
}

/// What must hold of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// It was put so often; 0: it does not exist.
    Version(u64),
    /// It was last changed at this revision; 0: it does not exist.
    Modified(u64),
    /// It exists, with this value.
    Value(String),
}

/// One step of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// The keys that are this one, or begin with it.
    Get {
        /// The key.
        key: String,
        /// Whether all that begin with it are meant.
        prefix: bool,
    },
    /// From now on it has this value.
    Put {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// It goes when this lease does.
        lease: Option<LeaseId>,
    },
    /// It is gone.
    Delete {
        /// The key.
        key: String,
    },
}

/// What a transaction did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxnReply {
    /// Whether all comparisons held.
    pub succeeded: bool,
    /// The revision after it.
    pub revision: u64,
    /// For each operation: what it read, or deleted.
    pub results: Vec<Vec<KeyValue>>,
}

/// A key changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// At which revision.
    pub revision: u64,
    /// Which key.
    pub key: String,
    /// How.
    pub change: Change,
}

/// How a key changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// It was put.
    Put {
        /// Its value.
        value: String,
        /// How often it was put since it was created.
        version: u64,
    },
    /// It was deleted, or its lease has ended.
    Delete,
}

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// There is no such lease: it was revoked, or has expired.
    #[error("there is no such lease")]
    NoSuchLease,
    /// There is such a lease already.
    #[error("there is such a lease already")]
    LeaseExists,
    /// A lease lasts at least so long.
    #[error("a lease lasts at least {min_ms} ms")]
    TtlTooShort {
        /// In ms.
        min_ms: u64,
    },
    /// A key or value is too long, or the key is empty.
    #[error("a key has 1 to {key_max} bytes, a value at most {value_max}")]
    Size {
        /// In bytes.
        key_max: usize,
        /// In bytes.
        value_max: usize,
    },
    /// A key is put twice, or put and deleted, in one branch of a transaction.
    #[error("duplicate key given in txn request")]
    DuplicateKey,
    /// There is no such replica.
    #[error("there is no replica {replica}")]
    NoSuchReplica {
        /// Its number.
        replica: u64,
    },
    /// A replica that is to be added is a member.
    #[error("member ID already exist")]
    MemberExists,
    /// A replica that is to be removed is no member.
    #[error("member not found")]
    NoSuchMember,
    /// Members are being changed: one change at a time.
    #[error("a change of the members is under way")]
    ChangeUnderWay,
    /// The last member is not removed.
    #[error("re-configuration failed due to not enough started members")]
    LastMember,
    /// Too few members are connected, and were for long enough.
    #[error("unhealthy cluster")]
    Unhealthy,
}

/// What is replicated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Command {
    Txn(Txn),
    Grant { lease: LeaseId, ttl_ms: u64 },
    Revoke { lease: LeaseId },
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// Nothing: it was the consensus' own.
    Nothing,
    Done,
    Txn(TxnReply),
    Refused(Refusal),
}

/// The first message on a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Hello {
    Client,
    /// One of the members that the store began with, to another of them.
    Replica(u64),
    /// Any other members.
    Member {
        from: u64,
        to: u64,
    },
}

/// Client to replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Request {
    Txn(Txn),
    Read {
        key: String,
        prefix: bool,
    },
    Grant {
        ttl_ms: u64,
    },
    KeepAlive {
        lease: LeaseId,
    },
    Revoke {
        lease: LeaseId,
    },
    /// From now on this connection brings events.
    Watch {
        key: String,
        prefix: bool,
        from: u64,
    },
    /// This replica becomes a member.
    AddMember {
        replica: u64,
    },
    /// This replica is no member any more.
    RemoveMember {
        replica: u64,
    },
}

/// Replica to client, one for each request; on a watching connection any number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reply {
    Txn(TxnReply),
    Read {
        revision: u64,
        pairs: Vec<KeyValue>,
    },
    Granted {
        lease: LeaseId,
    },
    Alive {
        ttl_ms: u64,
    },
    Done,
    Refused(Refusal),
    Events(Vec<Event>),
    /// The watch ends: what comes next was compacted away.
    Compacted,
    /// Nothing was done: ask this one, if it is known.
    NotLeader(Option<u64>),
    /// Whether it was done is not known.
    Unknown,
    /// Nothing was done: this replica is no member.
    NoMember,
}

pub(super) const KEY_BYTES_MAX: usize = 4096;
pub(super) const VALUE_BYTES_MAX: usize = 1 << 20;

impl Request {
    /// Whether it may be done.
    pub fn check(&self, ttl_min_ms: u64) -> Result<(), Refusal> {
        let fits = |key: &str, value: &str| {
            (1..=KEY_BYTES_MAX).contains(&key.len()) && value.len() <= VALUE_BYTES_MAX
        };
        let sizes = match self {
            Request::Txn(txn) => {
                let operations = txn.success.iter().chain(&txn.failure);
                operations.clone().all(|operation| match operation {
                    Operation::Put { key, value, .. } => fits(key, value),
                    Operation::Get { .. } | Operation::Delete { .. } => true,
                })
            }
            _ => true,
        };
        if !sizes {
            return Err(Refusal::Size { key_max: KEY_BYTES_MAX, value_max: VALUE_BYTES_MAX });
        }
        match self {
            Request::Txn(txn) if repeats_a_key(&txn.success) || repeats_a_key(&txn.failure) => {
                Err(Refusal::DuplicateKey)
            }
            Request::Grant { ttl_ms } if *ttl_ms < ttl_min_ms => {
                Err(Refusal::TtlTooShort { min_ms: ttl_min_ms })
            }
            _ => Ok(()),
        }
    }
}

/// Whether a key is put twice in a branch, or put and deleted.
fn repeats_a_key(branch: &[Operation]) -> bool {
    let changes = |operation: &Operation, key: &str| match operation {
        Operation::Put { key: changed, .. } | Operation::Delete { key: changed } => changed == key,
        Operation::Get { .. } => false,
    };
    let changed = |key: &str| branch.iter().filter(|operation| changes(operation, key)).count();
    branch.iter().any(|operation| matches!(operation, Operation::Put { key, .. } if changed(key) > 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str) -> Operation {
        Operation::Put { key: key.to_owned(), value: "1".to_owned(), lease: None }
    }

    fn delete(key: &str) -> Operation {
        Operation::Delete { key: key.to_owned() }
    }

    fn checked(success: Vec<Operation>, failure: Vec<Operation>) -> Result<(), Refusal> {
        Request::Txn(Txn { compare: Vec::new(), success, failure }).check(0)
    }

    /// etcd 3.5.16, seen.
    #[test]
    fn a_transaction_that_puts_a_key_twice_in_a_branch_is_refused_whole() {
        assert_eq!(checked(vec![put("a"), put("b"), put("a")], vec![]), Err(Refusal::DuplicateKey));
        assert_eq!(checked(vec![], vec![delete("a"), put("a")]), Err(Refusal::DuplicateKey));
        assert_eq!(checked(vec![put("a"), put("b")], vec![put("a")]), Ok(()), "in both branches it is fine");
        assert_eq!(checked(vec![delete("a"), delete("a")], vec![]), Ok(()));
        assert_eq!(Refusal::DuplicateKey.to_string(), "duplicate key given in txn request");
    }
}
