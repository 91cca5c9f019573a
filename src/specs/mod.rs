//! The specifications that come with the command: the ladder by which a name registry and a bank were first thought
//! through, one file a rung; and what our protocols do, of which `bank-held`, `lock`, `lease` and `copies` are
//! followed by their runs.

mod bank;
mod bank_1;
mod bank_2;
pub(crate) mod bank_held;
mod bank_queued;
mod bank_transfer;
mod converged;
pub(crate) mod copies;
pub(crate) mod lease;
pub(crate) mod lock;
mod log;
mod syn;
mod syn_1;
mod syn_2;
mod syn_3;
mod syn_3_counters;
mod syn_4;
mod syn_5;
mod syn_6;
mod vrrp;

use sim::explore::Entry;

/// Every specification.
pub static ALL: &[Entry] = &[
    syn_1::ENTRY,
    syn_2::ENTRY,
    syn_3_counters::ENTRY,
    syn_3::ENTRY,
    syn_4::ENTRY,
    syn_5::ENTRY,
    syn_6::ENTRY,
    bank_1::ENTRY,
    bank_2::ENTRY,
    bank_transfer::ENTRY,
    bank_queued::ENTRY,
    bank_held::ENTRY,
    lock::ENTRY,
    lease::ENTRY,
    log::ENTRY,
    vrrp::ENTRY,
    converged::ENTRY,
    copies::ENTRY,
];
