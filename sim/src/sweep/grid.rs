//! Grids: a scenario with every combination of some values, each a case of one sweep.
//!
//! `key=A..B/N` is N values from A to B, evenly spaced; `key=a,b,c` is these. A key is a path into the file, as `--set`
//! has it; `system.option` is short for `cluster.options.option` of that system.
//!
//! What a cell violates is a figure of it, not a failure: of what its system is judged by, all is tolerated. A node that
//! ends, panics, spins or leaves the simulation still fails.

use crate::catalog::Case;
use crate::check;
use crate::verdict::Lack;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// More cells are a mistake of somebody's.
const CELLS_MAX: usize = 1000;
/// A picture has so many axes.
const AXES_MAX: usize = 2;
/// Violations of these are no figure of a cell: it has not run as it should.
const FAILURES: [&str; 5] = [check::NODE, check::PANIC, check::SPIN, check::SUBSTRATE, check::OVERLOAD];

/// Why there is no such grid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// No key and values.
    #[error("`{0}` is not key=A..B/N or key=a,b,c, such as cluster.nodes=3..7/3")]
    Form(String),
    /// A range without a number of values.
    #[error("`{0}` says not how many values: A..B/N, such as {0}/10")]
    NoCount(String),
    /// A range of less than two.
    #[error("`{range}`: {count} is not a number of values above 1; one value is --set's affair")]
    TooFew {
        /// The range.
        range: String,
        /// What stands where the number of values should.
        count: String,
    },
    /// Neither numbers nor durations, or not of one kind.
    #[error("`{0}`: these are not two numbers, or durations, that have something between them")]
    NoRange(String),
    /// From more to less, or from the same to the same.
    #[error("`{0}` is empty: its end is not above its begin")]
    Empty(String),
    /// A list of one.
    #[error("`{0}` is one value: say --set {0}, or more of them with commas")]
    OneValue(String),
    /// A list with the same twice, or with nothing.
    #[error("`{key}`: {value:?} stands there twice, or is nothing")]
    Twice {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// A key that is on two axes, or set as well.
    #[error("{0} has two meanings: it is given twice, or by --set too")]
    SameKey(String),
    /// Too many axes.
    #[error("{0} grids: a table and a picture have two axes at most")]
    Axes(usize),
    /// Too many cells.
    #[error("{0} cells: a grid has {CELLS_MAX} at most")]
    Cells(usize),
}

/// The axes of a grid; none if it is no grid.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    axes: Vec<Axis>,
}

/// A key and its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// As it was given.
    pub label: String,
    /// The path into the file.
    key: String,
    /// In the order in which they were given.
    pub values: Vec<String>,
}

impl Grid {
    /// A grid with these axes, for systems of these names, beside what `--set` changes.
    ///
    /// # Errors
    ///
    /// When there are too many axes or cells, or a key is given twice.
    pub fn new(axes: &[Axis], systems: &[String], overrides: &[(String, String)]) -> Result<Grid, GridError> {
        if axes.len() > AXES_MAX {
            return Err(GridError::Axes(axes.len()));
        }
        let axes: Vec<Axis> = axes.iter().map(|axis| axis.of(systems)).collect();
        let mut keys: BTreeSet<&str> = overrides.iter().map(|(key, _)| key.as_str()).collect();
        if let Some(twice) = axes.iter().find(|axis| !keys.insert(&axis.key)) {
            return Err(GridError::SameKey(twice.label.clone()));
        }
        let cells = axes.iter().map(|axis| axis.values.len()).product();
        if cells > CELLS_MAX { Err(GridError::Cells(cells)) } else { Ok(Grid { axes }) }
    }

    /// The axes, at most two. The last one changes from one cell to the next.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Whether there is a grid at all.
    pub fn is_none(&self) -> bool {
        self.axes.is_empty()
    }

    /// What each cell sets, in order.
    pub fn cells(&self) -> Vec<Vec<(String, String)>> {
        let mut cells = vec![Vec::new()];
        for axis in &self.axes {
            let with = |cell: &Vec<(String, String)>, value: &String| {
                [cell.clone(), vec![(axis.key.clone(), value.clone())]].concat()
            };
            cells = cells
                .iter()
                .flat_map(|cell| axis.values.iter().map(move |value| with(cell, value)))
                .collect();
        }
        cells
    }

    /// A case as a cell: named by what it sets, and with nothing to expect.
    pub fn cell(&self, mut case: Case) -> Case {
        let of = |axis: &Axis| {
            let set = case.overrides.iter().rev().find(|(key, _)| *key == axis.key);
            set.map(|(_, value)| format!(" {}={value}", axis.label)).unwrap_or_default()
        };
        let set: String = self.axes.iter().map(of).collect();
        case.name.push_str(&set);
        to_measure(case)
    }
}

