//! The search: the reductions one after the other, as long as one helps.

use super::bench::{Bench, Tried};
use super::reduction::{ALL, Parts, Reduction, cut, world};
use super::{ENOUGH_FAULTS, ENOUGH_OPERATIONS, ROBUST, Size, Told, sift};
use crate::scenario::Scenario;
use crate::verdict::Violation;

/// So many candidates make a round: the best of them is taken.
const ROUND: usize = 8;
/// What is left is moved about, to fail more often, so many times.
const SETTLED_MAX: usize = 2;

pub(super) struct Search<'b> {
    bench: &'b mut Bench,
    best: Tried,
    /// Options that belong to the failure, by their paths.
    needed: Vec<Vec<String>>,
    tell: &'b mut dyn FnMut(Told),
}

impl<'b> Search<'b> {
    pub(super) fn new(bench: &'b mut Bench, first: Tried, tell: &'b mut dyn FnMut(Told)) -> Self {
        Search { bench, best: first, needed: Vec::new(), tell }
    }

    pub(super) fn into_best(self) -> Tried {
        self.best
    }

    /// What follows the violation has no part in it, if it was seen during the workload. And times of nanoseconds are for
    /// nobody to read, should a limit end the search before they are rounded further.
    pub(super) fn prepare(&mut self, violation: &Violation) {
        let candidates = cut::after(&self.best.plan, violation.at_ms);
        self.takes(&candidates);
        let candidates = cut::in_whole_millis(&self.best.plan);
        self.takes(&candidates);
    }

    /// An option without which the whole run never fails, though with it it does more often than not, belongs to the failure:
    /// a plan that fails without it fails for another reason.
    pub(super) fn keep_options(&mut self) {
        if 2 * self.best.fails <= self.bench.schedules() {
            return;
        }
        let paths = world::options(&self.best.plan);
        let without = paths.iter().map(|path| world::without_option(&self.best.plan, path));
        let without = without.zip(&paths);
        let readable = without.filter_map(|(plan, path)| Some((self.bench.readable(&plan)?, path.clone())));
        let (plans, paths): (Vec<Scenario>, Vec<_>) = readable.unzip();
        let might_fail = self.bench.might_fail(plans);
        let needed = paths.into_iter().zip(might_fail).filter(|(_, might_fail)| !might_fail);
        self.needed = needed.map(|(path, _)| path).collect();
    }

    /// Goes through the list, once by a rough look; then by a close one, in so many schedules, until nothing in it helps any
    /// more. What is rare is looked at closely at once: of a few schedules only luck would be left.
    pub(super) fn run(&mut self, closely: usize) {
        let whole = self.best.plan.clone();
        let is_rare = 2 * self.best.fails < self.bench.schedules();
        if !is_rare {
            self.go_through();
        }
        if self.bench.is_over() {
            return;
        }
        self.bench.run_in(closely);
        let Some(rough) = self.bench.again(&self.best.plan) else { return };
        self.best = rough;
        // A rough look may have taken luck for more. Then all begins again.
        let is_doubtful = self.best.fails < ROBUST.min(closely) && self.best.plan != whole;
        if let Some(first) = is_doubtful.then(|| self.bench.again(&whole)).flatten()
            && first.fails > self.best.fails + 1
        {
            self.best = first;
        }
        self.sift(&whole);
        for _ in 0..SETTLED_MAX {
            self.go_through_all();
            let fails = self.best.fails;
            self.best = sift::settle(self.bench, self.best.clone());
            if self.best.fails == fails || self.bench.is_over() {
                return;
            }
        }
        self.go_through_all();
    }

    /// Until nothing in the list helps any more.
    fn go_through_all(&mut self) {
        loop {
            let before = self.best.plan.clone();
            self.go_through();
            if self.best.plan == before || self.bench.is_over() {
                return;
            }
        }
    }

    /// Where much is left, small plans are picked from the whole at random. One is taken if it fails no less often, or at
    /// least every other time: whoever reads it sees more in it than in a hundred operations.
    fn sift(&mut self, whole: &Scenario) {
        let Scenario { operations, faults, .. } = &self.best.plan;
        if operations.len() <= ENOUGH_OPERATIONS && faults.len() <= ENOUGH_FAULTS {
            return;
        }
        let enough = self.best.fails.min(self.bench.schedules().div_ceil(2));
        if let Some(found) = sift::sift(self.bench, whole).filter(|found| found.fails >= enough) {
            self.best = found;
        }
    }

    fn go_through(&mut self) {
        for reduction in ALL {
            match reduction {
                Reduction::Parts(parts) => self.without_parts(parts),
                Reduction::Steps(steps) => self.steps(*steps),
            }
        }
    }

    /// Steps down as long as there is a step.
    fn steps(&mut self, steps: fn(&Scenario) -> Vec<Scenario>) {
        while self.takes(&steps(&self.best.plan)) {}
    }

    /// Takes parts out: the later half, the earlier half, quarters and so on.
    fn without_parts(&mut self, parts: &Parts) {
        let mut chunk = (parts.count)(&self.best.plan).max(1);
        loop {
            let mut end = (parts.count)(&self.best.plan);
            let mut helped = false;
            while end > 0 {
                // The chunks from here to the front, of one size.
                let ends: Vec<usize> = (1..=end).rev().step_by(chunk).take(ROUND).collect();
                let without = |end: &usize| (parts.without)(&self.best.plan, end.saturating_sub(chunk)..*end);
                let candidates: Vec<Scenario> = ends.iter().map(without).collect();
                let before = (parts.count)(&self.best.plan);
                let taken = self.takes(&candidates);
                let after = (parts.count)(&self.best.plan);
                helped |= taken;
                // What lies before the round is next, or the same places again, with less in them.
                let next = ends.last().map_or(0, |last| last.saturating_sub(chunk));
                end = if taken { end.saturating_sub(before - after).min(after) } else { next };
            }
            if self.bench.is_over() || (parts.count)(&self.best.plan) == 0 {
                return;
            }
            match chunk {
                1 if !helped => return,
                1 => {}
                _ => chunk = (chunk / 2).max(1),
            }
        }
    }

    /// Takes the best of some candidates, if one is good enough.
    fn takes(&mut self, candidates: &[Scenario]) -> bool {
        for round in candidates.chunks(ROUND) {
            if self.bench.is_over() {
                return false;
            }
            let round: Vec<Scenario> = round.iter().filter(|plan| self.is_candidate(plan)).cloned().collect();
            let found = self.bench.best_of(&round, self.need());
            let (runs, size) = (self.bench.runs(), Size::of(&self.best.plan));
            (self.tell)(Told { runs, size, fails: self.best.fails });
            if let Some(found) = found {
                self.best = found;
                return true;
            }
        }
        false
    }

    fn is_candidate(&self, plan: &Scenario) -> bool {
        let has = |path: &Vec<String>| world::option(plan, path) == world::option(&self.best.plan, path);
        *plan != self.best.plan && self.needed.iter().all(has)
    }

    /// In how many schedules a candidate must fail: what is robust stays so, and what is not gets hardly worse.
    fn need(&self) -> usize {
        let robust = ROBUST.min(self.bench.schedules());
        if self.best.fails >= robust { robust } else { self.best.fails.saturating_sub(1).max(1) }
    }
}
