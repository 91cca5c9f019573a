//! A part of a trace as people read it: a table with a column for each machine, and time going down.
//!
//! ```text
//!      time │ c3                          │ n1                  │ n2
//!   7.127 s │ ── fault 0 strikes: partition n1 | n2 n3 ─────────────
//!  15.586 s │ → n1 Register { name: "a" } │ ← c3 after 1.204 ms │
//!  15.588 s │                             │ → n2 Sync { .. }    │ lost
//! ```
//!
//! A [`Story`] has a lane for each machine that has a part in it. Where there is no room for all, clients share one, and
//! where even that is too much, all do, each row with the name of its machine. A message that arrives before anything
//! else is told is one row; otherwise its departure and its arrival are two.
//!
//! What protocols and files say is shown as what it is: whatever would move a terminal's cursor, or turn the direction of
//! letters, is spelt out ([`plain`]), and what is too long is cut ([`cut`]).

mod belief;
mod filter;
mod rank;
mod row;
mod turn;

pub use crate::text::{cut, plain, seconds};
pub use belief::{beliefs, held};
pub use filter::{Filter, Kind};
pub use rank::Ranks;
pub use row::{Cell, Row};
pub use turn::{Turn, silences, turns};

use crate::cause::Trace;
use crate::text::{columns, padded, wrapped};
use std::collections::BTreeSet;

/// The narrowest lane that can be read.
const LANE_WIDTH_MIN: usize = 14;
/// A lane wider than this only scatters what belongs together.
const LANE_WIDTH_MAX: usize = 60;
/// The column of times, and what separates columns.
const TIME_WIDTH: usize = 10;
const SEPARATOR: &str = " │ ";
const SEPARATOR_WIDTH: usize = 3;

/// Some events of a trace, as rows.
#[derive(Debug, Clone)]
pub struct Story<'t> {
    trace: &'t Trace<'t>,
    rows: Vec<Row>,
}

/// What stands in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lane {
    title: String,
    machines: BTreeSet<usize>,
    /// It is shared, so each cell begins with the name of its machine.
    shared: bool,
}

impl<'t> Story<'t> {
    /// The story of these events, which are places in a trace, in order.
    pub fn new(trace: &'t Trace<'t>, events: &[usize]) -> Self {
        Story { trace, rows: row::rows(trace, events) }
    }

    /// With what nodes came to believe under way.
    #[must_use]
    pub fn with_turns(mut self, turns: &[Turn]) -> Self {
        self.rows.extend(turns.iter().map(|turn| row::of_a_turn(self.trace, turn)));
        self.rows.sort_by_key(|row| row.at_ns);
        self
    }

    /// With long numbers told by their rank.
    #[must_use]
    pub fn ranked(mut self, ranks: &Ranks) -> Self {
        for row in &mut self.rows {
            let cells = row.cells.iter_mut().map(|cell| &mut cell.text);
            cells.chain(&mut row.across).for_each(|text| *text = ranks.told(text));
        }
        self
    }

