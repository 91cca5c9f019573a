//! What a run found.

use super::substrate;
use super::watch::Stuck;
use crate::check::{self, Broken};
use crate::history::Line;
use crate::latency::{Latencies, Percentiles, Sample};
use crate::scenario::{Expect, Scenario};
use crate::time::{told_ms, told_ns};
use crate::verdict::{Vacuity, Verdict, Violation};
use host::world::{Digest, Happening, TraceEvent, TraceLine};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many operations ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operations {
    /// Happened.
    pub ok: u64,
    /// Did not happen.
    pub fail: u64,
    /// May have happened.
    pub unknown: u64,
}

impl Operations {
    /// Takes in others.
    pub(crate) fn add(&mut self, others: Operations) {
        self.ok += others.ok;
        self.fail += others.fail;
        self.unknown += others.unknown;
    }
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
    /// What the run lacks, of all that makes a verdict worth something, and the scenario does not allow.
    pub vacuities: Vec<Vacuity>,
    /// The probes that the scenario expects each run to publish, and this one did not.
    pub unreached: Vec<String>,
    /// A real socket was open that was not before the run.
    pub(crate) opened_socket: bool,
    /// What was seen in a first run of this seed and not in the second, which this reports on.
    pub unconfirmed: Option<String>,
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
    /// What each node believed in the end, or when it was asked ([`super::Attention::with_views_at`]); none for one that was
    /// down.
    pub views: Vec<Option<serde_json::Value>>,
    /// The resolved plan.
    pub plan: Scenario,
    /// What the code was at when it made the event that [`super::Attention::with_backtrace_at`] names.
    pub backtrace: Option<String>,
}

/// How a report stands to what its scenario expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// Nothing was violated, or only what is tolerated.
    AsExpected,
    /// The violation that the scenario is there to show.
    ShownViolation,
    /// No other violation, but the run has not reached what the scenario expects of each.
    Unreached,
    /// A violation that the scenario does not expect.
    Unexpected,
}

impl Met {
    /// Whether nobody meant it.
    pub fn is_wrong(self) -> bool {
        matches!(self, Met::Unreached | Met::Unexpected)
    }
}

impl Recording {
    /// The trace as it is told: with the names of machines, and in time since the workload began. What libraries logged
    /// is apart, in [`Recording::library_logs`].
    pub fn lines(&self) -> impl Iterator<Item = TraceLine<'_>> {
        self.of_libraries(false)
    }

    /// What libraries logged, in the same form: the numbers of its lines are missing in the trace.
    pub fn library_logs(&self) -> impl Iterator<Item = TraceLine<'_>> {
        self.of_libraries(true)
    }

    /// Both, in order.
    pub(crate) fn all_lines(&self) -> impl Iterator<Item = TraceLine<'_>> {
        (1..).zip(&self.trace).map(|(number, event)| self.line(number, event))
    }

    fn of_libraries(&self, wanted: bool) -> impl Iterator<Item = TraceLine<'_>> {
        let is_wanted = move |(_, event): &(usize, &TraceEvent)| {
            matches!(event.happening, Happening::Log { library: true, .. }) == wanted
        };
        (1..).zip(&self.trace).filter(is_wanted).map(|(number, event)| self.line(number, event))
    }

    fn line<'a>(&'a self, number: usize, event: &'a TraceEvent) -> TraceLine<'a> {
        TraceLine { time: told_ns(event.at_ns), ..event.line(number, &self.machines) }
    }

    /// What each node believed in the end, by its name; null for one that was down.
    pub fn views_by_name(&self) -> serde_json::Map<String, serde_json::Value> {
        let view = |view: &Option<serde_json::Value>| view.clone().unwrap_or_default();
        self.machines.iter().cloned().zip(self.views.iter().map(view)).collect()
    }
}

