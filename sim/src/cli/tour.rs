//! No arguments: the two-minute tour. A sweep of the scenarios that must hold, flaws being caught, one of them
//! explained, and what was found in protocols believed right. It tells that in thirty lines, and with `--all` in tables.

use super::out::{self, Colour};
use super::table::Table;
use super::zoo::flaw_of;
use super::{Exit, interrupt, sweep as sweep_command, sweep_table};
use crate::catalog::{Case, Catalog};
use crate::shrink::{self, Limits};
use crate::sweep::{Plan, Step, Summary};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// Seeds of each scenario that must hold.
const SEEDS: u64 = 500;
/// On a slow machine the tour is shorter, not longer.
const SWEEP_AT_MOST: Duration = Duration::from_secs(45);
/// Seeds to look for a violation in.
const SEEDS_TO_SHOW: u64 = 300;
/// How long the one that is explained is made smaller.
const EXPLAIN_AT_MOST: Duration = Duration::from_secs(10);
/// So many lines of its story.
const STORY_LINES: usize = 8;

/// How the tour tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    Brief,
    Tables,
    Json,
}

/// Looking for the violation of one scenario.
struct Search<'a> {
    case: &'a Case,
    summary: Summary,
}

pub(super) fn tour(catalog: &Catalog, telling: Telling) -> miette::Result<Exit> {
    let cases = catalog.load("scenarios", &[])?;
    let (shows, holds): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| case.scenario.check.expect.violation.is_some());
    let (zoo, findings): (Vec<Case>, Vec<Case>) =
        shows.into_iter().partition(|case| case.name.starts_with("zoo"));
    let head = |text: &str| match telling {
        Telling::Json => Ok(()),
        _ => out::tell(&out::paint(text, Colour::Bold)),
    };
    let tell = |text: &str| if telling == Telling::Json { Ok(()) } else { out::tell(text) };

    head("1. Does it hold?")?;
    tell(&format!("{} scenarios that must hold, {SEEDS} seeds of each at most.", holds.len()))?;
    let summary = sweep_all(&holds, 0..SEEDS, Some(SWEEP_AT_MOST), telling)?;
    match telling {
        Telling::Json => {
            out::line(&serde_json::json!({ "runs": summary.runs, "violations": summary.violations }))?;
        }
        Telling::Tables => sweep_table::print(&holds, &summary)?,
        Telling::Brief => by_system(&holds, &summary)?,
    }
    let mut exit = sweep_command::exit_of(&holds, &summary);

    head("\n2. Would it notice?")?;
    tell(&format!("{} times the same protocol with one rule broken: a sweep must catch it.", zoo.len()))?;
    let searches = look_for(&zoo, telling)?;
    exit = exit.max(found(&searches, telling)?);
    if telling != Telling::Json {
        explain(&searches)?;
    }

    if !findings.is_empty() {
        head("\n3. What did it find?")?;
        tell("Rules that were believed right, and what breaks them: docs/findings.md tells each.")?;
        exit = exit.max(found(&look_for(&findings, telling)?, telling)?);
    }
    let all = if telling == Telling::Brief { " --all (the tables)," } else { "" };
    tell(&format!("\nMore: {0}{all} list, zoo, why, --help", out::program()))?;
    Ok(exit)
}

/// What became of the scenarios of each system, a line each.
fn by_system(cases: &[Case], summary: &Summary) -> miette::Result<()> {
    let mut systems: BTreeMap<&str, (usize, u64, usize, u64)> = BTreeMap::new();
    let results = sweep_table::results(cases, summary);
    for ((case, of_case), (_, colour)) in cases.iter().zip(&summary.cases).zip(results) {
        let (scenarios, runs, bad, tolerated) = systems.entry(case.system.name()).or_default();
        *scenarios += 1;
        *runs += of_case.runs;
        *bad += usize::from(matches!(colour, Colour::Bad));
        *tolerated += of_case.tolerated.values().sum::<u64>();
    }
    let mut table = Table::new(&["SYSTEM", "SCENARIOS", "RUNS", "RESULT"], &["RESULT"]);
    for (system, (scenarios, runs, bad, tolerated)) in systems {
        let (colour, result) = match (bad, tolerated) {
            (0, 0) => (Colour::Good, "valid".to_owned()),
            (0, n) => (Colour::Odd, format!("valid; {n} times what it does not promise")),
            (n, _) => (Colour::Bad, format!("{n} scenarios fail")),
        };
        table.row_in(colour, vec![system.to_owned(), scenarios.to_string(), runs.to_string(), result]);
    }
    if !out::is_quiet() {
        table.print()?;
    }
    let seconds = summary.wall.as_secs_f64().max(1e-9);
    out::tell(&format!(
        "{} runs in {seconds:.1} s: {:.0} messages and {:.0} simulated seconds a second",
        summary.runs,
        summary.messages as f64 / seconds,
        summary.simulated.as_secs_f64() / seconds
    ))?;
    sweep_table::problems(cases, summary)
}

