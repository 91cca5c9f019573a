//! `shrink` as its users meet it: what it prints, what it writes, what it refuses.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn splitbrain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_splitbrain")).args(arguments).output().unwrap()
}

fn shrink(seed: &str, file: &Path) -> Output {
    splitbrain(&["shrink", "zoo/unchecked-cheque", "--seed", seed, "--json", "-o", file.to_str().unwrap()])
}

#[test]
fn a_flaw_shrinks_to_a_file_that_fails_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shrunk.toml");
    let output = shrink("0", &file);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["scenario"], &told["checker"]), (&"zoo/unchecked-cheque".into(), &"balance".into()));
    assert!(
        told["after"]["operations"].as_u64() <= Some(6) && told["after"]["faults"].as_u64() <= Some(2),
        "{told}"
    );
    assert_eq!(told["file"], file.to_str().unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");

    let seed = told["seed"].to_string();
    let again = splitbrain(&["run", file.to_str().unwrap(), "--seed", &seed, "--json"]);
    assert_eq!(again.status.code(), Some(0), "the file expects its violation");
    let again: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    let violations = again["violations"].as_array().unwrap();
    assert!(violations.iter().any(|violation| violation["checker"] == "balance"), "{again}");
}

#[test]
fn a_seed_that_does_not_fail_is_bad_input_and_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shrunk.toml");
    fs::write(&file, "what was there").unwrap();
    let output = splitbrain(&["shrink", "registry/quiet", "--seed", "0", "-o", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("seed 0 of registry/quiet violates nothing"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "what was there");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_anything_is_run() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("no such folder/shrunk.toml")] {
        let output = shrink("0", &path);
        assert_eq!(output.status.code(), Some(2), "{}", path.display());
        assert!(output.stdout.is_empty());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
