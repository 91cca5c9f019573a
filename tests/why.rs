//! `why` as its users meet it: from a failing seed to its cause, on one screen.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use serde_json::Value;
use std::fs;
use std::process::{Command, Output};

fn splitbrain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_splitbrain")).args(arguments).env_remove("CARGO").output().unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_failure_is_told_on_one_screen_with_what_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let why = splitbrain(&["why", "findings/third-node-is-not-told", "--seed", "3", "--out", &out]);
    let told = text(why.stdout);
    let progress = text(why.stderr);
    assert_eq!(why.status.code(), Some(0), "{progress}");
    assert!(progress.contains("looking for the moment"), "whoever waits is told for what: {progress}");
    assert!(told.lines().count() < 40, "{told}");
    assert!(!told.contains("cut short"), "there was time for all: {told}");
    for part in [
        "convergence",
        "partition n1 | n2",
        "SyncRegister",
        "0 of 20 without",
        "in the end",
        "moment",
        "report.html",
    ] {
        assert!(told.contains(part), "no {part} in {told}");
    }
    assert!(fs::read_to_string(folder.path().join("report.html")).unwrap().contains("led to it"));
    let shrunk = folder.path().join("shrunk.toml").display().to_string();
    let again = splitbrain(&["run", &shrunk, "--seed", "3", "--json"]);
    let report: Value = serde_json::from_str(&text(again.stdout)).unwrap();
    assert_eq!(report["violations"][0]["checker"], "convergence", "it fails by itself");
}

#[test]
fn where_there_is_no_time_the_failure_is_told_all_the_same_and_what_was_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let of = ["why", "findings/third-node-is-not-told", "--seed", "3", "--out", &out, "--for", "1ms"];
    let told = text(splitbrain(&of).stdout);
    assert!(told.contains("cut short    shrinking, counterfactuals, moment"), "{told}");
    assert!(told.contains("convergence") && told.contains("report.html"), "{told}");
    let json = text(splitbrain(&[&of[..], &["--json"]].concat()).stdout);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["cut_short"], serde_json::json!(["shrinking", "counterfactuals", "moment"]));
}

#[test]
fn a_seed_that_does_not_fail_has_no_why() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let why = splitbrain(&["why", "registry/quiet", "--seed", "3", "--out", &out]);
    assert_eq!(why.status.code(), Some(2));
    assert!(text(why.stderr).contains("violates nothing"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
}
