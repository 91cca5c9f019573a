//! `sweep`: many seeds of many scenarios.

use super::corpus::CorpusFolder;
use super::junit::Junit;
use super::out::{self, Colour};
use super::progress::Bar;
use super::sweep_out::{OutFolder, Swept};
use super::{Exit, Overrides, annotations, fresh, grid, interrupt, run, shrink, sweep_table as table, twice};
use crate::catalog::{Case, Catalog};
use crate::profile;
use crate::run::Met;
use crate::sweep::{self, Failure, Plan, Progress, Shard, Step, Summary};
use clap::Args;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

/// Failures of one scenario that are printed for people.
const FAILURES_PRINTED: u64 = 3;

/// Arguments of `sweep`.
#[derive(Debug, Args)]
pub(super) struct Sweep {
    /// Scenario files, folders, or names that `list` shows.
    #[arg(required = true)]
    scenarios: Vec<String>,
    /// The seeds of each: a number N for 0..N, or A..B with A below B.
    #[arg(long, default_value = "0..1000", value_parser = seeds)]
    seeds: Range<u64>,
    /// End with what is known after this long.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    time: Option<Duration>,
    /// Start no run once so many have reached no probe that was not reached before.
    #[arg(long, value_name = "RUNS", value_parser = clap::value_parser!(u64).range(1..))]
    until_plateau: Option<u64>,
    /// Runs at the same time; all cores unless set.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// This machine's share of the runs: i/n, from 0/n to n-1/n.
    #[arg(long, value_parser = shard, default_value = "0/1")]
    shard: Shard,
    /// Keep failures and progress in this folder; the same sweep goes on from there.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Keep seeds that failed or reached what no other did in this folder, and run them first next time.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "shard", "axes"])]
    corpus: Option<PathBuf>,
    #[command(flatten)]
    grid: grid::Arguments,
    /// Write a test report, too: a scenario is a test.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Shrink the first failure in the end, for so long.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    shrink: Option<Duration>,
    #[command(flatten)]
    overrides: Overrides,
}

/// Reads `A..B` or `N`.
pub(super) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let number =
        |text: &str| text.trim().parse::<u64>().map_err(|_| format!("{text:?} is not a seed (0 to 2⁶⁴−1)"));
    let range = match text.split_once("..") {
        Some((from, to)) => number(from)?..number(to)?,
        None => 0..number(text)?,
    };
    if range.is_empty() {
        return Err(format!("{text} has no seed in it: give A..B with A below B, or a number above 0"));
    }
    Ok(range)
}

