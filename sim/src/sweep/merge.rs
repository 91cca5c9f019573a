//! What shards found, as one: sums, the earliest seeds, the longest times.
//!
//! A scenario that is there to show a violation is done with once a seed has shown it, and each shard looks for one of its
//! own: of such a scenario the merged runs are more than those of a sweep in one piece.

use super::{CaseSummary, Summary};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::AddAssign;

impl Summary {
    /// Takes in what another shard of the same sweep found. Shards run beside each other: together they take as long as the
    /// slowest of them.
    pub fn absorb(&mut self, other: &Summary) {
        self.runs += other.runs;
        self.violations += other.violations;
        self.unknown += other.unknown;
        self.nondeterministic += other.nondeterministic;
        self.messages += other.messages;
        self.simulated += other.simulated;
        self.wall = self.wall.max(other.wall);
        self.operations.add(other.operations);
        self.latencies.add(&other.latencies);
        self.digest += other.digest;
        self.first_failing_seed = earlier(self.first_failing_seed, other.first_failing_seed);
        add_all(&mut self.probes, &other.probes);
        self.slowest = self.slowest.into_iter().chain(other.slowest).max_by_key(|slowest| slowest.wall);
        for (case, more) in self.cases.iter_mut().zip(&other.cases) {
            case.absorb(more);
        }
    }
}

impl CaseSummary {
    fn absorb(&mut self, other: &CaseSummary) {
        self.runs += other.runs;
        self.violations += other.violations;
        self.unexpected += other.unexpected;
        self.unknown += other.unknown;
        self.nondeterministic += other.nondeterministic;
        self.first_seed = earlier(self.first_seed, other.first_seed);
        self.first_unexpected = earlier(self.first_unexpected, other.first_unexpected);
        self.shown = earlier(self.shown, other.shown);
        self.converged_ms.add(&other.converged_ms);
        add_all(&mut self.tolerated, &other.tolerated);
        add_all(&mut self.unreached, &other.unreached);
        if let Some(measured) = &other.measured {
            self.measured.get_or_insert_default().absorb(measured);
        }
        if let Some(score) = &other.score {
            self.score.get_or_insert_default().absorb(score);
        }
        for (vacuity, runs) in &other.lacks {
            self.lacks(vacuity, *runs);
        }
    }
}

/// The lesser of those that there are.
fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (&one, &other) {
        (Some(a), Some(b)) if b.cmp(a) == Ordering::Less => other,
        (None, _) => other,
        _ => one,
    }
}

pub(super) fn add_all<K: Ord + Clone, N: Copy + Default + AddAssign>(
    to: &mut BTreeMap<K, N>,
    more: &BTreeMap<K, N>,
) {
    for (key, n) in more {
        *to.entry(key.clone()).or_default() += *n;
    }
}
