//! What a sweep found: counted as runs are released, written down between its sittings.

use super::digest::SweepDigest;
use super::figure::Measured;
use crate::card::Score;
use crate::catalog::Case;
use crate::latency::{Latencies, Times};
use crate::run::{Met, Operations, Report};
use crate::verdict::{Lack, Vacuity, Verdict, Violation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a sweep found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    /// Runs released.
    pub runs: u64,
    /// Of those, how many violated something, tolerated or not.
    pub violations: u64,
    /// Of those, how many ended without a verdict.
    pub unknown: u64,
    /// The first seed that violated something not tolerated, or did not reach what it must.
    pub first_failing_seed: Option<u64>,
    /// Runs that differed when run again.
    pub nondeterministic: u64,
    /// Messages delivered.
    pub messages: u64,
    /// Simulated time.
    pub simulated: Duration,
    /// Real time, of all sittings.
    pub wall: Duration,
    /// How often each probe was published.
    pub probes: BTreeMap<String, u64>,
    /// How operations ended.
    pub operations: Operations,
    /// How long they took.
    pub latencies: Latencies,
    /// A hash over the digests of all runs: two sweeps of the same runs have the same.
    pub digest: SweepDigest,
    /// The run that took the longest.
    pub slowest: Option<Slowest>,
    /// Each scenario's share.
    pub cases: Vec<CaseSummary>,
    /// Runs that were under way when the sweep had to end: scenario and seed.
    #[serde(skip)]
    pub unfinished: Vec<(usize, u64)>,
    /// All runs were released: neither the time limit nor an interruption cut the sweep short.
    #[serde(skip)]
    pub complete: bool,
}

/// The run that took the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slowest {
    /// Which scenario: its place in the plan.
    pub case: usize,
    /// The seed.
    pub seed: u64,
    /// How much real time it took.
    pub wall: Duration,
}

/// What a sweep found of one scenario.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CaseSummary {
    /// Runs released.
    pub runs: u64,
    /// The first of their seeds.
    pub first_seed: Option<u64>,
    /// How many violated something.
    pub violations: u64,
    /// How many of those were unexpected.
    pub unexpected: u64,
    /// In how many of the others each probe was missing that the scenario expects.
    #[serde(default)]
    pub unreached: BTreeMap<String, u64>,
    /// How many ended without a verdict.
    pub unknown: u64,
    /// How many differed when run again.
    pub nondeterministic: u64,
    /// The first seed that violated something unexpected, or did not reach what it must.
    pub first_unexpected: Option<u64>,
    /// The first seed that showed the expected violation, after how many runs of this scenario and how long.
    pub shown: Option<(u64, u64, Duration)>,
    /// Tolerated violations, by checker.
    pub tolerated: BTreeMap<String, u64>,
    /// How long the runs took to converge, in simulated ms.
    pub converged_ms: Times,
    /// What runs lacked, and how many.
    pub lacks: Vec<(Vacuity, u64)>,
    /// What was measured, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// What its runs came to, if it is a card's cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// Any run of it falls to this shard.
    #[serde(skip)]
    pub has_share: bool,
}

impl CaseSummary {
    /// So many more runs lack this.
    pub(super) fn lacks(&mut self, vacuity: &Vacuity, more: u64) {
        // Not by the message: it may tell of a seed.
        let is_same = |lacking: &Vacuity| (lacking.lack, &lacking.about) == (vacuity.lack, &vacuity.about);
        match self.lacks.iter_mut().find(|(lacking, _)| is_same(lacking)) {
            Some((_, runs)) => *runs += more,
            None => self.lacks.push((vacuity.clone(), more)),
        }
    }

    fn is_wrong(&self) -> bool {
        self.unexpected > 0 || !self.unreached.is_empty()
    }

    /// What is wrong with the runs that nobody meant.
    fn wrong(&self) -> String {
        let violated = format!("{} runs violated what must hold", self.unexpected);
        let violated = Some(violated).filter(|_| self.unexpected > 0);
        let missing = |(probe, runs)| format!("{runs} of {} runs did not reach `{probe}`", self.runs);
        violated.into_iter().chain(self.unreached.iter().map(missing)).collect::<Vec<_>>().join("; ")
    }

