//! What was put into a queue comes out of it, once it was drained; nothing else does. It may come out twice, as from a
//! queue that delivers at least once: `unordered-queue` forbids that.

use super::{Counted, meaning};
use crate::history::{End, HistoryError, Recorded};
use serde_json::Value;
use std::collections::BTreeMap;

/// How often an element was put in and came out.
#[derive(Default)]
struct Element {
    put: Vec<usize>,
    tried: Vec<usize>,
    failed: Vec<usize>,
    taken: Vec<usize>,
}

pub(super) fn judge(history: &[Recorded]) -> Result<Counted, HistoryError> {
    let mut elements: BTreeMap<String, Element> = BTreeMap::new();
    let mut unknown_takes = 0;
    // When the last take began that found nothing, and when the last put ended.
    let (mut empty, mut last_put) = (None, None);
    for (operation, recorded) in history.iter().enumerate() {
        match (&*recorded.f, &recorded.end) {
            ("enqueue", end) => {
                let element = elements.entry(recorded.invoked.to_string()).or_default();
                match end {
                    End::Ok(_) => {
                        element.put.push(operation);
                        last_put = last_put.max(recorded.done.map(|done| done.order));
                    }
                    End::Unknown => element.tried.push(operation),
                    End::Fail => element.failed.push(operation),
                }
            }
            ("dequeue", End::Ok(Value::Null)) | ("dequeue" | "drain", End::Fail) => {
                empty = empty.max(Some(recorded.call.order));
            }
            ("dequeue", End::Ok(taken)) => {
                elements.entry(taken.to_string()).or_default().taken.push(operation);
            }
            ("drain", End::Ok(Value::Array(all))) => {
                for taken in all {
                    elements.entry(taken.to_string()).or_default().taken.push(operation);
                }
                empty = empty.max(Some(recorded.call.order));
            }
            ("dequeue" | "drain", End::Unknown) => unknown_takes += 1,
            ("drain", End::Ok(told)) => {
                return Err(meaning(recorded, format!("`drain` answers with an array, not {told}")));
            }
            (f, _) => {
                let why = format!("total-queue has no function `{f}`: enqueue, dequeue, drain");
                return Err(meaning(recorded, why));
            }
        }
    }
    let mut counted = Counted::default();
    let mut lost = Vec::new();
    for (name, Element { put, tried, failed, taken }) in &elements {
        if let (true, true, Some(take)) = (put.is_empty(), tried.is_empty(), taken.first()) {
            let why = if failed.is_empty() { "nobody put in" } else { "whose enqueue failed" };
            let operations = failed.iter().copied().chain([*take]).collect();
            counted.wrong.push((format!("unexpected: {name} came out, {why}"), operations));
        }
        if taken.len() < put.len() {
            lost.push((format!("lost: {name} was put in, and never came out"), put.clone()));
        }
    }
    let was_drained = empty > last_put;
    if lost.len() > unknown_takes && was_drained {
        counted.wrong.extend(lost);
    } else if !lost.is_empty() {
        counted.unknown = Some(if was_drained {
            format!(
                "{} elements did not come out, but so may have those of {unknown_takes} unknown outcomes",
                lost.len()
            )
        } else {
            format!(
                "{} elements did not come out, but the queue was not drained: no dequeue after the last \
                     enqueue found it empty",
                lost.len()
            )
        });
    }
    Ok(counted)
}