/// Looks for the violation of each scenario.
fn look_for(cases: &[Case], telling: Telling) -> miette::Result<Vec<Search<'_>>> {
    let look = |case| {
        let summary = sweep_all(std::slice::from_ref(case), 0..SEEDS_TO_SHOW, None, telling)?;
        Ok(Search { case, summary })
    };
    cases.iter().map(look).collect()
}

/// Tells which violations were found.
fn found(searches: &[Search<'_>], telling: Telling) -> miette::Result<Exit> {
    let of = |search: &Search<'_>| sweep_command::exit_of(std::slice::from_ref(search.case), &search.summary);
    let exit = searches.iter().map(of).max().unwrap_or(Exit::AsExpected);
    let shown = |search: &Search<'_>| search.summary.cases[0].shown;
    match telling {
        Telling::Json => {}
        Telling::Tables => {
            let mut table = Table::new(&["BROKEN", "RUNS", "TIME", "SCENARIO"], &["SCENARIO"]);
            for search in searches {
                let (runs, time) = match shown(search) {
                    Some((_, runs, time)) => (runs.to_string(), format!("{:.2} s", time.as_secs_f64())),
                    None => ("not found".to_owned(), "–".to_owned()),
                };
                table.row(vec![flaw_of(search.case), runs, time, search.case.scenario.title.clone()]);
            }
            table.print()?;
        }
        Telling::Brief => {
            let caught: Vec<_> =
                searches.iter().filter_map(|search| Some((search, shown(search)?))).collect();
            let runs: u64 = caught.iter().map(|(_, (_, runs, _))| runs).sum();
            let time: Duration = caught.iter().map(|(_, (.., time))| *time).sum();
            let total = searches.len();
            out::tell(&format!(
                "{} of {total} found, in {runs} runs and {:.1} s.",
                caught.len(),
                time.as_secs_f64()
            ))?;
            if let Some((search, (_, runs, _))) = caught.iter().max_by_key(|(_, (_, runs, _))| *runs) {
                out::tell(&format!("The rarest is {}, after {runs} runs.", flaw_of(search.case)))?;
            }
            for search in searches.iter().filter(|search| shown(search).is_none()) {
                out::say(&format!("Not found by {} runs: {}", search.summary.runs, search.case.name))?;
            }
        }
    }
    Ok(exit)
}

/// Explains one that was caught: the one that took the fewest seeds, made smaller.
fn explain(searches: &[Search<'_>]) -> miette::Result<()> {
    let shown = |search: &Search<'_>| search.summary.cases[0].shown.map(|(seed, runs, _)| (runs, seed));
    let Some((search, (_, seed))) =
        searches.iter().filter_map(|search| Some((search, shown(search)?))).min_by_key(|(_, of)| *of)
    else {
        return Ok(());
    };
    let limits =
        Limits { time: Some(EXPLAIN_AT_MOST), interrupted: Some(interrupt::flag()), ..Limits::default() };
    let Ok(shrunk) = shrink::shrink(search.case, seed, &limits, &mut |_| {}) else { return Ok(()) };
    out::tell(&format!("One of them, {}: {}", flaw_of(search.case), search.case.scenario.title))?;
    let story = shrunk.story();
    for line in story.iter().take(STORY_LINES) {
        out::tell(&format!("  {}", crate::text::cut(line, out::columns().saturating_sub(2))))?;
    }
    if story.len() > STORY_LINES {
        out::tell(&format!("  … and {} lines more", story.len() - STORY_LINES))?;
    }
    out::tell(&format!(
        "  the whole story, and a page: {} why {} --seed {seed}",
        out::program(),
        search.case.name
    ))
}

/// Sweeps, and prints each run that fails and was not meant to; in tables each that fails.
fn sweep_all(
    cases: &[Case],
    seeds: Range<u64>,
    time: Option<Duration>,
    telling: Telling,
) -> miette::Result<Summary> {
    let plan = Plan { time, ..Plan::new(cases, seeds) };
    let mut failed = Ok(());
    let progress = sweep_command::execute(&plan, telling == Telling::Json, |_, step| {
        if let Step::Released(Some(failure)) = step
            && (telling != Telling::Brief || sweep_command::is_wrong(failure))
        {
            failed = sweep_command::report(&cases[failure.case], failure, telling == Telling::Json);
        }
        failed.is_ok()
    });
    failed?;
    Ok(progress.summary)
}
