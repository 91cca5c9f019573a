//! One set of laws for two worlds: the socket API in the simulation, and tokio's on this machine's loopback.
//!
//! ```text
//! cargo test -p splitbrain-host --test parity                                           # simulated
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo test -p splitbrain-host --test parity # real
//! ```
//!
//! In the simulation the two parties of a case are two machines, 10.0.0.1 and 10.0.0.2, whose links take 1 to 10 ms; in
//! the real build they are two tasks on 127.0.0.1. Where Linux and we differ on purpose, the case says so (`cfg`).
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

#[cfg(madsim)]
#[path = "../support/mod.rs"]
mod support;

mod cancel;
mod codec;
mod connect;
mod listener;
mod shutdown;
mod split;
mod stream;
mod time;
mod two_worlds;
mod udp;
