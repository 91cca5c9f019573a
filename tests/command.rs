//! The command as its users meet it: what it prints, and its exit codes.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn splitbrain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_splitbrain")).args(arguments).env_remove("CARGO").output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// A scenario whose flaw no expectation excuses.
fn unexcused_flaw(folder: &Path) -> String {
    let zoo = fs::read_to_string("scenarios/zoo/no-sync-after-heal.toml").unwrap();
    let expectation = r#"expect = { violation = "convergence" }"#;
    assert!(zoo.contains(expectation));
    let path = folder.join("flaw.toml");
    fs::write(&path, zoo.replace(expectation, "")).unwrap();
    path.display().to_string()
}

fn has_keys(object: &Value, keys: &[&str]) {
    for key in keys {
        assert!(object.get(key).is_some(), "no {key} in {object}");
    }
}

#[test]
fn run_prints_one_object_with_everything_promised() {
    let output = splitbrain(&["run", "registry/netsplit", "--seed", "3", "--json"]);
    assert_eq!(code(&output), 0);
    let [report] = &lines(&output)[..] else { panic!("one line") };
    let keys = [
        "scenario",
        "seed",
        "verdict",
        "violations",
        "digest",
        "simulated_ms",
        "events",
        "messages",
        "operations",
        "latency_us",
        "wall_ms",
    ];
    has_keys(report, &keys);
    has_keys(&report["operations"], &["ok", "fail", "unknown"]);
    has_keys(&report["latency_us"], &["p50", "p99", "p999", "max"]);
    assert_eq!((&report["verdict"], &report["seed"]), (&"valid".into(), &3.into()));
}

#[test]
fn a_sweep_prints_each_failing_run_and_last_a_summary() {
    let folder = tempfile::tempdir().unwrap();
    let flaw = unexcused_flaw(folder.path());
    let output = splitbrain(&["sweep", &flaw, "--seeds", "0..6", "--json"]);
    assert_eq!(code(&output), 1, "violations that nothing excuses");
    let lines = lines(&output);
    let (summary, failures) = lines.split_last().unwrap();
    let keys = [
        "runs",
        "violations",
        "unknown",
        "first_failing_seed",
        "runs_per_second",
        "messages_per_second",
        "simulated_per_wall",
        "probes",
        "never_reached",
    ];
    has_keys(summary, &keys);
    assert_eq!(summary["runs"], 6);
    assert_eq!(summary["violations"].as_u64().unwrap(), failures.len() as u64);
    assert_eq!(failures[0]["seed"], summary["first_failing_seed"]);
    has_keys(&failures[0]["violations"][0], &["checker", "at_ms", "message"]);
}

