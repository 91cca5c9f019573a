//! The same work on splitbrain's network, on madsim's own, on turmoil and on a bare event loop, in one run.
//!
//! `cargo run --release -p splitbrain-peers` prints each peer's figures and how many times as fast splitbrain is.
//! Every figure is the median of several rounds in this process, and a round takes each peer in turn, so that a busy
//! machine slows them all alike.
//!
//! - [`peers`]: the trait [`Peer`] and one file a peer. Start with the bare event loop in `peers/bare.rs`, the limit.
//! - [`work`]: what the nodes do, written once, for any stream.
//! - [`measure`]: rounds, medians.
//! - [`report`]: the table and the JSON.
//!
//! What is absent: a peer's own tuning. Each has the latency 1–10 ms on every link and its defaults otherwise. turmoil
//! steps through simulated time in ticks, so it pays for waiting: the fewer frames are outstanding, the more.

mod measure;
mod peers;
mod report;
mod work;

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

/// Compares splitbrain's speed with its peers'.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Print one JSON object a figure, instead of a table
    #[arg(long)]
    json: bool,

    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,

    /// Frames or datagrams a round, to and from both echoing nodes
    #[arg(long, default_value_t = 400_000, value_parser = clap::value_parser!(u64).range(64..))]
    frames: u64,

    /// Empty runs a round
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
}
