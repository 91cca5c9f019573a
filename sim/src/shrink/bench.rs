//! Where candidates are tried: in several schedules each, on all cores, decided upon in their order.
//!
//! A candidate is a plan and a *sheet*, which has a place for each schedule. Workers fill in the first place that is not
//! decided yet; what is decided depends on the places in their order alone, whoever filled them in first.

use super::{Class, ROBUST, Robust, STUCK_RUNS, attention};
use crate::catalog::OnlyOf;
use crate::erased::{AnySystem, once_unless};
use crate::run::Report;
use crate::scenario::Scenario;
use crate::shrink::Limits;
use crate::verdict::Violation;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::xxh3_128;

/// The first of the seeds that decide nothing, counted from the seed of the failure.
const FRESH: u64 = 1000;

/// A plan that was run in all schedules.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    pub(super) plan: Scenario,
    /// In so many of them it fails.
    pub(super) fails: usize,
    /// The first seed under which it does, how, and how long that run was.
    pub(super) seed: Option<u64>,
    pub(super) violation: Option<Violation>,
    pub(super) simulated: Duration,
}

/// What one schedule showed.
#[derive(Debug, Clone, Default)]
struct Sample {
    violation: Option<Violation>,
    simulated: Duration,
}

/// A candidate under way.
struct Sheet {
    plan: Scenario,
    samples: Vec<Option<Sample>>,
    started: usize,
}

/// What the samples of a sheet come to, in their order.
enum Decision {
    Open,
    /// After so many.
    Fails {
        fails: usize,
    },
    TooSeldom,
}

pub(super) struct Bench {
    system: &'static dyn AnySystem,
    class: Class,
    seed: u64,
    schedules: usize,
    limits: Limits,
    start: Instant,
    runs: u64,
    stuck: u64,
    /// What was tried: by a hash of the file, how often it would have had to fail.
    tried: BTreeMap<u128, usize>,
}

impl Bench {
    pub(super) fn new(
        system: &'static dyn AnySystem,
        class: Class,
        seed: u64,
        schedules: usize,
        limits: Limits,
        start: Instant,
    ) -> Self {
        Bench { system, class, seed, schedules, limits, start, runs: 0, stuck: 0, tried: BTreeMap::new() }
    }

    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    /// In how many schedules a candidate is run.
    pub(super) fn schedules(&self) -> usize {
        self.schedules
    }

    /// From now on candidates are run in so many schedules.
    pub(super) fn run_in(&mut self, schedules: usize) {
        self.schedules = schedules;
        self.tried.clear();
    }

    /// A plan in all schedules; none if it fails in none, or there is no time for all.
    pub(super) fn again(&mut self, plan: &Scenario) -> Option<Tried> {
        let seeds = self.seeds();
        let (sheets, _) = self.fill(vec![plan.clone()], &seeds, 1, None, self.deadline());
        sheets.into_iter().next().filter(Sheet::is_full).and_then(|sheet| sheet.tried(&seeds))
    }

    /// Whether no other candidate is to be tried.
    pub(super) fn is_over(&self) -> bool {
        let interrupted = self.limits.interrupted.is_some_and(|flag| flag.load(Ordering::Relaxed));
        self.runs >= self.limits.runs || self.stuck >= STUCK_RUNS || interrupted || is_past(self.deadline())
    }

    fn deadline(&self) -> Option<Instant> {
        self.limits.time.and_then(|time| self.start.checked_add(time))
    }

    /// The plan that the failure came from, if it fails under its own seed.
    pub(super) fn try_one(&mut self, plan: &Scenario) -> Option<Tried> {
        let plan = self.read_back(plan)?.1;
        // Without it there is nothing to tell: it has the time that it takes.
        let (sheets, _) = self.fill(vec![plan], &[self.seed], 0, None, None);
        let own = sheets.into_iter().next()?;
        own.samples.first()?.as_ref()?.violation.as_ref()?;
        self.again(&own.plan).or_else(|| own.tried(&[self.seed]))
    }

