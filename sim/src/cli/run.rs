//! `run`: one seed of one scenario.

use super::out::{self, Colour};
use super::{Exit, Overrides, one, twice};
use crate::catalog::{Case, Catalog};
use crate::erased::once;
use crate::history;
use crate::latency::{Latencies, Percentiles};
use crate::profile;
use crate::run::{Attention, Met, Report};
use crate::verdict::Verdict;
use clap::Args;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// A scenario file, or a name that `list` shows.
    scenario: String,
    /// The seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Run it again, here and in a fresh process, and compare event by event.
    #[arg(long)]
    twice: bool,
    /// Show what clients did and saw, an operation a row.
    #[arg(long, conflicts_with = "twice")]
    history: bool,
    #[command(flatten)]
    overrides: Overrides,
}

impl Run {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        let case = one(catalog, &self.scenario, &self.overrides)?;
        profile::advise();
        if self.twice {
            return twice::execute(&case, self.seed, json);
        }
        let attention = if self.history { Attention::ALONE_AND_RECORDED } else { Attention::ALONE };
        let (report, recording) = once(case.system, &case.scenario, self.seed, attention);
        if json {
            let lines = recording.iter().flat_map(|recording| &recording.history);
            lines.into_iter().try_for_each(out::line)?;
            out::line(&report.json(&case.name))?;
        } else {
            if let Some(recording) = &recording {
                out::say(&history::table(&recording.history))?;
            }
            print(&case, &report)?;
        }
        Ok(exit_of(&case, &report))
    }
}

/// What a run's report means to the caller.
pub(super) fn exit_of(case: &Case, report: &Report) -> Exit {
    match (report.met(&case.scenario.check.expect), report.word()) {
        _ if report.unconfirmed.is_some() => Exit::Nondeterminism,
        (met, word) if met.is_wrong() || word == "vacuous" => Exit::Violation,
        (_, "unknown") => Exit::Unknown,
        _ => Exit::AsExpected,
    }
}

/// Prints a report for people.
pub(super) fn print(case: &Case, report: &Report) -> miette::Result<()> {
    if out::is_quiet() {
        return if exit_of(case, report) == Exit::AsExpected { Ok(()) } else { verdict(case, report) };
    }
    verdict(case, report)?;
    let operations = report.operations;
    out::say(&format!(
        "  operations   {} ok, {} failed, {} unknown",
        operations.ok, operations.fail, operations.unknown
    ))?;
    let mut latencies = Latencies::new();
    latencies.record(&report.latencies);
    print_latencies(&latencies)?;
    if let Some(after) = report.converged_after {
        out::say(&format!("  converged    {} ms after the last fault", after.as_millis()))?;
    }
    out::say(&format!(
        "  simulated    {:.1} s in {:.1} ms: {} messages, {} events",
        report.simulated.as_secs_f64(),
        report.wall.as_secs_f64() * 1e3,
        report.messages,
        report.events,
    ))?;
    out::say(&format!("  digest       {}", report.digest))
}

/// Prints a verdict and its evidence.
pub(super) fn verdict(case: &Case, report: &Report) -> miette::Result<()> {
    let name = format!("{} seed {}", case.name, report.seed);
    let verdict = match (report.verdict(), report.met(&case.scenario.check.expect)) {
        (_, Met::Unreached) => out::paint(
            "unreached: nothing else is wrong, and something did not happen that must",
            Colour::Bad,
        ),
        (Verdict::Valid, _) if report.word() == "vacuous" => {
            out::paint("vacuous: nothing is wrong, and nothing was shown", Colour::Bad)
        }
        (Verdict::Valid, _) => out::paint("valid", Colour::Good),
        (Verdict::Unknown, _) => out::paint("unknown", Colour::Odd),
        (Verdict::Violation, Met::Unexpected) => out::paint("violation", Colour::Bad),
        (Verdict::Violation, _) => out::paint("violation, as the scenario expects", Colour::Odd),
    };
    out::say(&format!("{}  {verdict}", out::paint(&name, Colour::Bold)))?;
    for violation in &report.violations {
        let (checker, seconds) = (out::paint(&violation.checker, Colour::Bad), violation.at_ms as f64 / 1e3);
        out::say(&format!("  {checker} at {seconds:.3} s: {}", violation.message))?;
        if let Some(because) = case.scenario.check.expect.because(&violation.checker) {
            out::say(&format!("    tolerated: {because}"))?;
        }
    }
    if let Some(why) = &report.unknown {
        out::say(&format!("  unknown: {why}"))?;
    }
    for missing in report.missing() {
        out::say(&format!("  {}: {missing}", out::paint("unreached", Colour::Bad)))?;
    }
    for vacuity in &report.vacuities {
        out::say(&format!("  {}: {}", vacuity.lack, vacuity.message))?;
    }
    if let Some(why) = &report.unconfirmed {
        out::say(&format!("  {}: {why}", out::paint("nondeterminism", Colour::Bad)))?;
    }
    if !report.violations.is_empty() || !report.unreached.is_empty() {
        out::say(&format!("  next: {}", out::replay_command(case, report.seed)))?;
    }
    Ok(())
}

/// Prints latencies, calm and under faults.
pub(super) fn print_latencies(latencies: &Latencies) -> miette::Result<()> {
    let line = |name: &str, figures: Percentiles| {
        let [p50, p99, p999, max] = [figures.p50, figures.p99, figures.p999, figures.max].map(out::micros);
        out::say(&format!("  {name:<12} p50 {p50}, p99 {p99}, p99.9 {p999}, max {max} (simulated)"))
    };
    line("calm", latencies.calm())?;
    line("under faults", latencies.faulty())
}
