//! From a failing seed to the few faults and operations that it takes.
//!
//! The plan of a run is data: faults, operations, machines, options. So a failing plan can be made smaller by trial: take
//! something away, run what is left, and keep it if it still fails *in the same way* ([`Class`]). What is found is a plan,
//! which is a scenario file.
//!
//! # The algorithm
//!
//! Greedy delta debugging, in rounds, over a list of reductions (`reduction::ALL`): parts of the plan are taken out in
//! halves, quarters and so on (Zeller and Hildebrandt's *ddmin*, 2002, without its complements: what is kept is tried by what
//! is taken out), and what has an order of its own (a time, a number of machines, a milder fault) steps down it, as the
//! shrinkers of QuickCheck and Hypothesis do. The list is gone through until nothing in it helps any more.
//!
//! A run with something taken out is another run: each message after it is drawn another latency. A plan that fails under
//! one seed may owe that to luck, and whoever takes only what fails next collects luck: in the end there is a plan that
//! fails once in a hundred schedules, and explains nothing. So a candidate is run in a sample of `SCHEDULES` schedules,
//! the same explicit plan under as many seeds, and is worth what it fails in. A plan that fails in nearly all is only left
//! for one that does, too; below that, what is taken may be worth a little less than what it replaces, never much. Of the
//! candidates of one round the first that is robust is taken, else the one that fails most often. As most of a plan is of
//! no account, and a long plan takes long to run, the list is gone through by a rough look first (`ROUGHLY` schedules); what
//! that took by luck is given back.
//!
//! An option without which the whole run never fails stays: what fails without it fails for another reason. And where much
//! is left, since each thing taken out loses a rare failure, small plans are picked from the whole at random (`sift.rs`).
//!
//! # Invariants
//!
//! - The outcome is a function of the binary, the scenario, the seed and the budget: candidates run on all cores, and
//!   are decided upon in their order, by what one core would have seen. Only a limit in time makes the clock decide.
//! - What is run is what is written: each candidate is written as a file, and read back, before it runs. One that cannot be
//!   read (a fault names a machine that is not there any more) is none.
//! - What is taken fails in the same way as the run that it began with.
//! - The robustness that is told comes from seeds that decided nothing.
//!
//! # What it gives up
//!
//! The smallest plan: greedy search ends where no single reduction helps. What operations are about is left as it is. A
//! node that keeps its thread cannot be ended: of a run that spins or blocks only the last operations before it does are
//! tried, without a fault at first, each in one schedule, and it ends with the second that does (`STUCK_RUNS`).

mod bench;
mod class;
mod counterfactual;
mod reduction;
mod search;
mod sift;
mod size;
mod story;

pub use class::Class;
pub use counterfactual::{Counterfactual, counterfactuals};
pub use size::Size;
pub use story::Robust;

use crate::catalog::Case;
use crate::check;
use crate::erased;
use crate::run::{Attention, Met, Report};
use crate::scenario::{Expect, Scenario};
use crate::verdict::{Verdict, Violation};
use bench::Bench;
use reduction::cut;
use search::Search;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// In so many schedules a candidate is run at first: the seed itself, and three others.
const ROUGHLY: usize = 4;
/// In so many a candidate is run then: the seed itself, and ten others.
const SCHEDULES: usize = 11;
/// Who fails in so many of them is robust.
const ROBUST: usize = 10;
/// So many runs whose node keeps its thread are made at most; the threads go on until the process ends.
const STUCK_RUNS: u64 = 2;
/// A plan with no more operations
const ENOUGH_OPERATIONS: usize = 6;
/// and no more faults is small.
const ENOUGH_FAULTS: usize = 2;

/// How much is run at most. What is found depends on it, so it is counted in what no clock decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// So many runs are made in any case,
    pub runs: u64,
    /// and more, where they are short, until so many events were observed in all.
    pub events: u64,
}

impl Budget {
    /// So many runs, short or long.
    pub fn of_runs(runs: u64) -> Self {
        Budget { runs, events: 0 }
    }

    fn is_spent(self, runs: u64, events: u64) -> bool {
        runs >= self.runs && events >= self.events
    }
}

impl Default for Budget {
    fn default() -> Self {
        Budget { runs: 2500, events: 15_000_000 }
    }
}

/// How long shrinking may go on.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Once this is spent no other candidate is tried.
    pub budget: Budget,
    /// After this long none is tried either, whatever is left of the budget.
    pub time: Option<Duration>,
    /// How many runs at the same time.
    pub jobs: usize,
    /// End with what is known once this is set.
    pub interrupted: Option<&'static AtomicBool>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { budget: Budget::default(), time: None, jobs: crate::sweep::all_cores(), interrupted: None }
    }
}

/// What shrinking tells while it goes on.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// So many runs were made.
    pub runs: u64,
    /// This is left.
    pub size: Size,
    /// In so many of the schedules it fails.
    pub fails: usize,
}

/// What is left of a failing run.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The scenario that it came from.
    pub scenario: String,
    /// The seed that it came from.
    pub origin: u64,
    /// A seed under which it fails.
    pub seed: u64,
    /// How it fails under that seed.
    pub violation: Violation,
    /// In which way it fails.
    pub class: Class,
    /// The plan, which runs by itself.
    pub plan: Scenario,
    /// How large the run was that it came from.
    pub before: Size,
    /// How large it is.
    pub after: Size,
    /// In how many other schedules it fails.
    pub robust: Robust,
    /// How many runs it took.
    pub runs: u64,
    /// How much real time it took.
    pub wall: Duration,
    /// Some limit ended it: there may be a smaller one.
    pub cut_short: bool,
}

