//! What was measured, as a table and as a picture.

use crate::chart::{Chart, Line};
use comfy_table::{CellAlignment, Table, presets};

/// A table that grows row by row, and the lines of its picture.
pub struct Report {
    table: Table,
    lines: Vec<Line>,
}

impl Report {
    /// An empty one. Of each row the first cell has the commands, and the second says what they are in.
    pub fn new<const N: usize>(columns: [&str; N]) -> Report {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN);
        table.set_header(columns);
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_cell_alignment(if index == 1 { CellAlignment::Left } else { CellAlignment::Right });
        }
        Report { table, lines: Vec::new() }
    }

    pub fn add_row<const N: usize>(&mut self, cells: [String; N]) {
        self.table.add_row(cells);
    }

    /// A point of a line: so many commands took so many seconds.
    pub fn add_point(&mut self, label: &str, commands: u32, seconds: f64) {
        let point = (f64::from(commands), seconds * 1e3);
        match self.lines.iter_mut().find(|line| line.label == label) {
            Some(line) => line.points.push(point),
            None => self.lines.push(Line { label: label.to_owned(), points: vec![point] }),
        }
    }

    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The picture, as an SVG document.
    pub fn chart(&self) -> String {
        Chart { across: "commands", up: "ms until they are recovered", lines: &self.lines }.svg()
    }
}

/// Bytes, in MB.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}
