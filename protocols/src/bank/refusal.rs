//! Why the bank did not do what it was asked: the rules say no, and nothing has happened.

use super::message::{AccountId, BranchId};
use serde::{Deserialize, Serialize};

/// A definite no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Zero and less cannot be moved.
    #[error("amount: {amount} is not above 0")]
    NotPositive {
        /// What was asked for.
        amount: i64,
    },
    /// So much cannot be moved at once.
    #[error("amount: {amount} is above {max}")]
    TooLarge {
        /// What was asked for.
        amount: i64,
        /// What is possible.
        max: i64,
    },
    /// Both ends of a transfer are one account.
    #[error("to: {account} is where the money comes from")]
    ToItself {
        /// The account.
        account: AccountId,
    },
    /// There is no such account.
    #[error("account: there is no {account}, they end at {last}")]
    UnknownAccount {
        /// The account.
        account: AccountId,
        /// The last account there is.
        last: AccountId,
    },
    /// Another branch has that account.
    #[error("account: {account} is at branch {branch}")]
    WrongBranch {
        /// The account.
        account: AccountId,
        /// Its branch.
        branch: BranchId,
    },
    /// The id was used for something else.
    #[error("id: it was used for another request")]
    IdReused,
    /// The account is closed.
    #[error("the account is closed")]
    Closed,
    /// The account is open already.
    #[error("the account is open")]
    Open,
    /// The account has too little.
    #[error("{available} available, {amount} needed")]
    Insufficient {
        /// What is available.
        available: i64,
        /// What was asked for.
        amount: i64,
    },
    /// The account has too much to receive more.
    #[error("a balance of {balance} is not below {below}")]
    Limit {
        /// What it has.
        balance: i64,
        /// What it must be below.
        below: i64,
    },
    /// Money is held for transfers under way.
    #[error("{held} is held for transfers under way")]
    Held {
        /// How much.
        held: i64,
    },
}
