//! What both workloads have in common: who wrote which value, and reads that no isolation level allows.
//!
//! A value that several transactions wrote to one key (a retry after an unknown outcome) does not tell whose it is. Each
//! such reading is attributed to one after the other of them, as long as there are few ways to do that.

use super::anomaly::{Anomaly, Found};
use super::transaction::{Fate, Transactions, What};
use crate::history::HistoryError;
use std::collections::HashMap;

/// In how many ways ambiguous values may be attributed.
const ATTRIBUTIONS_MAX: usize = 256;

/// Who wrote a value of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Writer {
    /// Its operation's index in the history.
    pub operation: usize,
    pub fate: Fate,
    /// No later access of the transaction wrote the key.
    pub is_last: bool,
}

/// The writers of all values, by key and value.
pub(super) struct Writers {
    single: HashMap<(u32, u32), Writer>,
    /// Those of values with several.
    several: HashMap<(u32, u32), Vec<Writer>>,
    /// Whose the value at a place is, in the attribution at hand; and the places in order.
    chosen: HashMap<(u32, u32, usize), Writer>,
    places: Vec<(u32, u32, usize)>,
}

impl Writers {
    /// Finds who wrote what. A failed write counts only where nobody else wrote the value.
    pub(super) fn new(transactions: &Transactions) -> Result<Self, HistoryError> {
        let mut all: HashMap<(u32, u32), Vec<Writer>> = HashMap::new();
        let wrong = |line: usize, key: u32, value: u32, again: &str| {
            let (key, value) = (transactions.keys.text(key), transactions.values.text(value));
            let why = format!("{value} is written to {key} {again}: values must be unique");
            HistoryError::Meaning { line, why }
        };
        for (operation, transaction) in transactions.list.iter().enumerate() {
            for (at, access) in transaction.steps.iter().enumerate() {
                let What::Wrote(value) = access.kind else { continue };
                let is_write = |other: &super::transaction::Access| {
                    other.key == access.key && matches!(other.kind, What::Wrote(_))
                };
                let is_last = !transaction.steps[at + 1..].iter().any(is_write);
                let writers = all.entry((access.key, value)).or_default();
                if writers.iter().any(|writer| writer.operation == operation) {
                    return Err(wrong(transaction.line, access.key, value, "twice by one transaction"));
                }
                writers.push(Writer { operation, fate: transaction.fate, is_last });
            }
        }
        let (mut single, mut several) = (HashMap::with_capacity(all.len()), HashMap::new());
        for (what, mut writers) in all {
            if writers.iter().any(|writer| writer.fate != Fate::Aborted) {
                writers.retain(|writer| writer.fate != Fate::Aborted);
            }
            match writers[..] {
                [writer] => _ = single.insert(what, writer),
                _ => _ = several.insert(what, writers),
            }
        }
        Ok(Writers { single, several, chosen: HashMap::new(), places: Vec::new() })
    }

    /// Whether there are values with several writers.
    pub(super) fn are_ambiguous(&self) -> bool {
        !self.several.is_empty()
    }

    /// The writers of a value, whichever it is of them.
    pub(super) fn candidates(&self, key: u32, value: u32) -> &[Writer] {
        match self.single.get(&(key, value)) {
            Some(writer) => std::slice::from_ref(writer),
            None => self.several.get(&(key, value)).map_or(&[], Vec::as_slice),
        }
    }

    /// Whose a value is that was read at a place: a list's position, or a register's reader.
    pub(super) fn of(&self, key: u32, value: u32, place: usize) -> Option<Writer> {
        let chosen = || self.chosen.get(&(key, value, place)).copied();
        let any = || self.several.get(&(key, value)).and_then(|writers| writers.first().copied());
        self.single.get(&(key, value)).copied().or_else(chosen).or_else(any)
    }

    /// Sets out to attribute what was read at these places.
    pub(super) fn attribute(
        &mut self,
        transactions: &Transactions,
        places: impl Iterator<Item = (u32, u32, usize)>,
    ) -> Result<(), HistoryError> {
        let mut ways = 1_usize;
        for (key, value, place) in places {
            let Some(writers) = self.several.get(&(key, value)) else { continue };
            if self.chosen.insert((key, value, place), writers[0]).is_some() {
                continue;
            }
            self.places.push((key, value, place));
            ways = ways.saturating_mul(writers.len());
            if ways > ATTRIBUTIONS_MAX {
                let (name, text) = (transactions.keys.text(key), transactions.values.text(value));
                let line = transactions.list[writers[1].operation].line;
                let why = format!(
                    "{text} is written to {name} a second time, and too many reads do not tell whose they saw: \
                     values must be unique"
                );
                return Err(HistoryError::Meaning { line, why });
            }
        }
        Ok(())
    }

    /// Goes on to the next attribution. Returns whether there is one.
    pub(super) fn next_attribution(&mut self) -> bool {
        for place @ (key, value, _) in &self.places {
            let writers = &self.several[&(*key, *value)];
            let chosen = self.chosen.get_mut(place).expect("every place has a choice");
            let at = writers.iter().position(|writer| writer == chosen).expect("it is one of them");
            *chosen = writers[(at + 1) % writers.len()];
            if at + 1 < writers.len() {
                return true;
            }
        }
        false
    }

    /// Whether no two places of a list are one append.
    pub(super) fn is_injective(&self) -> bool {
        let mut seen = std::collections::HashSet::new();
        self.places
            .iter()
            .all(|place @ (key, value, _)| seen.insert((*key, *value, self.chosen[place].operation)))
    }

    /// What is wrong with reading these values, whatever else happened. The last is the version that was read.
    pub(super) fn wrong(
        &self,
        transactions: &Transactions,
        reader: usize,
        key: u32,
        seen: &[u32],
        place: impl Fn(usize) -> usize,
    ) -> Option<Found> {
        let name = transactions.keys.text(key);
        for (at, value) in seen.iter().enumerate() {
            let text = transactions.values.text(*value);
            let Some(writer) = self.of(key, *value, place(at)) else {
                let says = format!("{name} was read as having {text}, which nobody wrote");
                return Some(Found::plain(Anomaly::Garbage, [reader], says));
            };
            if writer.fate == Fate::Aborted {
                let says = format!("{name} was read as having {text}, whose transaction failed");
                return Some(Found::plain(Anomaly::G1a, [writer.operation, reader], says));
            }
            let is_version = at + 1 == seen.len();
            if is_version && !writer.is_last && writer.operation != reader {
                let says = format!("{name} was read as of {text}, which its own transaction overwrote");
                return Some(Found::plain(Anomaly::G1b, [writer.operation, reader], says));
            }
        }
        None
    }
}

/// Which transactions happened: those that were committed, and those of unknown outcome that somebody saw.
pub(super) fn happened(transactions: &Transactions, seen: impl Iterator<Item = usize>) -> Vec<bool> {
    let committed = |transaction: &super::transaction::Transaction| transaction.fate == Fate::Committed;
    let mut happened: Vec<bool> = transactions.list.iter().map(committed).collect();
    for operation in seen {
        happened[operation] |= transactions.list[operation].fate == Fate::Unknown;
    }
    happened
}

/// Keeps the first anomaly of each kind: the rest is more of the same.
pub(super) fn keep_first(found: &mut Vec<Found>, more: Option<Found>) {
    found.extend(more.filter(|more| found.iter().all(|known| known.anomaly != more.anomaly)));
}
