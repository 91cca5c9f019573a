//! Who sees whom, and how the tree is kept.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 600;

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push((path.clone(), fs::read_to_string(path).unwrap()));
            }
        }
    }
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    assert!(!files.is_empty(), "{folder} has sources");
    files
}

/// Whether a crate's manifest names a crate of this workspace as a dependency.
fn depends(folder: &str, on: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("Cargo.toml");
    fs::read_to_string(path).unwrap().lines().any(|line| line.starts_with(&format!("{on} = ")))
}

/// Whether a line of code has this path, and not as the end of a longer name.
fn names(code: &str, path: &str) -> bool {
    let part_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(path).any(|(start, _)| !code[..start].ends_with(part_of_a_name))
}

/// Panics with every line of code (comments aside) that has one of the words.
fn refuse(folder: &str, words: &[&str]) {
    let mut found = Vec::new();
    for (path, text) in sources(folder) {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| names(code, word)) {
                found.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{folder} must not see {words:?}:\n{}", found.join("\n"));
}

#[test]
fn the_testbed_names_no_protocol() {
    assert!(!depends("sim", "protocols"));
    refuse("sim/src", &["protocols::", "splitbrain_protocols"]);
}

#[test]
fn protocols_never_see_the_testbed() {
    assert!(!depends("protocols", "sim"));
    refuse("protocols/src", &["sim::", "splitbrain_sim", "host::world"]);
}

#[test]
fn the_host_sees_neither() {
    assert!(!depends("sim/host", "protocols") && !depends("sim/host", "sim"));
    refuse("sim/host/src", &["protocols::", "sim::"]);
}

#[test]
fn nodes_take_time_chance_and_sockets_from_the_host_alone() {
    let forbidden = [
        "std::net::Tcp",
        "tokio::net",
        "std::fs",
        "std::thread",
        "SystemTime::now",
        "rand::",
        "fastrand",
        "::thread_rng",
    ];
    refuse("protocols/src", &forbidden);
}

#[test]
fn no_file_outgrows_a_reader() {
    for folder in ["src", "sim/src", "sim/host/src", "protocols/src", "benches", "tests"] {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            assert!(lines <= FILE_LINES_MAX, "{}: {lines} lines: split it by noun", path.display());
        }
    }
}
