//! No arguments: the two-minute tour. A sweep of the scenarios that must hold, flaws being caught, and what was found
//! in protocols believed right.

use super::out::{self, Colour};
use super::{Exit, sweep as sweep_command, sweep_table, zoo};
use crate::catalog::{Case, Catalog};
use crate::sweep::{Plan, Step, Summary};
use std::ops::Range;
use std::time::Duration;

/// Seeds of each scenario that must hold.
const SEEDS: u64 = 500;
/// On a slow machine the tour is shorter, not longer.
const SWEEP_AT_MOST: Duration = Duration::from_secs(45);
/// Seeds to look for a violation in.
const SEEDS_TO_SHOW: u64 = 300;

pub(super) fn tour(catalog: &Catalog, json: bool) -> miette::Result<Exit> {
    let cases = catalog.load("scenarios", &[])?;
    let (shows, holds): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| case.scenario.check.expect.violation.is_some());
    let (zoo, findings): (Vec<Case>, Vec<Case>) =
        shows.into_iter().partition(|case| case.name.starts_with("zoo"));
    let tell = |text: &str| if json { Ok(()) } else { out::say(text) };

    tell(&out::paint("1. Does it hold?", Colour::Bold))?;
    tell(&format!("{} scenarios, {SEEDS} seeds each.\n", holds.len()))?;
    let summary = sweep_all(&holds, 0..SEEDS, Some(SWEEP_AT_MOST), json)?;
    if json {
        out::line(&serde_json::json!({ "runs": summary.runs, "violations": summary.violations }))?;
    } else {
        sweep_table::print(&holds, &summary)?;
    }
    let mut exit = sweep_command::exit_of(&holds, &summary);

    tell(&out::paint("\n2. Would it notice?", Colour::Bold))?;
    tell("The same protocol with one rule broken. A sweep must catch it.\n")?;
    exit = exit.max(show(&zoo, json)?);

    if !findings.is_empty() {
        tell(&out::paint("3. What did it find?", Colour::Bold))?;
        tell("Rules that were believed right, and what breaks them: see docs/findings.md.\n")?;
        exit = exit.max(show(&findings, json)?);
    }
    tell(&format!("More: {0} list, {0} zoo, {0} --help", out::program()))?;
    Ok(exit)
}

/// Looks for the violation of each scenario, and tells what it is.
fn show(cases: &[Case], json: bool) -> miette::Result<Exit> {
    let mut exit = Exit::AsExpected;
    for case in cases {
        let cases = std::slice::from_ref(case);
        if !json {
            out::say(&format!("{}: {}", out::paint(&zoo::flaw_of(case), Colour::Bold), case.scenario.title))?;
        }
        let summary = sweep_all(cases, 0..SEEDS_TO_SHOW, None, json)?;
        if !json {
            out::say(&match summary.cases[0].shown {
                Some((_, runs, elapsed)) => {
                    format!("  caught after {runs} seeds, in {:.2} s\n", elapsed.as_secs_f64())
                }
                None => format!("  not caught by {} seeds\n", summary.runs),
            })?;
        }
        exit = exit.max(sweep_command::exit_of(cases, &summary));
    }
    Ok(exit)
}

/// Sweeps, and prints each failing run.
fn sweep_all(
    cases: &[Case],
    seeds: Range<u64>,
    time: Option<Duration>,
    json: bool,
) -> miette::Result<Summary> {
    let plan = Plan { time, ..Plan::new(cases, seeds) };
    let mut failed = Ok(());
    let progress = sweep_command::execute(&plan, json, |_, step| {
        if let Step::Released(Some(failure)) = step {
            failed = sweep_command::report(&cases[failure.case], failure, json);
        }
        failed.is_ok()
    });
    failed?;
    Ok(progress.summary)
}
