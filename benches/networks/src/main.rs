//! The registry, the bank and the store, from the same sources, on splitbrain's network, on madsim's own and on turmoil.
//!
//! `cargo run --release -p splitbrain-networks` prints each peer's runs a second of processor time, and how many times as
//! many splitbrain has. Every figure is the median of several rounds in this process, and a round takes each peer in
//! turn, so that a busy machine slows them all alike.
//!
//! - [`workload`]: what is run: a system and a fault.
//! - [`peers`]: the trait [`Peer`] and one file a peer. `peers/work.rs` is what nodes and clients do: it is compiled once
//!   for each peer, with that peer's `host` and `protocols`.
//! - `host/`: a `host` for each of the other peers, with the face of ours. `protocols/`: the sources of
//!   `splitbrain-protocols`, compiled for each.
//! - [`measure`], [`report`]: rounds and medians, the table and the JSON.
//!
//! What is absent: checkers, histories and views, which only splitbrain has: no peer judges anything here. splitbrain
//! pays for its digest.

mod measure;
mod peers;
mod report;
mod workload;

#[cfg(not(madsim))]
compile_error!(
    "only simulated networks are compared: build without RUSTFLAGS, which replaces `--cfg madsim`"
);

use clap::Parser;
use peers::Peer;
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let options = Options::parse();
    if cfg!(debug_assertions) {
        writeln!(io::stderr(), "warning: a debug build says nothing about speed; add --release")?;
    }
    let figures = measure::all(&peers::all(), &options);
    let mut out = io::stdout().lock();
    if options.json { report::json(&figures, &mut out) } else { report::table(&figures, &mut out) }
}

/// Compares how many runs of the same node code there are a second.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Print one JSON object a figure, instead of a table
    #[arg(long)]
    json: bool,

    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,

    /// Runs a round, each of another seed
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
}
