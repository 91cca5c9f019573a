//! Transfers in one step: both accounts change at once, so that nothing can come between.

use super::bank_2::{Bank2, CUSTOMERS};
use sim::explore::Entry;

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "bank-transfer",
    title: "Transfers in one step",
    settings: &[CUSTOMERS],
    build: |values| match values.number("customers") {
        2 => Box::new(Bank2::<2> { may_transfer: true }),
        _ => Box::new(Bank2::<3> { may_transfer: true }),
    },
};
