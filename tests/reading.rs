//! Recorded runs as people read them: slices, timelines, other viewers, two runs compared.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

mod support;

use serde_json::Value;
use sim::cause::{Evidence, Graph, Slice, Trace};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use support::{case, record};

/// A failure that every reader of the README knows: n3 registers a name while n1 is away, and n1 never hears of it.
const FLAW: &str = "zoo/no-sync-after-heal";

fn splitbrain(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command.args(arguments).env_remove("CARGO").env("COLUMNS", "100").output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn a_slice_tells_the_failure_in_a_screen() {
    let (report, recording) = record(&case(FLAW), 1);
    let violation = &report.violations[0];
    let trace = Trace::of(&recording);
    let graph = Graph::of(&trace);
    let slice = Slice::of(&trace, &graph, Evidence::of(violation), 24);
    assert!(!slice.events.is_empty() && slice.events.len() <= 48, "{} events", slice.events.len());
    let lines: Vec<_> = slice.events.iter().map(|event| &trace.lines[*event]).collect();
    let name = violation.message.split(' ').find(|word| word.starts_with("name-")).unwrap().trim_matches(',');
    let says = |event: &str, what: &str| {
        lines
            .iter()
            .any(|line| line.event == event && line.text.as_deref().unwrap_or_default().contains(what))
    };
    assert!(says("operation", name) && says("message", name), "who registered {name}, and what was sent");
    assert!(says("fault", "strikes") && says("fault", "ends"), "and what befell the machines");
    assert!(!says("message", "Heartbeat"));
}

/// Whatever happens to it: a message is sent once, and arrives after that, as what it was.
#[test]
fn every_message_that_arrives_was_sent() {
    for name in ["registry/netsplit", "bank/swarm", "failover/patroni-quiet"] {
        let (_, recording) = record(&case(name), 2);
        let (mut sent, mut described) = (BTreeMap::new(), 0);
        let mut bytes = 0;
        for line in Trace::of(&recording).lines {
            let Some(message) = &line.message else {
                bytes += line.bytes.filter(|_| line.event == "delivered").unwrap_or(0);
                continue;
            };
            let what = (line.from.clone(), line.to.clone(), line.text.clone());
            match &*message.step {
                "sent" => assert!(sent.insert(message.id, what).is_none(), "{name}: {line:?}"),
                _ => assert_eq!(sent.get(&message.id), Some(&what), "{name}: {line:?}"),
            }
            described += line.bytes.filter(|_| message.step == "delivered").unwrap_or(0);
        }
        assert!(
            described > 10_000 && described == bytes,
            "{name}: {described} of {bytes} bytes are described"
        );
    }
}

#[test]
fn a_replay_writes_what_other_viewers_read_and_what_nodes_believed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let formats = ["--format", "perfetto", "--format", "shiviz", "--format", "mermaid"];
    let output =
        splitbrain(&[&["replay", FLAW, "--seed", "1", "--slice", "--out", &out], &formats[..]].concat());
    assert_eq!(code(&output), 0, "{}", text(&output));
    let written: BTreeSet<String> =
        fs::read_dir(&out).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let expected = [
        "history.jsonl",
        "logs.jsonl",
        "perfetto.json",
        "report.html",
        "scenario.toml",
        "shiviz.log",
        "slice.mmd",
        "trace.jsonl",
        "views.json",
    ];
    assert_eq!(written, expected.map(str::to_owned).into(), "and nothing half written");
    let read = |file: &str| fs::read_to_string(Path::new(&out).join(file)).unwrap();
    let views: BTreeMap<String, Value> = serde_json::from_str(&read("views.json")).unwrap();
    assert_eq!(views.keys().collect::<Vec<_>>(), ["n1", "n2", "n3"]);
    assert!(read("slice.mmd").starts_with("sequenceDiagram\n"));
    let table = text(&output).split_once("\n\n").unwrap().1.to_owned();
    assert!(table.lines().count() < 60 && table.lines().all(|line| line.chars().count() <= 100), "{table}");
}

