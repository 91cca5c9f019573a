//! What the clock says of the order of transactions.

use super::anomaly::Link;
use super::graph::{Dependencies, NO_KEY};
use super::level::Clock;
use crate::history::{End, Process, Recorded};
use std::collections::HashMap;

/// Adds the edges that a clock tells, between operations that happened.
pub(super) fn order(history: &[Recorded], happened: &[bool], clock: Clock, dependencies: &mut Dependencies) {
    match clock {
        Clock::None => {}
        Clock::Processes => processes(history, happened, dependencies),
        Clock::RealTime => real_time(history, happened, dependencies),
    }
}

/// What follows an unknown outcome in a process may happen before that does: it comes after what was answered before.
fn processes(history: &[Recorded], happened: &[bool], dependencies: &mut Dependencies) {
    let mut last: HashMap<&Process, usize> = HashMap::new();
    for (index, operation) in history.iter().enumerate().filter(|(index, _)| happened[*index]) {
        if let Some(before) = last.get(&operation.process) {
            dependencies.add(*before, index, Link::Process, NO_KEY);
        }
        if matches!(operation.end, End::Ok(_)) {
            last.insert(&operation.process, index);
        }
    }
}

/// From what ended to what began later, over a chain of nodes that stand for the instants between.
fn real_time(history: &[Recorded], happened: &[bool], dependencies: &mut Dependencies) {
    let mut events: Vec<(u64, usize, bool)> = Vec::new();
    for (index, operation) in history.iter().enumerate().filter(|(index, _)| happened[*index]) {
        events.push((operation.call.order, index, false));
        if let (End::Ok(_), Some(done)) = (&operation.end, operation.done) {
            events.push((done.order, index, true));
        }
    }
    events.sort_unstable();
    let mut instant: Option<usize> = None;
    let mut ended: Vec<usize> = Vec::new();
    for (_, index, is_end) in events {
        if is_end {
            ended.push(index);
            continue;
        }
        if !ended.is_empty() {
            let next = dependencies.between();
            for before in ended.drain(..).chain(instant) {
                dependencies.add(before, next, Link::RealTime, NO_KEY);
            }
            instant = Some(next);
        }
        if let Some(instant) = instant {
            dependencies.add(instant, index, Link::RealTime, NO_KEY);
        }
    }
}
