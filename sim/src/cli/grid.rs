//! `sweep --grid`: a scenario with every combination of some values, and a figure of each, as a table, as JSON, as CSV and
//! as a picture.

use super::out;
use crate::catalog::{Case, Catalog};
use crate::chart::{self, HeatMap};
use crate::scenario::Systems;
use crate::sweep::{Axis, Figure, Grid, Summary, Unit};
use crate::text;
use clap::Args;
use miette::{Context, IntoDiagnostic};
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::Path;

/// Between two columns.
const GAP: usize = 2;

/// Arguments that make a sweep one of a grid.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Sweep the scenario with each of these values: KEY=A..B/N or KEY=A,B,C; with each combination, if it is given twice.
    #[arg(long = "grid", value_name = "KEY=VALUES")]
    axes: Vec<Axis>,
    /// A figure of each cell of a grid: violations, ok, p99, OPERATION.p99, probe.NAME, …; several, if it is given again.
    #[arg(long = "figure", value_name = "FIGURE", requires = "axes")]
    figures: Vec<Figure>,
}

impl Arguments {
    pub(super) fn read(&self, catalog: &Catalog, overrides: &[(String, String)]) -> miette::Result<Grid> {
        Grid::new(&self.axes, &catalog.names(), overrides).map_err(|error| miette::miette!("--grid: {error}"))
    }

    pub(super) fn figures(&self, cases: &[Case]) -> miette::Result<Vec<Figure>> {
        checked(&self.figures, cases)
    }
}

/// The figures that were asked for, if the system has them; the usual ones, if none were.
pub(super) fn checked(wanted: &[Figure], cases: &[Case]) -> miette::Result<Vec<Figure>> {
    if let Some(case) = cases.first() {
        let words = case.system.vocabulary();
        wanted.iter().try_for_each(|figure| figure.check(&words))?;
    }
    Ok(if wanted.is_empty() { Figure::usual() } else { wanted.to_vec() })
}

/// The cells of a scenario's grid.
pub(super) fn cells(
    catalog: &Catalog,
    scenario: &str,
    grid: &Grid,
    overrides: &[(String, String)],
) -> miette::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for cell in grid.cells() {
        let mut loaded = catalog.load(scenario, &[overrides, &cell].concat())?;
        let case = loaded.pop().filter(|_| loaded.is_empty()).ok_or_else(of_one_scenario)?;
        cases.push(grid.cell(case));
    }
    Ok(cases)
}

pub(super) fn of_one_scenario() -> miette::Report {
    miette::miette!(help = "name one file", "--grid is of one scenario")
}

/// What a grid's cells have come to.
pub(super) struct Told<'a> {
    grid: &'a Grid,
    figures: &'a [Figure],
    cases: &'a [Case],
    summary: &'a Summary,
}

/// A cell as `--json` prints it.
#[derive(Serialize)]
struct CellJson<'a> {
    cell: Map<String, Value>,
    scenario: &'a str,
    runs: u64,
    figures: Map<String, Value>,
}