    /// What it lacks in all of its runs.
    fn vacuities(&self, allows: &[Lack]) -> Vec<Vacuity> {
        if self.runs == 0 && self.has_share && !allows.contains(&Lack::NoRun) {
            return vec![Vacuity { lack: Lack::NoRun, about: None, message: "no run was made".to_owned() }];
        }
        let in_all =
            |(vacuity, runs): &&(Vacuity, u64)| *runs == self.runs || vacuity.lack == Lack::UndeclaredProbe;
        self.lacks.iter().filter(in_all).map(|(vacuity, _)| vacuity.clone()).collect()
    }
}

impl Summary {
    /// Of so many scenarios, none of which was run yet.
    pub fn of_nothing(cases: usize) -> Self {
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
            digest: SweepDigest::default(),
            slowest: None,
            cases: vec![CaseSummary::default(); cases],
            unfinished: Vec::new(),
            complete: false,
        }
    }

    /// Which scenarios did not do what they expect, and why.
    pub fn unmet(&self, cases: &[Case]) -> Vec<(usize, String)> {
        let unmet = |(index, case): (usize, &CaseSummary)| match &cases[index].scenario.check.expect.violation
        {
            _ if case.is_wrong() => Some((index, case.wrong())),
            Some(checker) if case.shown.is_none() && case.runs > 0 => Some((
                index,
                format!("none of {} seeds showed the expected violation of {checker}", case.runs),
            )),
            _ => None,
        };
        self.cases.iter().enumerate().filter_map(unmet).collect()
    }

    /// Which scenarios violated nothing and have shown nothing, and why.
    pub fn vacuous(&self, of: &[Case]) -> Vec<(usize, Vacuity)> {
        let nothing_wrong = |(_, case): &(usize, &CaseSummary)| case.shown.is_none() && !case.is_wrong();
        let cases = self.cases.iter().enumerate().filter(nothing_wrong);
        let lacks = |(index, case): (usize, &CaseSummary)| {
            let lacks = case.vacuities(&of[index].scenario.check.allows);
            lacks.into_iter().map(move |lack| (index, lack))
        };
        cases.flat_map(lacks).collect()
    }

    pub(super) fn release(&mut self, case: usize, report: &Report, met: Met, differs: bool) {
        self.runs += 1;
        self.messages += report.messages;
        self.simulated += report.simulated;
        self.latencies.record(&report.latencies);
        self.operations.add(report.operations);
        self.nondeterministic += u64::from(differs);
        self.digest += SweepDigest::of_run(case, report.seed, report.digest);
        if self.slowest.is_none_or(|slowest| slowest.wall < report.wall) {
            self.slowest = Some(Slowest { case, seed: report.seed, wall: report.wall });
        }
        for (probe, hits) in &report.probes {
            *self.probes.entry((*probe).to_owned()).or_default() += hits;
        }
        let of_case = &mut self.cases[case];
        of_case.runs += 1;
        of_case.first_seed.get_or_insert(report.seed);
        of_case.nondeterministic += u64::from(differs);
        if let Some(measured) = &mut of_case.measured {
            measured.release(report);
        }
        if let Some(after) = report.converged_after {
            of_case.converged_ms.record(after.as_millis() as u64);
        }
        for vacuity in &report.vacuities {
            of_case.lacks(vacuity, 1);
        }
        let verdict = report.verdict();
        self.unknown += u64::from(verdict == Verdict::Unknown);
        of_case.unknown += u64::from(verdict == Verdict::Unknown);
        self.violations += u64::from(verdict == Verdict::Violation);
        of_case.violations += u64::from(verdict == Verdict::Violation);
        match met {
            Met::AsExpected => {
                for Violation { checker, .. } in &report.violations {
                    *of_case.tolerated.entry(checker.clone()).or_default() += 1;
                }
                return;
            }
            Met::ShownViolation => of_case.shown = Some((report.seed, of_case.runs, self.wall)),
            Met::Unreached => {
                for probe in &report.unreached {
                    *of_case.unreached.entry(probe.clone()).or_default() += 1;
                }
                of_case.first_unexpected.get_or_insert(report.seed);
            }
            Met::Unexpected => {
                of_case.unexpected += 1;
                of_case.first_unexpected.get_or_insert(report.seed);
            }
        }
        self.first_failing_seed.get_or_insert(report.seed);
    }
}
