//! What a violation depends on, short enough to be read.

use super::{Graph, Subjects, Trace};
use crate::verdict::Violation;
use host::world::TraceLine;
use std::collections::{BTreeMap, BTreeSet};

/// How much less an event counts that happens on no machine which the evidence names.
const ELSEWHERE: f64 = 0.6;
/// How much an event counts that only happens on a machine which the evidence names, where it tells of nothing else.
const ONLY_THERE: f64 = 0.1;

/// A sentence, and when it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence<'a> {
    /// When, in ns since the workload began: what happened later is no cause.
    pub at_ns: i64,
    /// What does not hold.
    pub sentence: &'a str,
}

impl<'a> Evidence<'a> {
    /// That of a violation.
    pub fn of(violation: &'a Violation) -> Self {
        Evidence { at_ns: (violation.at_ms + 1) * 1_000_000, sentence: &violation.message }
    }
}

/// The part of a trace that evidence depends on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slice {
    /// The events, by their places in the trace, in order.
    pub events: Vec<usize>,
    /// What the evidence is about.
    pub subjects: Subjects,
    /// How many events had to do with it too, and were left out for want of room.
    pub left_out: usize,
}

impl Slice {
    /// The slice of a trace that some evidence depends on, of so many rows at most; a message and its arrival are one.
    pub fn of(trace: &Trace<'_>, graph: &Graph, evidence: Evidence<'_>, rows_max: usize) -> Self {
        let subjects = Subjects::of(evidence.sentence, trace);
        let heaviest = subjects.words.values().copied().fold(1.0, f64::max);
        let until = trace.lines.partition_point(|line| line.time <= evidence.at_ns);
        let relevance: Vec<f64> = (0..until)
            .map(|event| relevance(&trace.lines[event], graph.lane(event), &subjects, heaviest, trace))
            .collect();
        let past = graph.past(anchors(trace, graph, &subjects, &relevance));
        // Whatever befalls the machines may have to do with it, unless it came after everything else.
        let is_of_the_past = |event: &usize| is_fate(&trace.lines[*event]) || graph.is_within(*event, &past);
        let candidates = (0..until).filter(|event| relevance[*event] > 0.0).filter(is_of_the_past);
        // A message is one row, and counts as much as what is told of it.
        let mut rows: BTreeMap<Row, (f64, Vec<usize>)> = BTreeMap::new();
        for event in candidates {
            let row = match &trace.lines[event].message {
                Some(message) => Row::Message(message.id),
                None => Row::Event(event),
            };
            let (weight, events) = rows.entry(row).or_default();
            *weight = weight.max(relevance[event]);
            events.push(event);
        }
        let mut rows: Vec<(f64, Vec<usize>)> = rows.into_values().collect();
        rows.sort_by(|(one, of_one), (other, of_other)| {
            other.total_cmp(one).then_with(|| of_other.cmp(of_one))
        });
        let left_out = rows.len().saturating_sub(rows_max);
        rows.truncate(rows_max);
        let events: BTreeSet<usize> = rows.into_iter().flat_map(|(_, events)| events).collect();
        Slice { events: events.into_iter().collect(), subjects, left_out }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Event(usize),
    Message(u64),
}

/// Where the evidence was last to be seen: on each machine that it names, or, where that is nowhere, on any.
fn anchors(trace: &Trace<'_>, graph: &Graph, subjects: &Subjects, relevance: &[f64]) -> Vec<usize> {
    let mut last: BTreeMap<usize, usize> = BTreeMap::new();
    for (event, relevance) in relevance.iter().enumerate() {
        let Some(lane) = graph.lane(event) else { continue };
        if *relevance > 0.0 && !is_fate(&trace.lines[event]) {
            last.insert(lane, event);
        }
    }
    let named = last.iter().filter(|(lane, _)| subjects.machines.contains(lane));
    let named: Vec<usize> = named.map(|(_, event)| *event).collect();
    if named.is_empty() { last.into_values().collect() } else { named }
}

/// How much an event has to do with the subjects; nothing if 0.
fn relevance(
    line: &TraceLine<'_>,
    lane: Option<usize>,
    subjects: &Subjects,
    heaviest: f64,
    trace: &Trace<'_>,
) -> f64 {
    if is_fate(line) {
        return heaviest;
    }
    let text = line.text.as_deref().unwrap_or_default();
    let is_there = lane.is_some_and(|lane| subjects.machines.contains(&lane));
    match &*line.event {
        "message" | "operation" | "probe" | "disk" | "panic" => {
            let weight = subjects.weigh(text);
            let names_machine = || {
                super::words(text)
                    .filter_map(|word| trace.machine(word))
                    .any(|machine| subjects.machines.contains(&machine))
            };
            let of_machines = |line: &TraceLine<'_>| &*line.event == "probe" && (names_machine() || is_there);
            match (weight > 0.0, is_there) {
                (true, true) => weight,
                (true, false) => ELSEWHERE * weight,
                (false, _) if of_machines(line) => {
                    ONLY_THERE * heaviest * if is_there && names_machine() { 2.0 } else { 1.0 }
                }
                (false, _) => 0.0,
            }
        }
        "connection" if is_there && text != "connected" => ONLY_THERE * heaviest,
        _ => 0.0,
    }
}

/// What befalls machines: faults, deaths, and how they come back.
fn is_fate(line: &TraceLine<'_>) -> bool {
    let skipped = line.fault.as_ref().is_some_and(|fault| fault.step == "skipped");
    matches!(&*line.event, "fault" | "died" | "started") && !skipped
}
