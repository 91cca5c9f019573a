//! Configuration files of real programs, as what a scenario may be told: `--from FILE`.
//!
//! A system says which files it reads: its [`Format`]s. Each makes [`Item`]s of a file: what it says, in which line, and
//! what becomes of it here: an option of the cluster, nothing new, or nothing at all, with the reason. So whoever brings a
//! file sees of each of its lines what it did.
//!
//! Several files of one format are those of several machines, in the order in which they are given: what is one machine's
//! alone (a priority, a tag) counts where there are several, and what all share must be the same in all.
//!
//! What is absent: this module knows no format. Those that ship are the command's (`src/systems/failover/config/`).

mod file;
mod told;

pub use file::{BYTES_MAX, Refused, bring};
pub use told::{Source, Use};

use serde::{Deserialize, Serialize};

/// A kind of file that a system reads.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// What such a file is usually called.
    pub name: &'static str,
    /// Whose it is, in words.
    pub means: &'static str,
    /// Whether a text is one, as far as can be seen without reading it.
    pub is_one: fn(&str) -> bool,
    /// What it says.
    pub read: fn(&str) -> Result<Vec<Item>, Broken>,
    /// What several of them contradict each other in, besides the options.
    pub clashes: fn(&[Vec<Item>]) -> Vec<Clash>,
    /// Whether it matters to a cluster with these options.
    pub heeds: fn(&toml::Table) -> bool,
    /// The machines of such a cluster that have one, in order.
    pub machines: fn(&toml::Table) -> Vec<String>,
}

/// Something that a file says, or leaves unsaid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Where, from 1; none for what the program takes for said.
    pub line: Option<usize>,
    /// What it is called there.
    pub key: String,
    /// What it says, where that matters here. What does not may be a secret.
    pub value: Option<String>,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of what a file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// An option of the cluster, below `cluster.options`, and its value as TOML.
    Sets(String, String),
    /// The same, of the file's own machine, whose name stands for [`MACHINE`]. It counts where there are several files.
    Marks(String, String),
    /// It is so here anyway.
    Alike,
    /// It is not modelled: why.
    Left(String),
}

/// Stands for the name of a machine.
pub const MACHINE: &str = "MACHINE";

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Where, from 1; none for all of it.
    pub line: Option<usize>,
    /// What.
    pub message: String,
}

/// What two files say that cannot both be, or should not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The file that says so again, by its place among those of its format, and the line.
    pub again: (usize, usize),
    /// The one before.
    pub before: (usize, usize),
    /// What.
    pub message: String,
    /// It cannot be; or else it is only told.
    pub is_fatal: bool,
}

/// A file that was brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brought {
    /// As it was given.
    pub path: String,
    /// The name of its format.
    pub format: String,
    /// Its place among those of its format, from 0, and how many there are.
    pub place: usize,
    /// How many files of its format there are.
    pub of: usize,
    /// What it says.
    pub items: Vec<Item>,
    /// What it and another should not both say.
    pub warnings: Vec<String>,
}

impl Broken {
    /// In a line.
    pub fn at(line: usize, message: impl Into<String>) -> Self {
        Broken { line: Some(line), message: message.into() }
    }

    /// In all of it.
    pub fn all(message: impl Into<String>) -> Self {
        Broken { line: None, message: message.into() }
    }
}

impl Item {
    /// An option that this says.
    pub fn sets(line: usize, key: &str, value: &str, option: &str, to: impl Into<String>) -> Self {
        Item::new(Some(line), key, Some(value), Fate::Sets(option.to_owned(), to.into()))
    }

    /// The same, of one machine.
    pub fn marks(line: usize, key: &str, value: &str, option: &str, to: impl Into<String>) -> Self {
        Item::new(Some(line), key, Some(value), Fate::Marks(option.to_owned(), to.into()))
    }

    /// An option that the program takes for said.
    pub fn unsaid(key: &str, value: &str, option: &str, to: impl Into<String>) -> Self {
        Item::new(None, key, Some(value), Fate::Sets(option.to_owned(), to.into()))
    }

    /// Something that is so anyway.
    pub fn alike(line: usize, key: &str, value: &str) -> Self {
        Item::new(Some(line), key, Some(value), Fate::Alike)
    }

    /// Something that is not modelled.
    pub fn left(line: usize, key: &str, why: &str) -> Self {
        Item::new(Some(line), key, None, Fate::Left(why.to_owned()))
    }

