//! What a violation depends on, short enough to be read.

use super::{Graph, Subjects, Trace};
use crate::verdict::{Subject, Violation};
use host::world::TraceLine;
use std::collections::{BTreeMap, BTreeSet};

/// How much less an event counts that happens on no machine which the evidence names.
const ELSEWHERE: f64 = 0.6;
/// How much a message from or to a client counts: its operation says the same, and how it ended.
const OF_CLIENTS: f64 = 0.5;
/// How much a probe counts in which one machine that the evidence names speaks of another.
const OF_EACH_OTHER: f64 = 0.5;
/// How much an event counts that only happens on a machine which the evidence names.
const ONLY_THERE: f64 = 0.1;
/// How much less each further message of one form counts than the one before it: what is said again and again, as gossip
/// says it, leaves room for what is said once.
const SAID_AGAIN: f64 = 0.8;
/// One in so many rows may tell what befell the machines, where there is not room for all.
const FATES_OF_ROWS: usize = 3;

/// A sentence, when it was said, and what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence<'a> {
    /// When, in ns since the workload began: what happened later is no cause.
    pub at_ns: i64,
    /// What does not hold.
    pub sentence: &'a str,
    /// What it is about; where this is empty, the sentence is read for it.
    pub subjects: &'a [Subject],
}

impl<'a> Evidence<'a> {
    /// That of a violation.
    pub fn of(violation: &'a Violation) -> Self {
        let Violation { at_ms, message, subjects, .. } = violation;
        Evidence { at_ns: (at_ms + 1) * 1_000_000, sentence: message, subjects }
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
    /// The slice of a trace that some evidence depends on, of so many rows at most; a message and its arrival are one, and
    /// so are an operation and its answer.
    pub fn of(trace: &Trace<'_>, graph: &Graph, evidence: Evidence<'_>, rows_max: usize) -> Self {
        let subjects = Subjects::of(evidence, trace);
        let until = trace.lines.partition_point(|line| line.time <= evidence.at_ns);
        let rows = Rows::of(trace, graph, &subjects, until);
        let fates_most = rows_max / FATES_OF_ROWS;
        let told = |most: usize| rows.told.iter().take(most);
        // What befell the machines before all of what is told, and was over by then, has led to none of it directly.
        let since = told(rows_max).flat_map(|row| row.first()).map(|event| trace.lines[*event].time).min();
        let fates = fates(trace, until, since.unwrap_or(i64::MIN));
        let fates_told = fates.len().min(fates_most.max(rows_max.saturating_sub(rows.told.len())));
        let left_out = (rows.told.len() + fates.len()).saturating_sub(rows_max);
        let newest = fates.len() - fates_told;
        let events: BTreeSet<usize> =
            told(rows_max - fates_told).flatten().copied().chain(fates[newest..].iter().copied()).collect();
        Slice { events: events.into_iter().collect(), subjects, left_out }
    }
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Event(usize),
    Message(u64),
    /// By its invocation.
    Operation(usize),
}

/// What is about the subjects and may have led to the evidence.
struct Rows {
    /// The events of each row, in order; the most telling row first, and then the newest.
    told: Vec<Vec<usize>>,
}

impl Rows {
    fn of(trace: &Trace<'_>, graph: &Graph, subjects: &Subjects, until: usize) -> Self {
        let heaviest = subjects.words.values().copied().fold(1.0, f64::max);
        let operations = trace.lines.iter().filter(|line| line.operation.is_some());
        let clients: BTreeSet<&str> = operations.filter_map(|line| line.from.as_deref()).collect();
        let is_of_client = |line: &TraceLine<'_>| {
            [&line.from, &line.to].iter().any(|end| end.as_deref().is_some_and(|name| clients.contains(name)))
        };
        let mut relevance: Vec<f64> = Vec::with_capacity(until);
        let mut row: Vec<Row> = Vec::with_capacity(until);
        let mut begun: BTreeMap<u32, usize> = BTreeMap::new();
        for (event, line) in trace.lines[..until].iter().enumerate() {
            let own = weigh(line, graph.lane(event), subjects, heaviest, trace);
            let (of_row, weight) = match (&line.message, &line.operation) {
                (Some(message), _) if is_of_client(line) => (Row::Message(message.id), OF_CLIENTS * own),
                (Some(message), _) => (Row::Message(message.id), own),
                (_, Some(operation)) if operation.step == "invoke" => {
                    begun.insert(operation.process, event);
                    (Row::Operation(event), own)
                }
                // An answer is about what was asked.
                (_, Some(operation)) => match begun.remove(&operation.process) {
                    Some(begin) => (Row::Operation(begin), own.max(relevance[begin])),
                    None => (Row::Event(event), own),
                },
                _ => (Row::Event(event), own),
            };
            relevance.push(weight);
            row.push(of_row);
        }
        let past = graph.past(anchors(graph, subjects, &relevance));
        let mut rows: BTreeMap<Row, (f64, Vec<usize>)> = BTreeMap::new();
        for event in (0..until).filter(|event| relevance[*event] > 0.0 && graph.is_within(*event, &past)) {
            // A row counts as much as the most telling part of it.
            let (weight, events) = rows.entry(row[event]).or_default();
            *weight = weight.max(relevance[event]);
            events.push(event);
        }
        let mut rows: Vec<(f64, Vec<usize>)> = rows.into_values().collect();
        sort(&mut rows);
        let mut said: BTreeMap<[&str; 3], i32> = BTreeMap::new();
        for (weight, events) in &mut rows {
            let Some(form) = form(&trace.lines[events[0]]) else { continue };
            let before = said.entry(form).or_default();
            *weight *= SAID_AGAIN.powi(*before);
            *before += 1;
        }
        sort(&mut rows);
        Rows { told: rows.into_iter().map(|(_, events)| events).collect() }
    }
}

