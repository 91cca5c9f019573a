//! `sweep`: many seeds of many scenarios.

use super::out::{self, Colour};
use super::progress::Progress;
use super::sweep_out::OutFolder;
use super::{Exit, Overrides, fresh, run};
use crate::catalog::{Case, Catalog};
use crate::latency::Percentiles;
use crate::run::Met;
use crate::sweep::{self, Failure, Plan, Shard, Summary};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
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
    /// Start no run after this long.
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

fn shard(text: &str) -> Result<Shard, String> {
    let wrong = || format!("{text:?} is not i/n with i below n, such as 0/4");
    let (index, of) = text.split_once('/').ok_or_else(wrong)?;
    let (index, of) = (index.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
    if index < of { Ok(Shard { index, of }) } else { Err(wrong()) }
}

impl Sweep {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        let mut cases = Vec::new();
        for argument in &self.scenarios {
            cases.extend(catalog.load(argument, &self.overrides.overrides)?);
        }
        let mut folder = self
            .out
            .as_ref()
            .map(|path| OutFolder::open(path, &cases, &self.seeds, self.shard))
            .transpose()?;
        let state = folder.as_ref().map(OutFolder::state);
        let plan = Plan {
            cases: &cases,
            seeds: self.seeds.clone(),
            jobs: self.jobs.map_or_else(sweep::all_cores, usize::from),
            shard: self.shard,
            time: self.time,
            resume_from: state.map_or(0, |state| state.released),
            done: state.map_or_else(|| vec![false; cases.len()], |state| state.done.clone()),
        };
        let mut failed = Ok(());
        // How many probes were reached, and after how many runs the last of them.
        let mut plateau = (0, 0);
        let summary = execute(&plan, json, |released, summary, failure| {
            if summary.probes.len() > plateau.0 {
                plateau = (summary.probes.len(), summary.runs);
            }
            failed = (|| {
                if let Some(failure) = failure.filter(|failure| json || worth_printing(failure, summary)) {
                    report(&cases[failure.case], failure, json)?;
                }
                match &mut folder {
                    Some(folder) => folder.keep(&cases, released, summary, failure),
                    None => Ok(()),
                }
            })();
            failed.is_ok() && self.until_plateau.is_none_or(|runs| summary.runs - plateau.1 < runs)
        });
        failed?;
        if let Some(folder) = &mut folder {
            folder.finish(&summary)?;
        }
        if json {
            out::line(&SummaryJson::new(&cases, &summary))?;
        } else {
            print(&cases, &summary)?;
        }
        Ok(exit_of(&cases, &summary))
    }
}

/// Whether people want to see this failure: the first few of a scenario tell what there is to tell.
fn worth_printing(failure: &Failure, summary: &Summary) -> bool {
    let is_news =
        failure.met == Met::Unexpected && summary.cases[failure.case].unexpected <= FAILURES_PRINTED;
    is_news || failure.nondeterminism.is_some()
}

/// Sweeps with a progress bar.
pub(super) fn execute(
    plan: &Plan<'_>,
    hidden: bool,
    mut each: impl FnMut(u64, &Summary, Option<&Failure>) -> bool,
) -> Summary {
    let runs = (plan.seeds.end - plan.seeds.start) * plan.cases.len() as u64;
    let progress = Progress::new(runs, hidden);
    let summary = sweep::sweep(plan, &fresh::digest_in_a_fresh_process, |released, summary, failure| {
        progress.update(released, summary);
        let mut go_on = true;
        if failure.is_some() {
            // Output fails on its own account, inside `each`.
            let _ = progress.above(|| {
                go_on = each(released, summary, failure);
                Ok(())
            });
        } else {
            go_on = each(released, summary, failure);
        }
        go_on
    });
    progress.finish();
    summary
}

/// What a sweep means to the caller. One that was cut short has shown nothing of what it did not reach.
pub(super) fn exit_of(cases: &[Case], summary: &Summary) -> Exit {
    if summary.nondeterministic > 0 {
        Exit::Nondeterminism
    } else if !summary.unmet(cases).is_empty() {
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
        return out::line(&failure.report.json(&case.name));
    }
    run::verdict(case, &failure.report)?;
    if let Some(differs) = &failure.nondeterminism {
        out::say(&format!("  {}: {differs}", out::paint("nondeterminism", Colour::Bad)))?;
        out::say(
            "  two runs of one seed must be one run: look for a clock, a thread or a hash map of the system's",
        )?;
    }
    Ok(())
}