    fn new(line: Option<usize>, key: &str, value: Option<&str>, fate: Fate) -> Self {
        Item { line, key: key.to_owned(), value: value.map(str::to_owned), fate }
    }
}

impl Brought {
    /// What it overrides in a cluster with these options: as `--set` has it, each with the place of its item. None where
    /// it does not matter; or why it cannot be.
    ///
    /// # Errors
    ///
    /// When it is the file of one machine more than there are.
    pub fn overrides(
        &self,
        format: &Format,
        options: &toml::Table,
    ) -> Result<Vec<(usize, Override)>, String> {
        if !(format.heeds)(options) {
            return Ok(Vec::new());
        }
        let machines = (format.machines)(options);
        let machine = machines.get(self.place);
        let mut overrides = Vec::new();
        for (index, item) in self.items.iter().enumerate() {
            let (option, to) = match (&item.fate, machine) {
                (Fate::Sets(option, to), _) => (option.clone(), to),
                (Fate::Marks(option, to), Some(machine)) if self.of > 1 => {
                    (option.replace(MACHINE, machine), to)
                }
                _ => continue,
            };
            overrides.push((index, (format!("cluster.options.{option}"), to.clone())));
        }
        if self.of > 1 && machine.is_none() && !machines.is_empty() {
            let (count, of) = (machines.len(), self.place + 1);
            return Err(format!(
                "it is number {of} of its kind, and the cluster has {count} machines for them"
            ));
        }
        Ok(overrides)
    }
}

/// A value that is changed in a scenario: its key, and what it is, as TOML.
pub type Override = (String, String);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A colour a line; big balls alone have one.
    pub(crate) static FORMAT: Format = Format {
        name: "balls.conf",
        means: "how balls are",
        is_one: |text| text.starts_with("colour"),
        read: |text| {
            let lines = (1..).zip(text.lines());
            let item = |(line, text): (usize, &str)| match text.split_once('=') {
                Some(("colour", value)) => {
                    Ok(Item::sets(line, "colour", value, "colour", format!("{value:?}")))
                }
                Some(("weight", value)) => Ok(Item::marks(line, "weight", value, "weights.MACHINE", value)),
                Some((key, _)) => Ok(Item::left(line, key, "balls have none")),
                None => Err(Broken::at(line, "no =")),
            };
            lines.map(item).collect()
        },
        clashes: |files| {
            let lines =
                |file: &Vec<Item>| file.iter().find(|item| item.key == "weight").and_then(|item| item.line);
            match files {
                [first, second] if lines(first).is_some() && lines(second).is_some() => vec![Clash {
                    again: (1, lines(second).unwrap_or(0)),
                    before: (0, lines(first).unwrap_or(0)),
                    message: "two are weighed".to_owned(),
                    is_fatal: false,
                }],
                _ => Vec::new(),
            }
        },
        heeds: |options| options.contains_key("big"),
        machines: |_| vec!["n1".to_owned(), "n2".to_owned()],
    };

    fn brought(place: usize, of: usize) -> Brought {
        let items = (FORMAT.read)("colour=red\nweight=7\nsize=1").unwrap();
        let (path, format) = ("balls.conf".to_owned(), FORMAT.name.to_owned());
        Brought { path, format, place, of, items, warnings: Vec::new() }
    }

    fn options(text: &str) -> toml::Table {
        text.parse().unwrap()
    }

    #[test]
    fn one_file_is_for_all_machines_and_several_are_for_one_each() {
        let big = options("big = true");
        let set = |key: &str, value: &str| (format!("cluster.options.{key}"), value.to_owned());
        let alone = brought(0, 1).overrides(&FORMAT, &big).unwrap();
        assert_eq!(alone, [(0, set("colour", "\"red\""))]);
        let second = brought(1, 2).overrides(&FORMAT, &big).unwrap();
        assert_eq!(second, [(0, set("colour", "\"red\"")), (1, set("weights.n2", "7"))]);
        let third = brought(2, 3).overrides(&FORMAT, &big).unwrap_err();
        assert_eq!(third, "it is number 3 of its kind, and the cluster has 2 machines for them");
    }

    #[test]
    fn who_is_not_meant_does_not_hear_it() {
        assert_eq!(brought(0, 1).overrides(&FORMAT, &options("small = true")), Ok(Vec::new()));
    }
}