/// A case that is there to be measured, with nothing to expect: what it violates is a figure of it, unless it has not
/// run as it should.
pub fn to_measure(mut case: Case) -> Case {
    let checkers = case.system.vocabulary().checkers.into_iter();
    let check = &mut case.scenario.check;
    check.expect.violation = None;
    check.expect.reaches.clear();
    check.expect.tolerates.extend(checkers.filter(|checker| !FAILURES.contains(&checker.as_str())));
    check.allows.extend([Lack::NoSuccess, Lack::NeverJudged]);
    case
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axes: Vec<String> =
            self.axes.iter().map(|axis| format!("--grid {}={}", axis.label, axis.values.join(","))).collect();
        f.write_str(&axes.join(" "))
    }
}

impl Axis {
    /// With the whole path, where a system's name stands for its options.
    fn of(&self, systems: &[String]) -> Axis {
        let short = self.label.split_once('.').filter(|(first, _)| systems.iter().any(|name| name == first));
        let key = short.map_or_else(|| self.label.clone(), |(_, option)| format!("cluster.options.{option}"));
        Axis { key, ..self.clone() }
    }
}

impl FromStr for Axis {
    type Err = GridError;

    fn from_str(text: &str) -> Result<Axis, GridError> {
        let form = || GridError::Form(text.to_owned());
        let (key, values) = text.split_once('=').ok_or_else(form)?;
        let (key, values) = (key.trim(), values.trim());
        if key.is_empty() || values.is_empty() {
            return Err(form());
        }
        let values = match values.split_once("..") {
            Some((from, rest)) => range(values, from.trim(), rest)?,
            None => list(key, values)?,
        };
        Ok(Axis { label: key.to_owned(), key: key.to_owned(), values })
    }
}

fn list(key: &str, text: &str) -> Result<Vec<String>, GridError> {
    let values: Vec<String> = text.split(',').map(|value| value.trim().to_owned()).collect();
    let mut seen = BTreeSet::from([String::new()]);
    if let Some(value) = values.iter().find(|value| !seen.insert((*value).clone())) {
        return Err(GridError::Twice { key: key.to_owned(), value: value.clone() });
    }
    if values.len() == 1 { Err(GridError::OneValue(format!("{key}={text}"))) } else { Ok(values) }
}

/// The values of a range, evenly spaced.
fn range(text: &str, from: &str, rest: &str) -> Result<Vec<String>, GridError> {
    let (to, count) = rest.rsplit_once('/').ok_or_else(|| GridError::NoCount(text.to_owned()))?;
    let (to, count) = (to.trim(), count.trim());
    let too_few = || GridError::TooFew { range: text.to_owned(), count: count.to_owned() };
    let steps = count.parse::<usize>().ok().filter(|steps| *steps > 1).ok_or_else(too_few)?;
    if steps > CELLS_MAX {
        return Err(GridError::Cells(steps));
    }
    let no_range = || GridError::NoRange(text.to_owned());
    let [least, most] = [from, to].map(quantity);
    let (Some((least, unit)), Some((most, other))) = (least, most) else { return Err(no_range()) };
    let each = |least: f64, most: f64| {
        let step = (most - least) / (steps - 1) as f64;
        (0..steps).map(move |place| if place + 1 == steps { most } else { least + step * place as f64 })
    };
    if unit == other {
        if least >= most {
            return Err(GridError::Empty(text.to_owned()));
        }
        let is_time = humantime::parse_duration(&format!("1{unit}")).is_ok();
        let values: Vec<f64> = each(least, most).collect();
        // A part of a unit of time is told in lesser units.
        if !is_time || values.iter().all(|value| value.fract() == 0.0) {
            return Ok(values.into_iter().map(|value| format!("{}{unit}", rounded(value))).collect());
        }
    }
    let [Ok(least), Ok(most)] = [from, to].map(humantime::parse_duration) else { return Err(no_range()) };
    if least >= most {
        return Err(GridError::Empty(text.to_owned()));
    }
    let nanoseconds = each(least.as_nanos() as f64, most.as_nanos() as f64);
    let told = |ns: f64| {
        let time = std::time::Duration::from_nanos(ns.round() as u64);
        humantime::format_duration(time).to_string().replace(' ', "")
    };
    Ok(nanoseconds.map(told).collect())
}

/// A number and what it is of: `1.5`, `30s`, `100/s`.
fn quantity(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|letter: char| !(letter.is_ascii_digit() || "+-.".contains(letter)));
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    number.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| (number, unit))
}

