//! Cards: what a choice costs, as one table. `splitbrain scorecard NAME` runs one.
//!
//! A [`Card`] has three axes (of what is compared, what befalls it, how it is set up), and a *cell* is one pick of each:
//! a scenario with some values changed, or the reason why there is no such thing. Every cell is run with the same seeds,
//! each run is *measured* into a few whole numbers, and a [`Score`] keeps of each number how many runs had it. So a score
//! is a sum: it does not depend on the order of runs, on who ran them, or in how many sittings, and what is told of it is
//! exact.
//!
//! Of each cell one seed is the *worst*, by the measures that the card calls gravest; of equals, the lowest.
//!
//! What a cell's runs violate is no failure: that is what is measured. A node that ends, panics, spins or leaves the
//! simulation still fails.
//!
//! What is absent: this module knows no protocol. The cards that ship are the command's (`src/systems/`).

mod score;
pub(crate) mod table;

pub use score::{Score, Scored};
pub use table::{Line, Row, Section, Standing, Table};
pub(crate) use table::{product, share};

use crate::run::Recording;
use crate::scenario::nearest;

/// How many axes a card has.
pub const AXES: usize = 3;

/// What is compared, and by what.
#[derive(Debug)]
pub struct Card {
    /// The name that the command knows it by.
    pub name: &'static str,
    /// What it tells, in a sentence.
    pub title: &'static str,
    /// What a cell is one pick each of. The first one makes the sections of its table.
    pub axes: [Axis; AXES],
    /// What is measured of a run, in this order.
    pub measures: &'static [Measure],
    /// The names of the measures that make a seed the worst of its cell, the gravest first.
    pub gravest: &'static [&'static str],
    /// The cell with these picks, or why there is none.
    pub cell: fn([&str; AXES]) -> Result<Cell, String>,
    /// A number for each measure; none where a run has none.
    pub measure: fn(&Recording) -> Vec<Option<u64>>,
}

/// Something of which a cell has one.
#[derive(Debug)]
pub struct Axis {
    /// What it is, as options and JSON name it.
    pub name: &'static str,
    /// What there is to pick.
    pub picks: fn() -> Vec<Pick>,
}

/// One thing on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pick {
    /// Its name.
    pub name: &'static str,
    /// What it is, in words.
    pub means: &'static str,
}

/// A scenario, and what is changed in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// As on the command line.
    pub scenario: &'static str,
    /// As `--set` has it.
    pub overrides: Vec<(String, String)>,
    /// Keys that a configuration file does not change in it, for they are what the cell is about.
    pub keeps: Vec<String>,
}

/// What is measured of a run.
#[derive(Debug)]
pub struct Measure {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it is, in words.
    pub means: &'static str,
    /// What is told of it.
    pub kind: Kind,
}

/// What is told of a measure, and what its numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 1 where it holds, which is good: in how many runs.
    Holds,
    /// 1 where it happened, which is bad: in how many runs.
    Happens,
    /// ms: those that half of the runs, and 99 of 100, do not exceed, and the most.
    Times,
    /// ms: the most of all runs.
    Longest,
    /// So many: in how many runs any, and the most of all runs.
    Lost,
    /// So many: the most of all runs.
    Most,
}

/// Why a card has no such pick.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("there is no {axis} {name}{meant}")]
#[diagnostic(help("there is {among}"))]
pub struct NoPick {
    axis: &'static str,
    name: String,
    meant: String,
    among: String,
}

impl Card {
    /// What a recorded run comes to.
    ///
    /// # Panics
    ///
    /// When the card measures more or less than it says.
    pub fn scored(&self, recording: &Recording) -> Scored {
        let values = (self.measure)(recording);
        assert_eq!(values.len(), self.measures.len(), "card {}: a number for each measure", self.name);
        let gravity = self.gravest.iter().map(|name| {
            let place = self.measures.iter().position(|measure| measure.name == *name);
            let place = place.expect("the gravest measures are measures");
            self.measures[place].kind.gravity(values[place])
        });
        Scored { gravity: gravity.collect(), values }
    }

    /// All combinations of these picks, in order, the last axis changing from one to the next.
    pub fn combinations(picks: &[Vec<&'static str>; AXES]) -> Vec<[&'static str; AXES]> {
        let [first, second, third] = picks;
        let rest = |one: &'static str| {
            second.iter().flat_map(move |two| third.iter().map(move |three| [one, *two, *three]))
        };
        first.iter().flat_map(|one| rest(one)).collect()
    }
}

