//! `sweep --grid` as its users meet it: what it prints and writes, how it is shared and gone on with, what it refuses.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn splitbrain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_splitbrain")).args(arguments).env_remove("CARGO").output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What was said to people, without the places where its lines were broken.
fn errors(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

/// A grid over the launcher that shoots who waits for a poll.
const CLIFF: &[&str] = &[
    "sweep",
    "provisioner/quiet",
    "--set",
    "cluster.options.flaw=poll-equals-timeout",
    "--grid",
    "provisioner.poll=60s,300s",
    "--grid",
    "provisioner.timeout=250s..300s/2",
    "--figure",
    "violations.used",
    "--figure",
    "build.p99",
    "--seeds",
    "0..4",
];

/// The cells of what `--json` printed, without the summary.
fn cells(mut lines: Vec<Value>) -> Vec<Value> {
    assert_eq!(lines.pop().unwrap()["complete"], true);
    lines
}

#[test]
fn a_grid_has_a_line_a_cell_and_shows_the_cliff() {
    let cells = cells(lines(&splitbrain(&[CLIFF, &["--json"]].concat())));
    assert_eq!(cells.len(), 4);
    let used = |cell: usize| cells[cell]["figures"]["violations.used"].as_f64().unwrap();
    assert_eq!(cells[2]["cell"]["cluster.options.poll"], "300s");
    assert_eq!(cells[2]["cell"]["cluster.options.timeout"], "250s");
    assert_eq!(cells[2]["runs"], 4, "a violation does not end a cell");
    assert_eq!((used(2), used(3)), (1.0, 1.0), "polls that come with the deadline, or after it");
    assert_eq!((used(0), used(1)), (0.0, 0.0), "polls that come before it");
    assert!(cells[1]["figures"]["build.p99"].as_f64().unwrap() > 0.0);
}

#[test]
fn people_see_a_table_a_figure_and_a_folder_has_the_same_as_csv_and_as_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let output = splitbrain(&[CLIFF, &["--out", &out]].concat());
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("violations.used, provisioner.poll down, provisioner.timeout across"), "{table}");
    assert!(table.contains("300s  100 %  100 %"), "{table}");
    let csv = fs::read_to_string(folder.path().join("grid.csv")).unwrap();
    assert!(
        csv.starts_with("provisioner.poll,provisioner.timeout,runs,violations.used,build.p99_us\n"),
        "{csv}"
    );
    assert!(csv.contains("\n60s,250s,4,0,"), "{csv}");
    assert_eq!(csv.lines().count(), 5);
    for name in ["violations.used.svg", "build.p99.svg"] {
        let svg = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(svg.contains("<svg") && svg.contains("provisioner.timeout"), "{name}: {svg}");
    }
}

#[test]
fn a_grid_that_is_shared_and_one_that_goes_on_come_to_what_one_in_one_piece_does() {
    let whole = lines(&splitbrain(&[CLIFF, &["--json"]].concat()));
    let digest = whole.last().unwrap()["digest"].clone();
    let whole = cells(whole);
    let (parts, sittings) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let [parts, sittings] = [&parts, &sittings].map(|folder| folder.path().display().to_string());
    for shard in ["0/3", "1/3", "2/3"] {
        lines(&splitbrain(&[CLIFF, &["--json", "--out", &parts, "--shard", shard]].concat()));
    }
    let figures = ["--figure", "violations.used", "--figure", "build.p99"];
    let merged = lines(&splitbrain(&[&["merge", &parts, "--json"][..], &figures[..]].concat()));
    assert_eq!(merged.last().unwrap()["digest"], digest);
    assert_eq!(cells(merged), whole);
    let none = splitbrain(&[CLIFF, &["--json", "--out", &sittings, "--for", "0s"]].concat());
    assert_eq!(none.status.code(), Some(1), "no run was made, and nothing shown");
    let sitting = lines(&splitbrain(&[CLIFF, &["--json", "--out", &sittings]].concat()));
    assert_eq!(cells(sitting), whole);
    let other = splitbrain(&[&CLIFF[..6], &["--seeds", "0..4", "--out", &sittings]].concat());
    assert_eq!(other.status.code(), Some(2), "another grid's folder is left alone");
    assert!(errors(&other).contains("with --grid"), "{other:?}");
}

#[test]
fn a_grid_of_one_key_has_a_row_a_value_and_a_column_a_figure() {
    let output = splitbrain(&[
        "sweep",
        "registry/quiet",
        "--grid",
        "workload.clients=1,2",
        "--figure",
        "ok",
        "--figure",
        "violations",
        "--seeds",
        "0..2",
    ]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("registry/quiet: by workload.clients\n"), "{table}");
    let row = table.lines().find(|line| line.starts_with("2 ")).unwrap_or_else(|| panic!("{table}"));
    assert!(row.ends_with("  0 %"), "{table}");
}

/// What is refused before anything is run, and with which words.
#[test]
fn what_is_no_grid_is_refused_and_nothing_is_run() {
    let quiet: &[&str] = &["provisioner/quiet", "--seeds", "0..2"];
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], words: &str| {
        let out = folder.path().join("out").display().to_string();
        let all = [&["sweep"][..], arguments, &["--out", &out]].concat();
        let output = splitbrain(&all);
        let said = errors(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(!Path::new(&out).exists(), "{arguments:?}");
    };
    let grid = |values: &'static str| [quiet, &["--grid", values]].concat();
    refused(&grid("provisioner.pol=10s,20s"), "pol");
    refused(&grid("pol=1,2"), "pol");
    refused(&grid("provisioner.poll=20s..10s/3"), "is empty");
    refused(&grid("provisioner.poll=10s..20s/0"), "not a number of values above 1");
    refused(&grid("provisioner.poll=10s..20s/1"), "not a number of values above 1");
    refused(&grid("provisioner.poll=10s..20s"), "how many values");
    refused(&grid("provisioner.limit=0,1"), "limit");
    refused(&grid("provisioner.limit=1..2/4"), "limit");
    refused(&grid("provisioner.poll=soon,later"), "poll");
    refused(&grid("provisioner.poll=1s..2000s/2000"), "1000 at most");
    refused(&[&grid("provisioner.poll=1s,2s")[..], &["--grid", "provisioner.poll=3s,4s"]].concat(), "twice");
    refused(&[&grid("provisioner.poll=1s,2s")[..], &["--figure", "p98"]].concat(), "no figure p98");
    let probe = ["--figure", "probe.launched"];
    refused(&[&grid("provisioner.poll=1s,2s")[..], &probe].concat(), "no probe launched");
    refused(&["provisioner", "--grid", "provisioner.poll=1s,2s"], "of one scenario");
    refused(&[quiet, &["--figure", "p99"]].concat(), "--grid");
}

#[test]
fn a_value_that_a_node_refuses_to_start_with_fails_the_sweep_and_says_why() {
    let output = splitbrain(&[
        "sweep",
        "provisioner/quiet",
        "--grid",
        "provisioner.silence=1s,30s",
        "--seeds",
        "0..1",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("silence: 1s is below twice the ping, 10s"), "{said}");
}
