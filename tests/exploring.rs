//! The specifications that come with the command: TLC's counts, exactly, and what is violated where.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use serde_json::Value;
use std::process::{Command, Output};

fn splitbrain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_splitbrain"))
        .args(arguments)
        .env_remove("CARGO")
        .env("COLUMNS", "200")
        .output()
        .unwrap()
}

fn explore(arguments: &str) -> (Value, i32) {
    let arguments: Vec<&str> = ["explore"].into_iter().chain(arguments.split(' ')).collect();
    let output = splitbrain(&[&arguments[..], &["--json"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    (serde_json::from_str(&text).unwrap(), output.status.code().unwrap())
}

/// Bad input: nothing on standard output, and this on standard error.
fn refused(arguments: &[&str], words: &[&str]) {
    let output = splitbrain(arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(output.stdout.is_empty());
    words.iter().for_each(|word| assert!(errors.contains(word), "no `{word}` in {errors}"));
}

#[test]
fn what_holds_has_the_counts_of_tlc() {
    let rows = [
        ("syn-1", 37, 21, 11),
        ("syn-2", 543, 286, 41),
        ("syn-3", 1_782_413, 357_188, 26),
        ("bank-1", 2_266, 220, 13),
        ("bank-2", 996_601, 48_400, 25),
    ];
    for (spec, generated, distinct, depth) in rows {
        let (found, code) = explore(spec);
        let counts = ["generated", "distinct", "depth"].map(|key| found[key].as_u64().unwrap());
        assert_eq!((spec, counts, code), (spec, [generated, distinct, depth], 0));
        assert!(found["violation"].is_null());
    }
}

#[test]
fn what_is_violated_is_shown_in_as_many_states_as_tlc_needs() {
    let rows = [
        ("syn-3-counters", "AllRegistered", 6),
        ("syn-4", "AllRegistered", 4),
        ("syn-5", "AllRegistered", 10),
        ("bank-queued", "NoNegativeBalance", 5),
    ];
    for (spec, property, states) in rows {
        let (found, code) = explore(spec);
        let violation = &found["violation"];
        let told = (violation["property"].as_str().unwrap(), violation["trace"].as_array().unwrap().len());
        assert_eq!((spec, told, code), (spec, (property, states), 1));
        assert_eq!(found["depth"], states);
    }
}

#[test]
fn the_phantom_is_what_the_other_side_still_had() {
    let trace = explore("syn-5").0["violation"]["trace"].clone();
    let actions: Vec<&str> =
        trace.as_array().unwrap()[1..].iter().map(|state| state["action"].as_str().unwrap()).collect();
    assert!(actions[0].starts_with("Register") && actions[8].starts_with("AckSync"), "{actions:?}");
    let last = &trace[9]["state"];
    assert_eq!((&last["registered"], &last["inbox"]), (&"{}".into(), &"(n1 :> <<>> @@ n2 :> <<>>)".into()));
}

#[test]
fn what_belongs_to_a_node_that_went_down_must_be_purged() {
    assert_eq!(explore("syn-6 --set names=2 --set splits=1").1, 0);
    let (found, code) = explore("syn-6 --set names=2 --set splits=1 --set purge=no");
    assert_eq!((&found["violation"]["property"], code), (&"AllRegistered".into(), 1));
}

#[test]
fn a_transfer_in_one_step_leaves_no_balance_negative() {
    assert_eq!(explore("bank-transfer").1, 0);
}

#[test]
fn every_message_is_processed_if_nodes_go_on_and_links_lose_nothing() {
    assert_eq!(explore("syn-2 --set names=3").1, 0);
    assert_eq!(explore("syn-2 --set names=2 --set nodes=3").1, 0);
}

#[test]
fn nodes_that_may_stand_still_process_nothing() {
    let (found, code) = explore("syn-2 --set names=3 --set fair=no");
    let violation = &found["violation"];
    assert_eq!((violation["property"].as_str(), code), (Some("EveryMessageProcessed(n1)"), 1));
    assert_eq!(violation["back_to"], violation["trace"].as_array().unwrap().len());
}

#[test]
fn a_message_that_is_lost_is_never_processed() {
    let (found, code) = explore("syn-2 --set names=3 --set lossy=yes");
    let violation = &found["violation"];
    assert_eq!((violation["property"].as_str(), code), (Some("EveryMessageProcessed(n1)"), 1));
    let trace = violation["trace"].as_array().unwrap();
    assert!(
        trace.iter().any(|state| state["action"].as_str().is_some_and(|action| action.starts_with("Lose")))
    );
    assert_eq!(trace.last().unwrap()["state"]["lost"], "1");
    assert!(violation["back_to"].as_u64().unwrap() > 0);
}

#[test]
fn a_search_that_stops_early_is_unknown_and_says_what_grows() {
    let (found, code) = explore("syn-6 --set splits=20 --depth-limit 8");
    assert_eq!((&found["unknown"], code), (&"stopped at the limit of 8 levels".into(), 3));
    assert!(found["growing"].to_string().contains("inbox"), "{found}");
}

#[test]
fn the_same_seed_walks_the_same_way() {
    let walk = |seed: &str| {
        let (mut found, code) = explore(&format!("syn-4 --simulate 100 --seed {seed}"));
        ["wall_s", "states_per_second"].iter().for_each(|key| found[*key] = Value::Null);
        (found.to_string(), code)
    };
    assert_eq!(walk("1"), walk("1"));
    assert_ne!(walk("1"), walk("2"));
    assert_eq!((walk("1").1, explore("bank-1 --simulate 3").1), (1, 3));
}

#[test]
fn people_see_each_state_and_what_changed() {
    let output = splitbrain(&["explore", "syn-4"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("syn-4  violation  AllRegistered  "), "{text}");
    let state = "  State 4: Reconnect(n1)\n    /\\ next_val = 1\n    /\\ inbox = (n1 :> <<>> @@ n2 :> <<>>)\n    \
                 /\\ locally_registered = (n1 :> {0} @@ n2 :> {})\n    /\\ registered = {0}\n  \
                 * /\\ visible_nodes = (n1 :> {n2} @@ n2 :> {n1})\n";
    assert!(text.contains(state), "{text}");
    assert!(text.lines().last().unwrap().ends_with("explore syn-4 --json"), "{text}");
}

#[test]
fn a_small_graph_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("states.dot");
    let output = splitbrain(&["explore", "syn-1", "--dot", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let drawing = std::fs::read_to_string(path).unwrap();
    assert_eq!((drawing.matches(" -> ").count(), drawing.matches("shape=box").count()), (36, 1));
}

#[test]
fn a_small_graph_is_a_picture_and_a_large_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("states.svg");
    let drawn = |spec: &str| splitbrain(&["explore", spec, "--svg", path.to_str().unwrap()]);
    let large = drawn("log");
    assert!(String::from_utf8(large.stderr).unwrap().contains("not drawn: 3,276 states"));
    assert!(!path.exists());
    assert_eq!(drawn("syn-1").status.code(), Some(0));
    let picture = std::fs::read_to_string(&path).unwrap();
    assert!(picture.contains("<svg") && picture.contains("next_val = 0"), "{picture}");
    assert_eq!(drawn("syn-1").status.code(), Some(0));
    assert_eq!(picture, std::fs::read_to_string(&path).unwrap());
}

#[test]
fn what_cannot_be_explored_is_told_with_what_can() {
    refused(&["explore", "syn-33"], &["there is no specification `syn-33`", "did you mean `syn-3`?"]);
    refused(&["explore", "syn-3", "--set", "name=6"], &["no setting `name`", "did you mean `names`?"]);
    refused(&["explore", "syn-3", "--set", "names=99"], &["names: `99` is not a number from 1 to 40"]);
    refused(&["explore", "syn-2", "--set", "fair=maybe"], &["fair: `maybe` is neither yes nor no"]);
    refused(&["explore", "syn-3", "--memory-limit", "much"], &["there is no unit `much`"]);
}

#[test]
fn all_specifications_are_listed() {
    let output = splitbrain(&["explore"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for entry in splitbrain::specs::ALL {
        assert!(text.contains(entry.name) && text.contains(entry.title), "{} is not in {text}", entry.name);
    }
}

#[test]
fn what_our_protocols_do_holds_and_each_flaw_is_shown() {
    let rows = [
        ("bank-held", "--set hold=no", "NoNegativeBalance"),
        ("bank-held", "--set once=no", "NothingLost"),
        ("lock", "--set minds=no", "NoWriteGoesBack"),
        ("lease", "--set whole=no", "NoLeaseEndsEarly"),
        ("lease", "--set sure=no", "NoLeaseEndsEarly"),
        ("lease", "--set alone=no", "NoLeaseEndsEarly"),
        ("lease", "--set refuses=no", "NoKeyOutlivesItsLease"),
        ("vrrp", "--set strict=yes", "NoTwoOwners"),
        ("vrrp", "--set equal=yes --set tie=no", "TwoOwnersEnd"),
        ("log", "--set early=yes", "NothingAcknowledgedIsLost"),
        ("converged", "--set nodes=2 --set drop=no", "AllAgree"),
        ("copies", "--set union=yes", "NothingComesBack"),
        ("copies", "--set overtaken=yes", "NothingClaimedIsDropped"),
    ];
    for (spec, flaw, property) in rows {
        let small = if spec == "converged" { " --set nodes=2" } else { "" };
        assert_eq!(explore(&format!("{spec}{small}")).1, 0, "{spec}");
        let (found, code) = explore(&format!("{spec} {flaw}"));
        assert_eq!((spec, found["violation"]["property"].as_str(), code), (spec, Some(property), 1));
    }
}

#[test]
fn fencing_makes_up_for_a_holder_that_does_not_look_at_its_clock() {
    assert_eq!(explore("lock --set minds=no --set fenced=yes").1, 0);
}

#[test]
fn a_step_that_is_not_allowed_is_refused_before_what_comes_of_it_is_seen() {
    let run = splitbrain(&["run", "scenarios/zoo/unchecked-cheque.toml", "--seed", "0", "--json"]);
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    let of = |checker: &str| {
        let violations = report["violations"].as_array().unwrap();
        violations.iter().find(|violation| violation["checker"] == checker).unwrap()
    };
    let at_ms = |checker: &str| of(checker)["at_ms"].as_i64().unwrap();
    assert!(at_ms("refinement") < at_ms("balance"), "{report}");
    assert!(
        of("refinement")["message"].as_str().unwrap().contains("; the specification allows "),
        "{report}"
    );
}

/// What a search of the real code finds.
fn real(arguments: &str) -> (Value, i32) {
    explore(&format!("--real {arguments}"))
}

#[test]
fn the_real_code_shows_a_phantom_without_a_seed_and_the_run_is_a_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("smallest.toml");
    let (found, code) = real(&format!("scenarios/zoo/phantom-on-merge.toml -o {}", path.display()));
    let violation = &found["violation"];
    assert_eq!((violation["checker"].as_str(), code), (Some("alive"), 0), "{found}");
    assert!(violation["chosen"].as_array().unwrap().len() <= 4, "{found}");
    let run = splitbrain(&["run", path.to_str().unwrap(), "--json"]);
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    let checkers: Vec<&Value> =
        report["violations"].as_array().unwrap().iter().map(|violation| &violation["checker"]).collect();
    assert_eq!(
        checkers,
        ["refinement", "alive"],
        "a step that is not allowed, and what it leads to: {report}"
    );
}

#[test]
fn real_code_without_the_flaw_holds_in_the_same_scope_which_says_what_it_leaves_out() {
    let (found, code) = real("scenarios/registry/swarm.toml --choices 2 --hasty 0");
    assert_eq!((&found["violation"], &found["left"], code), (&Value::Null, &0.into(), 0), "{found}");
    assert!(
        found["left_out"][0].as_str().unwrap().starts_with("runs of more than 2 choices, 1 faults"),
        "{found}"
    );
    assert!(found["runs"].as_u64() > found["distinct"].as_u64(), "{found}");
}
