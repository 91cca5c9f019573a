//! How long the booking service takes to recover, by the length of its log, with snapshots and without.
//!
//! ```sh
//! cargo run --release -p splitbrain-recovery
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo run --release -p splitbrain-recovery -- --chart docs/images/recovery.svg
//! ```
//!
//! The first is simulated, and says the same on any machine: how long by the clock of the disk model, against the bytes
//! at that disk's bandwidth. The second is on real files, with the memory that it takes, and against SQLite, which
//! replays the very same commands from a table. At every length all must end with the same state, or there is no table.
//!
//! - [`work`]: the commands, a function of their number alone; and a log that is filled with them.
//! - [`sizes`]: the bytes of a log, and those of it that a recovery reads.
//! - `simulated.rs`: the first; `real/`: the second. [`report`]: table and picture.
//!
//! What is absent: what a service does once it has recovered, and how it ships its log. Snapshots come after so many
//! commands, where those of the service come by its timer, and the log ends right before the next one is due: as much as
//! there can be is to be replayed.

#[path = "../../support/chart.rs"]
mod chart;
#[cfg(not(madsim))]
mod real;
mod report;
#[cfg(madsim)]
mod simulated;
mod sizes;
mod work;

use clap::Parser;
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

/// Measures how long the booking service takes to recover.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The longest log, in commands; others have a tenth, a hundredth and a thousandth of it
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    commands: u32,

    /// A snapshot after so many commands, where there are snapshots
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    snapshot: u32,

    /// Draw what was measured, as SVG
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,

    /// Rounds, of which the median counts
    #[cfg(not(madsim))]
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    #[cfg(not(madsim))]
    #[command(subcommand)]
    part: Option<real::Part>,
}

impl Options {
    /// The lengths that are measured, in commands.
    fn lengths(&self) -> [u32; 4] {
        [1000, 100, 10, 1].map(|part| self.commands / part)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    #[cfg(not(madsim))]
    if let Some(part) = &options.part {
        return real::measure_part(part);
    }
    if cfg!(all(debug_assertions, not(madsim))) {
        writeln!(io::stderr(), "warning: a debug build says nothing about speed; add --release")?;
    }
    #[cfg(madsim)]
    let report = simulated::measure(&options)?;
    #[cfg(not(madsim))]
    let report = real::measure(&options)?;
    writeln!(io::stdout(), "{}", report.table())?;
    if let Some(path) = &options.chart {
        std::fs::write(path, report.chart())?;
    }
    Ok(())
}
