//! The command line over the testbed, for any list of systems.
//!
//! ```no_run
//! # fn systems() -> &'static [&'static dyn sim::AnySystem] { &[] }
//! fn main() -> std::process::ExitCode {
//!     sim::cli::main(systems())
//! }
//! ```
//!
//! One file a subcommand. People read what goes to the terminal, `--json` is for programs; progress goes to standard
//! error. Exit codes: 0 as expected, 1 a violation, an expectation not met or nothing shown, 2 bad input and nothing was run,
//! 3 unknown, 4 nondeterminism. A failure ends with the next command to type.

mod annotations;
mod check;
mod cluster;
mod corpus;
mod diff;
mod explore;
mod fresh;
mod grid;
mod interrupt;
mod junit;
mod list;
mod manual;
mod merge;
mod new;
mod out;
mod progress;
mod replay;
mod run;
mod schema;
mod scorecard;
mod shrink;
mod sweep;
mod sweep_out;
mod sweep_table;
mod table;
mod tour;
mod twice;
mod why;
mod written;
mod zoo;

use crate::card::Card;
use crate::catalog::{Carried, Case, Catalog};
use crate::erased::AnySystem;
use crate::explore::Entry;
use clap::{Args, Parser, Subcommand};
use std::process::ExitCode;

/// Bad input: nothing was run.
const BAD_INPUT: u8 = 2;

/// What a subcommand found, as an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    AsExpected = 0,
    Unknown = 3,
    Violation = 1,
    Nondeterminism = 4,
}

/// Replicated-state protocols on simulated machines that fail: the same seed, the same run.
#[derive(Debug, Parser)]
#[command(name = "splitbrain", version, about, after_help = "Without a subcommand: the two-minute tour.")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print JSON, one object a line, for programs.
    #[arg(long, global = true)]
    json: bool,
    /// Tell only what is wrong, and show no progress.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// In the tour: the tables, with a row for each scenario.
    #[arg(long, conflicts_with = "json")]
    all: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List scenarios, with system and title.
    List(list::List),
    /// Run one seed of one scenario.
    Run(run::Run),
    /// Run many seeds of many scenarios, on all cores.
    Sweep(sweep::Sweep),
    /// Merge what the shards of a sweep found.
    Merge(merge::Merge),
    /// Run one seed again with full recording, and write down everything that happened.
    Replay(replay::Replay),
    /// Write the files that run a sweep on many machines.
    Cluster(cluster::Cluster),
    /// Compare two runs, to the first difference that matters.
    Diff(diff::Diff),
    /// Make a failing seed smaller: the few faults and operations that it takes, as a scenario that fails by itself.
    Shrink(shrink::Shrink),
    /// From a failing seed to its cause: the shrunk story, what it takes, and a page.
    Why(why::Why),
    /// Judge a history that something else recorded.
    Check(check::Check),
    /// Search every state that a specification can reach, or every small run of the real code.
    Explore(explore::Explore),
    /// Show every known flaw and how it is found.
    Zoo(zoo::Zoo),
    /// Show what each choice costs: every cell of a card, measured over many seeds.
    Scorecard(scorecard::Scorecard),
    /// Print the JSON schema of scenario files, for editors; or that of a line of what `replay` writes.
    Schema(schema::Schema),
    /// Make a crate of your own: a protocol, its scenarios, one flaw, tests and the command.
    New(new::New),
    /// Print completions for a shell, to be saved where it looks for them.
    Completions(manual::Completions),
    /// Print the manual page of the command, or write one for each subcommand to a folder.
    Man(manual::Man),
}

/// `--set key=value`, for every subcommand that loads scenarios.
#[derive(Debug, Clone, Args)]
struct Overrides {
    /// Change a value of the scenario: --set cluster.nodes=5 --set workload.rate=100/s
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value)]
    overrides: Vec<(String, String)>,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected key=value, such as cluster.nodes=5")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// Runs the command line of a program whose systems are these.
