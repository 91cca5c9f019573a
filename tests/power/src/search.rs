//! What each way of searching needs to find what is known: of a scenario that shows a violation, how many runs and how
//! much time until the first run that shows it, the median over ranges of seeds.
//!
//! A *way* is what is set of `[random]` besides what the file says, a `[[way]]` of `power.toml`; a file without `[random]`
//! is scripted, and has one way, as it is. Each range of seeds begins a million after the last, and is searched on one core
//! until something is found or it has had its time; what found nothing counts as longer than all that did. Several
//! programs are measured by turns, range by range, so that what else the machine does befalls all alike.
//!
//! Results are lines in `--out`; what is there is not measured again. The table is of what is there.

use crate::config::{Config, Way};
use crate::measure::child::Child;
use crate::table::say;
use clap::Args;
use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// How many seeds a range has at most.
const RANGE: u64 = 1_000_000;

/// Arguments of `search`.
#[derive(Debug, Args)]
pub struct Search {
    /// Scenarios that show a violation.
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    /// The program; another, given again.
    #[arg(long, required = true)]
    with: Vec<PathBuf>,
    /// Ways, by name; all of `power.toml` if none is given.
    #[arg(long)]
    way: Vec<String>,
    /// How many ranges of seeds.
    #[arg(long, default_value_t = 10)]
    ranges: u64,
    /// So long for each range, of the processor's time.
    #[arg(long = "for", default_value = "60s", value_parser = humantime::parse_duration)]
    time: Duration,
    /// Where the results go, and are read from.
    #[arg(long)]
    out: PathBuf,
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Cell {
    scenario: String,
    way: String,
    program: String,
}

/// One range of seeds.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Searched {
    #[serde(flatten)]
    cell: Cell,
    range: u64,
    /// How many runs until one showed it; none if none did.
    runs: Option<u64>,
    /// The time of the processor, in seconds.
    seconds: f64,
}

impl Search {
    pub fn execute(&self, config: &Config) -> miette::Result<()> {
        let mut searched: Vec<Searched> = match fs::read_to_string(&self.out) {
            Ok(text) => text.lines().map(serde_json::from_str).collect::<Result<_, _>>().into_diagnostic()?,
            Err(_) => Vec::new(),
        };
        let done: BTreeSet<(Cell, u64)> =
            searched.iter().map(|searched| (searched.cell.clone(), searched.range)).collect();
        let mut file = OpenOptions::new().create(true).append(true).open(&self.out).into_diagnostic()?;
        for scenario in &self.scenarios {
            let is_random = crate::measure::read(scenario)?.lines().any(|line| line.trim() == "[random]");
            for way in self.ways(config, is_random)? {
                for (range, program) in
                    (0..self.ranges).flat_map(|range| self.with.iter().map(move |with| (range, with)))
                {
                    let [scenario, program] = [scenario, program].map(|path| path.display().to_string());
                    let cell = Cell { scenario, way: way.name.clone(), program };
                    if done.contains(&(cell.clone(), range)) {
                        continue;
                    }
                    let one = self.search(cell, &way, range)?;
                    let mut line = serde_json::to_vec(&one).into_diagnostic()?;
                    line.push(b'\n');
                    file.write_all(&line).into_diagnostic()?;
                    searched.push(one);
                }
            }
        }
        table(&searched).iter().try_for_each(|row| say(row))
    }

    fn ways(&self, config: &Config, is_random: bool) -> miette::Result<Vec<Way>> {
        if !is_random {
            return Ok(vec![Way { name: "scripted".to_owned(), set: Vec::new() }]);
        }
        if self.way.is_empty() {
            return Ok(config.ways.clone());
        }
        let named = |name: &String| {
            let found = config.ways.iter().find(|way| way.name == *name).cloned();
            found.ok_or_else(|| miette::miette!("there is no way `{name}` in the file of systems"))
        };
        self.way.iter().map(named).collect()
    }

    /// Searches one range until a run shows it.
    fn search(&self, cell: Cell, way: &Way, range: u64) -> miette::Result<Searched> {
        let mut sweep = Command::new(PathBuf::from(&cell.program).canonicalize().into_diagnostic()?);
        let seeds = format!("{}..{}", range * RANGE, (range + 1) * RANGE);
        sweep.args(["sweep", &cell.scenario, "--json", "--jobs", "1", "--seeds", &seeds]);
        sweep.args(way.set.iter().flat_map(|set| ["--set", set]));
        let mut sweep = Child::start(&mut sweep, self.time.as_secs_f64())?;
        let mut last = String::new();
        while let Some(line) = sweep.line()? {
            last = line;
        }
        let seconds = sweep.end()?;
        let summary: serde_json::Value = serde_json::from_str(&last).into_diagnostic()?;
        let runs = summary["runs"].as_u64().filter(|_| summary["first_failing_seed"].is_u64());
        Ok(Searched { cell, range, runs, seconds })
    }
}

/// A line for each cell: the median of its runs, of its time, and in how many ranges it was found.
fn table(searched: &[Searched]) -> Vec<String> {
    let mut cells: BTreeMap<&Cell, Vec<&Searched>> = BTreeMap::new();
    searched.iter().for_each(|one| cells.entry(&one.cell).or_default().push(one));
    let head = ["| scenario | way | program | runs | seconds | found |", "|---|---|---|---|---|---|"];
    let rows = cells.into_iter().map(|(Cell { scenario, way, program }, ranges)| {
        let found = ranges.iter().filter(|one| one.runs.is_some()).count();
        let runs = median(ranges.iter().map(|one| one.runs.map_or(f64::INFINITY, |runs| runs as f64)));
        let seconds = median(ranges.iter().map(|one| one.runs.map_or(f64::INFINITY, |_| one.seconds)));
        let (runs, seconds) = (told(runs, 0), told(seconds, 2));
        format!("| {scenario} | {way} | {program} | {runs} | {seconds} | {found} of {} |", ranges.len())
    });
    head.into_iter().map(str::to_owned).chain(rows).collect()
}

/// The value in the middle, or the mean of the two there.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}

fn told(value: f64, digits: usize) -> String {
    if value.is_finite() { format!("{value:.digits$}") } else { "not found".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_counts_what_was_not_found_as_longest() {
        let of = |values: &[f64]| told(median(values.iter().copied()), 1);
        let never = f64::INFINITY;
        assert_eq!([of(&[3.0, 1.0, never]), of(&[1.0, 2.0, 4.0, never])], ["3.0", "3.0"]);
        assert_eq!([of(&[1.0, never]), of(&[never])], ["not found"; 2]);
    }

    #[test]
    fn a_cell_is_a_line_of_its_ranges() {
        let one = |range, runs, seconds| {
            let [scenario, way, program] = ["zoo/x", "swarm", "new"].map(str::to_owned);
            Searched { cell: Cell { scenario, way, program }, range, runs, seconds }
        };
        let rows = table(&[one(0, Some(4), 0.5), one(1, Some(8), 1.5), one(2, None, 60.0)]);
        assert_eq!(rows[2..], ["| zoo/x | swarm | new | 8 | 1.50 | 2 of 3 |"]);
    }
}
