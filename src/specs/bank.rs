//! What the rungs about the bank share: accounts, and what customers do with them.

use serde::{Deserialize, Serialize};
use sim::spec::{Each, tla};
use std::fmt::{self, Display};

/// What may be paid in or out at once: 1 to this.
pub(super) const AMOUNT_MAX: i16 = 10;
/// Nobody pays in to an account with this much: the search would not end.
pub(super) const DEPOSIT_BELOW: i16 = 100;

/// A step of a customer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Deposit { customer: usize, amount: i16 },
    Withdraw { customer: usize, amount: i16 },
    Close { customer: usize },
    Reopen { customer: usize },
    Transfer { from: usize, to: usize, amount: i16 },
    Settle { from: usize, to: usize, amount: i16 },
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Step::Deposit { customer, amount } => write!(f, "Deposit(c{}, {amount})", customer + 1),
            Step::Withdraw { customer, amount } => write!(f, "Withdraw(c{}, {amount})", customer + 1),
            Step::Close { customer } => write!(f, "Close(c{})", customer + 1),
            Step::Reopen { customer } => write!(f, "Reopen(c{})", customer + 1),
            Step::Transfer { from, to, amount } => {
                write!(f, "Transfer(c{}, c{}, {amount})", from + 1, to + 1)
            }
            Step::Settle { from, to, amount } => write!(f, "Settle(c{}, c{}, {amount})", from + 1, to + 1),
        }
    }
}

/// The accounts of N customers.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Accounts<const N: usize> {
    pub(super) is_open: Each<bool, N>,
    pub(super) balance: Each<i16, N>,
}

impl<const N: usize> Accounts<N> {
    pub(super) fn new() -> Self {
        Accounts { is_open: Each([true; N]), balance: Each([0; N]) }
    }

    /// What the customers may do without each other.
    pub(super) fn next(&self, mut step: impl FnMut(Step, Accounts<N>)) {
        for customer in 0..N {
            let (is_open, balance) = (self.is_open[customer], self.balance[customer]);
            let with = |balance| {
                let mut then = *self;
                then.balance[customer] = balance;
                then
            };
            for amount in (1..=AMOUNT_MAX).filter(|_| is_open && balance < DEPOSIT_BELOW) {
                step(Step::Deposit { customer, amount }, with(balance + amount));
            }
            for amount in (1..=AMOUNT_MAX).filter(|amount| is_open && balance >= *amount) {
                step(Step::Withdraw { customer, amount }, with(balance - amount));
            }
            let mut then = *self;
            then.is_open[customer] = !is_open;
            step(if is_open { Step::Close { customer } } else { Step::Reopen { customer } }, then);
        }
    }

    /// Moves money, whatever there is.
    pub(super) fn moved(mut self, from: usize, to: usize, amount: i16) -> Self {
        self.balance[from] -= amount;
        self.balance[to] += amount;
        self
    }

    /// Whether a customer may give so much to another.
    pub(super) fn may_give(&self, from: usize, to: usize, amount: i16) -> bool {
        let are_open = self.is_open[from] && self.is_open[to];
        from != to && are_open && self.balance[from] >= amount && self.balance[to] < DEPOSIT_BELOW
    }

    pub(super) fn are_covered(&self) -> bool {
        self.balance.iter().all(|balance| *balance >= 0)
    }

    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let state = self.is_open.iter().map(|is_open| if *is_open { "\"open\"" } else { "\"closed\"" });
        vec![
            ("state".to_owned(), tla::function('c', state)),
            ("balance".to_owned(), tla::function('c', self.balance.iter())),
        ]
    }
}

/// Every pair of customers and amount.
pub(super) fn gifts<const N: usize>() -> impl Iterator<Item = (usize, usize, i16)> {
    let amounts = |from, to| (1..=AMOUNT_MAX).map(move |amount| (from, to, amount));
    (0..N).flat_map(move |from| (0..N).flat_map(move |to| amounts(from, to)))
}