impl<'a> Told<'a> {
    pub(super) fn new(
        grid: &'a Grid,
        figures: &'a [Figure],
        cases: &'a [Case],
        summary: &'a Summary,
    ) -> Told<'a> {
        Told { grid, figures, cases, summary }
    }

    /// A table a figure, with a row a value of the first axis and a column a value of the second; one table of all
    /// figures, where there is one axis.
    pub(super) fn print(&self) -> miette::Result<()> {
        for (title, rows) in self.tables() {
            out::tell(&format!("{title}\n{}\n", laid_out(&rows)))?;
        }
        Ok(())
    }

    /// A line a cell. Nothing, where there is no grid.
    pub(super) fn print_json(&self) -> miette::Result<()> {
        if self.grid.is_none() {
            return Ok(());
        }
        for (place, cell) in self.grid.cells().into_iter().enumerate() {
            let of = |figure: &Figure| (figure.to_string(), self.value(figure, place).into());
            out::line(&CellJson {
                cell: cell.into_iter().map(|(key, value)| (key, value.into())).collect(),
                scenario: &self.cases[place].name,
                runs: self.summary.cases[place].runs,
                figures: self.figures.iter().map(of).collect(),
            })?;
        }
        Ok(())
    }

    /// Writes `grid.csv`, and a picture of each figure, into a folder.
    pub(super) fn write(&self, folder: &Path) -> miette::Result<()> {
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            std::fs::write(&path, text).into_diagnostic().with_context(|| path.display().to_string())
        };
        write("grid.csv", self.csv())?;
        for figure in self.figures {
            // A probe's name may have spaces, and what else no file should have.
            let name: String = figure
                .to_string()
                .chars()
                .map(|letter| if letter.is_alphanumeric() || letter == '.' { letter } else { '-' })
                .collect();
            write(&format!("{name}.svg"), self.picture(figure).svg())?;
        }
        Ok(())
    }

    fn value(&self, figure: &Figure, cell: usize) -> Option<f64> {
        figure.of(&self.summary.cases[cell])
    }

    fn text(&self, figure: &Figure, cell: usize) -> String {
        self.value(figure, cell).map_or_else(|| "–".to_owned(), |value| told(figure.unit(), value))
    }

    /// How many cells a value of the first axis has.
    fn columns(&self) -> usize {
        self.grid.axes().get(1).map_or(1, |axis| axis.values.len())
    }

    fn tables(&self) -> Vec<(String, Vec<Vec<String>>)> {
        let scenario = self.cases[0].path.with_extension("");
        let scenario = scenario.strip_prefix("scenarios").unwrap_or(&scenario).display();
        match self.grid.axes() {
            [] => Vec::new(),
            [axis] => {
                let names = self.figures.iter().map(ToString::to_string);
                let mut rows = vec![[axis.label.clone()].into_iter().chain(names).collect::<Vec<_>>()];
                rows.extend(axis.values.iter().enumerate().map(|(cell, value)| {
                    let figures = self.figures.iter().map(|figure| self.text(figure, cell));
                    [value.clone()].into_iter().chain(figures).collect()
                }));
                vec![(format!("{scenario}: by {}", axis.label), rows)]
            }
            [down, across, ..] => {
                let table = |figure: &Figure| {
                    let mut rows = vec![[String::new()].iter().chain(&across.values).cloned().collect()];
                    rows.extend(down.values.iter().enumerate().map(|(row, value)| {
                        let cells = row * self.columns()..(row + 1) * self.columns();
                        let cells = cells.map(|cell| self.text(figure, cell));
                        [value.clone()].into_iter().chain(cells).collect::<Vec<_>>()
                    }));
                    (format!("{scenario}: {figure}, {} down, {} across", down.label, across.label), rows)
                };
                self.figures.iter().map(table).collect()
            }
        }
    }

    fn csv(&self) -> String {
        let unit = |figure: &Figure| if figure.unit() == Unit::Micros { "_us" } else { "" };
        let keys = self.grid.axes().iter().map(|axis| axis.label.clone());
        let names = self.figures.iter().map(|figure| format!("{figure}{}", unit(figure)));
        let header: Vec<String> = keys.chain(["runs".to_owned()]).chain(names).collect();
        let mut rows = vec![header];
        for (place, cell) in self.grid.cells().into_iter().enumerate() {
            let figures = self
                .figures
                .iter()
                .map(|figure| self.value(figure, place).map(|value| value.to_string()).unwrap_or_default());
            let runs = self.summary.cases[place].runs.to_string();
            rows.push(cell.into_iter().map(|(_, value)| value).chain([runs]).chain(figures).collect());
        }
        let line =
            |row: Vec<String>| row.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",") + "\n";
        rows.into_iter().map(line).collect()
    }

    fn picture(&self, figure: &Figure) -> HeatMap {
        let axis = |axis: &Axis| chart::Axis { label: axis.label.clone(), ticks: axis.values.clone() };
        let none = || chart::Axis { label: String::new(), ticks: vec![String::new()] };
        let (y, x) = match self.grid.axes() {
            [down, across, ..] => (axis(down), axis(across)),
            [one] => (none(), axis(one)),
            [] => (none(), none()),
        };
        let cell = |place: usize| {
            let value = self.value(figure, place)?;
            Some(chart::Cell { value, text: told(figure.unit(), value) })
        };
        let width = x.ticks.len();
        let row = |row: usize| (row * width..(row + 1) * width).map(cell).collect();
        let cells = (0..y.ticks.len()).map(row).collect();
        let seeds = self.summary.cases.iter().map(|case| case.runs).max().unwrap_or(0);
        let title = self.tables().first().map_or_else(String::new, |(title, _)| {
            let scenario = title.split(':').next().unwrap_or_default();
            format!("{scenario}: {figure}, of {seeds} seeds a cell")
        });
        HeatMap { title, x, y, cells, scale: None }
    }
}

/// A figure as people read it.
fn told(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Share if value > 0.0 && value < 0.01 => format!("{:.2} %", value * 100.0),
        Unit::Share => format!("{:.0} %", value * 100.0),
        Unit::Micros => out::micros(value as u64),
        Unit::Count => format!("{value:.1}"),
    }
}

/// A field of a CSV file.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// Rows in columns, the first to the left and the others to the right.
fn laid_out(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| text::columns(cell)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let pad = " ".repeat(width - text::columns(cell));
            if column == 0 { format!("{cell}{pad}") } else { format!("{:GAP$}{pad}{cell}", "") }
        });
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_as_people_read_them() {
        assert_eq!(told(Unit::Share, 0.0), "0 %");
        assert_eq!(told(Unit::Share, 0.0025), "0.25 %");
        assert_eq!(told(Unit::Share, 0.5), "50 %");
        assert_eq!(told(Unit::Micros, 1_500_000.0), "1.50 s");
        assert_eq!(told(Unit::Count, 2.04), "2.0");
    }

    #[test]
    fn a_field_with_a_comma_or_a_quote_is_quoted() {
        assert_eq!(quoted("30s"), "30s");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("\"a\""), "\"\"\"a\"\"\"");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["", "30s", "300s"], ["60s", "1 %", "100 %"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(laid_out(&rows), "     30s   300s\n60s  1 %  100 %");
    }
}
