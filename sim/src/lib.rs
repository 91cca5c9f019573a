//! splitbrain's testbed: replicated-state protocols, unchanged, on simulated machines that fail.
//!
//! One `u64` decides everything about a run. The same seed gives the same run, to the byte: see [`run`] for its phases
//! and `docs/decisions/determinism.md` for how.
//!
//! Start with [`System`]: implement it for your protocol (its nodes are ordinary async tokio code on the `host` crate),
//! write a scenario file, and you have three ways in:
//!
//! ```text
//! sim::cli::main(&[&Counter])                                          the whole command line, for your systems
//! sim::test(&Counter).scenarios("scenarios/counter").seeds(200).run()  inside a #[test]
//! sim::testing::main(&[&Counter], "scenarios")                         a test target with one test a scenario file
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`system`] | what a user implements: a system, its clients, its operations |
//! | [`erased`] | systems without their types, and one run of any |
//! | [`budget`] | how long judging may take, and how much it may remember |
//! | [`card`] | what a choice costs, as one table |
//! | [`catalog`] | the systems and scenario files of a command or test |
//! | [`chart`] | figures as pictures |
//! | [`check`] | what is judged: invariants, convergence |
//! | [`cause`] | what happened because of what, and the part of a run that a violation depends on |
//! | [`story`] | that part as a table, a column a machine |
//! | [`mod@format`] | recorded runs for other people's viewers |
//! | [`spec`] | specifications: states, steps, what must hold; no code, no time |
//! | [`explore`] | every state that a specification can reach |
//! | [`small`] | the real code in every way in which little can happen |
//! | [`scenario`] | scenario files: types, errors, resolving with a seed |
//! | [`run`] | one run, from resolve to verdict |
//! | [`shrink`] | from a failing seed to the few faults and operations that it takes |
//! | [`history`] | what clients did and saw |
//! | [`sweep`] | many runs on all cores |
//! | [`latency`] | latencies, calm and under faults |
//! | `page` | lanes over time, as a file for a browser |
//! | [`moment`] | from when on a failure was settled |
//! | [`testing`] | `cargo test` |
//! | [`time`] | the one time that is told |
//! | [`verdict`] | what can be said of a run |
//! | [`configuration`] | configuration files of real programs, as what a scenario may be told |
//! | [`cli`] | the command |
//!
//! What is absent: this crate knows no protocol. Everything about one comes through [`System`].

#[cfg(not(all(madsim, tokio_unstable)))]
compile_error!(
    "the testbed needs --cfg madsim and --cfg tokio_unstable, in [build] rustflags and rustdocflags of \
     .cargo/config.toml. An exported RUSTFLAGS replaces the configured flags: unset it. \
     A real build (RUSTFLAGS=\"\") is for the host and protocol crates alone."
);

pub mod budget;
pub mod card;
pub mod catalog;
pub mod cause;
pub mod chart;
pub mod check;
pub mod cli;
pub mod configuration;
pub mod erased;
pub mod explore;
pub mod format;
pub mod history;
pub mod latency;
pub mod moment;
mod page;
mod profile;
pub mod run;
pub mod scenario;
pub mod shrink;
pub mod small;
pub mod spec;
pub mod story;
pub mod sweep;
pub mod system;
pub mod testing;
mod text;
pub mod time;
pub mod verdict;

pub use check::Checkers;
pub use erased::{AnySystem, once};
pub use host::world::{Digest, Draw, Stream};
pub use scenario::{Choice, Tolerated};
pub use system::{Client, ClientContext, Mix, NodeContext, Operation, Outcome, System};
pub use testing::test;