/// Without what adding up has left behind the twelfth place.
fn rounded(value: f64) -> f64 {
    (value * 1e12).round() / 1e12
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        text.parse::<Axis>().unwrap().values
    }

    fn refused(text: &str) -> String {
        text.parse::<Axis>().unwrap_err().to_string()
    }

    #[test]
    fn a_range_has_both_its_ends_and_equal_steps_in_the_unit_that_it_was_given_in() {
        assert_eq!(values("k=30s..300s/10")[..3], ["30s", "60s", "90s"]);
        assert_eq!(values("k=30s..300s/10").last().unwrap(), "300s");
        assert_eq!(values("k=1..5/5"), ["1", "2", "3", "4", "5"]);
        assert_eq!(values("k=0..0.3/4"), ["0", "0.1", "0.2", "0.3"]);
        assert_eq!(values("k=10/s..20/s/3"), ["10/s", "15/s", "20/s"]);
        assert_eq!(values("k=-2..2/3"), ["-2", "0", "2"]);
    }

    #[test]
    fn durations_between_units_are_told_in_lesser_ones() {
        assert_eq!(values("k=500ms..2s/4"), ["500ms", "1s", "1s500ms", "2s"]);
        assert_eq!(values("k=1s..2s/3"), ["1s", "1s500ms", "2s"]);
        assert_eq!(values("k=30s..2m/4"), ["30s", "1m", "1m30s", "2m"]);
    }

    #[test]
    fn a_list_is_what_it_says() {
        assert_eq!(values("k = true, false"), ["true", "false"]);
        assert_eq!(values("k=latest,syn,10ms"), ["latest", "syn", "10ms"]);
    }

    #[test]
    fn what_is_no_axis_is_refused_with_what_would_be_one() {
        assert!(refused("poll").contains("is not key=A..B/N"));
        assert!(refused("=1,2").contains("is not key=A..B/N"));
        assert!(refused("k=1..5").contains("1..5/10"));
        assert!(refused("k=1..5/0").contains("0 is not a number of values above 1"));
        assert!(refused("k=1..5/1").contains("1 is not a number of values above 1"));
        assert!(refused("k=1..5/x").contains("x is not a number of values above 1"));
        assert!(refused("k=5..1/3").contains("is empty"));
        assert!(refused("k=5s..5000ms/3").contains("is empty"));
        assert!(refused("k=a..b/3").contains("not two numbers"));
        assert!(refused("k=1..5s/3").contains("not two numbers"));
        assert!(refused("k=true..false/2").contains("not two numbers"));
        assert!(refused("k=1..2/5000").contains("5000 cells"));
        assert!(refused("k=1").contains("say --set k=1"));
        assert!(refused("k=1,2,1").contains("stands there twice"));
        assert!(refused("k=1,,2").contains("or is nothing"));
    }

    fn grid(axes: &[&str], set: &[(&str, &str)]) -> Result<Grid, GridError> {
        let axes: Vec<Axis> = axes.iter().map(|axis| axis.parse().unwrap()).collect();
        let set: Vec<_> = set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Grid::new(&axes, &["bank".to_owned()], &set)
    }

    #[test]
    fn cells_are_all_combinations_and_a_systems_name_stands_for_its_options() {
        let cells = grid(&["bank.retry=1s,2s", "cluster.nodes=3,5"], &[]).unwrap().cells();
        let text: Vec<String> = cells
            .iter()
            .map(|cell| cell.iter().map(|(key, value)| format!("{key}={value} ")).collect())
            .collect();
        assert_eq!(text.len(), 4);
        assert_eq!(text[0], "cluster.options.retry=1s cluster.nodes=3 ");
        assert_eq!(text[1], "cluster.options.retry=1s cluster.nodes=5 ");
        assert_eq!(text[2], "cluster.options.retry=2s cluster.nodes=3 ");
    }

    #[test]
    fn a_key_has_one_axis_and_a_grid_two_axes_and_no_more_cells_than_one_can_look_at() {
        assert!(matches!(grid(&["a=1,2", "a=3,4"], &[]), Err(GridError::SameKey(_))));
        assert!(matches!(grid(&["a=1,2"], &[("a", "3")]), Err(GridError::SameKey(_))));
        assert!(matches!(grid(&["a=1,2", "b=1,2", "c=1,2"], &[]), Err(GridError::Axes(3))));
        assert_eq!(grid(&["a=1..40/40", "b=1..40/40"], &[]), Err(GridError::Cells(1600)));
        assert!(grid(&[], &[]).unwrap().is_none());
    }
}
