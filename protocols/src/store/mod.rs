//! A coordination store with etcd's face: keys with revisions, transactions, leases, watches; and ZooKeeper's on it
//! ([`zookeeper`]).
//!
//! # The algorithm
//!
//! Three or five replicas keep one log by Raft, and apply it to one state each. The consensus is somebody else's:
//! `openraft`, unmodified; `raft/mod.rs` says what we had to know about it. On top:
//!
//! *Revisions.* Each command that changes keys makes one revision, whatever it changes. A key knows at which revision
//! it was created and last changed, and how often.
//!
//! *Transactions.* If all comparisons hold then these operations, else those; nothing happens in between. One that puts a
//! key twice in one branch, or puts and deletes it, is refused whole.
//!
//! *Reads* are linearizable: the leader makes sure that it still leads, waits until it has applied what was
//! acknowledged before, and reads its own state.
//!
//! *Leases* end a while after they were last renewed, and delete the keys that go with them. When, only the leader
//! counts (`lessor.rs`); that they end is replicated. A lease never ends early for a client that renews it, counted
//! from when it asked; it may end late, by an election, the election time-out that a new leader adds, and the tick of the
//! leader.
//!
//! *Watches* bring the changes of some keys from a revision on, in order and without a gap. A replica keeps the latest
//! changes; a watch that wants older ones is told so, and ends.
//!
//! *Members* are added and removed by the leader, one at a time (`raft/members.rs`). Who is added copies before it votes;
//! who is removed forgets everything (`outside.rs`), and is another member when it is added again (`member.rs`).
//!
//! # The source
//!
//! etcd's API guarantees, its `lessor` and its changes of members; Ongaro's Raft by way of openraft 0.9.21.
//!
//! # Invariants
//!
//! * Replicas at one revision came to it by the same changes.
//! * What was acknowledged is there after any crash, as long as a majority keeps its disks.
//! * What clients see is linearizable.
//!
//! # What it gives up
//!
//! A majority of replicas, for all but watches. A replica that has lost its disk must not come back under its number:
//! it has forgotten its vote. Requests carry no number: what became of one without an answer is not known.
//!
//! # Where to look
//!
//! * the rules: the state that is replicated (`rules.rs`); the lease clock (`lessor.rs`)
//! * the consensus (`raft/`), the replica around it (`node.rs`, `connection.rs`), watches (`watch.rs`)
//! * [`Client`] (`client.rs`); wire types (`message.rs`); [`Config`], [`Options`] (`options.rs`); [`View`] (`view.rs`)

mod client;
mod connection;
mod latest;
mod lessor;
mod member;
mod message;
mod node;
mod options;
mod outside;
mod raft;
mod rules;
mod view;
mod watch;
pub mod zookeeper;

pub use client::{Client, ClientError, Watch};
pub use message::{Change, Compare, Condition, Event, KeyValue, LeaseId, Operation, Refusal, Txn, TxnReply};
pub use node::{run, serve};
pub use options::{Config, Flaw, Options};
pub use view::{Lease, View};

/// The probe by which a replica says what it is, where all machines are replicas.
pub const ROLE: &str = "role";

/// The probe by which a replica says that the members are about to change.
pub(crate) const MEMBERS: &str = "members";

/// Every probe of the store: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // revision, hash of all changes up to it: a replica has applied a command
    "applied",
    // leader, follower, candidate or learner, and its term, or that it is removed; by another name where its `Config` says so
    ROLE,
    // term, for whom, whether a majority gave it: a vote is about to be written down
    "vote",
    // joint or voters, how many vote, the index: an entry that changes the members is about to be written down
    MEMBERS,
    "a member begins anew",
    "a member is removed",
    "lease expired",
    "lease renewed",
    "malformed frame dropped",
    // a session of ZooKeeper's face, by its number
    "session",
    "a session has ended",
    "a watch is forgotten",
    "openraft: a deposed leader's task panicked",
    "raft log compacted",
    "raft log truncated",
    "replica begins anew",
    "snapshot installed",
    "the line of a session is lost",
    "watch fell behind",
];
