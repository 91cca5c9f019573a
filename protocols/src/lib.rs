//! Replicated-state protocols as real async code.
//!
//! Every protocol is written on tokio and [`host`] alone: the same source runs on simulated machines and on real
//! ones. A protocol is a folder of five files, always the same: `mod.rs` (the algorithm in prose, its source, its
//! invariants, what it gives up), `message.rs` (wire types), `state.rs` (the rules: synchronous, no I/O), `node.rs`
//! (the async node around them) and `client.rs`. Who knows one knows all.
//!
//! [`common`] has what several need: a durable log, frames, a node's tasks.
//!
//! What is absent: nothing here knows the testbed. No seed, no fault and no checker is ever in sight of a node.

pub mod bank;
pub mod common;
pub mod database;
pub mod patroni;
pub mod registry;
pub mod router;
pub mod stolon;
pub mod store;
