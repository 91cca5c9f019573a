//! The disk: one set of laws for two worlds, and those of the simulated world alone.
//!
//! ```text
//! cargo test -p splitbrain-host --test disk                                           # simulated
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo test -p splitbrain-host --test disk # real, the first half
//! ```
//!
//! In the real build a case has a folder of this machine's disk, in the simulation one of a machine's. Where Linux and
//! we differ on purpose, the case says so (`cfg`).
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

#[cfg(madsim)]
#[path = "../support/mod.rs"]
mod support;

mod contents;
mod directories;
mod handles;
mod names;
mod two_worlds;

#[cfg(madsim)]
mod simulated;