pub(super) fn shard(text: &str) -> Result<Shard, String> {
    let wrong = || format!("{text:?} is not i/n with i below n, such as 0/4");
    let (index, of) = text.split_once('/').ok_or_else(wrong)?;
    let (index, of) = (index.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
    if index < of { Ok(Shard { index, of }) } else { Err(wrong()) }
}

impl Sweep {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        let overrides = &self.overrides.overrides;
        let grid = self.grid.read(catalog, overrides)?;
        let mut cases = Vec::new();
        match (&self.scenarios[..], grid.is_none()) {
            ([scenario], false) => cases = grid::cells(catalog, scenario, &grid, overrides)?,
            (_, false) => return Err(grid::of_one_scenario()),
            (arguments, true) => {
                for argument in arguments {
                    cases.extend(catalog.load(argument, overrides)?);
                }
            }
        }
        let figures = self.grid.figures(&cases)?;
        let mut plan = Plan {
            jobs: self.jobs.map_or_else(sweep::all_cores, usize::from),
            shard: self.shard,
            time: self.time,
            interrupted: Some(interrupt::flag()),
            measures: !grid.is_none(),
            ..Plan::new(&cases, self.seeds.clone())
        };
        let mut folder = None;
        if let Some(path) = &self.out {
            let swept = Swept { overrides, grid: &grid, card: None, seeds: &self.seeds, shard: self.shard };
            let (opened, before) = OutFolder::open(path, &cases, swept)?;
            (folder, plan.before) = (Some(opened), before);
        }
        let mut corpus =
            self.corpus.as_deref().map(|folder| CorpusFolder::open(folder, &cases)).transpose()?;
        if let Some(folder) = &corpus {
            plan.first = folder.corpus.first();
        }
        let junit = self.junit.as_deref().map(Junit::at).transpose()?;
        let mut failed = Ok(());
        // How many probes were reached, and after how many runs the last of them.
        let mut plateau = (0, 0);
        let mut first_failure = None;
        let progress = execute(&plan, json, |progress, step| {
            let summary = &progress.summary;
            // What was kept is run in any case; from there on something new is asked for.
            if summary.probes.len() > plateau.0 || progress.released <= plan.first.len() as u64 {
                plateau = (summary.probes.len(), summary.runs);
            }
            if let (Step::Ran { case, report, met }, Some(folder)) = (&step, &mut corpus) {
                folder.corpus.ran(*case, report, *met);
            }
            failed = (|| match (step, &mut folder) {
                (Step::Released(failure), folder) => {
                    let fails =
                        |failure: &&Failure| failure.met.is_wrong() && failure.nondeterminism.is_none();
                    if let Some(failure) = failure.filter(fails) {
                        first_failure.get_or_insert((failure.case, failure.report.seed));
                    }
                    if let Some(failure) = failure.filter(|failure| json || worth_printing(failure, summary))
                    {
                        report(&cases[failure.case], failure, json)?;
                    }
                    folder.as_mut().map_or(Ok(()), |folder| folder.keep(&cases, progress, failure))
                }
                (Step::Unfinished, Some(folder)) => folder.freeze(progress),
                (Step::Ran { .. } | Step::Unfinished | Step::Waiting(_), _) => Ok(()),
            })();
            failed.is_ok() && self.until_plateau.is_none_or(|runs| summary.runs - plateau.1 < runs)
        });
        failed?;
        if let Some(folder) = &mut folder {
            folder.finish(&progress)?;
        }
        if let Some(folder) = corpus {
            folder.keep(json)?;
        }
        if let Some(junit) = junit {
            junit.write(&cases, &progress.summary)?;
        }
        if let (Some((case, seed)), Some(time)) = (first_failure, self.shrink) {
            shrink::after_a_sweep(&cases[case], seed, time, json)?;
        }
        let told = grid::Told::new(&grid, &figures, &cases, &progress.summary);
        if let Some(path) = self.out.as_ref().filter(|_| !grid.is_none()) {
            told.write(path)?;
        }
        match (json, grid.is_none()) {
            (true, _) => {
                told.print_json()?;
                out::line(&table::SummaryJson::new(&cases, &progress.summary))?;
            }
            (false, true) => table::print(&cases, &progress.summary)?,
            (false, false) => {
                told.print()?;
                table::figures(&cases, &progress.summary)?;
                table::problems(&cases, &progress.summary)?;
            }
        }
        if !json {
            annotations::print(&cases, &progress.summary)?;
        }
        Ok(exit_of(&cases, &progress.summary))
    }
}

/// Whether people want to see this failure: the first few of a scenario tell what there is to tell.
fn worth_printing(failure: &Failure, summary: &Summary) -> bool {
    let of_case = &summary.cases[failure.case];
    match failure.nondeterminism {
        Some(_) => of_case.nondeterministic <= FAILURES_PRINTED,
        None if failure.met == Met::Unreached => {
            of_case.unreached.values().all(|runs| *runs <= FAILURES_PRINTED)
        }
        None => failure.met == Met::Unexpected && of_case.unexpected <= FAILURES_PRINTED,
    }
}

/// Whether a failure is one that nobody meant.
pub(super) fn is_wrong(failure: &Failure) -> bool {
    failure.met.is_wrong() || failure.nondeterminism.is_some()
}

/// Sweeps with a progress bar.
pub(super) fn execute(
    plan: &Plan<'_>,
    hidden: bool,
    mut each: impl FnMut(&Progress, Step<'_>) -> bool,
) -> Progress {
    profile::advise();
    let bar = Bar::new(plan, hidden);
    let progress = sweep::sweep(plan, &fresh::again_in_a_fresh_process, |progress, step| {
        bar.update(plan.cases, progress, &step);
        // What is printed goes above the bar.
        let prints = matches!(step, Step::Released(Some(_)));
        if prints { bar.above(|| each(progress, step)) } else { each(progress, step) }
    });
    bar.finish();
    progress
}

/// What a sweep means to the caller. One that was cut short has shown nothing of what it did not reach.
pub(super) fn exit_of(cases: &[Case], summary: &Summary) -> Exit {
    if summary.nondeterministic > 0 {
        Exit::Nondeterminism
    } else if !summary.unmet(cases).is_empty() || !summary.vacuous(cases).is_empty() {
        Exit::Violation
    } else if summary.unknown > 0 {
        Exit::Unknown
    } else {
        Exit::AsExpected
    }
}

/// Prints one failing run.
pub(super) fn report(case: &Case, failure: &Failure, json: bool) -> miette::Result<()> {
    if json {
        return out::line(&failure.json(&case.name));
    }
    run::verdict(case, &failure.report)?;
    if let Some(differs) = &failure.nondeterminism {
        out::say(&format!("  {}: {differs}", out::paint("nondeterminism", Colour::Bad)))?;
        twice::advise(case, failure.report.seed)?;
    }
    Ok(())
}
