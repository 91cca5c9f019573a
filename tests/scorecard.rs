//! `scorecard` as its users meet it: what is known of the managers appears in it, it is the same however it was run, and
//! what there is not is told.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use serde_json::Value;
use std::fs;
use std::process::{Command, Output};

fn scorecard(arguments: &[&str]) -> Output {
    splitbrain(&[&["scorecard", "failover"], arguments].concat())
}

fn splitbrain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_splitbrain")).args(arguments).env_remove("CARGO").output().unwrap()
}

fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn cells(arguments: &[&str]) -> Vec<Value> {
    let text = text(&scorecard(&[arguments, &["--json"]].concat()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What was said to people, without the places where its lines were broken.
fn errors(arguments: &[&str]) -> String {
    let output = splitbrain(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    let text = String::from_utf8_lossy(&output.stderr);
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

const ADDRESS: [&str; 4] = ["--only", "manager=keepalived,ucarp", "--seeds", "3"];

#[test]
fn an_address_alone_has_two_owners_under_a_partition_and_one_where_nothing_happens() {
    let cells =
        cells(&[&ADDRESS[..], &["--only", "fault=none,cut-peers", "--only", "mode=asynchronous"]].concat());
    assert_eq!(cells.len(), 4);
    for cell in &cells {
        let (runs, with_two) = (cell["runs"].as_u64(), cell["in_runs"]["two_primaries_ms"].as_u64());
        let is_cut = cell["fault"] == "cut-peers";
        assert_eq!((runs, with_two), (Some(3), Some(if is_cut { 3 } else { 0 })), "{cell}");
        assert_eq!(cell["displaced"], 0, "{cell}");
        if is_cut {
            assert!(
                cell["two_primaries_ms"].as_u64().unwrap() > 80_000,
                "as long as the fault lasts: {cell}"
            );
        } else {
            assert_eq!((&cell["lost"]["runs"], &cell["left_behind"]), (&0.into(), &0.into()), "{cell}");
            assert!(cell["no_write_ms"]["max"].as_u64().unwrap() < 5_000, "{cell}");
        }
    }
}

#[test]
fn a_lock_loses_what_was_acknowledged_unless_writes_wait_for_a_standby() {
    let cells = cells(&["--only", "fault=cut-off", "--only", "manager=patroni,stolon", "--seeds", "2"]);
    assert_eq!(cells.len(), 4);
    for cell in &cells {
        let lost = cell["lost"]["runs"].as_u64().unwrap();
        match cell["mode"].as_str().unwrap() {
            "synchronous" => assert_eq!(lost, 0, "{cell}"),
            _ => assert!(lost > 0, "a primary that clients reach, and nobody else: {cell}"),
        }
        assert_eq!(cell["restored"], 2, "{cell}");
        let replay = cell["replay"].as_str().unwrap();
        assert!(replay.contains(&format!("--seed {} ", cell["worst_seed"])), "{replay}");
    }
}

#[test]
fn it_is_the_same_to_the_byte_on_one_core_and_on_two_in_one_piece_and_in_shards() {
    let some = [&ADDRESS[..], &["--only", "fault=none,pause-short,cut-store", "--markdown"]].concat();
    let whole = text(&scorecard(&[&some[..], &["--jobs", "1"]].concat()));
    assert_eq!(text(&scorecard(&[&some[..], &["--jobs", "2"]].concat())), whole);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (results, page, merged) = (path("results"), path("card.html"), path("merged.html"));
    let shard = |index: &str| {
        text(&scorecard(&[&some[..], &["--shard", index, "--out", &results]].concat()));
    };
    shard("0/2");
    let incomplete = splitbrain(&["merge", &results, "--markdown"]);
    assert_eq!(incomplete.status.code(), Some(3), "half of it is not there");
    assert!(String::from_utf8_lossy(&incomplete.stderr).contains("missing: shard 1/2"));
    shard("1/2");
    assert_eq!(text(&splitbrain(&["merge", &results, "--markdown", "--html", &merged])), whole);
    // What is done already is not run again.
    let again = text(&scorecard(&[&some[..], &["--out", &path("one"), "--html", &page]].concat()));
    assert_eq!(again, whole);
    assert_eq!(text(&scorecard(&[&some[..], &["--out", &path("one")]].concat())), whole);
    let pages = [page, merged].map(|page| fs::read_to_string(page).unwrap());
    assert!(pages[0] == pages[1] && pages[0].contains("<svg"), "a page is the same, too");
    let other = errors(&["scorecard", "failover", "--only", "fault=none", "--out", &path("one")]);
    assert!(other.contains("has the progress of another sweep: of the card failover"), "{other}");
}

#[test]
fn a_cell_that_cannot_be_has_its_reason() {
    let cells = cells(&["--only", "manager=ucarp", "--only", "fault=none,cut-store", "--seeds", "1"]);
    let reasons: Vec<Option<&str>> = cells.iter().map(|cell| cell["na"].as_str()).collect();
    let (no_mode, no_store) = ("nobody tells its databases whom to wait for", "it has no store");
    assert_eq!(reasons, [None, Some(no_mode), Some(no_store), Some(no_mode)]);
    let nothing = errors(&["scorecard", "failover", "--only", "manager=ucarp", "--only", "fault=cut-store"]);
    assert!(nothing.contains("there is no such cell: it has no store"), "{nothing}");
}

#[test]
fn what_there_is_not_is_answered_with_what_there_is() {
    let card = errors(&["scorecard", "failovers"]);
    assert!(card.contains("there is no card failovers, did you mean failover?"), "{card}");
    let manager = errors(&["scorecard", "failover", "--only", "manager=patrony"]);
    assert!(manager.contains("there is no manager patrony, did you mean patroni?"), "{manager}");
    assert!(manager.contains("there is patroni, stolon"), "{manager}");
    let axis = errors(&["scorecard", "failover", "--only", "weather=rain"]);
    assert!(axis.contains("--only weather: a cell has fault, manager, mode"), "{axis}");
    let set = errors(&["scorecard", "failover", "--set", "cluster.options.synchronous=true"]);
    assert!(set.contains("that is what the card failover sets"), "{set}");
    let option = errors(&["scorecard", "failover", "--set", "cluster.options.patroni.tll=30s"]);
    assert!(option.contains("tll"), "{option}");
    let no_card = errors(&["merge", "tests", "--markdown"]);
    assert!(no_card.contains("nothing of a sweep is kept here"), "{no_card}");
}
