//! The systems, one file each: how a node boots, what clients do, what is checked.

pub mod bank;
pub mod failover;
pub mod registry;
pub mod store;

use sim::AnySystem;

/// Every system.
pub const ALL: &[&dyn AnySystem] = &[&bank::Bank, &failover::Failover, &registry::Registry, &store::Store];
