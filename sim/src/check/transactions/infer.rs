//! What both workloads have in common: who wrote which value, and reads that no isolation level allows.

use super::anomaly::{Anomaly, Found};
use super::transaction::{Fate, Transaction, What};
use crate::history::HistoryError;
use std::collections::HashMap;

/// Who wrote a value of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer {
    /// Its operation's index in the history.
    pub operation: usize,
    pub fate: Fate,
    /// No later access of the transaction wrote the key.
    pub is_last: bool,
}

/// The writers of all values, by key and value.
pub(super) struct Writers<'t>(HashMap<(&'t str, &'t str), Writer>);

impl<'t> Writers<'t> {
    /// Every value may be written once: else a read does not tell whose it saw.
    pub(super) fn new(transactions: &'t [Transaction]) -> Result<Self, HistoryError> {
        let mut writers: HashMap<(&str, &str), Writer> = HashMap::new();
        for transaction in transactions {
            for (at, access) in transaction.steps.iter().enumerate() {
                let What::Wrote(value) = &access.kind else { continue };
                let later = &transaction.steps[at + 1..];
                let is_last = !later
                    .iter()
                    .any(|later| later.key == access.key && matches!(later.kind, What::Wrote(_)));
                let writer = Writer { operation: transaction.operation, fate: transaction.fate, is_last };
                if writers.insert((&access.key, value), writer).is_some() {
                    let why =
                        format!("{value} is written to {} a second time: values must be unique", access.key);
                    return Err(HistoryError::Meaning { line: transaction.line, why });
                }
            }
        }
        Ok(Writers(writers))
    }

    pub(super) fn of(&self, key: &str, value: &str) -> Option<Writer> {
        self.0.get(&(key, value)).copied()
    }

    /// What is wrong with reading these values, whatever else happened. The last is the version that was read.
    pub(super) fn wrong(&self, reader: usize, key: &str, seen: &[String]) -> Option<Found> {
        for (at, value) in seen.iter().enumerate() {
            let Some(writer) = self.of(key, value) else {
                let says = format!("{key} was read as having {value}, which nobody wrote");
                return Some(Found::plain(Anomaly::Garbage, [reader], says));
            };
            if writer.fate == Fate::Aborted {
                let says = format!("{key} was read as having {value}, whose transaction failed");
                return Some(Found::plain(Anomaly::G1a, [writer.operation, reader], says));
            }
            let is_version = at + 1 == seen.len();
            if is_version && !writer.is_last && writer.operation != reader {
                let says = format!("{key} was read as of {value}, which its own transaction overwrote");
                return Some(Found::plain(Anomaly::G1b, [writer.operation, reader], says));
            }
        }
        None
    }
}

/// Keeps the first anomaly of each kind: the rest is more of the same.
pub(super) fn keep_first(found: &mut Vec<Found>, more: Option<Found>) {
    found.extend(more.filter(|more| found.iter().all(|known| known.anomaly != more.anomaly)));
}
