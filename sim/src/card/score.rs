//! What the runs of a cell came to.

use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What one run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scored {
    /// A number for each measure of the card; none where the run has none.
    pub(super) values: Vec<Option<u64>>,
    /// How bad that is, the gravest first.
    pub(super) gravity: Vec<u64>,
}

/// What the runs of a cell came to: of each measure, how many of them had which number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    values: Vec<BTreeMap<u64, u64>>,
    worst: Option<Worst>,
}

/// The worst run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Worst {
    gravity: Vec<u64>,
    seed: u64,
}

impl Score {
    /// Takes a run in.
    pub(crate) fn add(&mut self, seed: u64, scored: Scored) {
        let values = scored.values.into_iter();
        self.add_all(values.map(|value| value.map(|value| (value, 1)).into_iter().collect()));
        self.worse(Some(Worst { gravity: scored.gravity, seed }));
    }

    /// Takes in what others came to.
    pub(crate) fn absorb(&mut self, other: &Score) {
        self.add_all(other.values.iter().cloned());
        self.worse(other.worst.clone());
    }

    fn add_all(&mut self, more: impl Iterator<Item = BTreeMap<u64, u64>>) {
        for (place, more) in more.enumerate() {
            if self.values.len() <= place {
                self.values.push(BTreeMap::new());
            }
            for (value, runs) in more {
                *self.values[place].entry(value).or_default() += runs;
            }
        }
    }

    fn worse(&mut self, other: Option<Worst>) {
        let worse = |worst: &Worst| (worst.gravity.clone(), Reverse(worst.seed));
        self.worst = self.worst.take().into_iter().chain(other).max_by_key(worse);
    }

    /// The seed of the worst run; of equals, the lowest. None without a run.
    pub fn worst_seed(&self) -> Option<u64> {
        self.worst.as_ref().map(|worst| worst.seed)
    }

    /// How many runs have a number for a measure, by its place.
    pub fn told(&self, measure: usize) -> u64 {
        self.of(measure).map(|(_, runs)| runs).sum()
    }

    /// In how many runs the number was above 0.
    pub fn in_runs(&self, measure: usize) -> u64 {
        self.of(measure).filter(|(value, _)| *value > 0).map(|(_, runs)| runs).sum()
    }

    /// The greatest number of all runs; none without one.
    pub fn most(&self, measure: usize) -> Option<u64> {
        self.of(measure).last().map(|(value, _)| value)
    }

    /// The number that so many hundredths of the runs do not exceed; none without a run.
    pub fn percentile(&self, measure: usize, hundredths: u64) -> Option<u64> {
        let rank = (self.told(measure) * hundredths).div_ceil(100).max(1);
        let mut runs = 0;
        let reaches = |(_, more): &(u64, u64)| {
            runs += more;
            runs >= rank
        };
        self.of(measure).find(reaches).map(|(value, _)| value)
    }

    fn of(&self, measure: usize) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.values.get(measure).into_iter().flatten().map(|(value, runs)| (*value, *runs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(runs: &[(u64, Option<u64>)]) -> Score {
        let mut score = Score::default();
        for (seed, value) in runs {
            score.add(*seed, Scored { values: vec![*value], gravity: vec![value.unwrap_or_default()] });
        }
        score
    }

    #[test]
    fn percentiles_are_numbers_that_runs_had() {
        let score = score(&(0..100).map(|seed| (seed, Some(1000 + seed))).collect::<Vec<_>>());
        let percentiles = [1, 50, 99, 100].map(|hundredths| score.percentile(0, hundredths));
        assert_eq!(percentiles, [1000, 1049, 1098, 1099].map(Some));
        assert_eq!(score.most(0), Some(1099));
    }

    #[test]
    fn what_a_run_does_not_have_is_not_counted() {
        let score = score(&[(0, Some(0)), (1, None), (2, Some(3))]);
        assert_eq!((score.told(0), score.in_runs(0), score.most(0)), (2, 1, Some(3)));
        assert_eq!(Score::default().percentile(0, 50), None);
    }

    #[test]
    fn the_worst_is_the_gravest_and_of_equals_the_lowest_seed() {
        assert_eq!(score(&[(7, Some(1)), (5, Some(4)), (3, Some(4)), (9, Some(2))]).worst_seed(), Some(3));
        assert_eq!(Score::default().worst_seed(), None);
    }

    #[test]
    fn what_two_machines_ran_is_what_one_would_have_run_and_the_same_when_it_was_written_down() {
        let runs: Vec<(u64, Option<u64>)> = (0..20).map(|seed| (seed, Some(seed * 7 % 11))).collect();
        let (even, odd): (Vec<_>, Vec<_>) = runs.iter().copied().partition(|(seed, _)| seed % 2 == 0);
        let mut both = score(&odd);
        both.absorb(&score(&even));
        assert_eq!(both, score(&runs));
        let text = serde_json::to_string(&both).unwrap();
        assert_eq!(serde_json::from_str::<Score>(&text).unwrap(), both);
    }
}
