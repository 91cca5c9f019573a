//! Tables without frames, as wide as the terminal.
//!
//! Where a row does not fit, its first columns stay on the line, as many as have room, and the others follow below it,
//! each with its name, from the first that is prose: nothing is cut, no word is broken, no column is lost.

use super::out::{self, Colour};
use crate::text;
use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Row};

/// Between two columns.
const GAP: usize = 2;
/// Text that is wrapped has at least so much room beside other columns.
const PROSE_COLUMNS: usize = 30;

/// A table under way.
pub(super) struct Table {
    header: Vec<&'static str>,
    /// Those whose cells are text, which may take several lines.
    prose: Vec<&'static str>,
    rows: Vec<Vec<(String, Option<Colour>)>>,
}

impl Table {
    /// A table with these columns, of which some are prose.
    pub(super) fn new(header: &[&'static str], prose: &[&'static str]) -> Self {
        Table { header: header.to_vec(), prose: prose.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.into_iter().map(|cell| (cell, None)).collect());
    }

    /// Adds a row whose last cell has a colour.
    pub(super) fn row_in(&mut self, colour: Colour, cells: Vec<String>) {
        self.row(cells);
        if let Some((_, of_last)) = self.rows.last_mut().and_then(|row| row.last_mut()) {
            *of_last = Some(colour);
        }
    }

    /// Prints it, as wide as the terminal.
    pub(super) fn print(&self) -> miette::Result<()> {
        out::say(&self.text(out::columns()))
    }

    /// It, so wide.
    fn text(&self, columns: usize) -> String {
        let beside = self.beside(columns);
        let lines = self.laid_out(columns, beside);
        lines.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    fn is_prose(&self, column: usize) -> bool {
        self.prose.contains(&self.header[column])
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| text::columns(&row[column].0));
        cells.chain([text::columns(self.header[column])]).max().unwrap_or(0)
    }

    /// How many of the columns, from the first, stand side by side. All, if they have room, where prose is content with
    /// less than all it says; or those before any prose that have.
    fn beside(&self, columns: usize) -> usize {
        let all = 0..self.header.len();
        let least = |column| match self.width(column) {
            width if self.is_prose(column) => width.min(PROSE_COLUMNS) + GAP,
            width => width + GAP,
        };
        if all.clone().map(least).sum::<usize>() <= columns + GAP {
            return self.header.len();
        }
        let mut used = 0;
        let fits = |column: &usize| {
            used += least(*column);
            !self.is_prose(*column) && used <= columns + GAP
        };
        all.take_while(fits).count().max(1)
    }

    fn laid_out(&self, columns: usize, beside: usize) -> String {
        if beside == self.header.len() {
            let rows = self.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>());
            return self.grid(columns, &self.header, rows).to_string();
        }
        let heads = &self.header[..beside];
        let firsts = self.rows.iter().map(|row| row[..beside].iter().map(cell).collect::<Vec<_>>());
        let firsts = self.grid(columns, heads, firsts);
        let mut lines: Vec<String> = Vec::new();
        let mut rows = self.rows.iter();
        for line in firsts.lines() {
            // The first line is the header.
            let row = if lines.is_empty() { None } else { rows.next() };
            lines.push(line);
            let rest = row.map(|row| &row[beside..]).unwrap_or_default();
            let rest = self.header[beside..].iter().zip(rest).filter(|(_, (text, _))| !text.is_empty());
            let named: Vec<_> =
                rest.map(|(name, of)| vec![Cell::new(name.to_lowercase()), cell(of)]).collect();
            if !named.is_empty() {
                let mut below = bare(columns.saturating_sub(GAP));
                below.add_rows(named);
                widen(&mut below, &[0]);
                lines.extend(below.lines().map(|line| format!("{:GAP$}{line}", "")));
            }
        }
        lines.join("\n")
    }

    fn grid(
        &self,
        columns: usize,
        header: &[&'static str],
        rows: impl Iterator<Item = Vec<Cell>>,
    ) -> comfy_table::Table {
        let mut grid = bare(columns);
        grid.set_header(header.to_vec()).add_rows(rows.map(Row::from));
        let fixed: Vec<usize> = (0..header.len()).filter(|column| !self.is_prose(*column)).collect();
        widen(&mut grid, &fixed);
        grid
    }
}

fn bare(columns: usize) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table
        .load_preset(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(columns).unwrap_or(u16::MAX));
    table
}

/// These columns are never wrapped, and all are set apart from the next, and from nothing on the left.
fn widen(table: &mut comfy_table::Table, fixed: &[usize]) {
    for (number, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, GAP as u16));
        if fixed.contains(&number) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

fn cell((text, colour): &(String, Option<Colour>)) -> Cell {
    let cell = Cell::new(text);
    match colour.filter(|_| out::wants_colour()) {
        Some(Colour::Bold) => cell.add_attribute(comfy_table::Attribute::Bold),
        Some(Colour::Bad) => cell.fg(comfy_table::Color::DarkRed),
        Some(Colour::Good) => cell.fg(comfy_table::Color::DarkGreen),
        Some(Colour::Odd) => cell.fg(comfy_table::Color::DarkYellow),
        None => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenarios() -> Table {
        let mut table = Table::new(&["SCENARIO", "SYSTEM", "TITLE"], &["TITLE"]);
        let title = "A node is cut off and comes back: what happened on the other side arrives".to_owned();
        table.row(vec!["registry/netsplit".into(), "registry".into(), title.clone()]);
        table.row(vec!["a/name-that-is-longer-than-most-of-the-others-are".into(), "registry".into(), title]);
        table
    }

    #[test]
    fn a_table_that_fits_has_a_line_a_row() {
        let text = scenarios().text(160);
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_no_word_is_broken_or_lost() {
        for columns in [60, 80, 100, 120] {
            let text = scenarios().text(columns);
            assert!(text.lines().all(|line| text::columns(line) <= columns), "{columns}:\n{text}");
            let words: Vec<&str> = text.split_whitespace().collect();
            for word in ["registry/netsplit", "registry", "happened", "arrives"] {
                assert!(words.contains(&word), "{columns}: {word} in\n{text}");
            }
        }
    }

    #[test]
    fn what_has_no_room_beside_is_below_and_has_its_name() {
        let text = scenarios().text(60);
        assert_eq!(text.lines().nth(2).unwrap().split_whitespace().next(), Some("title"));
    }
}
