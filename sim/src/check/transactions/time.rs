//! What the clock says of the order of transactions.

use super::anomaly::{Level, Link};
use super::graph::Dependencies;
use crate::history::{End, Recorded};
use std::collections::HashMap;

/// Adds the edges that a level asks for. Operations that failed, or may never have happened, are left out.
pub(super) fn order(history: &[Recorded], level: Level, dependencies: &mut Dependencies) {
    match level {
        Level::SnapshotIsolation | Level::Serializable => {}
        Level::SessionSerializable => processes(history, dependencies),
        Level::StrictSerializable => real_time(history, dependencies),
    }
}

fn processes(history: &[Recorded], dependencies: &mut Dependencies) {
    let mut last: HashMap<u64, usize> = HashMap::new();
    for (index, operation) in history.iter().enumerate().filter(|(_, operation)| operation.end != End::Fail) {
        if let Some(before) = last.insert(operation.process, index) {
            dependencies.add(before, index, Link::Process, None);
        }
    }
}

/// The edges that imply all others: from what ended before an invocation, unless something else lies between.
fn real_time(history: &[Recorded], dependencies: &mut Dependencies) {
    let mut events: Vec<(u64, usize, bool)> = Vec::new();
    for (index, operation) in history.iter().enumerate().filter(|(_, operation)| operation.end != End::Fail) {
        events.push((operation.call.order, index, false));
        if let (End::Ok(_), Some(done)) = (&operation.end, operation.done) {
            events.push((done.order, index, true));
        }
    }
    events.sort_unstable();
    let mut ended: Vec<usize> = Vec::new();
    for (_, index, is_end) in events {
        if is_end {
            let call = history[index].call.order;
            ended.retain(|other| history[*other].done.is_some_and(|done| done.order >= call));
            ended.push(index);
        } else {
            for before in &ended {
                dependencies.add(*before, index, Link::RealTime, None);
            }
        }
    }
}