#[test]
fn what_libraries_log_is_kept_apart() {
    let (_, recording) = record(&case("failover/patroni-quiet"), 1);
    let apart: BTreeSet<usize> = recording.library_logs().map(|line| line.number).collect();
    let kept: BTreeSet<usize> = recording.lines().map(|line| line.number).collect();
    assert!(apart.len() > 10_000 && kept.is_disjoint(&apart));
    assert_eq!(kept.len() + apart.len(), recording.trace.len());
    assert!(recording.lines().all(|line| !line.text.unwrap_or_default().starts_with("openraft")));
}

#[test]
fn a_timeline_keeps_to_what_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let told = |arguments: &[&str]| -> Vec<Value> {
        let replay = ["replay", FLAW, "--seed", "1", "--out", &out, "--json", "--timeline"];
        let output = splitbrain(&[&replay[..], arguments].concat());
        assert_eq!(code(&output), 0);
        text(&output).lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let part = told(&["--node", "n1", "--from", "10s", "--to", "20s", "--without", "deliveries,disk"]);
    assert!(!part.is_empty());
    for line in part {
        let time = line["time"].as_i64().unwrap();
        assert!((10_000_000_000..=20_000_000_000).contains(&time), "{line}");
        assert_ne!(line["message"]["step"], "delivered", "{line}");
        assert!(line.to_string().contains("n1"), "{line}");
    }
}

#[test]
fn two_seeds_part_and_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    splitbrain(&["replay", "registry/netsplit", "--seed", "1", "--out", &out]);
    let same = splitbrain(&["diff", &out, "registry/netsplit@1"]);
    assert_eq!(code(&same), 0, "{}", text(&same));
    let other = splitbrain(&["diff", &out, "registry/netsplit@2"]);
    assert_eq!(code(&other), 1);
    assert!(text(&other).contains("the first operation that differs"), "{}", text(&other));
    let json = splitbrain(&["diff", &out, "registry/netsplit@2", "--json"]);
    let found: Value = serde_json::from_str(&text(&json)).unwrap();
    assert_eq!(found["difference"]["event"], "operation", "{found}");
    assert!(found["difference"]["slices"][0].as_array().is_some_and(|slice| !slice.is_empty()), "{found}");
}

#[test]
fn bad_input_is_told_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let bad_trace = folder.path().join("trace.jsonl");
    fs::write(&bad_trace, "{\"number\":1}\n\u{1b}[2J").unwrap();
    let bad_trace = bad_trace.display().to_string();
    let out = folder.path().join("out").display().to_string();
    let replay = ["replay", "registry/quiet", "--seed", "1", "--out", &out];
    let bad: &[&[&str]] = &[
        &["diff", "registry/quiet@1"],
        &["diff", "registry/quiet", "registry/quiet@1"],
        &["diff", "registry/quiet@x", "registry/quiet@1"],
        &["diff", "no/such/scenario@1", "registry/quiet@1"],
        &["diff", &bad_trace, &bad_trace],
        &["diff", "scenarios", "scenarios"],
        &["diff", "\u{1b}[2J", "registry/quiet@1"],
        &[&replay[..], &["--format", "pdf"]].concat(),
        &[&replay[..], &["--timeline", "--node", "n9"]].concat(),
        &[&replay[..], &["--timeline", "--from", "soon"]].concat(),
        &[&replay[..], &["--timeline", "--from", "9s", "--to", "3s"]].concat(),
        &[&replay[..], &["--timeline", "--without", "noise"]].concat(),
        &[&replay[..], &["--from", "9s"]].concat(),
    ];
    for arguments in bad {
        let output = splitbrain(arguments);
        let errors = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(code(&output), 2, "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty(), "{arguments:?} printed something");
        assert!(!errors.is_empty() && !errors.contains("panicked"), "{arguments:?}: {errors}");
    }
    assert!(!Path::new(&out).exists(), "nothing was written");
}
