//! One event of a recorded history, whatever it was written in.

use super::{HistoryError, Process};
use serde_json::Value;
use std::sync::Arc;

/// The name of the process that injects faults: what it does is no operation.
const NEMESIS: &str = "nemesis";
/// What times are counted in, a part of the nanosecond: so that those with a fraction keep their order.
const PARTS_PER_NS: i128 = 1_000_000_000;

/// What an event says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// When an event happened, by its recorder's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(i128);

/// One event of a recorded history.
#[derive(Debug)]
pub(super) struct RawEvent {
    /// Which event of its history, as they were read.
    pub number: usize,
    pub line: usize,
    pub index: Option<u64>,
    pub time: Option<Time>,
    pub process: Process,
    pub kind: Kind,
    /// The function; empty if the event names none.
    pub f: Arc<str>,
    pub value: Value,
}

impl Kind {
    /// Reads the word that recorders use, in either case, with a keyword's colon or without.
    pub(super) fn parse(word: &str) -> Option<Kind> {
        match word.trim_start_matches(':').to_ascii_lowercase().as_str() {
            "invoke" => Some(Kind::Invoke),
            "ok" => Some(Kind::Ok),
            "fail" => Some(Kind::Fail),
            "info" => Some(Kind::Info),
            _ => None,
        }
    }
}

impl Time {
    pub(super) fn of_ns(ns: u64) -> Self {
        Time(i128::from(ns) * PARTS_PER_NS)
    }

    /// In ns, less a fraction.
    pub(super) fn ns(self) -> u64 {
        u64::try_from(self.0 / PARTS_PER_NS).unwrap_or(u64::MAX)
    }
}

/// An event from its fields; none if no client did it.
pub(super) fn event(
    line: usize,
    mut field: impl FnMut(&str) -> Option<Value>,
) -> Result<Option<RawEvent>, HistoryError> {
    let shape = |why: String| HistoryError::Shape { line, why };
    let process = field("process").ok_or_else(|| shape("there is no `process`".to_owned()))?;
    let Some(process) = client(&process).map_err(shape)? else { return Ok(None) };
    let kind = field("type").ok_or_else(|| shape("there is no `type`".to_owned()))?;
    let kind = of_type(&kind).map_err(shape)?;
    let f = match field("f") {
        Some(Value::String(f)) => f,
        Some(Value::Null) | None => String::new(),
        Some(other) => return Err(shape(format!("`f` is {other}, not the name of a function"))),
    };
    let time = field("time").map_or(Ok(None), |time| of_time(&time)).map_err(shape)?;
    let index = field("index").map_or(Ok(None), |index| of_index(&index)).map_err(shape)?;
    let mut value = field("value").unwrap_or(Value::Null);
    // Porcupine's histories have the key beside the value; Jepsen's, which everything here reads, have both in one.
    if let Some(key) = field("key").filter(|key| !key.is_null()) {
        value = Value::Array(vec![key, value]);
    }
    Ok(Some(RawEvent { number: 0, line, index, time, process, kind, f: f.into(), value }))
}

/// An event written as its parts in order: process, type, function and value.
pub(super) fn of_parts(line: usize, parts: Vec<Value>) -> Result<Option<RawEvent>, HistoryError> {
    let mut parts = parts.into_iter();
    let [process, kind, f, value] = [parts.next(), parts.next(), parts.next(), parts.next()];
    let mut fields = [("process", process), ("type", kind), ("f", f), ("value", value)];
    event(line, |name| fields.iter_mut().find(|(known, _)| *known == name)?.1.take())
}

/// Who it was; none if it was no client.
fn client(process: &Value) -> Result<Option<Process>, String> {
    match process {
        Value::Null => Ok(None),
        Value::String(name) if name.trim_start_matches(':') == NEMESIS => Ok(None),
        Value::String(name) => Ok(Some(Process::Named(name.as_str().into()))),
        number => {
            let number = number.as_u64().map(Process::Number).map(Some);
            number.ok_or_else(|| format!("`process` is {process}, not a number from 0 or a name"))
        }
    }
}

fn of_type(kind: &Value) -> Result<Kind, String> {
    let known = kind.as_str().and_then(Kind::parse);
    let written = kind.as_str().map_or_else(|| kind.to_string(), |word| format!("`{word}`"));
    known.ok_or_else(|| format!("`type` is {written}, not invoke, ok, fail or info"))
}

/// A time below zero is one that its recorder does not know yet.
fn of_time(time: &Value) -> Result<Option<Time>, String> {
    let wrong = || format!("`time` is {time}, not ns from 0");
    if time.is_null() {
        return Ok(None);
    }
    if let Some(ns) = time.as_u64() {
        return Ok(Some(Time::of_ns(ns)));
    }
    let ns = time.as_f64().filter(|ns| ns.is_finite() && *ns < 1e19).ok_or_else(wrong)?;
    Ok((ns >= 0.0).then_some(Time((ns * PARTS_PER_NS as f64) as i128)))
}

/// An index below zero is none yet, either.
fn of_index(index: &Value) -> Result<Option<u64>, String> {
    if index.is_null() || index.as_i64().is_some_and(|index| index < 0) {
        return Ok(None);
    }
    index.as_u64().map(Some).ok_or_else(|| format!("`index` is {index}, not a number from 0"))
}
