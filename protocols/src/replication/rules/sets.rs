//! A set of tables: what of a log goes to the target.

use super::{About, about};
use crate::database::{History, Lsn, Snapshot};
use crate::replication::message::SetError;
use crate::replication::options::{Flaw, Options};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What goes along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::replication) struct Set {
    tables: BTreeSet<String>,
    /// Whether a table that is made later is in it.
    grows: bool,
    sequences: bool,
}

/// How far a target is, and with what set: it is kept in the target, with the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::replication) struct Progress {
    pub history: History,
    pub last: Lsn,
    pub set: Set,
}

impl Set {
    /// The set that options ask for, of what is there.
    ///
    /// # Errors
    ///
    /// When a table is listed that there is not.
    pub fn new(options: &Options, source: &Snapshot) -> Result<Set, SetError> {
        let there = source.contents.keys().filter_map(|key| match about(key) {
            About::Table(table) => Some(table.to_owned()),
            _ => None,
        });
        let there: BTreeSet<String> = there.collect();
        let sequences = options.sequences && options.flaw != Some(Flaw::SequencesForgotten);
        let Some(listed) = &options.tables else {
            let grows = options.flaw != Some(Flaw::MissingTable);
            return Ok(Set { tables: there, grows, sequences });
        };
        match listed.difference(&there).next() {
            Some(unknown) => Err(SetError::UnknownTable { table: unknown.clone() }),
            None => Ok(Set { tables: listed.clone(), grows: false, sequences }),
        }
    }

    /// What of a snapshot goes along, tables first: they let in their rows.
    pub fn taken<'s>(&mut self, of: &'s Snapshot) -> Vec<(&'s String, &'s String)> {
        for key in of.contents.keys().filter(|key| matches!(about(key), About::Table(_))) {
            self.takes(key);
        }
        of.contents.iter().filter(|(key, _)| self.takes(key)).collect()
    }

    /// Whether what was written under a key goes along. That there is a table always does; its rows do from then on, if
    /// the set grows.
    pub fn takes(&mut self, key: &str) -> bool {
        match about(key) {
            About::Table(table) => {
                if self.grows {
                    self.tables.insert(table.to_owned());
                }
                true
            }
            About::Row(table, _) => self.tables.contains(table),
            About::Sequence(table) => self.sequences && self.tables.contains(table),
            About::Other => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{row_key, sequence_key, table_key};
    use super::*;

    fn source(tables: &[&str]) -> Snapshot {
        let contents = tables.iter().map(|table| (table_key(table), String::new())).collect();
        Snapshot { contents, ..Snapshot::default() }
    }

    fn takes(flaw: Option<Flaw>) -> [bool; 4] {
        let mut set = Set::new(&Options { flaw, ..Options::default() }, &source(&["old"])).unwrap();
        let keys = [row_key("old", 1), sequence_key("old"), table_key("new"), row_key("new", 1)];
        keys.map(|key| set.takes(&key))
    }

    #[test]
    fn a_table_that_is_made_later_goes_along_with_its_rows() {
        assert_eq!(takes(None), [true, true, true, true]);
    }

    #[test]
    fn a_list_does_not_grow_and_forgotten_sequences_stay() {
        assert_eq!(takes(Some(Flaw::MissingTable)), [true, true, true, false]);
        assert_eq!(takes(Some(Flaw::SequencesForgotten)), [true, false, true, true]);
    }

    #[test]
    fn a_set_that_names_an_unknown_table_is_an_error_with_its_name() {
        let listed = |tables: &[&str]| Options {
            tables: Some(tables.iter().map(|table| (*table).to_owned()).collect()),
            ..Options::default()
        };
        let unknown = Set::new(&listed(&["old", "odd"]), &source(&["old"])).unwrap_err();
        assert_eq!(unknown.to_string(), "tables: there is no table odd");
        let mut known = Set::new(&listed(&["old"]), &source(&["old", "other"])).unwrap();
        assert!(known.takes(&row_key("old", 1)) && !known.takes(&row_key("other", 1)));
        assert!(!known.takes("progress/subscriber"));
    }
}