/// Why there is nothing to shrink.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NotShrunk {
    /// The seed does not fail.
    #[error("seed {seed} of {scenario} violates nothing{}", unknown(*verdict))]
    #[diagnostic(help("a sweep looks for a seed that does"))]
    Passes {
        /// The scenario.
        scenario: String,
        /// The seed.
        seed: u64,
        /// What it is.
        verdict: Verdict,
    },
    /// It fails by what it does not do.
    #[error("seed {seed} of {scenario} violates nothing unexpected, and does not reach `{}`", unreached.join("`, `"))]
    #[diagnostic(help("with less of it no run reaches more: `replay` shows what happened instead"))]
    Unreached {
        /// The scenario.
        scenario: String,
        /// The seed.
        seed: u64,
        /// The probes that were not published.
        unreached: Vec<String>,
    },
    /// Run again, it does not fail as it did.
    #[error("nondeterminism: {0}")]
    Nondeterminism(String),
}

fn unknown(verdict: Verdict) -> &'static str {
    if verdict == Verdict::Unknown { ", as far as can be told" } else { "" }
}

/// Looks for the smallest robust plan that fails as this seed does. `tell` hears of it now and then.
///
/// # Errors
///
/// When the seed does not fail, or does not fail again.
pub fn shrink(
    case: &Case,
    seed: u64,
    limits: &Limits,
    tell: &mut dyn FnMut(Told),
) -> Result<Shrunk, NotShrunk> {
    let start = Instant::now();
    let (report, recording) = erased::once(case.system, &case.scenario, seed, Attention::RECORDED);
    let scenario = || case.name.clone();
    if report.met(&case.scenario.check.expect) == Met::Unreached {
        return Err(NotShrunk::Unreached { scenario: scenario(), seed, unreached: report.unreached });
    }
    let Some(violation) = what_to_shrink(case, &report) else {
        return Err(NotShrunk::Passes { scenario: scenario(), seed, verdict: report.verdict() });
    };
    if let Some(why) = report.unconfirmed {
        return Err(NotShrunk::Nondeterminism(why));
    }
    let class = Class::of(&violation);
    let is_stuck = report.is_of_a_stuck_run();
    let plan = match recording {
        Some(recording) => recording.plan,
        // Its records are lost with it; what was to be done is known without a run.
        None => case.system.listing(&case.scenario.resolve(seed), seed),
    };
    let plan = expecting(plan, &class.checker);
    // One at a time: another might keep its thread as well, for nothing.
    let (roughly, closely, jobs) = if is_stuck { (1, 1, 1) } else { (ROUGHLY, SCHEDULES, limits.jobs) };
    let mut bench = Bench::new(case.system, class.clone(), seed, roughly, Limits { jobs, ..*limits }, start);
    let before = Size { simulated: report.simulated, ..Size::of(&plan) };
    let first = if is_stuck {
        bench.best_of(&cut::last_ones(&plan, violation.at_ms), 1)
    } else {
        bench.try_one(&plan)
    };
    let Some(first) = first else {
        return Err(NotShrunk::Nondeterminism(format!(
            "seed {seed} of {} violates {}, and the plan that was written down from it does not under the same seed",
            case.name, class.checker
        )));
    };
    let mut search = Search::new(&mut bench, first, tell);
    if !is_stuck {
        search.keep_options();
    }
    search.prepare(&violation);
    search.run(closely);
    let best = search.into_best();
    let cut_short = bench.is_over();
    let file_seed = best.seed.unwrap_or(seed);
    let robust = bench.robustness(&best.plan, if is_stuck { 0 } else { SCHEDULES - 1 });
    let violation = best.violation.unwrap_or(violation);
    let after = Size { simulated: best.simulated, ..Size::of(&best.plan) };
    let mut shrunk = Shrunk {
        scenario: scenario(),
        origin: seed,
        seed: file_seed,
        violation,
        class,
        plan: best.plan,
        before,
        after,
        robust,
        runs: bench.runs(),
        wall: start.elapsed(),
        cut_short,
    };
    shrunk.plan.title = story::title(&shrunk);
    Ok(shrunk)
}

/// The violation that is looked into: the first that the scenario does not expect, else the one that it is there to show,
/// else the first.
fn what_to_shrink(case: &Case, report: &Report) -> Option<Violation> {
    let expect = &case.scenario.check.expect;
    let violations = &report.violations;
    let unexpected = violations.iter().find(|violation| {
        expect.violation.as_ref() != Some(&violation.checker) && !expect.tolerates(&violation.checker)
    });
    let shown = || violations.iter().find(|violation| expect.violation.as_ref() == Some(&violation.checker));
    unexpected.or_else(shown).or(violations.first()).cloned()
}

/// The plan with the violation as what it is there to show; what was no failure is none.
fn expecting(mut plan: Scenario, checker: &str) -> Scenario {
    let expect = std::mem::take(&mut plan.check.expect);
    let inherited = expect.inherited.iter().map(|inherited| inherited.checker.to_owned());
    let mut tolerates: Vec<String> = expect.violation.into_iter().chain(expect.tolerates).collect();
    tolerates.extend(inherited);
    tolerates.retain(|tolerated| tolerated != checker);
    // What is left of a run reaches less.
    plan.check.expect = Expect { violation: Some(checker.to_owned()), tolerates, ..Expect::default() };
    plan
}

/// How closely a run must be attended to for a violation to be seen.
fn attention(checker: &str) -> Attention {
    if checker == check::SUBSTRATE { Attention::CLOSE } else { Attention::QUICK }
}
