//! Whole failover clusters in the simulation: stores, databases, what manages them, and what leads clients to them.
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

mod cluster;
mod patroni;
