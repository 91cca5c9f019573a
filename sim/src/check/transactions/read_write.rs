//! Keys with one value: a read tells whose value it saw, but not what came before that. Versions are ordered only where
//! a transaction read one and wrote the next; and nothing comes before there being no value.

use super::anomaly::{Anomaly, Found, Link, Step};
use super::graph::Dependencies;
use super::infer::{Writers, keep_first};
use super::transaction::{Fate, Transaction, What};
use crate::history::HistoryError;
use std::collections::{BTreeMap, HashSet};

/// Operations by key and version of it.
type Versions<'t> = BTreeMap<(&'t str, Option<&'t str>), Vec<usize>>;

/// Adds the dependencies that values tell. Returns what no order of transactions allows.
pub(super) fn infer(
    transactions: &[Transaction],
    dependencies: &mut Dependencies,
) -> Result<Vec<Found>, HistoryError> {
    let writers = Writers::new(transactions)?;
    let mut found = Vec::new();
    // By key and version, none for no value: who read it from others, who wrote what comes after it, and who did both.
    let mut readers: Versions<'_> = BTreeMap::new();
    let mut successors: Versions<'_> = BTreeMap::new();
    let mut updaters: Versions<'_> = BTreeMap::new();
    for transaction in transactions {
        let operation = transaction.operation;
        let mut value_now: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        let mut read_first: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for access in &transaction.steps {
            let key = access.key.as_str();
            match &access.kind {
                What::ReadUnseen => {}
                What::Wrote(value) => {
                    let is_first = value_now.get(key).is_none_or(|now| read_first.get(key) == Some(now));
                    value_now.insert(key, Some(value));
                    if transaction.fate == Fate::Aborted || !is_first {
                        continue;
                    }
                    // Whatever was written came after there was nothing.
                    successors.entry((key, None)).or_default().push(operation);
                    if let Some(before) = read_first.get(key).copied() {
                        updaters.entry((key, before)).or_default().push(operation);
                        if before.is_some() {
                            successors.entry((key, before)).or_default().push(operation);
                        }
                    }
                }
                What::Read(seen) => {
                    let seen_value = seen.first().map(String::as_str);
                    keep_first(&mut found, writers.wrong(operation, key, seen));
                    match value_now.insert(key, seen_value) {
                        None => {
                            read_first.insert(key, seen_value);
                            readers.entry((key, seen_value)).or_default().push(operation);
                        }
                        Some(expected) if expected != seen_value => {
                            let says = format!(
                                "{key} is read without what the transaction itself did or saw before"
                            );
                            keep_first(&mut found, Some(Found::plain(Anomaly::Internal, [operation], says)));
                        }
                        Some(_) => {}
                    }
                }
            }
        }
    }
    for ((key, _), both) in &updaters {
        if let [one, two, ..] = both[..] {
            let step = |operation| Step { operation, link: Some((Link::Rw, Some((*key).to_owned()))) };
            let steps = vec![step(one), step(two)];
            keep_first(&mut found, Some(Found { anomaly: Anomaly::LostUpdate, steps, says: String::new() }));
        }
    }
    let writer_of = |key: &str, version: Option<&str>| version.and_then(|value| writers.of(key, value));
    let seen: HashSet<usize> =
        readers.keys().filter_map(|(key, version)| Some(writer_of(key, *version)?.operation)).collect();
    for ((key, version), readers) in &readers {
        let writer = writer_of(key, *version);
        for reader in readers {
            if let Some(writer) = writer {
                dependencies.add(writer.operation, *reader, Link::Wr, Some(key));
            }
            for next in successors.get(&(*key, *version)).into_iter().flatten() {
                // One that may never have happened comes after nothing, unless its writes were seen.
                if transactions[*next].fate == Fate::Unknown && !seen.contains(next) {
                    continue;
                }
                dependencies.add(*reader, *next, Link::Rw, Some(key));
                if let Some(writer) = writer {
                    dependencies.add(writer.operation, *next, Link::Ww, Some(key));
                }
            }
        }
    }
    Ok(found)
}
