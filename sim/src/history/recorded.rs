//! Operations of a history, whatever recorded it.

use super::Process;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// One operation of a history, with the JSON it was recorded as.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The process that did it.
    pub process: Process,
    /// The function; empty if the history names none.
    pub f: Arc<str>,
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
    /// Its place in the order of events; see `order.rs`. What ended at a smaller one was over when this happened.
    pub order: u64,
}

impl fmt::Display for Recorded {
    /// `p3 write 5`, `p1 read → 2`, `p2 cas [1,2] → unknown`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            Process::Number(number) => write!(f, "p{number}")?,
            Process::Named(name) => f.write_str(name)?,
        }
        let function = if self.f.is_empty() { "txn" } else { &self.f };
        write!(f, " {function}")?;
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
