//! Matching completions with their invocations.

use super::event::{Kind, RawEvent};
use super::recorded::{End, Moment, Recorded};
use super::{HistoryError, Process};
use serde_json::Value;
use std::collections::HashMap;

/// The operations of events that stand in their order, in order of their invocations.
pub(super) fn paired(events: Vec<RawEvent>) -> Result<Vec<Recorded>, HistoryError> {
    if events.iter().any(|event| event.kind == Kind::Invoke) { invoked(events) } else { completions(events) }
}

fn invoked(events: Vec<RawEvent>) -> Result<Vec<Recorded>, HistoryError> {
    let mut operations: Vec<Recorded> = Vec::with_capacity(events.len() / 2);
    // The operation that each process has under way.
    let mut open: HashMap<Process, usize> = HashMap::new();
    for (order, event) in events.into_iter().enumerate() {
        let moment = moment(order, &event);
        let RawEvent { line, process, kind, f, value, .. } = event;
        if kind == Kind::Invoke {
            if let Some(open) = open.insert(process.clone(), operations.len()) {
                let open = operations[open].call.line;
                return Err(HistoryError::Overlap { line, process, f: f.to_string(), open });
            }
            operations.push(Recorded {
                process,
                f,
                invoked: value,
                end: End::Unknown,
                call: moment,
                done: None,
            });
            continue;
        }
        let is_of = |operation: &Recorded| operation.f == f || operation.f.is_empty() || f.is_empty();
        let Some(open) = open.remove(&process).filter(|open| is_of(&operations[*open])) else {
            // What a process without a number tells of itself is no operation, as a nemesis's is none.
            if kind == Kind::Info && matches!(process, Process::Named(_)) {
                continue;
            }
            return Err(HistoryError::NotInvoked { line, process, f: f.to_string() });
        };
        operations[open].done = Some(moment);
        operations[open].end = end(kind, value);
    }
    Ok(operations)
}

/// A history without invocations: each operation may have begun as soon as its process had ended the one before.
fn completions(events: Vec<RawEvent>) -> Result<Vec<Recorded>, HistoryError> {
    let mut operations: Vec<Recorded> = Vec::with_capacity(events.len());
    let mut last: HashMap<Process, Moment> = HashMap::new();
    for (order, event) in events.into_iter().enumerate() {
        if event.kind == Kind::Info && matches!(event.process, Process::Named(_)) {
            continue;
        }
        // Between two events there is room for the beginning of what the second ends.
        let done = moment(2 * order + 2, &event);
        let begun = last.insert(event.process.clone(), done).map_or(0, |last| last.order + 1);
        let RawEvent { process, kind, f, value, .. } = event;
        let call = Moment { order: begun, ..done };
        let invoked = value.clone();
        operations.push(Recorded { process, f, invoked, end: end(kind, value), call, done: Some(done) });
    }
    operations.sort_by_key(|operation| operation.call.order);
    Ok(operations)
}

fn moment(order: usize, event: &RawEvent) -> Moment {
    Moment { line: event.line, time_ns: event.time.map(super::event::Time::ns), order: order as u64 }
}

fn end(kind: Kind, value: Value) -> End {
    match kind {
        Kind::Ok => End::Ok(value),
        Kind::Fail => End::Fail,
        Kind::Info | Kind::Invoke => End::Unknown,
    }
}
