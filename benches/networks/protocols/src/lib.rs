//! The registry, the bank and the store: the sources of `splitbrain-protocols`, compiled for another `host`.
//!
//! Nothing is copied and nothing is changed. What is absent: the other protocols, which need more of a host than a peer
//! has (processes of a machine, virtual addresses).

pub mod common;

#[path = "../../../../protocols/src/bank/mod.rs"]
pub mod bank;
#[path = "../../../../protocols/src/registry/mod.rs"]
pub mod registry;
#[path = "../../../../protocols/src/store/mod.rs"]
pub mod store;
