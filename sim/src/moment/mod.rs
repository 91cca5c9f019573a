//! The moment: from when on a failure was settled.
//!
//! A run that fails is made again up to an instant, and there the rest of its plan is taken away: every fault ends, no
//! operation follows, the heal phase begins; and it goes on with other chance ([`Reseed`]), fifty times. How many of these
//! fail the same way is the *share* at that instant. Before anything has happened it is none, unless the system fails
//! by itself; once the damage is done it is all, however late that shows. In between it rises, and where it rises most
//! something happened after which nothing that was still to come was needed: that is the [`moment`](Curve::rise).
//!
//! With the rest of the plan in place the share would say less: what is left of a plan after shrinking fails whatever
//! chance brings, and in a long plan, if one fault does no harm, the next one does.
//!
//! The share is counted just before and just after each thing of the plan begins, and where it jumps, in between, again
//! and again. So a moment that is an operation's is told apart from one that a fault must last for, or a timer runs to.
//!
//! A system may fail by itself: that is said to be so ([`Rise::Settled`]). The share may also rise nowhere: then even all
//! of the plan leads to the failure only with luck.
//!
//! The result is decided by the plan and the seed: not by how many runs are made at a time, nor by the order in
//! which they end.
//!
//! Gives up: what is on its way at the instant arrives as it was drawn, so the share rises a moment early, by about
//! the time of a packet. A share of 50 is known to within ± 0.07, a standard deviation. A fault that is to stay for
//! good stays.
//!
//! | file | noun |
//! |---|---|
//! | `curve.rs` | the share over the instants, and where it rises |

mod curve;

pub use curve::{Curve, Point, Rise};

use crate::erased::{self, AnySystem};
use crate::run::{Attention, Report, Reseed};
use crate::scenario::{Moment, Scenario, Time};
use crate::time::BOOT;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

/// Before and after so many things of a plan the share is counted; of more, of some of them.
const THINGS_MAX: usize = 12;
/// How many runs are made from each.
const REDRAWS: u32 = 50;

/// A failure whose moment is asked for.
#[derive(Clone, Copy)]
pub struct Failure<'a> {
    /// The system.
    pub system: &'static dyn AnySystem,
    /// What was run: a plan, whose faults have their times.
    pub scenario: &'a Scenario,
    /// With which seed.
    pub seed: u64,
    /// When it failed, in ms since the workload began: nothing is asked of later instants.
    pub at_ms: i64,
    /// Whether another run fails the same way.
    pub is_same: &'a (dyn Fn(&Report) -> bool + Sync),
}

impl Failure<'_> {
    /// The share of runs that fail the same way, from the begin of the workload to the failure, so many runs at a time.
    /// None if `unwanted` says so first; it is asked by all of them.
    pub fn curve(&self, jobs: usize, unwanted: &(dyn Fn() -> bool + Sync)) -> Option<Curve> {
        Curve::of(self.instants(), |instants| self.count(instants, jobs, unwanted))
    }

    /// The begin, the failure or the end of the workload, and before and after each thing of the plan.
    fn instants(&self) -> BTreeSet<i64> {
        let Scenario { operations, orders, faults, workload, .. } = self.scenario;
        let begins = faults.iter().filter_map(|fault| match fault.moment {
            Moment::At { at, .. } => Some(at),
            Moment::Probe { .. } => None,
        });
        let ordered = orders.iter().map(|order| order.at);
        let begins = operations.iter().map(|operation| operation.at).chain(ordered).chain(begins);
        let begins: BTreeSet<i64> = begins.map(millis).collect();
        // The one after an instant is the first that has what begins within its millisecond.
        let around =
            begins.iter().step_by(begins.len().div_ceil(THINGS_MAX).max(1)).flat_map(|at| [*at, at + 1]);
        let last = millis(workload.duration).min(self.at_ms + 1).max(1);
        around.filter(|at| *at < last).chain([0, last]).collect()
    }

    /// Makes all runs from these instants.
    fn count(
        &self,
        instants: &[i64],
        jobs: usize,
        unwanted: &(dyn Fn() -> bool + Sync),
    ) -> Option<Vec<Point>> {
        let failing: Vec<AtomicU32> = instants.iter().map(|_| AtomicU32::new(0)).collect();
        let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            loop {
                let run = next.fetch_add(1, Ordering::Relaxed);
                let (redraw, place) = (run / instants.len(), run % instants.len());
                if redraw >= REDRAWS as usize || stopped.load(Ordering::Relaxed) {
                    return;
                }
                // A short run is over before anybody asks.
                if unwanted() {
                    stopped.store(true, Ordering::Relaxed);
                    return;
                }
                match self.fails_again(instants[place], redraw as u64, unwanted) {
                    Some(fails) => {
                        failing[place].fetch_add(u32::from(fails), Ordering::Relaxed);
                    }
                    None => stopped.store(true, Ordering::Relaxed),
                }
            }
        };
        std::thread::scope(|scope| (0..jobs.max(1)).for_each(|_| drop(scope.spawn(work))));
        let point = |(at_ms, failing): (&i64, AtomicU32)| Point {
            at_ms: *at_ms,
            failing: failing.into_inner(),
            of: REDRAWS,
        };
        (!stopped.into_inner()).then(|| instants.iter().zip(failing).map(point).collect())
    }

    /// Whether the run fails the same way with nothing more done to it from this instant on, and other chance.
    fn fails_again(&self, at_ms: i64, redraw: u64, unwanted: &dyn Fn() -> bool) -> Option<bool> {
        let Failure { system, seed, is_same, .. } = *self;
        let at_ns = BOOT.as_nanos() as u64 + at_ms as u64 * 1_000_000;
        let reseed = Reseed { at_ns, seed: seed.wrapping_add(1 + redraw) };
        let plan = self.up_to(at_ms);
        let (report, _) = erased::once_reseeded(system, &plan, seed, Attention::QUICK, reseed, unwanted)?;
        Some(is_same(&report))
    }

    /// The plan without what begins at an instant or later; its heal phase begins there.
    fn up_to(&self, at_ms: i64) -> Scenario {
        let mut plan = self.scenario.clone();
        let end = Time::from_millis(at_ms as u64);
        plan.operations.retain(|operation| operation.at < end);
        plan.orders.retain(|order| order.at < end);
        plan.faults.retain(|fault| match fault.moment {
            Moment::At { at, .. } => at < end,
            Moment::Probe { .. } => true,
        });
        plan.workload.duration = end;
        plan
    }
}

fn millis(time: Time) -> i64 {
    time.get().as_millis() as i64
}
