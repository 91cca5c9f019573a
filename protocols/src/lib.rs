//! Replicated-state protocols as real async code.
//!
//! Every protocol is written on tokio and [`host`] alone: the same source runs on simulated machines and on real ones.
//! A protocol is a folder with the same rooms everywhere, each a file, or a file and a folder. Who knows one knows all;
//! `tests/hygiene.rs` checks it.
//!
//! | room | what is in it | who has it |
//! |---|---|---|
//! | `mod` | the algorithm in prose, its source, its invariants, what it gives up | everyone |
//! | `options` | what can be chosen, and the flaws | everyone |
//! | `rules` | what follows from what: plain functions, without a wait and without I/O | everyone |
//! | `node` | what is around the rules: sockets, timers, the order of disk and network | everyone |
//! | `message`, `client` | what is said, on the wire or where others read it; who asks | everyone who is asked |
//! | `view` | what a node believes, for checkers | everyone who registers one |
//!
//! Besides, each has nouns of its own: `registry/groups.rs`, `bank/gate.rs`.
//!
//! [`common`] has what several need: a durable log, frames, a node's tasks.
//!
//! What is absent: nothing here knows the testbed. No seed, no fault and no checker is ever in sight of a node.

pub mod agrajag;
pub mod bank;
pub mod bookings;
pub mod bouncer;
pub mod common;
pub mod database;
pub mod patroni;
pub mod pipeline;
pub mod provisioner;
pub mod registry;
pub mod replication;
pub mod repmgr;
pub mod router;
pub mod stolon;
pub mod store;
pub mod vrrp;
