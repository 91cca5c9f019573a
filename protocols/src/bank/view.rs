//! What a branch knows, for checkers and debuggers.

use super::{
    account::Account,
    message::{AccountId, BranchId, Id, Part, Transfer},
    node::{Inner, Node},
    rules,
};
use crate::common::wal::Lsn;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// One branch's books, as they are when they are looked at. Nothing is copied: checkers look after every step.
///
/// As JSON it is a [`Summary`].
#[derive(Clone)]
pub struct View(Arc<Node>);

/// A view in plain data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Summary {
    /// Accounts, holds, and what was ever deposited and withdrawn.
    pub part: Part,
    /// The last record of the log.
    pub last: Lsn,
    /// Frames that could not be read since the process started. Each cost its connection.
    pub malformed_frames: u64,
}

impl View {
    pub(super) fn of(node: &Arc<Node>) -> View {
        View(Arc::clone(node))
    }

    fn read<T>(&self, read: impl FnOnce(&Inner) -> T) -> T {
        read(&self.0.lock())
    }

    /// Tells the lives of a branch apart: each begins with what its log says.
    pub fn life(&self) -> u64 {
        self.read(|inner| inner.life)
    }

    /// How many branches the bank has.
    pub fn branches(&self) -> u16 {
        self.0.branches
    }

    /// Which branch has an account.
    pub fn home(&self, account: AccountId) -> BranchId {
        rules::home(account, self.0.branches)
    }

    /// Calls back with every account that was ever used.
    pub fn each_account(&self, mut seen: impl FnMut(AccountId, &Account)) {
        self.read(|inner| inner.ledger.accounts().iter().for_each(|(id, account)| seen(*id, account)));
    }

    /// Calls back with every transfer from here that is under way.
    pub fn each_held(&self, mut seen: impl FnMut(Id, &Transfer)) {
        self.read(|inner| inner.ledger.held().iter().for_each(|(id, transfer)| seen(*id, transfer)));
    }

    /// How many transfers from here are under way.
    pub fn held(&self) -> usize {
        self.read(|inner| inner.ledger.held().len())
    }

    /// All that was ever deposited here, less all that was ever withdrawn.
    pub fn deposited_less_withdrawn(&self) -> i64 {
        let (deposited, withdrawn) = self.read(|inner| inner.ledger.deposited_and_withdrawn());
        deposited - withdrawn
    }

    /// Whether a transfer was paid in here.
    pub fn has_arrived(&self, id: Id) -> bool {
        self.read(|inner| inner.ledger.has_arrived(id, inner.last))
    }

    /// The same as plain data.
    pub fn summary(&self) -> Summary {
        self.read(|inner| Summary {
            part: inner.ledger.part(),
            last: inner.last,
            malformed_frames: inner.malformed_frames,
        })
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.summary().fmt(f)
    }
}

impl Serialize for View {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.summary().serialize(serializer)
    }
}
