//! What a run found.

use crate::check;
use crate::history::Line;
use crate::latency::{Latencies, Percentiles, Sample};
use crate::scenario::{Expect, Scenario};
use host::world::{Digest, TraceEvent};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything that was judged holds.
    Valid,
    /// Something does not.
    Violation,
    /// A search ran out of its budget before it could tell.
    Unknown,
}

/// One thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The checker that says so.
    pub checker: String,
    /// When, in ms since the run began.
    pub at_ms: u64,
    /// The evidence.
    pub message: String,
}

/// How many operations ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Operations {
    /// Happened.
    pub ok: u64,
    /// Did not happen.
    pub fail: u64,
    /// May have happened.
    pub unknown: u64,
}

/// The outcome of one run.
#[derive(Debug, Clone)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What does not hold, in the order in which it was found.
    pub violations: Vec<Violation>,
    /// Why a checker could not tell, if one could not.
    pub unknown: Option<String>,
    /// The hash over everything observable.
    pub digest: Digest,
    /// How much time passed in the simulation.
    pub simulated: Duration,
    /// How long the system took to converge after the last fault; none when it did not.
    pub converged_after: Option<Duration>,
    /// Observed events.
    pub events: u64,
    /// Messages delivered between machines.
    pub messages: u64,
    /// How operations ended.
    pub operations: Operations,
    /// How long the completed ones took.
    pub latencies: Vec<Sample>,
    /// How often each probe was published.
    pub probes: BTreeMap<&'static str, u64>,
    /// How much real time it took.
    pub wall: Duration,
}

/// A recorded run: everything that a replay writes down.
#[derive(Debug)]
pub struct Recording {
    /// The operations.
    pub history: Vec<Line>,
    /// Everything that happened.
    pub trace: Vec<TraceEvent>,
    /// The names of the machines that the trace numbers.
    pub machines: Vec<String>,
    /// What each node believed in the end; none for one that was down.
    pub views: Vec<Option<serde_json::Value>>,
    /// The resolved plan.
    pub plan: Scenario,
}

/// How a report stands to what its scenario expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// Nothing was violated, or only what is tolerated.
    AsExpected,
    /// The violation that the scenario is there to show.
    ShownViolation,
    /// A violation that the scenario does not expect.
    Unexpected,
}

impl Report {
    /// The report of a run that was given up because a node computes without awaiting anything.
    pub(super) fn of_a_spin(seed: u64, machine: Option<String>) -> Self {
        let machine = machine.unwrap_or_else(|| "a machine that could not be named".to_owned());
        let message = format!("{machine} spins: one of its tasks computes, and awaits nothing");
        Report {
            seed,
            violations: vec![Violation { checker: check::SPIN.to_owned(), at_ms: 0, message }],
            unknown: None,
            digest: Digest::empty(),
            simulated: Duration::ZERO,
            converged_after: None,
            events: 0,
            messages: 0,
            operations: Operations::default(),
            latencies: Vec::new(),
            probes: BTreeMap::new(),
            wall: Duration::ZERO,
        }
    }

    /// Whether the run was given up, and its thread is lost.
    pub fn is_of_a_spin(&self) -> bool {
        self.violations.iter().any(|violation| violation.checker == check::SPIN)
    }

    /// Whether everything holds.
    pub fn verdict(&self) -> Verdict {
        match (self.violations.is_empty(), &self.unknown) {
            (false, _) => Verdict::Violation,
            (true, Some(_)) => Verdict::Unknown,
            (true, None) => Verdict::Valid,
        }
    }

    /// How this stands to what the scenario expects.
    pub fn met(&self, expect: &Expect) -> Met {
        let is_shown = |violation: &Violation| expect.violation.as_ref() == Some(&violation.checker);
        let is_tolerated = |violation: &Violation| expect.tolerates(&violation.checker);
        if !self.violations.iter().all(|violation| is_shown(violation) || is_tolerated(violation)) {
            Met::Unexpected
        } else if self.violations.iter().any(is_shown) {
            Met::ShownViolation
        } else {
            Met::AsExpected
        }
    }

    /// The report as `run --json` prints it.
    pub fn json(&self, scenario: &str) -> Json<'_> {
        let mut latencies = Latencies::new();
        latencies.record(&self.latencies);
        Json {
            scenario: scenario.to_owned(),
            seed: self.seed,
            verdict: self.verdict(),
            violations: &self.violations,
            unknown: self.unknown.as_deref(),
            digest: self.digest.to_string(),
            simulated_ms: self.simulated.as_millis() as u64,
            converged_after_ms: self.converged_after.map(|time| time.as_millis() as u64),
            events: self.events,
            messages: self.messages,
            operations: self.operations,
            latency_us: latencies.all(),
            latency_calm_us: latencies.calm(),
            latency_fault_us: latencies.faulty(),
            wall_ms: self.wall.as_secs_f64() * 1e3,
        }
    }
}

/// A report in the form of `run --json`.
#[derive(Debug, Serialize)]
pub struct Json<'a> {
    scenario: String,
    seed: u64,
    verdict: Verdict,
    violations: &'a [Violation],
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<&'a str>,
    digest: String,
    simulated_ms: u64,
    converged_after_ms: Option<u64>,
    events: u64,
    messages: u64,
    operations: Operations,
    latency_us: Percentiles,
    latency_calm_us: Percentiles,
    latency_fault_us: Percentiles,
    wall_ms: f64,
}
