//! What clients did and saw, in Jepsen's shape.
//!
//! Each operation is an invocation and, at most, one completion: `ok`, `fail` (it did not happen) or `info` (unknown:
//! it may have happened). A process does one thing at a time, and nothing more after an unknown outcome: its client
//! goes on as a new process.
//!
//! [`History`] is what a run records, with the types of its system. [`read()`] takes a history that something else
//! recorded, as JSON, Jepsen's EDN or Porcupine's logs; all end as [`Recorded`] operations, which `check` judges. On the
//! way there `forms.rs` tells where an event ends, `json.rs`, `edn.rs` and `log.rs` read it, `order.rs` says which came
//! first, and `pairing.rs` makes operations of them.

mod edn;
mod error;
mod event;
mod forms;
mod function;
mod json;
mod log;
mod order;
mod outcome;
mod pairing;
mod process;
mod read;
#[cfg(test)]
mod read_tests;
mod recorded;
mod table;

pub use error::HistoryError;
pub(crate) use function::{function_and_value, kind, operation};
pub use outcome::Outcome;
pub use process::Process;
pub use read::{Unread, read, read_within};
pub(crate) use read::{paired, paired_bare};
pub use recorded::{End, Moment, Recorded};
pub use table::table;

use serde::Serialize;
use serde_json::Value;
use std::fmt::Write;

/// One event of a history.
#[derive(Debug, Clone)]
pub struct Event<Op, Ret> {
    /// When, in ns since the workload began.
    pub at_ns: u64,
    /// The process: the client's number less one, plus the number of clients for each unknown outcome before.
    pub process: u32,
    /// What happened.
    pub kind: EventKind<Op, Ret>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum EventKind<Op, Ret> {
    /// The client began.
    Invoke(Op),
    /// The operation of the invocation at this index ended.
    Complete(usize, Outcome<Ret>),
}

/// The history of a run.
#[derive(Debug, Clone)]
pub struct History<Op, Ret> {
    events: Vec<Event<Op, Ret>>,
}

/// One line of `history.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Line {
    /// The line's number, from 0.
    pub index: usize,
    /// When, in ns since the workload began.
    pub time: u64,
    /// The process.
    pub process: u32,
    /// `invoke`, `ok`, `fail` or `info`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The operation.
    pub f: String,
    /// Its arguments, or its result.
    pub value: Value,
    /// Why it failed, or is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl<Op, Ret> Default for History<Op, Ret> {
    fn default() -> Self {
        History { events: Vec::new() }
    }
}

impl<Op: Serialize, Ret: Serialize> History<Op, Ret> {
    /// Records an invocation. Returns its index, for the completion.
    pub fn invoke(&mut self, at_ns: u64, process: u32, op: Op) -> usize {
        self.events.push(Event { at_ns, process, kind: EventKind::Invoke(op) });
        self.events.len() - 1
    }

    /// Records how an invocation ended.
    pub fn complete(&mut self, at_ns: u64, invocation: usize, outcome: Outcome<Ret>) {
        let process = self.events[invocation].process;
        self.events.push(Event { at_ns, process, kind: EventKind::Complete(invocation, outcome) });
    }

    /// All events, in the order in which they happened.
    pub fn events(&self) -> &[Event<Op, Ret>] {
        &self.events
    }

    /// Each operation in order of its invocation, and how it ended; none if the run ended first.
    pub fn calls(&self) -> impl Iterator<Item = (&Op, Option<&Outcome<Ret>>)> {
        let mut outcomes = vec![None; self.events.len()];
        for event in &self.events {
            if let EventKind::Complete(invocation, outcome) = &event.kind {
                outcomes[*invocation] = Some(outcome);
            }
        }
        self.events.iter().zip(outcomes).filter_map(|(event, outcome)| match &event.kind {
            EventKind::Invoke(op) => Some((op, outcome)),
            EventKind::Complete(..) => None,
        })
    }

    /// The history as lines of `history.jsonl`.
    pub fn lines(&self) -> Vec<Line> {
        self.events.iter().enumerate().map(|(index, event)| self.line(index, event)).collect()
    }

    fn line(&self, index: usize, event: &Event<Op, Ret>) -> Line {
        let (kind, f, value, error) = match &event.kind {
            EventKind::Invoke(op) => {
                let (f, value) = function_and_value(op);
                ("invoke", f, value, None)
            }
            EventKind::Complete(invocation, outcome) => {
                let EventKind::Invoke(op) = &self.events[*invocation].kind else {
                    unreachable!("a completion points at its invocation")
                };
                let (f, arguments) = function_and_value(op);
                match outcome {
                    Outcome::Ok(ret) => ("ok", f, to_json(ret), None),
                    Outcome::Fail(why) => ("fail", f, arguments, Some(why.clone())),
                    Outcome::Unknown(why) => ("info", f, arguments, Some(why.clone())),
                }
            }
        };
        Line { index, time: event.at_ns, process: event.process, kind, f, value, error }
    }
}

impl Line {
    /// The line as people read it: time, process, type, operation, value.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{:>10.3} ms  p{:<3} {:<6} {:<10} {}",
            self.time as f64 / 1e6,
            self.process,
            self.kind,
            self.f,
            self.value
        );
        if let Some(error) = &self.error {
            // Writing to a String does not fail.
            let _ = write!(text, "  ({error})");
        }
        text
    }
}

fn to_json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| Value::String(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Op {
        Write(u32),
        Read,
    }

    #[test]
    fn lines_have_jepsens_shape_with_unknown_as_info() {
        let mut history: History<Op, Option<u32>> = History::default();
        let write = history.invoke(0, 0, Op::Write(3));
        let read = history.invoke(5, 1, Op::Read);
        history.complete(10, read, Outcome::Ok(Some(3)));
        history.complete(20, write, Outcome::Unknown("no answer".into()));
        let lines: Vec<String> =
            history.lines().iter().map(|line| serde_json::to_string(line).unwrap()).collect();
        assert_eq!(
            lines,
            [
                r#"{"index":0,"time":0,"process":0,"type":"invoke","f":"write","value":3}"#,
                r#"{"index":1,"time":5,"process":1,"type":"invoke","f":"read","value":null}"#,
                r#"{"index":2,"time":10,"process":1,"type":"ok","f":"read","value":3}"#,
                r#"{"index":3,"time":20,"process":0,"type":"info","f":"write","value":3,"error":"no answer"}"#,
            ]
        );
    }
}
