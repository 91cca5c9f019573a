//! The moment: from when on a failure was settled.
//!
//! A run that fails is made again up to an instant, and goes on from there with other chance ([`Reseed`]), fifty
//! times. How many of these still fail the same way is the *share* at that instant. Before anything has happened it
//! says how often the plan fails, whatever chance brings; at the failure itself all of them fail. In between it
//! rises, and where it rises most something happened after which the failure was hard to avoid: that is the
//! [`moment`](Curve::rise). The share is counted at a dozen instants, and where it jumps, in between, again and again:
//! at some forty in all.
//!
//! A failure may be settled from the beginning: the plan's faults lead to it, and no other chance avoids it. That
//! is said to be so ([`Rise::Settled`]). It may also rise nowhere: then it took many small chances, or happened at
//! once.
//!
//! The result is decided by the plan and the seed: not by how many runs are made at a time, nor by the order in
//! which they end.
//!
//! Gives up: what is on its way at the instant arrives as it was drawn, so the share rises a moment early, by about
//! the time of a packet. A share of 50 is known to within ± 0.07, a standard deviation.
//!
//! | file | noun |
//! |---|---|
//! | `curve.rs` | the share over the instants, and where it rises |

mod curve;

pub use curve::{Curve, Point, Rise};

use crate::erased::{self, AnySystem};
use crate::run::{Attention, Report, Reseed};
use crate::scenario::Scenario;
use crate::time::BOOT;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

/// At how many instants the share is counted first.
const INSTANTS: i64 = 12;
/// How many runs are made from each.
const REDRAWS: u32 = 50;

/// A failure whose moment is asked for.
#[derive(Clone, Copy)]
pub struct Failure<'a> {
    /// The system.
    pub system: &'static dyn AnySystem,
    /// What was run, resolved or not.
    pub scenario: &'a Scenario,
    /// With which seed.
    pub seed: u64,
    /// When it failed, in ms since the workload began. Nothing is asked of later instants.
    pub at_ms: i64,
    /// Whether another run fails the same way.
    pub is_same: &'a (dyn Fn(&Report) -> bool + Sync),
}

impl Failure<'_> {
    /// The share of runs that fail the same way, from the begin of the workload to the failure, so many runs at a time.
    /// None if `unwanted` says so first; it is asked by all of them.
    pub fn curve(&self, jobs: usize, unwanted: &(dyn Fn() -> bool + Sync)) -> Option<Curve> {
        let last = self.at_ms.max(INSTANTS);
        let instants = (0..INSTANTS).map(|place| last * place / (INSTANTS - 1));
        Curve::of(instants, |instants| self.count(instants, jobs, unwanted))
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

    /// Whether the run fails the same way with other chance from this instant on.
    fn fails_again(&self, at_ms: i64, redraw: u64, unwanted: &dyn Fn() -> bool) -> Option<bool> {
        let Failure { system, scenario, seed, is_same, .. } = *self;
        let at_ns = BOOT.as_nanos() as u64 + at_ms as u64 * 1_000_000;
        let reseed = Reseed { at_ns, seed: seed.wrapping_add(1 + redraw) };
        let (report, _) = erased::once_reseeded(system, scenario, seed, Attention::QUICK, reseed, unwanted)?;
        Some(is_same(&report))
    }
}