#[test]
fn a_failure_ends_with_a_command_that_replays_it() {
    let folder = tempfile::tempdir().unwrap();
    let flaw = unexcused_flaw(folder.path());
    let output = splitbrain(&["sweep", &flaw, "--seeds", "0..6"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let next = text.lines().rev().find_map(|line| line.trim().strip_prefix("next: ")).unwrap();
    let arguments: Vec<&str> = next.split(' ').skip(1).collect();
    let replay_folder = folder.path().join("replay").display().to_string();
    let replay = splitbrain(&[&arguments[..], &["--out", &replay_folder, "--json"]].concat());
    assert_eq!(code(&replay), 1, "{next}");
    let run = splitbrain(&["run", &flaw, "--seed", arguments.last().unwrap(), "--json"]);
    assert_eq!(lines(&replay)[0]["digest"], lines(&run)[0]["digest"], "recording changes nothing");
    for file in ["history.jsonl", "trace.jsonl"] {
        for line in fs::read_to_string(Path::new(&replay_folder).join(file)).unwrap().lines() {
            has_keys(&serde_json::from_str(line).unwrap(), &["time"]);
        }
    }
    let plan = Path::new(&replay_folder).join("scenario.toml").display().to_string();
    let again = splitbrain(&["run", &plan, "--seed", arguments.last().unwrap(), "--json"]);
    assert_eq!(lines(&again)[0]["digest"], lines(&run)[0]["digest"], "the resolved plan is the same run");
}

#[test]
fn a_run_twice_is_compared_event_by_event() {
    let output = splitbrain(&["run", "registry/swarm", "--seed", "5", "--twice", "--json"]);
    assert_eq!(code(&output), 0);
    let compared = &lines(&output)[0];
    assert!(compared["events"].as_u64().unwrap() > 1000 && compared["difference"].is_null(), "{compared}");
}

#[test]
fn a_run_twice_says_no_less_than_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let flaw = unexcused_flaw(folder.path());
    let once = splitbrain(&["run", &flaw, "--seed", "1", "--json"]);
    let twice = splitbrain(&["run", &flaw, "--seed", "1", "--json", "--twice"]);
    assert_eq!((code(&once), code(&twice)), (1, 1));
    for key in ["verdict", "violations", "digest"] {
        assert_eq!(lines(&once)[0][key], lines(&twice)[0][key], "{key}");
    }
    let text = String::from_utf8(splitbrain(&["run", &flaw, "--seed", "1", "--twice"]).stdout).unwrap();
    assert!(text.contains("convergence at ") && text.contains("deterministic: three runs are one"), "{text}");
}

#[test]
fn a_scenario_that_is_not_there_is_told_with_one_that_may_be_meant() {
    for (written, meant) in [("registry/netsplt", "registry/netsplit"), ("zoo/netsplit", "registry/netsplit")]
    {
        let errors = String::from_utf8(splitbrain(&["run", written]).stderr).unwrap();
        assert!(errors.contains(&format!("did you mean `{meant}`?")), "{errors}");
    }
    let errors = String::from_utf8(splitbrain(&["run", "no/such/zzzzzzzz"]).stderr).unwrap();
    assert!(errors.contains("there is no such scenario") && !errors.contains("did you mean"), "{errors}");
}

#[test]
fn a_history_that_is_not_there_is_said_to_be_none() {
    let output = splitbrain(&["check", "--model", "register", "no/such.jsonl"]);
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(code(&output), 2);
    assert!(errors.contains("no/such.jsonl: the history cannot be opened: No such file"), "{errors}");
}

#[test]
fn bad_input_exits_with_2_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let bad: &[&[&str]] = &[
        &["run", "no/such/scenario"],
        &["run", "no/such/file.toml"],
        &["run", "registry"],
        &["run", "Cargo.toml"],
        &["run", "registry/quiet", "--set", "cluster.nodes=10000"],
        &["run", "registry/quiet", "--set", "workload.rate"],
        &["run", "registry/quiet", "--seed", "-1"],
        &["sweep", "registry/quiet", "--out", &out, "--seeds", "5..5"],
        &["sweep", "registry/quiet", "--out", &out, "--seeds", "9..3"],
        &["sweep", "registry/quiet", "--out", &out, "--shard", "4/4"],
        &["sweep", "registry/quiet", "--out", &out, "--jobs", "0"],
        &["sweep", "registry/quiet", "--out", "/dev/null/out"],
        &["replay", "registry/quiet"],
        &["frobnicate"],
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

#[test]
fn the_zoo_has_a_line_a_flaw() {
    let output = splitbrain(&["zoo", "--json"]);
    assert_eq!(code(&output), 0);
    let rows = lines(&output);
    assert_eq!(rows.len(), fs::read_dir("scenarios/zoo").unwrap().count());
    for row in &rows {
        has_keys(row, &["flaw", "system", "scenario", "found", "seeds_to_first", "wall_s", "generic"]);
        assert_eq!(row["found"], true, "{row}");
    }
}

#[test]
fn list_and_schema_print_json() {
    let output = splitbrain(&["list", "--json"]);
    for entry in lines(&output) {
        has_keys(&entry, &["scenario", "system", "title", "expect", "inherited"]);
    }
    let schema = &lines(&splitbrain(&["schema"]))[0];
    assert!(schema["properties"]["workload"].is_object());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let shell = format!("'{}' list | head -1", env!("CARGO_BIN_EXE_splitbrain"));
    let output = Command::new("sh").args(["-c", &shell]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn list_shows_what_a_scenario_inherits_and_what_it_says_itself() {
    let listed = |file: &str| {
        let output = splitbrain(&["list", "--json", &format!("scenarios/failover/{file}.toml")]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let inherits = listed("stolon-swarm-sync");
    assert_eq!(inherits["expect"], json!({ "tolerates": ["one-writable"] }));
    assert_eq!(inherits["inherited"][0]["checker"], "one-writable");
    assert!(inherits["inherited"][0]["because"].as_str().unwrap().contains("the fence"));
    let says = listed("stolon-quiet-sync");
    assert_eq!((&says["expect"], &says["inherited"]), (&json!("valid"), &json!([])));
}
