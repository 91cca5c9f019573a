//! Reading histories that something else recorded: JSON lines in our shape, or Jepsen's EDN.
//!
//! A file is read line by line. Events of processes without a number (Jepsen's nemesis) are not operations, and are
//! passed over.

use super::Outcome;
use super::recorded::{Kind, Pairing, RawEvent};
use super::{EventKind, History, HistoryError, Line, Recorded, edn};
use serde::Serialize;
use serde_json::Value;
use std::io::BufRead;

/// The longest event, in bytes: beyond it a bracket is missing, and the rest of the file would be gathered for nothing.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// Reads a history. Its first character tells JSON lines from EDN.
///
/// # Errors
///
/// With the line of the first mistake.
pub fn read(source: impl BufRead) -> Result<Vec<Recorded>, HistoryError> {
    let mut pairing = Pairing::default();
    let mut format = None;
    // An EDN event may be written over several lines.
    let mut pending = String::new();
    let mut line = 0;
    for text in source.lines() {
        line += 1;
        let text = text.map_err(|why| HistoryError::Unreadable { line, why })?;
        if text.trim().is_empty() {
            continue;
        }
        let is_json = *format.get_or_insert_with(|| looks_like_json(&text));
        if is_json {
            if let Some(event) = json_event(line, &text)? {
                pairing.push(event)?;
            }
            continue;
        }
        pending.push_str(&text);
        pending.push('\n');
        let taken = edn::events(line, &pending, |event| pairing.push(event))?;
        pending.drain(..taken);
        if pending.len() > EVENT_BYTES_MAX {
            break;
        }
    }
    if !pending.trim().is_empty() {
        let why = "the event ends too early".to_owned();
        return Err(HistoryError::Syntax { line, format: "EDN", why });
    }
    let operations = pairing.finish();
    if operations.is_empty() { Err(HistoryError::Empty) } else { Ok(operations) }
}

/// The operations of a run's own history.
pub(crate) fn paired(lines: &[Line]) -> Vec<Recorded> {
    let mut pairing = Pairing::default();
    for line in lines {
        let kind = Kind::parse(line.kind).expect("a line's kind is one of the four");
        let event = RawEvent {
            line: line.index + 1,
            time_ns: Some(line.time),
            process: u64::from(line.process),
            kind,
            f: line.f.clone(),
            value: line.value.clone(),
        };
        pairing.push(event).expect("a run's clients do one thing at a time");
    }
    pairing.finish()
}

/// The operations of a run's own history, without what they are: when each was, and whether it ended well. That is all
/// that judging needs, and the JSON of everything costs more than most histories take to judge.
pub(crate) fn paired_bare<Op: Serialize, Ret: Serialize>(history: &History<Op, Ret>) -> Vec<Recorded> {
    let mut pairing = Pairing::default();
    for (index, event) in history.events().iter().enumerate() {
        let kind = match &event.kind {
            EventKind::Invoke(_) => Kind::Invoke,
            EventKind::Complete(_, Outcome::Ok(_)) => Kind::Ok,
            EventKind::Complete(_, Outcome::Fail(_)) => Kind::Fail,
            EventKind::Complete(_, Outcome::Unknown(_)) => Kind::Info,
        };
        let event = RawEvent {
            line: index + 1,
            time_ns: Some(event.at_ns),
            process: u64::from(event.process),
            kind,
            f: String::new(),
            value: Value::Null,
        };
        pairing.push(event).expect("a run's clients do one thing at a time");
    }
    pairing.finish()
}

fn looks_like_json(text: &str) -> bool {
    let rest = text.trim_start().strip_prefix('{');
    rest.is_some_and(|rest| rest.trim_start().starts_with(['"', '}']))
}

fn json_event(line: usize, text: &str) -> Result<Option<RawEvent>, HistoryError> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        // To serde the line is the whole file; the column is right.
        let why = error.to_string();
        let what = why.split(" at line ").next().unwrap_or(&why);
        HistoryError::Syntax { line, format: "JSON", why: format!("{what} at column {}", error.column()) }
    })?;
    let Value::Object(mut fields) = value else {
        return Err(HistoryError::Shape { line, why: "expected an object for each line".to_owned() });
    };
    event(line, |name| fields.remove(name))
}

/// An event from its fields; none if no client did it.
pub(super) fn event(
    line: usize,
    mut field: impl FnMut(&str) -> Option<Value>,
) -> Result<Option<RawEvent>, HistoryError> {
    let shape = |why: String| HistoryError::Shape { line, why };
    let process = field("process").ok_or_else(|| shape("there is no `process`".to_owned()))?;
    if process.is_string() {
        return Ok(None);
    }
    let process =
        process.as_u64().ok_or_else(|| shape(format!("`process` is {process}, not a number from 0")))?;
    let word = match field("type") {
        Some(Value::String(word)) => word,
        Some(other) => return Err(shape(format!("`type` is {other}, not invoke, ok, fail or info"))),
        None => return Err(shape("there is no `type`".to_owned())),
    };
    let kind = Kind::parse(&word)
        .ok_or_else(|| shape(format!("`type` is `{word}`, not invoke, ok, fail or info")))?;
    let f = match field("f") {
        Some(Value::String(f)) => f,
        Some(other) => return Err(shape(format!("`f` is {other}, not the name of a function"))),
        None => return Err(shape("there is no `f`".to_owned())),
    };
    let time_ns = match field("time") {
        None | Some(Value::Null) => None,
        Some(time) => Some(time.as_u64().ok_or_else(|| shape(format!("`time` is {time}, not ns from 0")))?),
    };
    let value = field("value").unwrap_or(Value::Null);
    Ok(Some(RawEvent { line, time_ns, process, kind, f, value }))
}
