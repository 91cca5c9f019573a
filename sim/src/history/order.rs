//! Which event of a recorded history came before which.
//!
//! 1. Where every event has an `index` of its own, that is the order.
//! 2. Else where every event has a `time`, and not all have the same one, that is: lines may stand in any order. What
//!    happened at one instant is concurrent (invocations come first, so that an operation which ends as another begins
//!    overlaps it), but what one process did at one instant stands in the order of lines.
//! 3. Else the order of lines is.
//!
//! An instant in which two processes each end an operation *and* begin another has no order of intervals that leaves all
//! of it open: there the order of lines decides, if the lines stand in order of time; if they do not, as where two logs
//! were joined, the history is refused.

use super::event::{Kind, RawEvent, Time};
use super::{HistoryError, Process};
use std::collections::{HashMap, HashSet};

/// Sorts events by when they happened: afterwards an event's place is its order.
pub(super) fn sort(events: &mut [RawEvent]) -> Result<(), HistoryError> {
    if is_indexed(events)? {
        events.sort_by_key(|event| event.index);
        return Ok(());
    }
    let Some(first) = events.first().and_then(|event| event.time) else { return lines_decide(events) };
    if events.iter().any(|event| event.time.is_none()) {
        return lines_decide(events);
    }
    if events.iter().all(|event| event.time == Some(first)) && events.len() > 1 {
        return if is_one_after_the_other(events) { Ok(()) } else { by_time(events) };
    }
    by_time(events)
}

/// Whether all events have an index, each its own.
fn is_indexed(events: &[RawEvent]) -> Result<bool, HistoryError> {
    let indices: HashSet<u64> = events.iter().filter_map(|event| event.index).collect();
    if indices.len() == events.len() {
        return Ok(true);
    }
    // Two logs that were joined count from 0 each: then time has to tell.
    let (with, without) = (indices.len(), events.iter().find(|event| event.index.is_none()));
    let all_have_times = events.iter().all(|event| event.time.is_some());
    match without {
        _ if with == 0 || all_have_times => Ok(false),
        // What indices there are agree with the lines.
        Some(_) if events.iter().filter_map(|event| event.index).is_sorted_by(|one, two| one < two) => {
            Ok(false)
        }
        Some(event) => {
            let why = "there is no `index` here, and others have one: the order is not told".to_owned();
            Err(HistoryError::Shape { line: event.line, why })
        }
        None => {
            let mut seen = HashSet::new();
            let again = events.iter().find(|event| !seen.insert(event.index));
            let line = again.map_or(1, |event| event.line);
            let why = "this `index` was there before: give each event its own, or a `time`".to_owned();
            Err(HistoryError::Shape { line, why })
        }
    }
}

/// Whether the lines can be the order: no process begins anything before it has ended what it began.
fn is_one_after_the_other(events: &[RawEvent]) -> bool {
    let mut open: HashSet<&Process> = HashSet::new();
    events.iter().all(|event| match event.kind {
        Kind::Invoke => open.insert(&event.process),
        _ => open.remove(&event.process),
    })
}

/// Leaves events in the order of their lines, unless the times that some of them have contradict it.
fn lines_decide(events: &[RawEvent]) -> Result<(), HistoryError> {
    let mut latest: Option<Time> = None;
    for event in events.iter().filter(|event| event.time.is_some()) {
        if event.time < latest {
            let why = "its `time` is before that of a line above, and some events have none: the order is not \
                       told; give every event an `index`, or a `time`";
            return Err(HistoryError::Shape { line: event.line, why: why.to_owned() });
        }
        latest = event.time;
    }
    Ok(())
}

fn by_time(events: &mut [RawEvent]) -> Result<(), HistoryError> {
    let is_one_log = events.is_sorted_by_key(|event| event.time);
    if !is_one_log {
        clocks_go_forward(events)?;
        events.sort_by_key(|event| event.time);
    }
    let mut from = 0;
    while from < events.len() {
        let time = events[from].time;
        let to = from + events[from..].iter().take_while(|event| event.time == time).count();
        if to - from > 1 {
            instant(&mut events[from..to], is_one_log)?;
        }
        from = to;
    }
    Ok(())
}

/// Within one process the lines are the order: its times must not contradict it.
fn clocks_go_forward(events: &[RawEvent]) -> Result<(), HistoryError> {
    let mut latest: HashMap<&Process, Option<Time>> = HashMap::new();
    for event in events {
        let before = latest.insert(&event.process, event.time);
        if before.is_some_and(|before| event.time < before) {
            let why = format!(
                "`time` goes back for process {}: the order is not told; give every event an `index`",
                event.process
            );
            return Err(HistoryError::Shape { line: event.line, why });
        }
    }
    Ok(())
}

/// Orders what happened at one instant.
fn instant(events: &mut [RawEvent], is_one_log: bool) -> Result<(), HistoryError> {
    // How often each process went on to a next operation, and whether it ended one just now.
    let mut steps: HashMap<Process, (u32, bool)> = HashMap::new();
    let mut step_of = Vec::with_capacity(events.len());
    for event in events.iter() {
        let (step, has_ended) = steps.entry(event.process.clone()).or_default();
        *step += u32::from(event.kind == Kind::Invoke && *has_ended);
        *has_ended = event.kind != Kind::Invoke;
        step_of.push(*step);
    }
    let going_on = steps.values().filter(|(step, _)| *step > 0).count();
    let last = steps.values().map(|(step, _)| *step).max().unwrap_or(0);
    if going_on > 1 {
        if is_one_log {
            return Ok(());
        }
        let why = "at this instant several processes each end an operation and begin another: the order is not \
                   told; give every event an `index`";
        return Err(HistoryError::Shape { line: events[0].line, why: why.to_owned() });
    }
    // Those that did not go on overlap all of it. Invocations come first.
    let mut places = step_of.into_iter().zip(events.iter()).map(|(step, event)| {
        let is_end = event.kind != Kind::Invoke;
        let goes_on = steps[&event.process].0 > 0;
        (event.number, (if goes_on || !is_end { step } else { last }, is_end))
    });
    let places: HashMap<usize, (u32, bool)> = places.by_ref().collect();
    events.sort_by_key(|event| places[&event.number]);
    Ok(())
}
