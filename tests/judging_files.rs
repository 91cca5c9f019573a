//! `splitbrain check` beside its verdicts: where histories come from, what is written, what is refused at once, and the
//! limits.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use std::io::Write;
use std::process::{Command, Output, Stdio};

const FOLDER: &str = "sim/tests/judged";
const VALID: i32 = 0;
const VIOLATION: i32 = 1;
const REFUSED: i32 = 2;
const UNKNOWN: i32 = 3;

fn check(model: &str, path: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command.args(["check", "--model", model, path]).args(arguments).env_remove("CARGO");
    command.output().unwrap()
}

/// All that people read, without the line breaks of the terminal.
fn said(output: &Output) -> String {
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let text = text.replace(['│', '×', '╰', '─', '▶'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn keys_that_nothing_tells_of_are_told() {
    let path = format!("{FOLDER}/keyed-cas.jsonl");
    assert_eq!(check("cas-register", &path, &["--keyed", "yes"]).status.code(), Some(VALID));
    assert_eq!(check("cas-register", &path, &["--keyed", "no"]).status.code(), Some(VIOLATION));
}

#[test]
fn a_history_may_come_packed_and_from_standard_input() {
    let path = format!("{FOLDER}/array.json");
    let folder = tempfile::tempdir().unwrap();
    let packed = folder.path().join("history.json.gz");
    let mut encoder = flate2::write::GzEncoder::new(
        std::fs::File::create(&packed).unwrap(),
        flate2::Compression::default(),
    );
    encoder.write_all(&std::fs::read(&path).unwrap()).unwrap();
    encoder.finish().unwrap();
    assert_eq!(check("register:0", packed.to_str().unwrap(), &[]).status.code(), Some(VALID));

    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command.args(["check", "--model", "register:0", "-"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(VALID));
}

#[test]
fn the_order_that_explains_a_history_is_written_where_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for (model, file, lines) in [
        ("register:0", "two-logs-joined.jsonl", 2),
        ("rw-register", "register-stale-read.jsonl", 3),
        ("bank-audit", "audit-misses-transfer.jsonl", 3),
    ] {
        let witness = folder.path().join(file);
        check(model, &format!("{FOLDER}/{file}"), &["--witness", witness.to_str().unwrap()]);
        let text = std::fs::read_to_string(&witness).unwrap_or_default();
        assert_eq!(text.lines().count(), lines, "{model}: {text}");
        assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{text}");
    }
}

/// So many writes, one a line, with something before and after all of them.
fn writes(count: usize, before: &str, after: &str) -> String {
    let mut text = before.to_owned();
    for process in 0..count {
        for kind in [":invoke", ":ok"] {
            text += &format!("{{:process {process}, :type {kind}, :f :write, :value 1}}\n");
        }
    }
    text + after
}

#[test]
fn broken_and_hostile_files_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.edn");
    let deep =
        format!("{{:process 0, :type :invoke, :f :write, :value {}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let tags = format!("{{:process 0, :type :invoke, :f :write, :value {}1}}", "#a ".repeat(50_000));
    for (text, says) in [
        (writes(20_000, "{:process 9, :type :invoke\n", ""), "ends too early"),
        (writes(20_000, "(", "]"), "there is a `]`"),
        (writes(20_000, "(", ""), "not closed"),
        (deep, "more than 100 deep"),
        (tags, "too deep"),
        (format!("{{:valid? true, :stats [{}]}}", "{:count 1} ".repeat(100_000)), "there is no `process`"),
    ] {
        std::fs::write(&path, text).unwrap();
        let start = std::time::Instant::now();
        let output = check("register", path.to_str().unwrap(), &[]);
        assert_eq!(output.status.code(), Some(REFUSED), "{}", said(&output));
        assert!(said(&output).contains(says), "{says}: {}", said(&output));
        assert!(start.elapsed().as_secs() < 5, "{says}");
    }
}

#[test]
fn the_limits_cover_the_reading() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.edn");
    std::fs::write(&path, writes(20_000, "", "")).unwrap();
    let output = check("register", path.to_str().unwrap(), &["--memory-limit", "1MiB"]);
    assert_eq!(output.status.code(), Some(UNKNOWN));
    assert!(said(&output).contains("ended the reading at line"), "{}", said(&output));
    let output = check("register", path.to_str().unwrap(), &["--time-limit", "0s"]);
    assert_eq!(output.status.code(), Some(UNKNOWN));
    assert!(said(&output).contains("the time limit of 0s ended the reading"), "{}", said(&output));
}
