//! The systems, a file or a folder each: how a node boots, what clients do, what is checked.

pub mod bank;
pub mod bookings;
pub mod failover;
pub mod pipeline;
pub mod provisioner;
pub mod registry;
pub mod replication;
pub mod store;

use sim::AnySystem;
use sim::card::Card;

/// Every system. Not a constant: each crate that named it would compile all of them again.
pub static ALL: &[&dyn AnySystem] = &[
    &bank::Bank,
    &bookings::Bookings,
    &failover::Failover,
    &pipeline::Pipeline,
    &provisioner::Provisioner,
    &registry::Registry,
    &replication::Replication,
    &store::Store,
];

/// Every card.
pub static CARDS: &[&Card] = &[&failover::CARD];
