//! What a run costs as it grows: `cargo bench --bench growth`, or `… -- BINARY` for another build of the command.
//!
//! One thing grows at a time: nodes, clients, names, operations. Told is how many messages a run has, how much processor
//! time it takes, and how much that is a message: where the last stays as it is, a run is linear in its messages.
//! `docs/images/growth.svg` is drawn anew.

#![allow(clippy::print_stdout, reason = "its figures are for people")]

#[path = "support/chart.rs"]
mod chart;
#[path = "support/processor.rs"]
mod processor;

use chart::{Chart, Line};
use processor::of_children;
use serde_json::Value;
use std::process::{Command, Stdio};

/// What grows, in which scenario, by which key, and the values.
const GROWS: [(&str, &str, &str, &[&str]); 5] = [
    ("nodes", "registry/quiet", "cluster.nodes", &["3", "6", "12", "24", "48", "64"]),
    ("clients", "registry/quiet", "workload.clients", &["4", "8", "16", "32", "64"]),
    ("names", "registry/quiet", "workload.keys", &["8", "32", "128", "512", "2048"]),
    ("operations", "registry/quiet", "workload.rate", &["50/s", "100/s", "200/s", "400/s", "800/s"]),
    ("operations of a bank", "bank/quiet", "workload.rate", &["50/s", "100/s", "200/s", "400/s"]),
];

/// How many seeds of each.
const SEEDS: u32 = 10;

fn main() {
    // What cargo passes by itself is an option.
    let other = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let binary = other.unwrap_or_else(|| env!("CARGO_BIN_EXE_splitbrain").to_owned());
    println!("{:<22} {:>8} {:>12} {:>10} {:>12}", "", "", "messages/run", "ms/run", "µs/message");
    let mut lines = Vec::new();
    for (what, scenario, key, values) in GROWS {
        let mut line = Line { label: what.to_owned(), points: Vec::new() };
        for value in values {
            let (messages, ms) = measure(&binary, scenario, &format!("{key}={value}"));
            let us_a_message = ms * 1e3 / messages;
            println!("{what:<22} {value:>8} {messages:>12.0} {ms:>10.2} {us_a_message:>12.2}");
            line.points.push((messages, ms));
        }
        lines.push(line);
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/images/growth.svg");
    let chart = Chart { across: "messages a run", up: "ms of processor time a run", lines: &lines };
    std::fs::write(path, chart.svg()).expect("the picture can be written");
}

/// Messages and ms a run, one seed after the other, on one core.
fn measure(binary: &str, scenario: &str, set: &str) -> (f64, f64) {
    let before = of_children();
    let mut sweep = Command::new(binary);
    sweep.args(["sweep", scenario, "--set", set, "--jobs", "1", "--json", "--seeds"]);
    let told = sweep.arg(SEEDS.to_string()).stderr(Stdio::null()).output().expect("the command starts");
    let ms = (of_children() - before) * 1e3 / f64::from(SEEDS);
    let text = String::from_utf8(told.stdout).expect("JSON is UTF-8");
    let summary: Value = serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{binary} sweep {scenario} --set {set} fails: {error}"));
    let figure = |name: &str| summary[name].as_f64().expect("a summary has its figures");
    (figure("messages_per_second") / figure("runs_per_second"), ms)
}
