//! What came of the mutants, system by system.

use crate::config::Config;
use crate::measure;
use crate::weave::{self, Woven};
use clap::Args;
use miette::IntoDiagnostic;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::PathBuf;

/// Arguments of `table`.
#[derive(Debug, Args)]
pub struct Table {
    /// The copy.
    copy: PathBuf,
    /// The results of sweeps.
    #[arg(long)]
    sweeps: Option<PathBuf>,
    /// The results of tests.
    #[arg(long)]
    tests: Option<PathBuf>,
    /// Explanations of mutants that behave as the original: a table of TOML, from what a mutant is to why.
    #[arg(long)]
    explained: Option<PathBuf>,
    /// Those that nothing catches, too.
    #[arg(long)]
    survivors: bool,
}

/// A line to people.
pub fn say(line: &str) -> miette::Result<()> {
    writeln!(io::stdout(), "{line}").into_diagnostic()
}

/// How many mistakes could be made.
pub fn list(config: &Config) -> miette::Result<()> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for mutant in config.mutants()? {
        *counts.entry(mutant.system).or_default() += 1;
    }
    counts.iter().try_for_each(|(system, count)| say(&format!("{system:12} {count:>5}")))?;
    say(&format!("{:12} {:>5}", "all", counts.values().sum::<usize>()))
}

/// What came of the mutants of one system.
#[derive(Debug, Clone, Copy)]
struct Row {
    all: usize,
    explained: usize,
    reached: usize,
    by_sweeps: usize,
    by_either: usize,
    /// Caught by sweeps in so much time.
    within: [usize; WITHIN_S.len()],
    /// The least time that a survivor has had.
    had_s: f64,
}

impl Default for Row {
    fn default() -> Self {
        let (all, explained, reached, by_sweeps, by_either) = Default::default();
        Row {
            all,
            explained,
            reached,
            by_sweeps,
            by_either,
            within: Default::default(),
            had_s: f64::INFINITY,
        }
    }
}

/// Whether a mutant counts neither way, and whether anything catches it. A sweep that catches one refutes its explanation;
/// a test that looks inside does not.
fn verdict(by_sweep: bool, by_test: bool, explained: bool) -> (bool, bool) {
    let is_explained = explained && !by_sweep;
    (is_explained, by_sweep || (by_test && !is_explained))
}

/// Times of a sweep on each core, in s, at which the table counts.
const WITHIN_S: [f64; 4] = [1.0, 5.0, 15.0, 60.0];

impl Table {
    pub fn execute(&self, config: &Config) -> miette::Result<()> {
        let default = |name: &str| self.copy.join(name);
        let sweeps = measure::results(&self.sweeps.clone().unwrap_or_else(|| default("sweeps.jsonl")))?;
        let tests = measure::results(&self.tests.clone().unwrap_or_else(|| default("tests.jsonl")))?;
        let explained: BTreeMap<String, String> = match &self.explained {
            Some(path) => toml::from_str(&measure::read(path)?).into_diagnostic()?,
            None => BTreeMap::new(),
        };
        let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
        let mut survivors = Vec::new();
        let mutants = weave::read(&self.copy)?;
        let measured: Vec<&Woven> =
            mutants.iter().filter(|woven| sweeps.contains_key(&woven.mutant.key())).collect();
        for system in &config.systems {
            let reached =
                std::fs::read_to_string(measure::reached_by(&self.copy, &system.name)).unwrap_or_default();
            let reached: BTreeSet<&str> = reached.lines().collect();
            for woven in measured.iter().filter(|woven| woven.mutant.system == system.name) {
                let (key, row) = (woven.mutant.key(), rows.entry(&system.name).or_default());
                let sweep = &sweeps[&key];
                let by_sweep = sweep.caught.is_some();
                let by_test = tests.get(&key).is_some_and(|tests| tests.caught.is_some());
                let (is_explained, by_either) = verdict(by_sweep, by_test, explained.contains_key(&key));
                let is_reached = reached.contains(woven.number.to_string().as_str());
                row.all += 1;
                row.explained += usize::from(is_explained);
                row.reached += usize::from(is_reached);
                row.by_sweeps += usize::from(by_sweep);
                for (within, caught) in WITHIN_S.into_iter().zip(&mut row.within) {
                    *caught += usize::from(by_sweep && sweep.had_s <= within);
                }
                if !by_sweep && !is_explained {
                    row.had_s = row.had_s.min(sweep.had_s);
                }
                row.by_either += usize::from(by_either);
                if !by_sweep && !is_explained {
                    survivors.push((*woven, is_reached, by_test));
                }
            }
        }
        let within: String = WITHIN_S.iter().map(|within| format!("in {within} s | ")).collect();
        say(&format!(
            "| system | mutants | equivalent | reached | {within}caught by sweeps | by sweeps or tests |"
        ))?;
        say(&format!("|---|---|---|---|{}---|---|", "---|".repeat(WITHIN_S.len())))?;
        let mut sum = Row::default();
        for (system, row) in &rows {
            row.print(system)?;
            sum.add(*row);
        }
        sum.print("all")?;
        if self.survivors {
            for (woven, is_reached, by_test) in survivors {
                let mutant = &woven.mutant;
                let how = match (by_test, is_reached) {
                    (true, _) => "by a test alone",
                    (false, true) => "survives",
                    (false, false) => "not reached",
                };
                say(&format!(
                    "{how:16} {:>4} {}:{}: {}: {}",
                    woven.number, mutant.file, mutant.line, mutant.function, mutant.slip
                ))?;
            }
        }
        Ok(())
    }
}

impl Row {
    fn add(&mut self, other: Row) {
        self.all += other.all;
        self.explained += other.explained;
        self.reached += other.reached;
        self.by_sweeps += other.by_sweeps;
        self.by_either += other.by_either;
        self.within.iter_mut().zip(other.within).for_each(|(sum, caught)| *sum += caught);
        self.had_s = self.had_s.min(other.had_s);
    }

    fn print(&self, system: &str) -> miette::Result<()> {
        let matter = self.all - self.explained;
        let share = |count: usize| format!("{count} ({:.0} %)", 100.0 * count as f64 / matter.max(1) as f64);
        let Row { all, explained, reached, by_sweeps, by_either, within, had_s } = self;
        let in_time = |(within, caught): (f64, &usize)| match within <= *had_s {
            true => format!("{} | ", share(*caught)),
            false => "not all measured | ".to_owned(),
        };
        let within: String = WITHIN_S.into_iter().zip(within).map(in_time).collect();
        say(&format!(
            "| {system} | {all} | {explained} | {reached} | {within}{} | {} |",
            share(*by_sweeps),
            share(*by_either)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::verdict;

    #[test]
    fn what_is_explained_counts_neither_way_unless_a_sweep_catches_it() {
        assert_eq!(verdict(false, true, true), (true, false));
        assert_eq!(verdict(true, false, true), (false, true));
        assert_eq!(verdict(false, true, false), (false, true));
        assert_eq!(verdict(false, false, false), (false, false));
    }
}