impl Axis {
    /// Those of its picks that are wanted, in its own order; all, if none is named.
    ///
    /// # Errors
    ///
    /// When a name is none of its picks.
    pub fn wanted(&self, names: &[String]) -> Result<Vec<&'static str>, NoPick> {
        let all: Vec<&'static str> = (self.picks)().iter().map(|pick| pick.name).collect();
        let known: Vec<String> = all.iter().map(|name| (*name).to_owned()).collect();
        match names.iter().find(|name| !known.contains(name)) {
            Some(name) => {
                let meant = nearest(name, &known).map(|near| format!(", did you mean {near}?"));
                let (name, meant) = (name.clone(), meant.unwrap_or_default());
                Err(NoPick { axis: self.name, name, meant, among: known.join(", ") })
            }
            None if names.is_empty() => Ok(all),
            None => Ok(all.into_iter().filter(|pick| names.iter().any(|name| name == pick)).collect()),
        }
    }

    /// What a pick is, in words.
    pub fn means(&self, name: &str) -> &'static str {
        (self.picks)().iter().find(|pick| pick.name == name).map_or("", |pick| pick.means)
    }
}

impl Kind {
    /// How bad a number is: more is worse. What could not be told is not the worst.
    fn gravity(self, value: Option<u64>) -> u64 {
        match (self, value) {
            (_, None) => 0,
            (Kind::Holds, Some(holds)) => 1 - holds.min(1),
            (_, Some(value)) => value,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two colours, big or small, old; a big red one there is not.
    pub(crate) static CARD: Card = Card {
        name: "balls",
        title: "How balls bounce",
        axes: [
            Axis { name: "colour", picks: || picks(&[("red", "a red <ball>"), ("blue", "a blue ball")]) },
            Axis { name: "size", picks: || picks(&[("big", "of a metre"), ("small", "of a thumb")]) },
            Axis { name: "age", picks: || picks(&[("old", "of last year")]) },
        ],
        measures: &[
            measure("up", Kind::Holds),
            measure("air_ms", Kind::Times),
            measure("dust", Kind::Lost),
            measure("still_ms", Kind::Longest),
            measure("cracks", Kind::Most),
            measure("bursts", Kind::Happens),
        ],
        gravest: &["up", "dust"],
        cell: |picks| match picks {
            ["red", "big", _] => Err("they were sold".to_owned()),
            _ => Ok(Cell { scenario: "balls/quiet", overrides: Vec::new(), keeps: Vec::new() }),
        },
        measure: |_| vec![None; 6],
    };

    fn picks(of: &[(&'static str, &'static str)]) -> Vec<Pick> {
        of.iter().map(|(name, means)| Pick { name, means }).collect()
    }

    const fn measure(name: &'static str, kind: Kind) -> Measure {
        Measure { name, label: name, means: "so it is", kind }
    }

    #[test]
    fn cells_are_all_combinations_in_order() {
        let picks = [vec!["red", "blue"], vec!["big", "small"], vec!["old"]];
        let cells = Card::combinations(&picks);
        assert_eq!(cells.len(), 4);
        assert_eq!(cells[1], ["red", "small", "old"]);
    }

    #[test]
    fn what_is_wanted_comes_in_the_order_of_the_axis_and_all_if_nothing_is_named() {
        let wanted = |names: &[&str]| {
            CARD.axes[0].wanted(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(wanted(&["blue", "red"]), Ok(vec!["red", "blue"]));
        assert_eq!(wanted(&["blue"]), Ok(vec!["blue"]));
        assert_eq!(wanted(&[]).unwrap().len(), 2);
        assert_eq!(wanted(&["bleu"]).unwrap_err().to_string(), "there is no colour bleu, did you mean blue?");
    }

    #[test]
    fn what_does_not_hold_is_graver_than_what_does_and_what_is_not_known_is_not_the_worst() {
        assert!(Kind::Holds.gravity(Some(0)) > Kind::Holds.gravity(Some(1)));
        assert!(Kind::Lost.gravity(Some(7)) > Kind::Lost.gravity(Some(6)));
        assert_eq!(Kind::Lost.gravity(None), 0);
    }
}
