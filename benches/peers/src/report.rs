//! The figures, for people and for programs.

use crate::measure::{Figure, Workload};
use crate::peers;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::io::{self, Write};

/// A row a peer, two columns a workload: the figure, and how many times as fast splitbrain is.
pub fn table(figures: &[Figure], out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    let mut header = vec![String::new()];
    for workload in Workload::ALL {
        header.extend([title(workload), "splitbrain is".to_owned()]);
    }
    table.set_header(header);
    for first in figures.iter().filter(|figure| figure.workload == Workload::ALL[0]) {
        let mut row = vec![first.peer.to_owned()];
        for figure in figures.iter().filter(|figure| figure.peer == first.peer) {
            row.extend([speed(figure), format!("{:.2} ×", ratio(figure, figures))]);
        }
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(out, "{table}")
}

/// One object a line, a line a figure.
pub fn json(figures: &[Figure], out: &mut impl Write) -> io::Result<()> {
    for figure in figures {
        let line = Line {
            workload: title(figure.workload),
            peer: figure.peer,
            unit: match figure.workload {
                Workload::Tcp { .. } => "frames/s",
                Workload::Udp { .. } => "datagrams/s",
                Workload::EmptyRun => "runs/s",
            },
            median: figure.median(),
            min: figure.per_second[0],
            max: figure.per_second[figure.per_second.len() - 1],
            splitbrain_is: ratio(figure, figures),
        };
        writeln!(out, "{}", serde_json::to_string(&line)?)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Line {
    workload: String,
    peer: &'static str,
    unit: &'static str,
    median: f64,
    min: f64,
    max: f64,
    /// Times as fast as this peer.
    splitbrain_is: f64,
}

fn title(workload: Workload) -> String {
    match workload {
        Workload::Tcp { window } => format!("TCP frames, {window} outstanding"),
        Workload::Udp { window } => format!("UDP datagrams, {window} outstanding"),
        Workload::EmptyRun => "empty run".to_owned(),
    }
}

fn speed(figure: &Figure) -> String {
    match figure.workload {
        Workload::Tcp { .. } | Workload::Udp { .. } => format!("{:.2} M/s", figure.median() / 1e6),
        Workload::EmptyRun => format!("{:.0} µs", 1e6 / figure.median()),
    }
}

/// How many times as fast as this figure's peer splitbrain is.
fn ratio(figure: &Figure, figures: &[Figure]) -> f64 {
    let splitbrain = figures
        .iter()
        .find(|other| other.workload == figure.workload && other.peer == peers::SPLITBRAIN)
        .expect("splitbrain is measured at every workload");
    splitbrain.median() / figure.median()
}
