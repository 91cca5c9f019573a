//! Lists that are appended to: what was read last tells every append, in order.

use super::anomaly::{Anomaly, Found, Link};
use super::graph::Dependencies;
use super::infer::{Writers, keep_first};
use super::transaction::{Transaction, What};
use crate::history::HistoryError;
use std::collections::BTreeMap;

/// Adds the dependencies that the lists tell. Returns what no order of transactions allows.
pub(super) fn infer(
    transactions: &[Transaction],
    dependencies: &mut Dependencies,
) -> Result<Vec<Found>, HistoryError> {
    let writers = Writers::new(transactions)?;
    let mut found = Vec::new();
    // The longest list of each key that was read, and by whom.
    let mut longest: BTreeMap<&str, (&[String], usize)> = BTreeMap::new();
    let mut reads: Vec<(usize, &str, &[String])> = Vec::new();
    for transaction in transactions {
        let mut own: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut has_read: BTreeMap<&str, &[String]> = BTreeMap::new();
        for access in &transaction.steps {
            let key = access.key.as_str();
            match &access.kind {
                What::Wrote(value) => own.entry(key).or_default().push(value.clone()),
                What::ReadUnseen => {}
                What::Read(list) => {
                    keep_first(&mut found, writers.wrong(transaction.operation, key, list));
                    let own = own.get(key).map_or(&[][..], Vec::as_slice);
                    let before = list.strip_suffix(own);
                    let expected = has_read.get(key).copied();
                    if before.is_none() || expected.is_some_and(|expected| before != Some(expected)) {
                        let says =
                            format!("{key} is read without what the transaction itself did and saw before");
                        keep_first(
                            &mut found,
                            Some(Found::plain(Anomaly::Internal, [transaction.operation], says)),
                        );
                    }
                    has_read.entry(key).or_insert(before.unwrap_or(list));
                    let known = longest.entry(key).or_insert((list, transaction.operation));
                    if list.len() > known.0.len() {
                        *known = (list, transaction.operation);
                    }
                }
            }
        }
        // A transaction depends on what was there before its own appends.
        reads.extend(has_read.into_iter().map(|(key, list)| (transaction.operation, key, list)));
    }
    for (reader, key, list) in &reads {
        let (all, by) = longest[key];
        if !all.starts_with(list) {
            let says = format!("{key} is [{}] in one and [{}] in the other", list.join(", "), all.join(", "));
            keep_first(&mut found, Some(Found::plain(Anomaly::Garbage, [*reader, by], says)));
        }
    }
    for (key, (all, _)) in &longest {
        for pair in all.windows(2) {
            if let (Some(one), Some(two)) = (writers.of(key, &pair[0]), writers.of(key, &pair[1])) {
                dependencies.add(one.operation, two.operation, Link::Ww, Some(key));
            }
        }
    }
    for (reader, key, list) in reads {
        let all = longest[key].0;
        if let Some(writer) = list.last().and_then(|value| writers.of(key, value)) {
            dependencies.add(writer.operation, reader, Link::Wr, Some(key));
        }
        if let Some(next) = all.get(list.len()).and_then(|value| writers.of(key, value)) {
            dependencies.add(reader, next.operation, Link::Rw, Some(key));
        }
    }
    Ok(found)
}