impl Report {
    /// The report of a run that was given up because a node keeps its thread.
    pub(super) fn of_a_stuck_run(seed: u64, how: Stuck, machine: Option<String>, at_ns: u64) -> Self {
        let machine = machine.unwrap_or_else(|| "a machine that could not be named".to_owned());
        let (checker, message) = match how {
            Stuck::Spins => {
                (check::SPIN, format!("{machine} spins: one of its tasks computes, and awaits nothing"))
            }
            Stuck::Blocks => (check::SUBSTRATE, substrate::blocks(&machine)),
            Stuck::Keeps => (
                check::SPIN,
                format!("{machine} keeps its thread: one of its tasks computes or waits, and awaits nothing"),
            ),
        };
        let violation = Broken::from(message).violates(checker, told_ms(at_ns));
        Report { violations: vec![violation], ..Report::of_nothing(seed, at_ns) }
    }

    /// The report of a run that was given up twice, at different instants.
    pub(super) fn of_runs_stuck_elsewhere(seed: u64, at_ns: [u64; 2]) -> Self {
        let [first, second] = at_ns.map(|at_ns| told_ms(at_ns) as f64 / 1e3);
        let why = format!(
            "a node kept its thread from {first:.3} s on in the first run, from {second:.3} s in the second"
        );
        Report { unconfirmed: Some(why), ..Report::of_nothing(seed, at_ns[0]) }
    }

    /// Of a run that was given up all else is lost.
    fn of_nothing(seed: u64, at_ns: u64) -> Self {
        Report {
            seed,
            violations: Vec::new(),
            unknown: None,
            vacuities: Vec::new(),
            unreached: Vec::new(),
            opened_socket: false,
            unconfirmed: None,
            digest: Digest::empty(),
            simulated: Duration::from_nanos(at_ns),
            converged_after: None,
            events: 0,
            messages: 0,
            operations: Operations::default(),
            latencies: Vec::new(),
            probes: BTreeMap::new(),
            wall: Duration::ZERO,
        }
    }

    /// Whether the run was given up, and its thread goes on.
    pub fn is_of_a_stuck_run(&self) -> bool {
        self.digest == Digest::empty()
    }

    /// What makes this run show nothing, if nothing is wrong.
    pub fn vacuous(&self) -> impl Iterator<Item = &Vacuity> {
        self.vacuities.iter().filter(|vacuity| vacuity.lack.tells_of_one_run())
    }

    /// What the scenario expects of each run and this one has not reached, a sentence each.
    pub(crate) fn missing(&self) -> impl Iterator<Item = String> {
        self.unreached
            .iter()
            .map(|probe| format!("nobody published `{probe}`, and the scenario expects it of each run"))
    }

    /// The verdict in a word: `unreached` where nothing is wrong and something did not happen that must, `vacuous` where
    /// nothing is wrong and nothing was shown.
    pub fn word(&self) -> &'static str {
        match self.verdict() {
            Verdict::Violation => "violation",
            Verdict::Unknown => "unknown",
            Verdict::Valid if !self.unreached.is_empty() => "unreached",
            Verdict::Valid if self.vacuous().next().is_some() => "vacuous",
            Verdict::Valid => "valid",
        }
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
        } else if !self.unreached.is_empty() {
            Met::Unreached
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
            verdict: self.word(),
            violations: &self.violations,
            unknown: self.unknown.as_deref(),
            vacuous: &self.vacuities,
            unreached: &self.unreached,
            unconfirmed: self.unconfirmed.as_deref(),
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

impl Json<'_> {
    /// The same, of a run that was not confirmed by another.
    pub fn but_differs<'a>(self, nondeterminism: Option<&'a str>) -> Json<'a>
    where
        Self: 'a,
    {
        Json { unconfirmed: self.unconfirmed.or(nondeterminism), ..self }
    }
}

/// A report in the form of `run --json`.
#[derive(Debug, Serialize)]
pub struct Json<'a> {
    scenario: String,
    seed: u64,
    verdict: &'static str,
    violations: &'a [Violation],
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Vacuity]>::is_empty")]
    vacuous: &'a [Vacuity],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unreached: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    unconfirmed: Option<&'a str>,
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
