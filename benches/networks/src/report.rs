//! The figures, for people and for programs.

use crate::measure::Figure;
use crate::peers;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::io::{self, Write};

/// A row a workload and peer: runs a second, how many times as many splitbrain has, and what the clients were told.
pub fn table(figures: &[Figure], out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(["", "", "runs/s", "splitbrain is", "answered a run", "not answered"]);
    for figure in figures {
        let ratio = if figure.peer == peers::SPLITBRAIN {
            String::new()
        } else {
            format!("{:.1} ×", ratio(figure, figures))
        };
        table.add_row([
            figure.workload.to_string(),
            figure.peer.to_owned(),
            format!("{:.1}", figure.median()),
            ratio,
            format!("{:.0}", figure.answered()),
            format!("{:.1}", figure.unanswered()),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(out, "{table}")
}

/// One object a line, a line a figure.
pub fn json(figures: &[Figure], out: &mut impl Write) -> io::Result<()> {
    for figure in figures {
        let line = Line {
            workload: figure.workload.to_string(),
            peer: figure.peer,
            runs_per_second: figure.median(),
            min: figure.per_second[0],
            max: figure.per_second[figure.per_second.len() - 1],
            splitbrain_is: ratio(figure, figures),
            answered: figure.answered(),
            unanswered: figure.unanswered(),
        };
        writeln!(out, "{}", serde_json::to_string(&line)?)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Line {
    workload: String,
    peer: &'static str,
    /// The median of the rounds.
    runs_per_second: f64,
    min: f64,
    max: f64,
    /// Times as many runs a second as this peer.
    splitbrain_is: f64,
    /// Operations a run.
    answered: f64,
    unanswered: f64,
}

/// How many times as many runs as this figure's peer splitbrain has.
fn ratio(figure: &Figure, figures: &[Figure]) -> f64 {
    let splitbrain = figures
        .iter()
        .find(|other| other.workload == figure.workload && other.peer == peers::SPLITBRAIN)
        .expect("splitbrain is measured at every workload");
    splitbrain.median() / figure.median()
}