/// The most telling row first, and then the newest.
fn sort(rows: &mut [(f64, Vec<usize>)]) {
    rows.sort_by(|(one, of_one), (other, of_other)| other.total_cmp(one).then_with(|| of_other.cmp(of_one)));
}

/// What makes messages alike: their ends, and the first word of what they say.
fn form<'a>(line: &'a TraceLine<'_>) -> Option<[&'a str; 3]> {
    line.message.as_ref()?;
    let end = |end: &'a Option<std::borrow::Cow<'_, str>>| end.as_deref().unwrap_or_default();
    let word = super::words(line.text.as_deref().unwrap_or_default()).next().unwrap_or_default();
    Some([end(&line.from), end(&line.to), word])
}

/// Where the evidence was last to be seen: on each machine that it names, or, where that is nowhere, on any.
fn anchors(graph: &Graph, subjects: &Subjects, relevance: &[f64]) -> Vec<usize> {
    let mut last: BTreeMap<usize, usize> = BTreeMap::new();
    for (event, relevance) in relevance.iter().enumerate() {
        if let Some(lane) = graph.lane(event).filter(|_| *relevance > 0.0) {
            last.insert(lane, event);
        }
    }
    let named = last.iter().filter(|(lane, _)| subjects.machines.contains(lane));
    let named: Vec<usize> = named.map(|(_, event)| *event).collect();
    if named.is_empty() { last.into_values().collect() } else { named }
}

/// How much an event has to do with the subjects; nothing if 0.
fn weigh(
    line: &TraceLine<'_>,
    lane: Option<usize>,
    subjects: &Subjects,
    heaviest: f64,
    trace: &Trace<'_>,
) -> f64 {
    let text = line.text.as_deref().unwrap_or_default();
    let is_there = lane.is_some_and(|lane| subjects.machines.contains(&lane));
    let names_another = || {
        let named = super::words(text).filter_map(|word| trace.machine(word));
        named.into_iter().any(|machine| subjects.machines.contains(&machine) && Some(machine) != lane)
    };
    match &*line.event {
        "message" | "operation" | "probe" | "disk" | "panic" => match subjects.weigh(text) {
            weight if weight > 0.0 && (is_there || line.operation.is_some()) => weight,
            weight if weight > 0.0 => ELSEWHERE * weight,
            _ if line.event == "probe" && is_there && names_another() => OF_EACH_OTHER * heaviest,
            _ if line.event == "probe" && is_there => ONLY_THERE * heaviest,
            _ => 0.0,
        },
        "connection" if is_there && text != "connected" && names_the_other(line, subjects, trace) => {
            ONLY_THERE * heaviest
        }
        _ => 0.0,
    }
}

/// Whether the other end of a connection is on a machine that the evidence names.
fn names_the_other(line: &TraceLine<'_>, subjects: &Subjects, trace: &Trace<'_>) -> bool {
    let other = line.to.as_deref().and_then(|name| trace.machine(name));
    other.is_some_and(|machine| subjects.machines.contains(&machine))
}

/// What befell the machines since an instant, or before it and was not over then: faults, and deaths and restarts that
/// are no fault's.
fn fates(trace: &Trace<'_>, until: usize, since_ns: i64) -> Vec<usize> {
    let lines = &trace.lines[..until];
    let mut ends: BTreeMap<usize, i64> = BTreeMap::new();
    let mut told: BTreeSet<(i64, &str)> = BTreeSet::new();
    for line in lines {
        let Some(fault) = &line.fault else { continue };
        if fault.step == "ends" {
            ends.insert(fault.index, line.time);
        }
        told.extend(fault.machines.iter().map(|machine| (line.time, &**machine)));
    }
    let is_told = |line: &TraceLine<'_>| match (&*line.event, &line.fault) {
        (_, Some(fault)) if fault.step == "skipped" => false,
        (_, Some(fault)) => {
            line.time >= since_ns || ends.get(&fault.index).is_none_or(|end| *end >= since_ns)
        }
        ("died" | "started", _) => {
            let machine = line.from.as_deref().unwrap_or_default();
            line.time >= since_ns && !told.contains(&(line.time, machine))
        }
        _ => false,
    };
    (0..until).filter(|event| is_told(&lines[*event])).collect()
}