/// Prints a sweep's summary for people.
pub(super) fn print(cases: &[Case], summary: &Summary) -> miette::Result<()> {
    let mut table = out::table(&["SCENARIO", "RUNS", "VIOLATIONS", "CONVERGED p50 / p99 / max", "RESULT"]);
    let unmet: BTreeMap<usize, String> = summary.unmet(cases).into_iter().collect();
    for (index, (case, of_case)) in cases.iter().zip(&summary.cases).enumerate() {
        let tolerated: Vec<String> =
            of_case.tolerated.iter().map(|(checker, n)| format!("{n} × {checker}")).collect();
        let result = match (unmet.get(&index), &case.scenario.check.expect.violation, of_case.shown) {
            (Some(why), ..) => out::paint(why, Colour::Bad),
            (None, Some(checker), Some((seed, ..))) => {
                out::paint(&format!("shows the violation of {checker}, first at seed {seed}"), Colour::Good)
            }
            _ if !tolerated.is_empty() => {
                out::paint(&format!("tolerated: {}", tolerated.join(", ")), Colour::Odd)
            }
            _ => out::paint("valid", Colour::Good),
        };
        let mut converged = of_case.converged_ms.clone();
        converged.sort_unstable();
        let at = |quantile: f64| {
            converged.get(((converged.len() as f64 - 1.0).max(0.0) * quantile).round() as usize)
        };
        let converged = match (at(0.5), at(0.99), converged.last()) {
            (Some(p50), Some(p99), Some(max)) => format!("{p50} / {p99} / {max} ms"),
            _ => "–".to_owned(),
        };
        table.add_row([
            &case.name,
            &of_case.runs.to_string(),
            &of_case.violations.to_string(),
            &converged,
            &result,
        ]);
    }
    out::say(&table.to_string())?;
    out::say(&format!(
        "\n{} runs in {:.1} s: {:.0} runs/s, {:.0} messages/s, {:.0} simulated seconds a second",
        summary.runs,
        summary.wall.as_secs_f64(),
        per_second(summary, summary.runs as f64),
        per_second(summary, summary.messages as f64),
        per_second(summary, summary.simulated.as_secs_f64()),
    ))?;
    run::print_latencies(&summary.latencies)?;
    let never = never_reached(cases, summary);
    if !never.is_empty() {
        out::say(&format!("  never reached: {}", never.join(", ")))?;
    }
    if let Some((index, _)) = unmet.first_key_value()
        && let Some(seed) = summary.first_failing_seed.filter(|_| summary.cases[*index].unexpected > 0)
    {
        out::say(&format!("  next: {}", out::replay_command(&cases[*index], seed)))?;
    }
    Ok(())
}

fn per_second(summary: &Summary, amount: f64) -> f64 {
    amount / summary.wall.as_secs_f64().max(1e-9)
}

/// The probes that the swept systems declare and no run published.
fn never_reached(cases: &[Case], summary: &Summary) -> Vec<String> {
    let declared: std::collections::BTreeSet<String> =
        cases.iter().flat_map(|case| case.system.vocabulary().probes).collect();
    declared.into_iter().filter(|probe| !summary.probes.contains_key(probe)).collect()
}

/// The last line of `sweep --json`.
#[derive(Debug, Serialize)]
struct SummaryJson {
    runs: u64,
    violations: u64,
    unknown: u64,
    nondeterministic: u64,
    first_failing_seed: Option<u64>,
    complete: bool,
    runs_per_second: f64,
    messages_per_second: f64,
    simulated_per_wall: f64,
    probes: BTreeMap<String, u64>,
    never_reached: Vec<String>,
    latency_us: Percentiles,
    latency_calm_us: Percentiles,
    latency_fault_us: Percentiles,
    unmet: Vec<String>,
}

impl SummaryJson {
    fn new(cases: &[Case], summary: &Summary) -> Self {
        SummaryJson {
            runs: summary.runs,
            violations: summary.violations,
            unknown: summary.unknown,
            nondeterministic: summary.nondeterministic,
            first_failing_seed: summary.first_failing_seed,
            complete: summary.complete,
            runs_per_second: per_second(summary, summary.runs as f64),
            messages_per_second: per_second(summary, summary.messages as f64),
            simulated_per_wall: per_second(summary, summary.simulated.as_secs_f64()),
            probes: summary.probes.clone(),
            never_reached: never_reached(cases, summary),
            latency_us: summary.latencies.all(),
            latency_calm_us: summary.latencies.calm(),
            latency_fault_us: summary.latencies.faulty(),
            unmet: summary
                .unmet(cases)
                .into_iter()
                .map(|(index, why)| format!("{}: {why}", cases[index].name))
                .collect(),
        }
    }
}
