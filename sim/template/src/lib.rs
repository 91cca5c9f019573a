//! A replicated counter that gossips.
//!
//! Every node counts its own additions and remembers what it heard of the others'; every 100 ms it tells each peer all
//! it knows, and whoever hears takes the larger count of each. A node that crashes forgets its own count, so it starts
//! a new one each time: counts are by node *and incarnation*. Without that (the option `forgetful`) a restarted node
//! counts from zero under its old name, its peers keep the larger old count, and additions are lost without a trace.
//!
//! [`node`] is the protocol, [`client`] who asks it, [`system`] what is checked.

pub mod client;
pub mod node;
pub mod system;

/// What the command and the tests run.
pub static SYSTEMS: &[&dyn sim::AnySystem] = &[&system::Counter];
