//! The replicated database in the simulation, driven step by step: what its module promises, and what its flaws break.
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

mod cluster;
mod failures;
mod replication;