    /// All that it says.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let of_rows = self.rows.iter();
        of_rows.flat_map(|row| row.cells.iter().map(|cell| cell.text.as_str()).chain(row.across.as_deref()))
    }

    /// What it tells, row by row.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The table, in so many columns of a terminal, without colour; no line is longer.
    pub fn table(&self, columns: usize) -> String {
        self.table_with(columns, 1)
    }

    /// The same, with cells that go on in up to so many lines.
    pub fn table_with(&self, columns: usize, lines_of_cell: usize) -> String {
        let lanes = self.lanes(columns);
        let width = lane_width(columns, lanes.len());
        let mut table = String::new();
        let mut line = |time: &str, rest: &str| {
            let text = format!("{time:>TIME_WIDTH$}{SEPARATOR}{rest}");
            table.push_str(&cut(text.trim_end(), columns));
            table.push('\n');
        };
        let titles: Vec<String> = lanes.iter().map(|lane| padded(&lane.title, width)).collect();
        line("time", &titles.join(SEPARATOR));
        for row in &self.rows {
            let time = seconds(row.at_ns);
            match &row.across {
                Some(text) => {
                    let all = lanes.len() * (width + SEPARATOR_WIDTH) - SEPARATOR_WIDTH;
                    let text = cut(&plain(text), all.saturating_sub(6));
                    line(&time, &format!("── {text} ──"));
                }
                None => {
                    let cells = cells(row, &lanes, width, self.trace, lines_of_cell);
                    cells
                        .iter()
                        .enumerate()
                        .for_each(|(at, cells)| line(if at == 0 { &time } else { "" }, cells));
                }
            }
        }
        table
    }

    fn lanes(&self, columns: usize) -> Vec<Lane> {
        let of_rows = self.rows.iter().flat_map(|row| row.cells.iter().map(|cell| cell.machine));
        let part: BTreeSet<usize> = of_rows.flatten().collect();
        let name = |machine: &usize| plain(&self.trace.machines[*machine]);
        let own = |machine: &usize| Lane { title: name(machine), machines: [*machine].into(), shared: false };
        let is_client = |machine: &usize| self.trace.machines[*machine].starts_with('c');
        // Clients come first: what they say leads to the rest, and there is room for it to the right.
        let (clients, nodes): (BTreeSet<usize>, BTreeSet<usize>) = part.iter().partition(|at| is_client(at));
        let each: Vec<Lane> = clients.iter().chain(&nodes).map(own).collect();
        if lane_width(columns, each.len()) >= LANE_WIDTH_MIN {
            return each;
        }
        let mut lanes: Vec<Lane> = nodes.iter().map(own).collect();
        if !clients.is_empty() {
            lanes.insert(0, Lane { title: "clients".to_owned(), machines: clients, shared: true });
        }
        if lane_width(columns, lanes.len()) >= LANE_WIDTH_MIN {
            return lanes;
        }
        vec![Lane { title: "machines".to_owned(), machines: part, shared: true }]
    }
}

/// The cells of a row, lane by lane, in up to so many lines. What is too long for its lane goes on over the empty ones
/// after it.
fn cells(row: &Row, lanes: &[Lane], width: usize, trace: &Trace<'_>, lines_max: usize) -> Vec<String> {
    let text = |lane: &Lane| {
        let is_in = |cell: &&Cell| cell.machine.is_some_and(|machine| lane.machines.contains(&machine));
        let told = row.cells.iter().filter(is_in).map(|cell| match cell.machine.filter(|_| lane.shared) {
            Some(machine) => format!("{} {}", plain(&trace.machines[machine]), plain(&cell.text)),
            None => plain(&cell.text),
        });
        told.collect::<Vec<_>>().join("; ")
    };
    let mut cells: Vec<(usize, Vec<String>)> = Vec::new();
    let mut texts = lanes.iter().map(text).peekable();
    while let Some(text) = texts.next() {
        let mut room = width;
        while columns(&text) > room && texts.next_if(String::is_empty).is_some() {
            room += SEPARATOR_WIDTH + width;
        }
        cells.push((room, wrapped(&text, room, lines_max)));
    }
    let line = |at: usize| {
        let of_cell =
            |(room, lines): &(usize, Vec<String>)| padded(lines.get(at).map_or("", String::as_str), *room);
        cells.iter().map(of_cell).collect::<Vec<_>>().join(SEPARATOR)
    };
    let lines = cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or(1);
    (0..lines).map(line).collect()
}

fn lane_width(columns: usize, lanes: usize) -> usize {
    let all = columns.saturating_sub(TIME_WIDTH);
    let width = (all / lanes.max(1)).saturating_sub(SEPARATOR_WIDTH);
    // Alone, it may have all there is.
    if lanes <= 1 { width } else { width.min(LANE_WIDTH_MAX) }
}

#[cfg(test)]
mod tests;
