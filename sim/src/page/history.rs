//! The page of a recorded history: its operations as bars by process, and what was found of them.

use super::lanes::Names;
use super::{Arrow, Bar, Page, Tone, Unit, clipped};
use crate::check::{Part, Ruling};
use crate::history::{End, Moment, Process, Recorded};
use crate::verdict::Verdict;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// The page of what a history was found to be.
pub(crate) fn of_history(title: String, history: &[Recorded], ruling: &Ruling) -> Page {
    let axis = Axis::of(history);
    let points = points(history, ruling, &axis);
    let roles: HashMap<usize, Part> = ruling.cited.operations.iter().copied().collect();
    let mut lanes = Names::default();
    let mut keys = Names::default();
    let mut bars: Vec<Bar> = Vec::with_capacity(history.len());
    for (index, recorded) in history.iter().enumerate() {
        let part = roles.get(&index).copied();
        let text = recorded.to_string();
        let (tone, is_open) = match &recorded.end {
            _ if part == Some(Part::Wrong) => (Tone::Wrong, recorded.done.is_none()),
            End::Ok(_) => (Tone::Ok, false),
            End::Fail => (Tone::Fail, false),
            End::Unknown => (Tone::Unknown, true),
        };
        let line = match recorded.done {
            Some(done) => format!("lines {} and {}", recorded.call.line, done.line),
            None => format!("line {}", recorded.call.line),
        };
        bars.push(Bar {
            lane: lanes.of(match &recorded.process {
                Process::Number(number) => format!("p{number}"),
                Process::Named(name) => clipped(name),
            }),
            from: axis.at(recorded.call),
            to: recorded.done.filter(|_| !is_open).map(|done| axis.at(done)),
            text: clipped(&text),
            tone,
            keys: keys_of(recorded).into_iter().map(|key| keys.of(clipped(&key))).collect(),
            point: points.get(&index).copied(),
            role: part.map(|part| part.to_string()),
            detail: Some(if part.is_some() { format!("{line}\n{text}") } else { line }),
        });
    }
    let arrows = ruling.cited.links.iter().map(|(one, other, why)| Arrow {
        from: bars[*one].lane,
        to: bars[*other].lane,
        sent: middle(&bars[*one]),
        arrived: middle(&bars[*other]),
        text: why.clone(),
        tone: Tone::Wrong,
        role: Some("comes before".to_owned()),
    });
    let around = ruling.cited.operations.last().map_or(0, |(index, _)| bars[*index].from);
    Page {
        title,
        verdict: word(ruling.verdict).to_owned(),
        summary: ruling.summary.clone(),
        unit: axis.unit,
        arrows: arrows.collect(),
        lanes: lanes.names,
        keys: keys.names,
        bars,
        text: ruling.page.clone(),
        around,
        ..Page::default()
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Violation => "violation",
        Verdict::Unknown => "unknown",
    }
}

/// Where an arrow leaves or meets a bar.
fn middle(bar: &Bar) -> i64 {
    bar.to.map_or(bar.from, |to| bar.from + (to - bar.from) / 2)
}

/// Where moments stand: at their times, where those tell the order of events, else one after another.
struct Axis {
    unit: Unit,
    /// Without times: where each place in the order stands.
    places: BTreeMap<u64, i64>,
}

impl Axis {
    fn of(history: &[Recorded]) -> Self {
        let mut moments: Vec<Moment> =
            history.iter().flat_map(|recorded| [Some(recorded.call), recorded.done]).flatten().collect();
        moments.sort_by_key(|moment| moment.order);
        let tells = moments.is_sorted_by_key(|moment| moment.time_ns)
            && moments.first().is_some_and(|first| first.time_ns.is_some())
            && moments.first().map(|first| first.time_ns) != moments.last().map(|last| last.time_ns);
        if tells {
            return Axis { unit: Unit::Ns, places: BTreeMap::new() };
        }
        moments.dedup_by_key(|moment| moment.order);
        let places = moments.iter().zip(0..).map(|(moment, place)| (moment.order, 2 * place));
        Axis { unit: Unit::Order, places: places.collect() }
    }

    fn at(&self, moment: Moment) -> i64 {
        match self.unit {
            Unit::Ns => moment.time_ns.map_or(0, |ns| i64::try_from(ns).unwrap_or(i64::MAX)),
            Unit::Order => self.places.get(&moment.order).copied().unwrap_or(0),
        }
    }
}

/// An instant for each operation of the witness, such that they take effect in its order: as early as can be. What the
/// witness orders against real time has none.
fn points(history: &[Recorded], ruling: &Ruling, axis: &Axis) -> HashMap<usize, i64> {
    let mut points = HashMap::new();
    for (_, order) in ruling.witness.iter().flatten() {
        let mut now = i64::MIN;
        for index in order {
            let recorded = &history[*index];
            let point = now.max(axis.at(recorded.call));
            let is_over = |done: Moment| matches!(recorded.end, End::Ok(_)) && axis.at(done) < point;
            if !recorded.done.is_some_and(is_over) {
                points.insert(*index, point);
                now = point;
            }
        }
    }
    points
}

/// The keys that an operation is about, as far as its value tells.
fn keys_of(recorded: &Recorded) -> Vec<String> {
    let text = |key: &Value| key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    let Some(parts) = recorded.invoked.as_array() else {
        let is_key = matches!(&*recorded.f, "get" | "delete" | "lookup" | "balance" | "acquire" | "release");
        return if is_key { vec![text(&recorded.invoked)] } else { Vec::new() };
    };
    let micro = |part: &Value| {
        let part = part.as_array().filter(|part| part.len() >= 2)?;
        part[0].is_string().then(|| text(&part[1]))
    };
    let of_transaction: Option<Vec<String>> = parts.iter().map(micro).collect();
    if let Some(mut keys) = of_transaction.filter(|keys| !keys.is_empty()) {
        keys.sort_unstable();
        keys.dedup();
        return keys;
    }
    let is_pair = parts.len() == 2 && (&*recorded.f != "cas" || parts[1].is_array());
    if is_pair && !parts[0].is_null() { vec![text(&parts[0])] } else { Vec::new() }
}
