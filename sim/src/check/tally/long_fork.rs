//! Keys that are written once each, and read in groups: of two reads of a group, one has seen all that the other has.
//! Else two writes were seen in opposite orders, which parallel snapshots allow and snapshots do not.

use super::{Counted, meaning};
use crate::history::{End, HistoryError, Recorded};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) fn judge(history: &[Recorded]) -> Result<Counted, HistoryError> {
    // By key: its writer, and what it wrote.
    let mut writers: HashMap<String, (usize, &Value)> = HashMap::new();
    let mut groups: BTreeMap<BTreeSet<String>, Vec<(usize, BTreeSet<String>)>> = BTreeMap::new();
    let mut counted = Counted::default();
    let mut reads: Vec<(usize, Vec<(String, &Value)>)> = Vec::new();
    for (operation, recorded) in history.iter().enumerate() {
        let value = match &recorded.end {
            End::Ok(value) => value,
            _ => &recorded.invoked,
        };
        let shape = || {
            meaning(
                recorded,
                format!("a long-fork transaction is [[\"w\", key, value]] or reads, not {value}"),
            )
        };
        let mut read = Vec::new();
        for step in value.as_array().ok_or_else(shape)? {
            let [f, key, value] = step
                .as_array()
                .and_then(|step| <&[Value; 3]>::try_from(step.as_slice()).ok())
                .ok_or_else(shape)?;
            match f.as_str() {
                Some("r" | "read") => read.push((key.to_string(), value)),
                Some("w" | "write") if recorded.end == End::Fail => {}
                Some("w" | "write") => {
                    if writers.insert(key.to_string(), (operation, value)).is_some() {
                        let why = format!(
                            "{key} is written a second time: a long fork needs keys that are written once"
                        );
                        return Err(meaning(recorded, why));
                    }
                }
                _ => return Err(shape()),
            }
        }
        if matches!(recorded.end, End::Ok(_)) && !read.is_empty() {
            reads.push((operation, read));
        }
    }
    for (operation, read) in reads {
        let mut seen = BTreeSet::new();
        for (key, value) in read.iter().filter(|(_, value)| !value.is_null()) {
            match writers.get(key) {
                Some((_, written)) if written == value => _ = seen.insert(key.clone()),
                _ => counted
                    .wrong
                    .push((format!("{key} was read as {value}, which nobody wrote"), vec![operation])),
            }
        }
        let keys = read.into_iter().map(|(key, _)| key).collect();
        groups.entry(keys).or_default().push((operation, seen));
    }
    for (_, mut reads) in groups {
        reads.sort_by_key(|(operation, seen)| (seen.len(), *operation));
        for pair in reads.windows(2) {
            let [(one, few), (two, many)] = pair else { continue };
            if let Some(key) = few.difference(many).next() {
                let other = many.difference(few).next().expect("it has as many, and not the same");
                let says =
                    format!("long fork: one read saw {key} and not {other}, another {other} and not {key}");
                let writers = [key, other].map(|key| writers[key].0);
                counted.wrong.push((says, writers.into_iter().chain([*one, *two]).collect()));
                break;
            }
        }
    }
    Ok(counted)
}
