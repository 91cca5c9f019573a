//! What stands in a line of a story.

use super::Turn;
use crate::cause::Trace;
use host::world::{MessageLine, TraceLine};
use std::collections::BTreeMap;

/// One line of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When, in ns since the workload began.
    pub at_ns: i64,
    /// What concerns no machine alone, across all lanes.
    pub across: Option<String>,
    /// What stands in lanes.
    pub cells: Vec<Cell>,
}

/// What happened on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The machine, by its place; none for what happened on none.
    pub machine: Option<usize>,
    /// In words.
    pub text: String,
}

/// The rows of some events. A message that arrives before anything else happens is one row.
pub(super) fn rows(trace: &Trace<'_>, events: &[usize]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    // When each message that is told was sent, and whether it was the last thing that was told.
    let mut sent: BTreeMap<u64, i64> = BTreeMap::new();
    let mut last: Option<u64> = None;
    for line in events.iter().filter_map(|event| trace.lines.get(*event)) {
        let Some(message) = &line.message else {
            last = None;
            rows.push(row(trace, line));
            continue;
        };
        let follows = last.replace(message.id) == Some(message.id);
        let since = sent.get(&message.id).copied();
        if message.step == "sent" {
            sent.insert(message.id, line.time);
        }
        let cell = cell_of_message(trace, line, message, since);
        match rows.last_mut().filter(|_| follows && since.is_some()) {
            Some(row) => row.cells.push(cell),
            None => rows.push(Row { at_ns: line.time, across: None, cells: vec![cell] }),
        }
    }
    rows
}

fn cell_of_message(
    trace: &Trace<'_>,
    line: &TraceLine<'_>,
    message: &MessageLine<'_>,
    since: Option<i64>,
) -> Cell {
    let name = |name: &Option<std::borrow::Cow<'_, str>>| name.as_deref().unwrap_or("?").to_owned();
    let (from, to) = (name(&line.from), name(&line.to));
    let text = line.text.as_deref().unwrap_or_default();
    let after = since.map(|since| format!(" after {}", millis(line.time - since))).unwrap_or_default();
    let (machine, text) = match &*message.step {
        "sent" => (from, format!("→ {to} {text}")),
        // What it says stands where it was sent, if that is told.
        "delivered" if since.is_some() => (to, format!("← {from}{after}")),
        "refused" if since.is_some() => (to, format!("refused: ← {from}{after}")),
        "delivered" => (to, format!("← {from} {text}")),
        "refused" => (to, format!("refused: ← {from} {text}")),
        step if since.is_some() => (from, format!("{step}: → {to}{after}")),
        step => (from, format!("{step}: → {to} {text}")),
    };
    Cell { machine: trace.machine(&machine), text }
}

/// What a node has come to believe.
pub(super) fn of_a_turn(trace: &Trace<'_>, turn: &Turn) -> Row {
    let text = match &turn.believes {
        Some(believes) => format!("believes {believes}"),
        None => "believes nothing of it".to_owned(),
    };
    Row { cells: vec![Cell { machine: trace.machine(&turn.node), text }], ..Row::at(turn.at_ns) }
}

fn row(trace: &Trace<'_>, line: &TraceLine<'_>) -> Row {
    let machine = line.from.as_deref().and_then(|name| trace.machine(name));
    let text = line.text.as_deref().unwrap_or_default();
    let to = line.to.as_deref().unwrap_or("?");
    let text = match &*line.event {
        "delivered" => {
            let from = line.from.as_deref().unwrap_or("?");
            let text = format!("← {from} {} bytes {text}", line.bytes.unwrap_or(0));
            return Row { cells: vec![Cell { machine: trace.machine(to), text }], ..Row::at(line.time) };
        }
        "connection" | "datagram" => format!("{text}: {to}"),
        "operation" | "died" | "started" | "fault" | "phase" => text.to_owned(),
        "probe" => format!("* {text}"),
        event => format!("{event} {text}"),
    };
    match machine {
        Some(machine) => Row { cells: vec![Cell { machine: Some(machine), text }], ..Row::at(line.time) },
        None => Row { across: Some(text), ..Row::at(line.time) },
    }
}

impl Row {
    fn at(at_ns: i64) -> Self {
        Row { at_ns, across: None, cells: Vec::new() }
    }
}

/// How long something took: `1.204 ms`.
fn millis(ns: i64) -> String {
    if ns < 1_000_000_000 { format!("{:.3} ms", ns as f64 / 1e6) } else { super::seconds(ns) }
}
