//! What can be told by counting, without an order of everything.
//!
//! | name | what must hold |
//! |---|---|
//! | `set-full` | an element that was added, or read, is in every later read; `set-full:linearizable`: also at once |
//! | `total-queue` | what was put in comes out, and nothing else |
//! | `long-fork` | of two reads of the same keys, each written once, one has seen what the other has |

mod long_fork;
mod set_full;
#[cfg(test)]
mod tests;
mod total_queue;

use super::cited::Cited;
use super::judge::Ruling;
use crate::history::{HistoryError, Recorded};
use crate::verdict::Verdict;
use std::fmt;
use std::str::FromStr;

/// Every name.
pub(super) const NAMES: [&str; 3] = ["set-full", "total-queue", "long-fork"];

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tally {
    SetFull { linearizable: bool },
    TotalQueue,
    LongFork,
}

impl Tally {
    pub(super) fn judge(self, history: &[Recorded]) -> Result<Ruling, HistoryError> {
        let counted = match self {
            Tally::SetFull { linearizable } => set_full::judge(history, linearizable)?,
            Tally::TotalQueue => total_queue::judge(history)?,
            Tally::LongFork => long_fork::judge(history)?,
        };
        Ok(counted.ruling(history))
    }
}

/// What counting came to.
#[derive(Debug, Default)]
struct Counted {
    /// What is wrong, and which operations show it; the first is told first.
    wrong: Vec<(String, Vec<usize>)>,
    /// Why nothing is known; none if all is well.
    unknown: Option<String>,
}

impl Counted {
    fn ruling(&self, history: &[Recorded]) -> Ruling {
        let answered = history.iter().filter(|recorded| recorded.done.is_some()).count();
        let Some((summary, operations)) = self.wrong.first() else {
            let unknown = self.unknown.clone();
            return unknown.map_or_else(|| Ruling::valid(answered), |why| Ruling::unknown(0, why));
        };
        let mut page = Vec::new();
        for (says, operations) in &self.wrong {
            page.push(says.clone());
            for operation in operations {
                let recorded = &history[*operation];
                page.push(format!("  line {:<5} {recorded}", recorded.call.line));
            }
        }
        let shown = || operations.iter().map(|operation| &history[*operation]);
        let last_line = |recorded: &Recorded| recorded.done.map_or(recorded.call.line, |done| done.line);
        let lines = shown().map(|recorded| recorded.call.line).min().zip(shown().map(last_line).max());
        let at_ns = shown().filter_map(|recorded| recorded.done?.time_ns).max();
        Ruling {
            verdict: Verdict::Violation,
            longest_prefix: 0,
            summary: summary.clone(),
            at_ns,
            lines,
            page,
            is_limited: false,
            witness: None,
            cited: Cited::wrong(operations.iter().copied()),
        }
    }
}

impl FromStr for Tally {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "set-full" => Ok(Tally::SetFull { linearizable: false }),
            "set-full:linearizable" => Ok(Tally::SetFull { linearizable: true }),
            "total-queue" => Ok(Tally::TotalQueue),
            "long-fork" => Ok(Tally::LongFork),
            _ => Err(format!("there is no `{text}`: set-full may be `set-full:linearizable`")),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tally::SetFull { linearizable: false } => "set-full",
            Tally::SetFull { linearizable: true } => "set-full:linearizable",
            Tally::TotalQueue => "total-queue",
            Tally::LongFork => "long-fork",
        })
    }
}

fn meaning(recorded: &Recorded, why: String) -> HistoryError {
    HistoryError::Meaning { line: recorded.done.unwrap_or(recorded.call).line, why }
}
