//! How many plausible mistakes do sweeps find? This plants them one at a time in a protocol's rules, and counts.
//!
//! A *mutant* is a program with one small mistake: a condition that is not asked, a `<` that is a `<=`, an effect that
//! is forgotten. To build one program a mutant would cost a minute each; so all of a sample go into one, in a copy of the
//! workspace, each behind a switch that a variable of the environment turns on (`SPLITBRAIN_MUTANT=17`). One build then
//! carries hundreds, and with none switched on it is the program as it was.
//!
//! ```console
//! $ cargo run -p splitbrain-power -- weave --sample 200 --into ../woven
//! $ (cd ../woven && cargo build --release)
//! $ cargo run -p splitbrain-power -- measure ../woven --with ../woven/target/release/splitbrain --for 60s
//! $ cargo run -p splitbrain-power -- table ../woven
//! ```
//!
//! `tests/power/power.toml` says what a system's rules are, what sweeps it and what tests it; whoever has a protocol of
//! their own writes another.
//!
//! - `find`: where a mistake could be made, and which
//! - `weave`: the copy that has them all; what does not compile is taken out again
//! - `measure`: the sweeps and the tests, mutant by mutant; what was measured is not measured again
//! - `search`: what each way of searching needs to find what is known to be there
//! - `table`: what came of it
//!
//! What is the same: a sample depends on its seed and on what the sources say, not on lines, so that the mutants of an
//! older tree are found again in a newer one. A mutant is *caught* by a sweep if a run does what its scenario does not
//! expect. Time is the processor's, not the clock's, so that it means the same on a machine with other work.
//!
//! Gives up: what macros contain is not mutated, but for `matches!` as a whole; nor are types, constants and texts for
//! people. What belongs to a flaw, which is off, is left out. Whether a mutant that nothing catches behaves as the original
//! in all that matters, only a reader can say; they say it in a file of explanations.

mod config;
mod find;
mod measure;
mod search;
mod table;
mod weave;

use clap::{Parser, Subcommand};
use config::Config;
use std::path::PathBuf;

/// Plants one mistake at a time in a protocol's rules, and counts which of them sweeps find.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// What the systems are.
    #[arg(long, default_value = "tests/power/power.toml", global = true)]
    config: PathBuf,
    #[command(subcommand)]
    does: Does,
}

#[derive(Debug, Subcommand)]
enum Does {
    /// Counts the mistakes that could be made.
    List,
    /// Makes a copy of the workspace that has a sample of them, each behind a switch.
    Weave(weave::Weave),
    /// Sweeps each, or runs the tests with each.
    Measure(measure::Measure),
    /// Measures what each way of searching needs to find what is known.
    Search(search::Search),
    /// Says what came of it.
    Table(table::Table),
}

fn main() -> miette::Result<()> {
    let arguments = Arguments::parse();
    let config = Config::read(&arguments.config)?;
    match arguments.does {
        Does::List => table::list(&config),
        Does::Weave(weave) => weave.execute(&config),
        Does::Measure(measure) => measure.execute(&config),
        Does::Search(search) => search.execute(&config),
        Does::Table(table) => table.execute(&config),
    }
}