pub fn main(systems: &'static [&'static dyn AnySystem]) -> ExitCode {
    Program::new(systems).main()
}

/// What a command line knows besides the testbed.
#[derive(Clone, Copy)]
pub struct Program {
    catalog: Catalog,
    specs: &'static [Entry],
    cards: &'static [&'static Card],
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("systems", &self.catalog).finish_non_exhaustive()
    }
}

impl Program {
    /// A program with these systems.
    #[must_use]
    pub fn new(systems: &'static [&'static dyn AnySystem]) -> Self {
        Program { catalog: Catalog::new(systems), specs: &[], cards: &[] }
    }

    /// And with these specifications, for `explore`.
    #[must_use]
    pub fn specs(self, specs: &'static [Entry]) -> Self {
        Program { specs, ..self }
    }

    /// And with these cards, for `scorecard`.
    #[must_use]
    pub fn cards(self, cards: &'static [&'static Card]) -> Self {
        Program { cards, ..self }
    }

    /// And with these scenarios, wherever it is called: a folder `scenarios` there comes first.
    #[must_use]
    pub fn scenarios(self, carried: fn() -> Vec<Carried>) -> Self {
        Program { catalog: self.catalog.carrying(carried), ..self }
    }

    /// Runs the command line.
    pub fn main(self) -> ExitCode {
        run(self)
    }
}

fn run(program: Program) -> ExitCode {
    let cli = Cli::parse();
    out::keep_words_whole();
    out::be_quiet(cli.quiet);
    let telling = match (cli.json, cli.all) {
        (true, _) => tour::Telling::Json,
        (_, true) => tour::Telling::Tables,
        _ => tour::Telling::Brief,
    };
    let catalog = program.catalog;
    let done = match cli.command {
        None => tour::tour(&catalog, telling),
        Some(Command::List(list)) => list.execute(&catalog, cli.json),
        Some(Command::Run(run)) => run.execute(&catalog, cli.json),
        Some(Command::Sweep(sweep)) => sweep.execute(&catalog, cli.json),
        Some(Command::Merge(merge)) => merge.execute(&catalog, program.cards, cli.json),
        Some(Command::Replay(replay)) => replay.execute(&catalog, cli.json),
        Some(Command::Cluster(cluster)) => cluster.execute(&catalog, cli.json),
        Some(Command::Diff(diff)) => diff.execute(&catalog, cli.json),
        Some(Command::Shrink(shrink)) => shrink.execute(&catalog, cli.json),
        Some(Command::Why(why)) => why.execute(&catalog, cli.json),
        Some(Command::Check(check)) => check.execute(cli.json),
        Some(Command::Explore(explore)) => explore.execute(&catalog, program.specs, cli.json),
        Some(Command::Zoo(zoo)) => zoo.execute(&catalog, cli.json),
        Some(Command::Scorecard(scorecard)) => scorecard.execute(&catalog, program.cards, cli.json),
        Some(Command::Schema(schema)) => schema.execute(&catalog),
        Some(Command::New(new)) => new.execute(),
        Some(Command::Completions(completions)) => completions.execute(),
        Some(Command::Man(man)) => man.execute(),
    };
    match done {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(report) if out::is_closed_pipe(&report) => ExitCode::SUCCESS,
        Err(report) => {
            out::complain(&report);
            ExitCode::from(BAD_INPUT)
        }
    }
}

/// The one scenario that an argument names.
fn one(catalog: &Catalog, argument: &str, overrides: &Overrides) -> miette::Result<Case> {
    let mut cases = catalog.load(argument, &overrides.overrides)?;
    match (cases.pop(), cases.is_empty()) {
        (Some(case), true) => Ok(case),
        _ => Err(miette::miette!(
            help = "name one file of it, or sweep the whole folder",
            "{argument} is a folder with several scenarios"
        )),
    }
}
