//! The systems, a file or a folder each: how a node boots, what clients do, what is checked.

pub mod bank;
pub mod bookings;
pub mod failover;
pub mod provisioner;
pub mod registry;
pub mod store;

use sim::AnySystem;

/// Every system. Not a constant: each crate that named it would compile all of them again.
pub static ALL: &[&dyn AnySystem] = &[
    &bank::Bank,
    &bookings::Bookings,
    &failover::Failover,
    &provisioner::Provisioner,
    &registry::Registry,
    &store::Store,
];
