//! The table at the end of a sweep, and the same as JSON.

use super::out::{self, Colour};
use super::run;
use super::table::Table;
use crate::catalog::Case;
use crate::latency::Percentiles;
use crate::sweep::{CaseSummary, Summary};
use crate::verdict::Vacuity;
use serde::Serialize;
use std::collections::BTreeMap;

/// Prints a sweep's summary for people.
pub(super) fn print(cases: &[Case], summary: &Summary) -> miette::Result<()> {
    let header = ["SCENARIO", "RUNS", "VIOLATIONS", "CONVERGED p50 / p99 / max", "RESULT"];
    let mut table = Table::new(&header, &["RESULT"]);
    for ((case, of_case), (result, colour)) in cases.iter().zip(&summary.cases).zip(results(cases, summary)) {
        let converged = of_case.converged_ms.figures().map_or_else(
            || "–".to_owned(),
            |Percentiles { p50, p99, max, .. }| format!("{p50} / {p99} / {max} ms"),
        );
        let (runs, violations) = (of_case.runs.to_string(), of_case.violations.to_string());
        table.row_in(colour, vec![case.name.clone(), runs, violations, converged, result]);
    }
    if out::is_quiet() {
        return problems(cases, summary);
    }
    table.print()?;
    figures(cases, summary)?;
    problems(cases, summary)
}

/// How fast it was, and how long operations took.
pub(super) fn figures(cases: &[Case], summary: &Summary) -> miette::Result<()> {
    out::say(&format!(
        "\n{} runs in {:.1} s: {:.0} runs/s, {:.0} messages/s, {:.0} simulated seconds a second",
        summary.runs,
        summary.wall.as_secs_f64(),
        per_second(summary, summary.runs as f64),
        per_second(summary, summary.messages as f64),
        per_second(summary, summary.simulated.as_secs_f64()),
    ))?;
    if let Some(slowest) = summary.slowest {
        out::say(&format!(
            "  slowest      {} seed {}, {:.2} s",
            cases[slowest.case].name,
            slowest.seed,
            slowest.wall.as_secs_f64()
        ))?;
    }
    for (case, seed) in &summary.unfinished {
        out::say(&format!("  unfinished   {} seed {seed}", cases[*case].name))?;
    }
    run::print_latencies(&summary.latencies)?;
    let never = never_reached(cases, summary);
    if !never.is_empty() {
        out::say(&format!("  never reached: {}", out::some_of(&never)))?;
    }
    Ok(())
}

/// What is wrong, and what to type next.
pub(super) fn problems(cases: &[Case], summary: &Summary) -> miette::Result<()> {
    let vacuous = summary.vacuous(cases);
    if let Some((index, vacuity)) = vacuous.first() {
        out::say(&format!(
            "  {}: {}; a scenario that means it says [check] allows = [\"{}\"]",
            out::paint("vacuous", Colour::Bad),
            vacuity.message,
            vacuity.lack,
        ))?;
        if summary.cases[*index].runs > 0 {
            out::say(&format!(
                "  next: {}",
                out::replay_command(&cases[*index], summary.cases[*index].first_seed.unwrap_or_default())
            ))?;
        }
    }
    let failing =
        summary.cases.iter().enumerate().find_map(|(index, case)| Some((index, case.first_unexpected?)));
    if let Some((index, seed)) = failing {
        out::say(&format!("  next: {}", out::replay_command(&cases[index], seed)))?;
    }
    Ok(())
}

/// What a sweep says of each scenario, and how good that is.
pub(super) fn results(cases: &[Case], summary: &Summary) -> Vec<(String, Colour)> {
    let unmet: BTreeMap<usize, String> = summary.unmet(cases).into_iter().collect();
    let vacuous = summary.vacuous(cases);
    let each = cases.iter().zip(&summary.cases).enumerate().map(|(index, (case, of_case))| {
        let lacks =
            vacuous.iter().filter(|(of, _)| *of == index).map(|(_, vacuity)| vacuity).collect::<Vec<_>>();
        result(case, of_case, unmet.get(&index), &lacks)
    });
    each.collect()
}

fn result(
    case: &Case,
    of_case: &CaseSummary,
    unmet: Option<&String>,
    lacks: &[&Vacuity],
) -> (String, Colour) {
    let tolerated: Vec<String> =
        of_case.tolerated.iter().map(|(checker, n)| format!("{n} × {checker}")).collect();
    match (unmet, &case.scenario.check.expect.violation, of_case.shown) {
        (Some(why), ..) => (why.clone(), Colour::Bad),
        _ if of_case.nondeterministic > 0 => {
            (format!("nondeterminism in {} runs", of_case.nondeterministic), Colour::Bad)
        }
        (None, Some(checker), Some((seed, ..))) => {
            (format!("shows the violation of {checker}, first at seed {seed}"), Colour::Good)
        }
        _ if !lacks.is_empty() => {
            let lacks: Vec<&str> = lacks.iter().map(|vacuity| &*vacuity.message).collect();
            (format!("vacuous: {}", lacks.join("; ")), Colour::Bad)
        }
        _ if of_case.runs == 0 => ("not run".to_owned(), Colour::Odd),
        _ if of_case.unknown > 0 => (format!("unknown in {} runs", of_case.unknown), Colour::Odd),
        _ if !tolerated.is_empty() => (format!("tolerated: {}", tolerated.join(", ")), Colour::Odd),
        _ => ("valid".to_owned(), Colour::Good),
    }
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
pub(super) struct SummaryJson {
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
    vacuous: Vec<String>,
    digest: String,
    slowest: Option<RunJson>,
    unfinished: Vec<RunJson>,
}

/// A run, by what it takes to run it again.
#[derive(Debug, Serialize)]
struct RunJson {
    scenario: String,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    wall_ms: Option<f64>,
}

impl SummaryJson {
    pub(super) fn new(cases: &[Case], summary: &Summary) -> Self {
        let name = |case: usize| cases[case].name.clone();
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
            vacuous: summary
                .vacuous(cases)
                .into_iter()
                .map(|(index, vacuity)| format!("{}: {}", cases[index].name, vacuity.message))
                .collect(),
            digest: summary.digest.to_string(),
            slowest: summary.slowest.map(|slowest| RunJson {
                scenario: name(slowest.case),
                seed: slowest.seed,
                wall_ms: Some(slowest.wall.as_secs_f64() * 1e3),
            }),
            unfinished: summary
                .unfinished
                .iter()
                .map(|(case, seed)| RunJson { scenario: name(*case), seed: *seed, wall_ms: None })
                .collect(),
        }
    }
}
