//! No arguments: the two-minute tour. A sweep of the scenarios that must hold, then flaws being caught.

use super::out::{self, Colour};
use super::{Exit, run, sweep as sweep_command, zoo};
use crate::catalog::{Case, Catalog};
use crate::sweep::{self, Plan, Shard, Summary};
use std::ops::Range;

/// Seeds of each scenario that must hold.
const SEEDS: u64 = 300;
/// Seeds to look for a flaw in.
const SEEDS_FOR_A_FLAW: u64 = 300;
/// Flaws shown.
const FLAWS: usize = 3;

pub(super) fn tour(catalog: &Catalog, json: bool) -> miette::Result<Exit> {
    let (zoo, others): (Vec<Case>, Vec<Case>) =
        catalog.load("scenarios", &[])?.into_iter().partition(|case| case.name.starts_with("zoo"));
    let tell = |text: &str| if json { Ok(()) } else { out::say(text) };

    tell(&out::paint("1. Does it hold?", Colour::Bold))?;
    tell(&format!("{} scenarios, {SEEDS} seeds each: partitions, crashes, held and one-way links.\n", others.len()))?;
    let summary = sweep_all(&others, 0..SEEDS, json, false)?;
    if json {
        out::line(&serde_json::json!({ "runs": summary.runs, "violations": summary.violations }))?;
    } else {
        sweep_command::print(&others, &summary)?;
    }
    let mut exit = sweep_command::exit_of(&others, &summary);

    tell(&out::paint("\n2. Would it notice?", Colour::Bold))?;
    tell("The same protocol with one rule broken, under random faults. A sweep must catch it.\n")?;
    for case in zoo.iter().take(FLAWS) {
        tell(&format!("{}: {}", out::paint(&zoo::flaw_of(case), Colour::Bold), case.scenario.title))?;
        let summary = sweep_all(std::slice::from_ref(case), 0..SEEDS_FOR_A_FLAW, json, true)?;
        let runs = summary.runs;
        tell(&match summary.cases[0].shown {
            Some((_, _, elapsed)) => format!("  caught after {runs} seeds, in {:.2} s\n", elapsed.as_secs_f64()),
            None => format!("  not caught by {runs} seeds\n"),
        })?;
        exit = exit.max(sweep_command::exit_of(std::slice::from_ref(case), &summary));
    }
    tell(&format!("More: {0} list, {0} zoo, {0} --help", out::program()))?;
    Ok(exit)
}

fn sweep_all(cases: &[Case], seeds: Range<u64>, json: bool, tell: bool) -> miette::Result<Summary> {
    let plan = Plan {
        cases,
        seeds,
        jobs: sweep::all_cores(),
        shard: Shard { index: 0, of: 1 },
        time: None,
        resume_from: 0,
        done: vec![false; cases.len()],
    };
    let mut failed = Ok(());
    let summary = sweep_command::execute(&plan, json, |_, _, failure| {
        if let Some(failure) = failure.filter(|failure| tell || failure.met == crate::run::Met::Unexpected) {
            let case = &cases[failure.case];
            failed = if json { out::line(&failure.report.json(&case.name)) } else { run::verdict(case, &failure.report) };
        }
        failed.is_ok()
    });
    failed?;
    Ok(summary)
}
