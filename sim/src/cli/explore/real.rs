//! `explore --real`: the real code in a small scope.

use super::Explore;
use super::told::grouped;
use crate::catalog::{Case, Catalog};
use crate::cli::out::{self, Colour};
use crate::cli::written::file;
use crate::cli::{Exit, Overrides, interrupt, one};
use crate::small::{Bounds, Explored, Failure, explore};
use crate::sweep::all_cores;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `explore --real`.
#[derive(Debug, Args)]
pub(super) struct Real {
    /// Run the real code of this scenario in every way in which little can happen, instead of searching a specification.
    #[arg(long = "real", value_name = "SCENARIO", conflicts_with = "spec")]
    pub(super) scenario: Option<String>,
    /// With --real: choices in a run.
    #[arg(long, default_value_t = 4, requires = "scenario")]
    choices: u32,
    /// With --real: faults among them.
    #[arg(long, default_value_t = 1, requires = "scenario")]
    faults: u32,
    /// With --real: choices made while messages are on their way.
    #[arg(long, default_value_t = 1, requires = "scenario")]
    hasty: u32,
    /// With --real: keys that operations are about.
    #[arg(long, default_value_t = 1, requires = "scenario")]
    keys: u32,
    /// With --real: after this long everything has come to its end.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "8s", requires = "scenario")]
    rest: Duration,
    /// With --real: stop after this long.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration, default_value = "60s", requires = "scenario")]
    time: Duration,
    /// With --real: write the run that fails as a scenario.
    #[arg(short, long, value_name = "FILE", requires = "scenario")]
    output: Option<PathBuf>,
}

/// What `explore --real --json` prints.
#[derive(Serialize)]
struct Json<'a> {
    scenario: &'a str,
    runs: u64,
    distinct: u64,
    known: u64,
    cost: u32,
    left: u64,
    wall_s: f64,
    violation: Option<Told<'a>>,
    left_out: Vec<String>,
}

#[derive(Serialize)]
struct Told<'a> {
    checker: &'a str,
    at_ms: i64,
    message: &'a str,
    chosen: Vec<String>,
}

impl Real {
    pub(super) fn execute(
        &self,
        scenario: &str,
        explore_with: &Explore,
        catalog: &Catalog,
        json: bool,
    ) -> miette::Result<Exit> {
        let case = one(catalog, scenario, &Overrides { overrides: explore_with.set.clone() })?;
        let bounds = Bounds {
            choices: self.choices,
            faults: self.faults,
            hasty: self.hasty,
            keys: self.keys.max(1),
            rest: self.rest,
            time: self.time,
            jobs: explore_with.jobs.map_or_else(all_cores, usize::from),
            interrupted: Some(interrupt::flag()),
        };
        let explored = explore(case.system, &case.scenario, &bounds);
        if let (Some(path), Some(failure)) = (&self.output, &explored.failure) {
            file(path, |out| out.write_all(failure.plan.to_toml().as_bytes()))?;
        }
        if json {
            out::line(&self.json(&case, &explored))?;
        } else {
            self.print(&case, &explored)?;
        }
        let is_expected = |failure: &Failure| {
            case.scenario.check.expect.violation.as_deref() == Some(&failure.violation.checker)
        };
        Ok(match &explored.failure {
            Some(failure) if is_expected(failure) => Exit::AsExpected,
            Some(_) => Exit::Violation,
            None if explored.left > 0 => Exit::Unknown,
            None => Exit::AsExpected,
        })
    }

    fn json<'a>(&self, case: &'a Case, explored: &'a Explored) -> Json<'a> {
        let told = |failure: &'a Failure| Told {
            checker: &failure.violation.checker,
            at_ms: failure.violation.at_ms,
            message: &failure.violation.message,
            chosen: chosen(failure),
        };
        Json {
            scenario: &case.name,
            runs: explored.runs,
            distinct: explored.distinct,
            known: explored.known,
            cost: explored.cost,
            left: explored.left,
            wall_s: explored.wall.as_secs_f64(),
            violation: explored.failure.as_deref().map(told),
            left_out: self.left_out(explored),
        }
    }

    fn print(&self, case: &Case, explored: &Explored) -> miette::Result<()> {
        let verdict = match &explored.failure {
            Some(failure) => out::paint(&format!("violation of {}", failure.violation.checker), Colour::Bad),
            None if explored.left > 0 => out::paint("unknown: out of time", Colour::Odd),
            None => out::paint("holds in this scope", Colour::Good),
        };
        let [runs, distinct, known] = [explored.runs, explored.distinct, explored.known].map(grouped);
        out::say(&format!(
            "{}  {verdict}  {runs} runs, {distinct} states at rest, {known} runs to a known one, {} choices on the \
             menu, in {:.1} s",
            out::paint(&case.name, Colour::Bold),
            explored.menu,
            explored.wall.as_secs_f64()
        ))?;
        if let Some(failure) = &explored.failure {
            chosen(failure).iter().try_for_each(|line| out::say(&format!("  {line}")))?;
            let (seconds, message) = (failure.violation.at_ms as f64 / 1e3, &failure.violation.message);
            out::say(&format!("  {} at {seconds:.3} s: {message}", failure.violation.checker))?;
        }
        self.left_out(explored).iter().try_for_each(|line| out::say(&format!("  left out: {line}")))?;
        let (program, next) = (out::program(), case.path.display());
        match (&explored.failure, &self.output) {
            (Some(_), Some(path)) => out::say(&format!("  next: {program} run {}", path.display())),
            (Some(_), None) => out::say(&format!("  next: {program} explore --real {next} -o smallest.toml")),
            (None, _) => {
                out::say(&format!("  next: {program} explore --real {next} --hasty {}", self.hasty + 1))
            }
        }
    }

    /// What the bound leaves out.
    fn left_out(&self, explored: &Explored) -> Vec<String> {
        let Real { choices, faults, hasty, keys, .. } = self;
        let mut left_out = vec![
            format!(
                "runs of more than {choices} choices, {faults} faults, {hasty} choices in haste, {keys} keys"
            ),
            "latencies other than 1 ms between nodes, lost packets, clocks that differ, disks that fail"
                .to_owned(),
        ];
        if explored.left > 0 {
            left_out.push(format!(
                "{} runs that were due, all of those that cost more than {}",
                grouped(explored.left),
                explored.cost
            ));
        }
        left_out
    }
}

/// What was chosen, a line each.
fn chosen(failure: &Failure) -> Vec<String> {
    failure.chosen.iter().map(|(at, choice)| format!("{:>12.6} s  {choice}", at.as_secs_f64())).collect()
}
