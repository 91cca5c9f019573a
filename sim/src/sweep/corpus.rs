//! Seeds that are worth being run first next time: those that failed, and those that reach what others do not.
//!
//! A run has *marks*: the probes that it published, and the checkers that it failed. In the order in which runs are
//! released, a seed is kept if it has a mark that too few of its scenario's kept seeds have: one for a probe, three for
//! a checker. Kept seeds are run first, in that order, and are judged anew: one that adds nothing any more, because it
//! was mended or because the probe is gone, is forgotten. So the same sweep with the same corpus leaves the same corpus,
//! and one that finds nothing new leaves it as it was.
//!
//! A seed is a seed of any build: another one, or a scenario that has changed, judges it by what it does now. Seeds of
//! scenarios that are not swept, and those to whose turn a sweep does not come, stay.

use crate::catalog::Case;
use crate::run::{Met, Report};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// So many seeds are kept for a probe.
const OF_A_PROBE: u32 = 1;
/// So many for a checker.
const OF_A_CHECKER: u32 = 3;
/// What differed when it was run again fails this.
const NONDETERMINISM: &str = "nondeterminism";

/// A seed that is kept, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The scenario's short name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// Probes that it published, and no seed before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reached: Vec<String>,
    /// Checkers that it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
}

/// The seeds that are kept, while a sweep goes on.
#[derive(Debug)]
pub struct Corpus {
    /// The swept scenarios' names.
    scenarios: Vec<String>,
    /// What was kept before, of all scenarios.
    before: Vec<Kept>,
    /// The runs that came to their end.
    ran: BTreeSet<(usize, u64)>,
    kept: Vec<Kept>,
    /// How many kept seeds of a scenario have a mark.
    marks: BTreeMap<(usize, String), u32>,
}

impl Corpus {
    /// What was kept before a sweep of these scenarios.
    pub fn new(cases: &[Case], before: Vec<Kept>) -> Self {
        let scenarios = cases.iter().map(|case| case.name.clone()).collect();
        Corpus { scenarios, before, ran: BTreeSet::new(), kept: Vec::new(), marks: BTreeMap::new() }
    }

    /// What the sweep is to begin with: scenarios, by their places, and seeds.
    pub fn first(&self) -> Vec<(usize, u64)> {
        let mut seen = BTreeSet::new();
        let places = self.before.iter().filter_map(|kept| Some((self.place(&kept.scenario)?, kept.seed)));
        places.filter(|run| seen.insert(*run)).collect()
    }

    fn place(&self, scenario: &str) -> Option<usize> {
        self.scenarios.iter().position(|name| name == scenario)
    }

    /// A run has ended: it met this, or nothing that is sure.
    pub fn ran(&mut self, case: usize, report: &Report, met: Option<Met>) {
        let failed: Vec<String> = match met {
            None => vec![NONDETERMINISM.to_owned()],
            // A run is kept for what it reaches, not for what it does not.
            Some(Met::AsExpected | Met::Unreached) => Vec::new(),
            Some(Met::ShownViolation | Met::Unexpected) => {
                let checkers: BTreeSet<&str> =
                    report.violations.iter().map(|violation| violation.checker.as_str()).collect();
                checkers.into_iter().map(str::to_owned).collect()
            }
        };
        let reached = report.probes.iter().filter(|(_, hits)| **hits > 0);
        let reached = reached.map(|(probe, _)| (*probe).to_owned()).collect();
        self.judge(case, report.seed, reached, failed);
    }

    fn judge(&mut self, case: usize, seed: u64, reached: Vec<String>, failed: Vec<String>) {
        self.ran.insert((case, seed));
        let mut mark = |of: String, enough: u32| {
            let have = self.marks.entry((case, of)).or_default();
            let adds = *have < enough;
            *have += u32::from(adds);
            adds
        };
        let reached: Vec<String> =
            reached.into_iter().filter(|probe| mark(format!("probe {probe}"), OF_A_PROBE)).collect();
        let adds = failed.iter().filter(|checker| mark(format!("checker {checker}"), OF_A_CHECKER)).count();
        if !reached.is_empty() || adds > 0 {
            self.kept.push(Kept { scenario: self.scenarios[case].clone(), seed, reached, failed });
        }
    }

    /// What is to be kept now, by scenario.
    pub fn kept(&self) -> Vec<Kept> {
        let was_not_asked = |kept: &&Kept| {
            self.place(&kept.scenario).is_none_or(|case| !self.ran.contains(&(case, kept.seed)))
        };
        let mut kept: Vec<Kept> = self.kept.clone();
        kept.extend(self.before.iter().filter(was_not_asked).cloned());
        kept.sort_by(|a, b| a.scenario.cmp(&b.scenario));
        kept
    }

    /// How many seeds are kept that were not before, and how many are no longer.
    pub fn change(&self) -> (usize, usize) {
        let names = |kept: &[Kept]| -> BTreeSet<(String, u64)> {
            kept.iter().map(|kept| (kept.scenario.clone(), kept.seed)).collect()
        };
        let (before, now) = (names(&self.before), names(&self.kept()));
        (now.difference(&before).count(), before.difference(&now).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(before: Vec<Kept>) -> Corpus {
        let scenarios = vec!["a".to_owned(), "b".to_owned()];
        Corpus { scenarios, before, ran: BTreeSet::new(), kept: Vec::new(), marks: BTreeMap::new() }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn kept(scenario: &str, seed: u64, reached: &[&str]) -> Kept {
        Kept { scenario: scenario.to_owned(), seed, reached: texts(reached), failed: Vec::new() }
    }

    #[test]
    fn the_first_that_reaches_a_probe_is_kept_and_who_adds_nothing_is_not() {
        let mut corpus = corpus(Vec::new());
        corpus.judge(0, 1, texts(&["often"]), Vec::new());
        corpus.judge(0, 2, texts(&["often"]), Vec::new());
        corpus.judge(0, 3, texts(&["often", "rare"]), Vec::new());
        corpus.judge(1, 2, texts(&["often"]), Vec::new());
        assert_eq!(
            corpus.kept(),
            [kept("a", 1, &["often"]), kept("a", 3, &["rare"]), kept("b", 2, &["often"])],
            "each scenario has its own"
        );
    }

    #[test]
    fn three_that_fail_a_checker_are_kept_and_no_more() {
        let mut corpus = corpus(Vec::new());
        for seed in 0..9 {
            corpus.judge(0, seed, Vec::new(), texts(&["convergence"]));
        }
        let seeds: Vec<u64> = corpus.kept().iter().map(|kept| kept.seed).collect();
        assert_eq!(seeds, [0, 1, 2]);
    }

    #[test]
    fn who_adds_nothing_any_more_is_forgotten_and_who_was_not_asked_stays() {
        let others = kept("elsewhere", 5, &["rare"]);
        let mut corpus = corpus(vec![
            kept("a", 7, &["gone"]),
            kept("a", 8, &["rare"]),
            kept("a", 9, &["late"]),
            others.clone(),
        ]);
        assert_eq!(corpus.first(), [(0, 7), (0, 8), (0, 9)]);
        corpus.judge(0, 7, Vec::new(), Vec::new());
        corpus.judge(0, 8, texts(&["rare"]), Vec::new());
        assert_eq!(corpus.kept(), [kept("a", 8, &["rare"]), kept("a", 9, &["late"]), others]);
        assert_eq!(corpus.change(), (0, 1));
    }

    #[test]
    fn a_seed_that_is_kept_twice_is_run_once() {
        assert_eq!(corpus(vec![kept("b", 1, &[]), kept("b", 1, &[])]).first(), [(1, 1)]);
    }
}
