//! Every element of a set, from its addition on: lost, stale, or never read.

use super::{Counted, meaning};
use crate::history::{End, HistoryError, Recorded};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of an element.
#[derive(Default)]
struct Element {
    /// The operations that may have added it, and whether one of them did so for sure or all failed.
    added: Vec<usize>,
    all_failed: bool,
    /// From when on it is in: an addition was answered, or a read that saw it.
    known: Option<u64>,
    /// When the last read that saw it began, and when the last that began later and did not.
    seen: Option<(u64, usize)>,
    missed: Option<(u64, usize)>,
}

pub(super) fn judge(history: &[Recorded], linearizable: bool) -> Result<Counted, HistoryError> {
    let mut elements: BTreeMap<String, Element> = BTreeMap::new();
    let mut reads: Vec<(usize, BTreeSet<String>)> = Vec::new();
    let mut counted = Counted::default();
    for (operation, recorded) in history.iter().enumerate() {
        match &*recorded.f {
            "add" => {
                let element = elements.entry(recorded.invoked.to_string()).or_default();
                element.all_failed =
                    recorded.end == End::Fail && (element.added.is_empty() || element.all_failed);
                element.added.push(operation);
                if let (End::Ok(_), Some(done)) = (&recorded.end, recorded.done) {
                    element.known = Some(element.known.map_or(done.order, |known| known.min(done.order)));
                }
            }
            "read" => {
                let End::Ok(told) = &recorded.end else { continue };
                let told = told.as_array().ok_or_else(|| {
                    meaning(recorded, format!("`read` of a set answers with an array, not {told}"))
                })?;
                let all: BTreeSet<String> = told.iter().map(ToString::to_string).collect();
                if all.len() < told.len() {
                    counted.wrong.push(("an element is in a read twice".to_owned(), vec![operation]));
                }
                reads.push((operation, all));
            }
            f => return Err(meaning(recorded, format!("set-full has no function `{f}`: add, read"))),
        }
    }
    for (operation, all) in &reads {
        let done = history[*operation].done.map_or(u64::MAX, |done| done.order);
        for name in all {
            let element = elements.entry(name.clone()).or_default();
            element.known = Some(element.known.map_or(done, |known| known.min(done)));
            if element.added.is_empty() || element.all_failed {
                let why = if element.all_failed { "whose addition failed" } else { "which nobody added" };
                let operations = element.added.iter().copied().chain([*operation]).collect();
                counted.wrong.push((format!("{name} was read, {why}"), operations));
            }
        }
    }
    for (operation, all) in &reads {
        let call = history[*operation].call.order;
        for (name, element) in &mut elements {
            let place = if all.contains(name) { &mut element.seen } else { &mut element.missed };
            // Only a read that began once the element was in has to see it.
            let counts = all.contains(name) || element.known.is_some_and(|known| known < call);
            if counts && place.is_none_or(|(known, _)| known < call) {
                *place = Some((call, *operation));
            }
        }
    }
    let mut stale = Vec::new();
    for (name, element) in &elements {
        let Some((missed, by)) = element.missed else { continue };
        let operations: Vec<usize> = element.added.iter().copied().chain([by]).collect();
        match element.seen {
            Some((seen, _)) if seen > missed => {
                stale.push((format!("stale: {name} was in, and a later read did not see it"), operations));
            }
            Some(_) => counted.wrong.push((format!("lost: {name} was in, and is not any more"), operations)),
            None => counted.wrong.push((format!("lost: {name} was added, and never read"), operations)),
        }
    }
    if linearizable {
        counted.wrong.extend(stale);
    }
    if reads.is_empty() {
        counted.unknown = Some("nothing was read: no element is known to be in or lost".to_owned());
    }
    Ok(counted)
}
