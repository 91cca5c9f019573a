//! Sweeps: many seeds of many scenarios, on all cores.
//!
//! Workers take runs from one counter, seed by seed through all scenarios; every run has a fresh thread. Results are
//! *released* in that order whatever the order in which they end, so that a sweep prints and counts the same on one
//! core and on eight. A scenario that is there to show a violation is done with once a seed has shown it.
//!
//! A run in which a node spins ends the sweep: its thread cannot be ended.
//!
//! Each failing run is run again, by default in a fresh process, before it is reported: where the digests differ, the
//! finding is nondeterminism, not the violation.

use crate::catalog::Case;
use crate::latency::Latencies;
use crate::run::{self, Met, Operations, Report, Verdict, Violation};
use host::world::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Runs one failing seed again, elsewhere, and returns its digest.
pub type Confirm<'a> = &'a (dyn Fn(&Case, u64) -> Result<Digest, String> + Sync);

/// What to sweep.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The scenarios.
    pub cases: &'a [Case],
    /// The seeds, of each.
    pub seeds: Range<u64>,
    /// How many runs at the same time.
    pub jobs: usize,
    /// Only every `of`-th run, from the `index`-th on.
    pub shard: Shard,
    /// Start no run after this long.
    pub time: Option<Duration>,
    /// How many runs an earlier sweep has released.
    pub resume_from: u64,
    /// Which scenarios an earlier sweep is done with.
    pub done: Vec<bool>,
}

/// One of several machines' share of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which share, from 0.
    pub index: u64,
    /// Of how many.
    pub of: u64,
}

/// A run that violated something, or was not deterministic.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which scenario: its place in the plan.
    pub case: usize,
    /// What it found.
    pub report: Report,
    /// How that stands to what the scenario expects.
    pub met: Met,
    /// The digest of the second run, where it differs from the first; or why there was no second run.
    pub nondeterminism: Option<String>,
}

/// What a sweep found.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Runs released.
    pub runs: u64,
    /// Of those, how many violated something, tolerated or not.
    pub violations: u64,
    /// Of those, how many ended without a verdict.
    pub unknown: u64,
    /// The first seed that violated something not tolerated.
    pub first_failing_seed: Option<u64>,
    /// Runs that differed when run again.
    pub nondeterministic: u64,
    /// Messages delivered.
    pub messages: u64,
    /// Simulated time.
    pub simulated: Duration,
    /// Real time.
    pub wall: Duration,
    /// How often each probe was published.
    pub probes: BTreeMap<String, u64>,
    /// How operations ended.
    pub operations: Operations,
    /// How long they took.
    pub latencies: Latencies,
    /// Each scenario's share.
    pub cases: Vec<CaseSummary>,
    /// All runs were released: neither the time limit nor an interruption cut the sweep short.
    pub complete: bool,
}

/// What a sweep found of one scenario.
#[derive(Debug, Clone, Default)]
pub struct CaseSummary {
    /// Runs released.
    pub runs: u64,
    /// How many violated something.
    pub violations: u64,
    /// How many of those were unexpected.
    pub unexpected: u64,
    /// The first seed that showed the expected violation, after how many runs of this scenario and how long.
    pub shown: Option<(u64, u64, Duration)>,
    /// Tolerated violations, by checker.
    pub tolerated: BTreeMap<String, u64>,
    /// How long the runs took to converge, in simulated ms.
    pub converged_ms: Vec<u32>,
}

enum Message {
    Done(u64, Box<(Report, Met, Option<String>)>),
    Skipped(u64),
}

impl Summary {
    fn new(cases: usize) -> Self {
        Summary {
            runs: 0,
            violations: 0,
            unknown: 0,
            first_failing_seed: None,
            nondeterministic: 0,
            messages: 0,
            simulated: Duration::ZERO,
            wall: Duration::ZERO,
            probes: BTreeMap::new(),
            operations: Operations::default(),
            latencies: Latencies::new(),
            cases: vec![CaseSummary::default(); cases],
            complete: false,
        }
    }

    /// Which scenarios did not do what they expect, and why.
    pub fn unmet(&self, cases: &[Case]) -> Vec<(usize, String)> {
        let unmet = |(index, case): (usize, &CaseSummary)| match &cases[index].scenario.check.expect.violation
        {
            _ if case.unexpected > 0 => {
                Some((index, format!("{} runs violated what must hold", case.unexpected)))
            }
            Some(checker) if case.shown.is_none() => Some((
                index,
                format!("none of {} seeds showed the expected violation of {checker}", case.runs),
            )),
            _ => None,
        };
        self.cases.iter().enumerate().filter_map(unmet).collect()
    }

