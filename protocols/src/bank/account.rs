//! One account: a state machine, after Hughes' specification. Pure rules, no identity.
//!
//! An account is open or closed. A deposit needs an open account whose balance is below the limit (a deposit may take
//! it above), a withdrawal an open one with the money available; closing needs an open one, reopening a closed one.
//! What is *held* for transfers under way still belongs to the account, but is not available, and an account with holds
//! cannot be closed.

use super::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// The state and money of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Account {
    /// No money moves while it is closed.
    pub closed: bool,
    /// What can be withdrawn. Never below zero, unless a flaw makes it so.
    pub available: i64,
    /// What is held for transfers under way.
    pub held: i64,
}

/// What accounts may have, and what may be moved at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest amount of one operation.
    pub amount_max: i64,
    /// A deposit needs a balance below this.
    pub balance_below: i64,
}

impl Limits {
    /// Those of the specification: amounts from 1 to 10, deposits below a balance of 100.
    pub const SEED: Limits = Limits { amount_max: 10, balance_below: 100 };

    /// Whether so much can be moved at all.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotPositive`], [`Refusal::TooLarge`].
    pub fn check(&self, amount: i64) -> Result<(), Refusal> {
        match amount {
            ..=0 => Err(Refusal::NotPositive { amount }),
            _ if amount > self.amount_max => Err(Refusal::TooLarge { amount, max: self.amount_max }),
            _ => Ok(()),
        }
    }
}

impl Account {
    /// All that belongs to it.
    pub fn balance(&self) -> i64 {
        self.available + self.held
    }

    /// Whether money can be paid in.
    ///
    /// # Errors
    ///
    /// [`Refusal::Closed`], [`Refusal::Limit`].
    pub fn can_deposit(&self, limits: &Limits) -> Result<(), Refusal> {
        self.must_be_open()?;
        let (balance, below) = (self.balance(), limits.balance_below);
        if balance < below { Ok(()) } else { Err(Refusal::Limit { balance, below }) }
    }

    /// Whether so much can be paid out, or be held.
    ///
    /// # Errors
    ///
    /// [`Refusal::Closed`], [`Refusal::Insufficient`].
    pub fn can_withdraw(&self, amount: i64) -> Result<(), Refusal> {
        self.must_be_open()?;
        let available = self.available;
        if amount <= available { Ok(()) } else { Err(Refusal::Insufficient { available, amount }) }
    }

    /// Whether it can be closed.
    ///
    /// # Errors
    ///
    /// [`Refusal::Closed`], [`Refusal::Held`].
    pub fn can_close(&self) -> Result<(), Refusal> {
        self.must_be_open()?;
        if self.held == 0 { Ok(()) } else { Err(Refusal::Held { held: self.held }) }
    }

    /// Whether it can be opened again.
    ///
    /// # Errors
    ///
    /// [`Refusal::Open`].
    pub fn can_reopen(&self) -> Result<(), Refusal> {
        if self.closed { Ok(()) } else { Err(Refusal::Open) }
    }

    /// Holds so much for a transfer.
    pub fn hold(&mut self, amount: i64) {
        self.available -= amount;
        self.held += amount;
    }

    /// The transfer happened: what was held is gone.
    pub fn capture(&mut self, amount: i64) {
        self.held -= amount;
    }

    /// The transfer did not happen: what was held is available again.
    pub fn release(&mut self, amount: i64) {
        self.held -= amount;
        self.available += amount;
    }

    fn must_be_open(&self) -> Result<(), Refusal> {
        if self.closed { Err(Refusal::Closed) } else { Ok(()) }
    }
}
