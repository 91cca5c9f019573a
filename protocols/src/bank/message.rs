//! What travels: between a client and a branch, and between branches. And what is written to the log.

use super::{account::Account, refusal::Refusal};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An account, by its number from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountId(pub u32);

/// A branch, by its number from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BranchId(pub u16);

/// A request, by the client that made it up. The bank does what an id asks for once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Id {
    /// The client: random, so that no two are alike.
    pub client: u64,
    /// Its requests, counted.
    pub number: u32,
}

/// What changes accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// Put money on an account.
    Deposit(AccountId, i64),
    /// Take money from it.
    Withdraw(AccountId, i64),
    /// Move money from the first to the second.
    Transfer(AccountId, AccountId, i64),
    /// Let no more money move.
    Close(AccountId),
    /// Let it move again.
    Reopen(AccountId),
}

impl Act {
    /// The account whose branch decides.
    pub fn account(&self) -> AccountId {
        match self {
            Act::Deposit(account, _)
            | Act::Withdraw(account, _)
            | Act::Transfer(account, _, _)
            | Act::Close(account)
            | Act::Reopen(account) => *account,
        }
    }
}

/// How a request ended, for ever: the same id gets the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It was done.
    Done,
    /// It was not, and never will be.
    Refused(Refusal),
    /// A transfer was under way and could not arrive; the money is back where it came from.
    Refunded(Refusal),
}

/// Money on its way between two branches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transfer {
    /// Where it is held.
    pub from: AccountId,
    /// Where it goes.
    pub to: AccountId,
    /// How much.
    pub amount: i64,
}

/// One branch's part of a cut: a state that no later message has touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Every account that was ever used.
    pub accounts: Vec<(AccountId, Account)>,
    /// Transfers from here that are under way.
    pub held: Vec<(Id, Transfer)>,
    /// All that was ever deposited here.
    pub deposited: i64,
    /// All that was ever withdrawn here.
    pub withdrawn: i64,
}

/// A consistent sight of the whole bank.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Every account that was ever used.
    pub accounts: Vec<(AccountId, Account)>,
    /// Available on all accounts.
    pub available: i64,
    /// Held for transfers that have not arrived.
    pub in_flight: i64,
    /// All that was ever deposited.
    pub deposited: i64,
    /// All that was ever withdrawn.
    pub withdrawn: i64,
}

impl Audit {
    /// Whether no penny is lost and none too many.
    pub fn balances(&self) -> bool {
        self.available + self.in_flight == self.deposited - self.withdrawn
    }
}

/// The first frame on every connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Hello {
    Branch(BranchId),
    Client,
}

/// Client to branch. The tag comes back with the reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    pub tag: u64,
    pub what: Question,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Question {
    Do { id: Id, act: Act },
    Balance(AccountId),
    Audit,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub tag: u64,
    pub reply: Reply,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reply {
    Answer(Answer),
    Account(Account),
    Audit(Audit),
    /// Nothing was done: the disk is full.
    Full,
    /// Nothing can be told: another branch does not answer.
    Unavailable,
}

/// Branch to branch, from the one that dialled. The epoch says how many cuts the sender has been through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PeerAsk {
    pub epoch: u64,
    pub what: PeerQuestion,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PeerQuestion {
    /// Pay this in, if you have not yet.
    Credit { id: Id, transfer: Transfer },
    /// What was your part of the cut of this epoch?
    Part { epoch: u64 },
    /// Which of these had arrived by the cut of this epoch?
    Arrived { epoch: u64, ids: Vec<Id> },
}

/// The way back, on the same connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PeerTold {
    pub epoch: u64,
    pub what: PeerReply,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PeerReply {
    /// What became of it, for ever.
    Credited { id: Id, declined: Option<Refusal> },
    /// None: that cut is forgotten.
    Part { epoch: u64, part: Option<Part> },
    /// None: that cut is forgotten.
    Arrived { epoch: u64, ids: Option<Vec<Id>> },
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "account {}", self.0)
    }
}

impl fmt::Display for BranchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", self.0)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.client, self.number)
    }
}
