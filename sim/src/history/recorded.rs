//! Histories as operations: each invocation with its completion.

use super::HistoryError;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;

/// One operation of a history, with the JSON it was recorded as.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The process that did it.
    pub process: u64,
    /// The function.
    pub f: String,
    /// What it was invoked with.
    pub invoked: Value,
    /// How it ended.
    pub end: End,
    /// When it was invoked.
    pub call: Moment,
    /// When it completed; for an unknown outcome, when its client gave up; none if there is no completion.
    pub done: Option<Moment>,
}

/// How a recorded operation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// It happened, with this result.
    Ok(Value),
    /// It did not happen.
    Fail,
    /// It may have happened, or happen later, or never.
    Unknown,
}

/// An event's place in its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The line, from 1.
    pub line: usize,
    /// When, in ns since the history began, if it says so.
    pub time_ns: Option<u64>,
    /// Its place in the order of events. Intervals are closed: of the events of one instant invocations come first, so
    /// that an operation which ends as another begins is concurrent with it.
    pub order: u64,
}

/// What an event says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// One event of a recorded history.
#[derive(Debug)]
pub(super) struct RawEvent {
    pub line: usize,
    pub time_ns: Option<u64>,
    pub process: u64,
    pub kind: Kind,
    pub f: String,
    pub value: Value,
}

/// Matches completions with invocations, event by event.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    operations: Vec<Recorded>,
    /// The operation that each process has under way.
    open: HashMap<u64, usize>,
    instant: u64,
    last_ns: Option<u64>,
}

impl Kind {
    pub(super) fn parse(word: &str) -> Option<Kind> {
        match word {
            "invoke" => Some(Kind::Invoke),
            "ok" => Some(Kind::Ok),
            "fail" => Some(Kind::Fail),
            "info" => Some(Kind::Info),
            _ => None,
        }
    }
}

impl Pairing {
    pub(super) fn push(&mut self, event: RawEvent) -> Result<(), HistoryError> {
        let RawEvent { line, time_ns, process, kind, f, value } = event;
        if time_ns.is_none() || time_ns != self.last_ns {
            self.instant += 1;
        }
        self.last_ns = time_ns;
        let order = 2 * self.instant + u64::from(kind != Kind::Invoke);
        let moment = Moment { line, time_ns, order };
        if kind == Kind::Invoke {
            if let Some(open) = self.open.insert(process, self.operations.len()) {
                let open = self.operations[open].call.line;
                return Err(HistoryError::Overlap { line, process, f, open });
            }
            let end = End::Unknown;
            self.operations.push(Recorded { process, f, invoked: value, end, call: moment, done: None });
            return Ok(());
        }
        let Some(open) = self.open.remove(&process).filter(|open| self.operations[*open].f == f) else {
            return Err(HistoryError::NotInvoked { line, process, f });
        };
        let operation = &mut self.operations[open];
        operation.done = Some(moment);
        operation.end = match kind {
            Kind::Ok => End::Ok(value),
            Kind::Fail => End::Fail,
            Kind::Info | Kind::Invoke => End::Unknown,
        };
        Ok(())
    }

    /// The operations in order of their invocations.
    pub(super) fn finish(self) -> Vec<Recorded> {
        self.operations
    }
}

impl fmt::Display for Recorded {
    /// `p3 write 5`, `p1 read → 2`, `p2 cas [1,2] → unknown`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{} {}", self.process, self.f)?;
        if !self.invoked.is_null() {
            write!(f, " {}", self.invoked)?;
        }
        match &self.end {
            End::Ok(value) if *value == self.invoked && !value.is_null() => Ok(()),
            End::Ok(value) => write!(f, " → {value}"),
            End::Fail => f.write_str(" → failed"),
            End::Unknown => f.write_str(" → unknown"),
        }
    }
}

impl fmt::Display for Moment {
    /// The time, where there is one, else the line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.time_ns {
            Some(ns) if ns < 10_000 => write!(f, "{ns} ns"),
            Some(ns) => write!(f, "{:.3} ms", ns as f64 / 1e6),
            None => write!(f, "line {}", self.line),
        }
    }
}