    fn release(&mut self, case: usize, report: &Report, met: Met, differs: bool, elapsed: Duration) {
        self.runs += 1;
        self.messages += report.messages;
        self.simulated += report.simulated;
        self.latencies.record(&report.latencies);
        self.operations.ok += report.operations.ok;
        self.operations.fail += report.operations.fail;
        self.operations.unknown += report.operations.unknown;
        self.nondeterministic += u64::from(differs);
        for (probe, hits) in &report.probes {
            *self.probes.entry((*probe).to_owned()).or_default() += hits;
        }
        let of_case = &mut self.cases[case];
        of_case.runs += 1;
        of_case.converged_ms.extend(report.converged_after.map(|after| after.as_millis() as u32));
        match report.verdict() {
            Verdict::Valid => return,
            Verdict::Unknown => {
                self.unknown += 1;
                return;
            }
            Verdict::Violation => {}
        }
        self.violations += 1;
        of_case.violations += 1;
        match met {
            Met::AsExpected => {
                for Violation { checker, .. } in &report.violations {
                    *of_case.tolerated.entry(checker.clone()).or_default() += 1;
                }
                return;
            }
            Met::ShownViolation => of_case.shown = Some((report.seed, of_case.runs, elapsed)),
            Met::Unexpected => of_case.unexpected += 1,
        }
        self.first_failing_seed.get_or_insert(report.seed);
    }
}

/// Sweeps. `each` is called in order for every released run, with how many runs were released or skipped so far, what
/// was found so far, and the failure if it was one; it may end the sweep by returning false.
pub fn sweep(
    plan: &Plan<'_>,
    confirm: Confirm<'_>,
    mut each: impl FnMut(u64, &Summary, Option<&Failure>) -> bool,
) -> Summary {
    let start = Instant::now();
    let cases = plan.cases.len() as u64;
    let total = (plan.seeds.end - plan.seeds.start) * cases;
    let next = AtomicU64::new(plan.resume_from);
    let stop = AtomicBool::new(false);
    // The earliest run that showed what each scenario is there to show; later ones are not needed.
    let shown: Vec<AtomicU64> =
        plan.done.iter().map(|done| AtomicU64::new(if *done { 0 } else { u64::MAX })).collect();
    let mut summary = Summary::new(plan.cases.len());

    let work = |results: &mpsc::SyncSender<Message>| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let out_of_time = plan.time.is_some_and(|time| start.elapsed() >= time);
            if index >= total || out_of_time || stop.load(Ordering::Relaxed) {
                return;
            }
            let (case, seed) = ((index % cases) as usize, plan.seeds.start + index / cases);
            let not_ours = index % plan.shard.of != plan.shard.index;
            let message = if not_ours || shown[case].load(Ordering::Relaxed) < index {
                Message::Skipped(index)
            } else {
                let (report, met, differs) = run_and_confirm(&plan.cases[case], seed, confirm);
                if met == Met::ShownViolation {
                    shown[case].fetch_min(index, Ordering::Relaxed);
                }
                Message::Done(index, Box::new((report, met, differs)))
            };
            if results.send(message).is_err() {
                return;
            }
        }
    };

    std::thread::scope(|scope| {
        // Bounded, so that results never pile up in memory.
        let (sender, results) = mpsc::sync_channel(4 * plan.jobs);
        for _ in 0..plan.jobs {
            let sender = sender.clone();
            scope.spawn(move || work(&sender));
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut released = plan.resume_from;
        for message in results {
            match message {
                Message::Done(index, run) => early.insert(index, Some(run)),
                Message::Skipped(index) => early.insert(index, None),
            };
            while let Some(run) = early.remove(&released) {
                let case = (released % cases) as usize;
                released += 1;
                // A run that began before an earlier one showed the violation does not count.
                let needed = !plan.done[case] && summary.cases[case].shown.is_none();
                summary.wall = start.elapsed();
                let failure = run.filter(|_| needed).and_then(|run| {
                    let (report, met, nondeterminism) = *run;
                    summary.release(case, &report, met, nondeterminism.is_some(), start.elapsed());
                    let fails = met != Met::AsExpected || nondeterminism.is_some();
                    fails.then_some(Failure { case, report, met, nondeterminism })
                });
                // A run that was given up still has its core: the next ones would only get slower.
                let lost = failure.as_ref().is_some_and(|failure| failure.report.is_of_a_spin());
                if !each(released, &summary, failure.as_ref()) || lost {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
        summary.complete = released >= total;
    });
    summary.wall = start.elapsed();
    summary
}

fn run_and_confirm(case: &Case, seed: u64, confirm: Confirm<'_>) -> (Report, Met, Option<String>) {
    let (report, _) = run::once(case.system, &case.scenario, seed, false);
    let met = report.met(&case.scenario.check.expect);
    if met == Met::AsExpected || report.is_of_a_spin() {
        return (report, met, None);
    }
    let differs = match confirm(case, seed) {
        Ok(digest) if digest == report.digest => None,
        Ok(digest) => Some(format!("digest {} here, {digest} in a fresh process", report.digest)),
        Err(why) => Some(why),
    };
    (report, met, differs)
}

/// A second run on a fresh thread of this process: for tests, whose process has no command line.
pub fn confirm_on_a_fresh_thread(case: &Case, seed: u64) -> Result<Digest, String> {
    Ok(run::once(case.system, &case.scenario, seed, false).0.digest)
}

/// As many jobs as there are cores.
pub fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
