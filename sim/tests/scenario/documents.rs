//! What `docs/faults.md` and `docs/scenarios.md` say of faults is what the list of kinds has.

use sim::scenario::RandomKind;
use sim::scenario::fault::KINDS;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).expect("the page is there")
}

/// The cells of each row of its tables.
fn rows(document: &str) -> Vec<Vec<&str>> {
    let rows = document.lines().filter(|line| line.starts_with("| ") && !line.starts_with("|---"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The text of all tests of the testbed and of its host.
fn tests() -> String {
    fn collect(folder: &Path, into: &mut String) {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                collect(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push_str(&fs::read_to_string(path).expect("the file can be read"));
            }
        }
    }
    let mut text = String::new();
    collect(&root().join("sim/tests"), &mut text);
    collect(&root().join("sim/host/tests"), &mut text);
    text
}

#[test]
fn every_kind_of_fault_is_told_with_a_law_and_a_scenario_that_has_it() {
    let document = document("faults.md");
    let rows = rows(&document);
    for kind in KINDS {
        let row = rows.iter().find(|row| quoted(row[0]).next() == Some(kind.key));
        let row = row.unwrap_or_else(|| panic!("docs/faults.md has no row for `{}`", kind.key));
        let scenario = quoted(row[3]).next().expect("the row names a scenario");
        let text = fs::read_to_string(root().join("scenarios").join(scenario)).unwrap();
        let names = kind.random.iter().map(|drawn| format!("\"{}\"", drawn.name));
        let is_there =
            text.contains(&format!("{} = ", kind.key)) || names.into_iter().any(|name| text.contains(&name));
        assert!(is_there, "{scenario} has no {}", kind.key);
    }
}

#[test]
fn every_test_and_file_that_the_page_of_faults_names_exists() {
    let (document, tests) = (document("faults.md"), tests());
    let mut laws = 0;
    for name in rows(&document).iter().flat_map(|row| row[1..].iter()).flat_map(|cell| quoted(cell)) {
        let is_there = match name {
            file if file.ends_with(".toml") => root().join("scenarios").join(file).exists(),
            file if file.ends_with(".rs") => root().join(file).exists(),
            law if law.contains('_') => {
                laws += 1;
                tests.contains(&format!("fn {law}("))
            }
            _ => continue,
        };
        assert!(is_there, "docs/faults.md names `{name}`, which does not exist");
    }
    assert!(laws > 20, "{laws} laws");
}

#[test]
fn every_kind_of_fault_is_in_the_table_of_actions() {
    let document = document("scenarios.md");
    let rows = rows(&document);
    for kind in KINDS {
        let written = format!("`{} = ", kind.key);
        assert!(rows.iter().any(|row| row[0].starts_with(&written)), "docs/scenarios.md has no {written}");
    }
}

#[test]
fn the_random_kinds_are_listed_as_there_are() {
    let document = document("scenarios.md");
    let list = document.split("kinds = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap();
    let listed: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    let kinds: Vec<&str> = RandomKind::all().map(RandomKind::name).collect();
    assert_eq!(listed, kinds);
}

#[test]
fn the_schema_has_every_key_of_every_kind_and_every_random_kind() {
    let schema = sim::scenario::json_schema(&super::Registry);
    let fault = &schema["definitions"]["Fault"];
    for kind in KINDS {
        for key in [&kind.key].into_iter().chain(kind.beside) {
            assert!(fault["properties"][key].is_object(), "{key} in {fault:#}");
        }
    }
    let one_of = fault["allOf"][0]["oneOf"].as_array().unwrap();
    assert_eq!(one_of.len(), KINDS.len());
    let random = schema["definitions"]["RandomKind"]["oneOf"].as_array().unwrap();
    let random: Vec<&str> = random.iter().map(|kind| kind["const"].as_str().unwrap()).collect();
    assert!(random.into_iter().eq(RandomKind::all().map(RandomKind::name)));
}