    /// The first robust one of these, or the one that fails most often, if it fails at least so often.
    pub(super) fn best_of(&mut self, candidates: &[Scenario], need: usize) -> Option<Tried> {
        let mut plans = Vec::new();
        for candidate in candidates {
            let Some((key, plan)) = self.read_back(candidate) else { continue };
            let before = self.tried.get(&key).copied().unwrap_or(usize::MAX);
            if need < before {
                self.tried.insert(key, need);
                plans.push(plan);
            }
        }
        if plans.is_empty() {
            return None;
        }
        let (seeds, robust) = (self.seeds(), ROBUST.min(self.schedules));
        let (sheets, decided) = self.fill(plans, &seeds, need.max(1), Some(robust), self.deadline());
        let mut best: Option<Tried> = None;
        for sheet in sheets.into_iter().take(decided) {
            let Decision::Fails { fails } = sheet.decision(need.max(1)) else { continue };
            if best.as_ref().is_none_or(|best| best.fails < fails) {
                best = sheet.tried(&seeds);
            }
        }
        best
    }

    /// In how many of so many schedules that decided nothing it fails. Where time is limited, of those that a quarter of it
    /// suffices for: when the search ends by its limit, nothing is left of the time itself.
    pub(super) fn robustness(&mut self, plan: &Scenario, of: usize) -> Robust {
        let seeds: Vec<u64> = (0..of as u64).map(|index| self.seed.wrapping_add(FRESH + index)).collect();
        let until = self.limits.time.and_then(|time| Instant::now().checked_add(time / 4));
        let fails = self.fails_of(vec![plan.clone()], &seeds, until);
        fails.first().copied().unwrap_or(Robust { fails: 0, of: 0 })
    }

    /// For each plan, in how many of these schedules it fails, of those that were run when the time was over.
    pub(super) fn fails_of(
        &mut self,
        plans: Vec<Scenario>,
        seeds: &[u64],
        until: Option<Instant>,
    ) -> Vec<Robust> {
        let (sheets, _) = self.fill(plans, seeds, 0, None, until);
        let fails = |sheet: &Sheet| {
            let samples = || sheet.samples.iter().flatten();
            let fails = samples().filter(|sample| sample.violation.is_some()).count();
            Robust { fails, of: samples().count() }
        };
        sheets.iter().map(fails).collect()
    }

    fn seeds(&self) -> Vec<u64> {
        (0..self.schedules as u64).map(|index| self.seed.wrapping_add(index)).collect()
    }

    /// The plan as a file, read again: what runs is what will be written.
    fn read_back(&self, plan: &Scenario) -> Option<(u128, Scenario)> {
        let text = plan.to_toml();
        let read = Scenario::parse("candidate", &text, &[], &OnlyOf(self.system)).ok()?;
        Some((xxh3_128(text.as_bytes()), read))
    }

    /// Runs plans in these schedules until each is decided upon, or the time is over; nothing after one that fails `enough`
    /// often. Returns the sheets, and how many of them count.
    fn fill(
        &mut self,
        plans: Vec<Scenario>,
        seeds: &[u64],
        need: usize,
        enough: Option<usize>,
        until: Option<Instant>,
    ) -> (Vec<Sheet>, usize) {
        let sheet = |plan| Sheet { plan, samples: vec![None; seeds.len()], started: 0 };
        let sheets: Mutex<Vec<Sheet>> = Mutex::new(plans.into_iter().map(sheet).collect());
        let lock = || sheets.lock().unwrap_or_else(PoisonError::into_inner);
        let is_enough = |sheet: &Sheet| match sheet.decision(need) {
            Decision::Fails { fails } => enough.is_some_and(|enough| fails >= enough),
            _ => false,
        };
        // The next place to fill in: the first of the first sheet that is open.
        let next = |sheets: &mut Vec<Sheet>| -> Option<(usize, usize, Scenario)> {
            for (index, sheet) in sheets.iter_mut().enumerate() {
                if is_enough(sheet) {
                    return None;
                }
                if matches!(sheet.decision(need), Decision::Open) && sheet.started < seeds.len() {
                    sheet.started += 1;
                    return Some((index, sheet.started - 1, sheet.plan.clone()));
                }
            }
            None
        };
        let stuck = Mutex::new(0);
        std::thread::scope(|scope| {
            for _ in 0..self.limits.jobs.max(1) {
                scope.spawn(|| {
                    loop {
                        // A short run is over before it asks.
                        if is_past(until) {
                            return;
                        }
                        let Some((index, place, plan)) = next(&mut lock()) else { return };
                        let unwanted = || {
                            let sheets = lock();
                            is_past(until)
                                || sheets[..index].iter().any(is_enough)
                                || !matches!(sheets[index].decision(need), Decision::Open)
                        };
                        let Some((report, _)) = once_unless(
                            self.system,
                            &plan,
                            seeds[place],
                            attention(&self.class.checker),
                            &unwanted,
                        ) else {
                            // Nothing is known of it, and nobody asks any more.
                            if is_past(until) {
                                return;
                            }
                            continue;
                        };
                        if report.is_of_a_stuck_run() {
                            *stuck.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                        }
                        lock()[index].samples[place] = Some(Sample::of(&report, &self.class));
                    }
                });
            }
        });
        self.stuck += stuck.into_inner().unwrap_or_else(PoisonError::into_inner);
        let sheets = sheets.into_inner().unwrap_or_else(PoisonError::into_inner);
        let decided = sheets.iter().position(is_enough).map_or(sheets.len(), |index| index + 1);
        // What one core would have run.
        self.runs += sheets[..decided].iter().map(|sheet| sheet.runs_to_decide(need)).sum::<u64>();
        (sheets, decided)
    }
}

fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}

impl Sample {
    fn of(report: &Report, class: &Class) -> Self {
        Sample { violation: class.find(report).cloned(), simulated: report.simulated }
    }
}

impl Sheet {
    fn is_full(&self) -> bool {
        self.samples.iter().all(Option::is_some)
    }

    fn decision(&self, need: usize) -> Decision {
        self.after(need, self.samples.len())
    }

    /// What the first so many samples come to.
    fn after(&self, need: usize, count: usize) -> Decision {
        let all = self.samples.len();
        let (mut fails, mut seen) = (0, 0);
        for sample in self.samples[..count].iter().map_while(Option::as_ref) {
            seen += 1;
            fails += usize::from(sample.violation.is_some());
            let misses = seen - fails;
            // One that never fails is given up earlier than the last that could still make it.
            let never = fails == 0 && need > 0 && seen >= (2 * all).div_ceil(need);
            if fails + (all - seen) < need || (never && misses == seen) {
                return Decision::TooSeldom;
            }
        }
        if seen == all { Decision::Fails { fails } } else { Decision::Open }
    }

    fn runs_to_decide(&self, need: usize) -> u64 {
        let mut counts = 1..=self.samples.len();
        let decided = counts.find(|count| !matches!(self.after(need, *count), Decision::Open));
        decided.unwrap_or_else(|| self.samples.iter().flatten().count()) as u64
    }

    fn tried(self, seeds: &[u64]) -> Option<Tried> {
        let fails = self.samples.iter().flatten().filter(|sample| sample.violation.is_some()).count();
        let first = self
            .samples
            .iter()
            .position(|sample| sample.as_ref().is_some_and(|sample| sample.violation.is_some()))?;
        let sample = self.samples[first].clone()?;
        let (violation, simulated) = (sample.violation, sample.simulated);
        Some(Tried { plan: self.plan, fails, seed: Some(seeds[first]), violation, simulated })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Broken;

    fn sheet(samples: &str) -> Sheet {
        let sample = |letter| {
            let violation = Broken::new("").violates("", 0);
            let fails = (letter == 'x').then_some(violation);
            (letter != ' ').then_some(Sample { violation: fails, simulated: Duration::ZERO })
        };
        let plan =
            toml::from_str("title = \"\"\nsystem = \"\"\nworkload = { clients = 1, for = \"1s\" }").unwrap();
        Sheet { plan, samples: samples.chars().map(sample).collect(), started: 0 }
    }

    #[test]
    fn a_candidate_is_decided_upon_by_its_samples_in_their_order() {
        let fails = |samples: &str, need| match sheet(samples).decision(need) {
            Decision::Fails { fails } => Some(fails),
            _ => None,
        };
        assert_eq!(fails("xxxx-", 4), Some(4));
        assert_eq!(fails("xxx--", 4), None, "too seldom");
        assert_eq!(fails("xxxx ", 4), None, "the last one is not known yet");
        assert!(matches!(sheet("-- xx").decision(4), Decision::TooSeldom));
        assert!(matches!(sheet(" --xx").decision(4), Decision::Open), "the first is not known yet");
    }

    #[test]
    fn one_that_never_fails_is_given_up_early_and_costs_as_much_as_on_one_core() {
        assert!(matches!(sheet("-----------").decision(1), Decision::TooSeldom));
        assert_eq!(sheet("-----------").runs_to_decide(1), 11);
        assert!(matches!(sheet("-----      ").decision(5), Decision::TooSeldom));
        assert_eq!(sheet("-----------").runs_to_decide(5), 5);
        assert_eq!(sheet("-----------").runs_to_decide(10), 2);
        assert_eq!(sheet("xxxxxxxxxxx").runs_to_decide(10), 11);
    }
}
