//! A history as people read it: an operation a row, with a bar for the time that it took.
//!
//! ```text
//! 0.285 s  p1  lookup "name-0" → null          ██
//! 0.453 s  p1  register "name-0" → "<n2.1>"        █
//! 0.523 s  p0  kill "name-1" → unknown             ▒▒▒▒▒▒▒▒▶
//! ```
//!
//! Bars share one axis, from the first event to the last. What overlaps was concurrent: no order of such operations is
//! told by time. A failed operation is light; one of unknown outcome has no end, for it may happen later.

use super::Line;
use crate::text::{cut, plain};
use comfy_table::{Table, presets};
use serde_json::Value;
use std::collections::BTreeMap;

/// How wide the axis of bars is, in letters.
const AXIS: usize = 40;
/// A wider operation is cut.
const OPERATION_COLUMNS_MAX: usize = 57;

/// An operation, from its lines.
struct Row<'a> {
    invoked: &'a Line,
    completed: Option<&'a Line>,
}

/// The table of a history, without a newline at its end; for terminals, snapshots and failing tests.
pub fn table(lines: &[Line]) -> String {
    let rows = rows(lines);
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return "no operation".to_owned();
    };
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    for row in &rows {
        table.add_row([
            format!("{:.3} s", row.invoked.time as f64 / 1e9),
            format!("p{}", row.invoked.process),
            row.words(),
            row.bar(first.time, last.time),
        ]);
    }
    let trimmed: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    trimmed.join("\n")
}

/// The operations, in order of their invocations.
fn rows(lines: &[Line]) -> Vec<Row<'_>> {
    let (mut rows, mut under_way) = (Vec::new(), BTreeMap::new());
    for line in lines {
        if line.kind == "invoke" {
            under_way.insert(line.process, rows.len());
            rows.push(Row { invoked: line, completed: None });
        } else if let Some(row) = under_way.remove(&line.process) {
            rows[row].completed = Some(line);
        }
    }
    rows
}

impl Row<'_> {
    /// `register "a" → "<n2.1>"`
    fn words(&self) -> String {
        let Line { f, value, .. } = self.invoked;
        let argument = if value.is_null() { String::new() } else { format!(" {value}") };
        let answer = match self.completed {
            Some(Line { kind: "ok", value: Value::Null, .. }) => "ok".to_owned(),
            Some(Line { kind: "ok", value, .. }) => value.to_string(),
            Some(Line { kind: "fail", error, .. }) => {
                format!("failed ({})", error.as_deref().unwrap_or_default())
            }
            Some(_) | None => "unknown".to_owned(),
        };
        cut(&plain(&format!("{f}{argument} → {answer}")), OPERATION_COLUMNS_MAX)
    }

    fn bar(&self, first_ns: u64, last_ns: u64) -> String {
        let place = |at_ns: u64| {
            let part =
                (at_ns - first_ns) as u128 * (AXIS as u128 - 1) / u128::from((last_ns - first_ns).max(1));
            part as usize
        };
        let from = place(self.invoked.time);
        let (letter, to, end) = match self.completed {
            Some(line) if line.kind == "ok" => ("█", place(line.time), ""),
            Some(line) if line.kind == "fail" => ("░", place(line.time), ""),
            _ => ("▒", AXIS - 1, "▶"),
        };
        format!("{}{}{end}", " ".repeat(from), letter.repeat(to - from + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{History, Outcome};
    use super::*;
    use serde::Serialize;

    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Op {
        Write(String),
        Read,
    }

    const MS: u64 = 1_000_000;

    #[test]
    fn each_operation_is_a_row_with_a_bar() {
        let mut history: History<Op, Option<u32>> = History::default();
        let write = history.invoke(0, 0, Op::Write("a".to_owned()));
        let read = history.invoke(100 * MS, 1, Op::Read);
        history.complete(200 * MS, read, Outcome::Ok(Some(3)));
        history.complete(250 * MS, write, Outcome::Unknown("no answer".into()));
        let write = history.invoke(300 * MS, 2, Op::Write("\u{1b}[2J\u{202e}".to_owned()));
        history.complete(400 * MS, write, Outcome::Fail("it is full".into()));
        history.invoke(400 * MS, 1, Op::Read);
        insta::assert_snapshot!(table(&history.lines()));
    }

    #[test]
    fn a_history_of_nothing_has_no_row() {
        assert_eq!(table(&History::<Op, ()>::default().lines()), "no operation");
    }
}
