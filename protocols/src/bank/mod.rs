//! x
mod account;
mod audit;
mod client;
mod client_port;
mod gate;
mod link;
mod message;
mod node;
mod options;
mod refusal;
mod state;
mod view;

pub use account::{Account, Limits};
pub use client::{Client, ClientError};
pub use message::{AccountId, Act, Answer, Audit, BranchId, Id, Part, Transfer};
pub use node::{run, serve};
pub use options::{Config, Flaw, Options};
pub use refusal::Refusal;
pub use view::{Summary, View};

/// Every probe of the bank: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // the last record of the log that was found: a branch begins a life
    "recovered",
    // what, id: a record was appended, and is not durable
    "writing",
    // what, id, its place in the log: a record is durable, and what follows from it leaves
    "written",
    // id: the same request had another answer
    "answer changed",
    // account: money was moved although it is closed
    "closed account moved",
    // available, in flight, deposited, withdrawn
    "audit",
    "audit given up",
    "audit with money in flight",
    "disk failed, branch begins anew",
    "late answer about a transfer",
    "log corrupt",
    "malformed frame dropped",
    "no room for a snapshot",
    "refused, the disk is full",
    "retry of a transfer under way",
    "silent branch given up",
    "snapshot written",
    "torn tail cut",
    "transfer arrived again",
    "transfer declined",
    "transfer sent again",
];
