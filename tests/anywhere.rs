//! The command away from its source: it has its scenarios with it, and a folder `scenarios` that is there comes first.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn splitbrain(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command.current_dir(folder).args(arguments).env_remove("CARGO").output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn scenarios_are_there_in_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let there = text(&splitbrain(folder.path(), &["list", "--json"]));
    let here = text(&splitbrain(Path::new(env!("CARGO_MANIFEST_DIR")), &["list", "--json"]));
    assert_eq!(there, here, "what is carried is what is in the folder");
    let run =
        |folder: &Path| text(&splitbrain(folder, &["run", "registry/netsplit", "--seed", "3", "--json"]));
    let digest = |run: String| serde_json::from_str::<serde_json::Value>(&run).unwrap()["digest"].clone();
    assert_eq!(digest(run(folder.path())), digest(run(Path::new(env!("CARGO_MANIFEST_DIR")))));
    // And in the fresh process that repeats a sweep's first seed.
    text(&splitbrain(folder.path(), &["sweep", "registry/netsplit", "--seeds", "0..2"]));
}

#[test]
fn a_folder_of_scenarios_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let registry = folder.path().join("scenarios/registry");
    fs::create_dir_all(&registry).unwrap();
    let quiet = fs::read_to_string("scenarios/registry/netsplit.toml").unwrap();
    fs::write(registry.join("netsplit.toml"), quiet.replacen("title = \"", "title = \"Mine: ", 1)).unwrap();
    let listed = text(&splitbrain(folder.path(), &["list", "--json"]));
    assert!(listed.contains("Mine: ") && listed.lines().count() == 1, "{listed}");
    // What is not there is still carried.
    text(&splitbrain(folder.path(), &["run", "bank/swarm", "--seed", "1", "--quiet"]));
}

#[test]
fn a_name_that_is_nowhere_is_refused_with_one_that_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let output = splitbrain(folder.path(), &["run", "registry/netsplt"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("registry/netsplit"));
}

#[test]
fn quiet_says_nothing_of_what_is_well_and_all_of_what_is_not() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(text(&splitbrain(folder.path(), &["run", "registry/netsplit", "-q"])), "");
    let flaw = fs::read_to_string("scenarios/zoo/no-sync-after-heal.toml").unwrap();
    let unexcused = flaw.replace(r#"expect = { violation = "convergence" }"#, "");
    fs::write(folder.path().join("flaw.toml"), unexcused).unwrap();
    let output = splitbrain(folder.path(), &["run", "flaw.toml", "--seed", "1", "-q"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("convergence"));
}

#[test]
fn no_table_is_wider_than_the_terminal() {
    for columns in ["80", "200"] {
        let output = Command::new(env!("CARGO_BIN_EXE_splitbrain"))
            .args(["list"])
            .env("COLUMNS", columns)
            .output()
            .unwrap();
        let listed = text(&output);
        let widest = listed.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= columns.parse().unwrap(), "{widest} columns of {columns}");
        assert!(listed.contains("registry/netsplit "), "no name is broken");
    }
}

#[test]
fn completions_a_manual_and_schemas_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            text(&splitbrain(folder.path(), &["completions", shell])).contains("counterfactuals"),
            "{shell}"
        );
    }
    assert!(text(&splitbrain(folder.path(), &["man"])).contains(".TH"));
    text(&splitbrain(folder.path(), &["man", "--out", "man"]));
    assert!(folder.path().join("man/splitbrain-sweep.1").exists());
    assert!(text(&splitbrain(folder.path(), &["schema", "trace"])).contains("message"));
    assert!(text(&splitbrain(folder.path(), &["schema", "history"])).contains("process"));
}

#[test]
fn every_line_of_a_recording_is_what_its_schema_says() {
    let folder = tempfile::tempdir().unwrap();
    text(&splitbrain(folder.path(), &["replay", "registry/netsplit", "--seed", "1", "--out", "run"]));
    for (of, file) in [("trace", "trace.jsonl"), ("history", "history.jsonl")] {
        let schema: serde_json::Value =
            serde_json::from_str(&text(&splitbrain(folder.path(), &["schema", of]))).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        let required = schema["required"].as_array().unwrap();
        for line in fs::read_to_string(folder.path().join("run").join(file)).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let fields = line.as_object().unwrap();
            assert!(fields.keys().all(|field| properties.contains_key(field)), "{of}: {line}");
            assert!(
                required.iter().all(|field| fields.contains_key(field.as_str().unwrap())),
                "{of}: {line}"
            );
        }
    }
}
