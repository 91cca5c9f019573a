//! What a scenario inherits of what its system does not promise.

use super::{GOOD, Registry, parse, rendered};
use sim::scenario::{Scenario, Systems, Tolerated, Vocabulary};

const FORGETS: &str = "options = { resolver = \"latest\", sync = false }";
const EXPECTS: &str = "expect = { tolerates = [\"convergence\"] }";

/// The good file, with a system that forgets.
fn forgetful(expects: &str) -> String {
    let text = GOOD.replacen("options = { resolver = \"latest\" }", FORGETS, 1);
    assert!(text.contains(FORGETS) && text.contains(EXPECTS));
    text.replacen(EXPECTS, expects, 1)
}

fn tolerates(text: &str) -> [bool; 2] {
    let expect = parse(text).expect("it is a scenario").check.expect;
    ["one-owner", "convergence"].map(|checker| expect.tolerates(checker))
}

#[test]
fn a_file_that_expects_nothing_inherits_what_its_system_does_not_promise_under_its_options() {
    assert_eq!(tolerates(&forgetful("")), [true, false]);
    assert_eq!(tolerates(&GOOD.replacen(EXPECTS, "", 1)), [false, false], "other options");
    let expect = parse(&forgetful("")).unwrap().check.expect;
    assert_eq!(expect.because("one-owner"), Some("what is not on disk is forgotten"));
    assert_eq!(expect.to_string(), "inherits one-owner");
}

#[test]
fn what_a_file_expects_counts_instead() {
    assert_eq!(tolerates(&forgetful("expect = \"valid\"")), [false, false]);
    assert_eq!(tolerates(&forgetful(EXPECTS)), [false, true]);
    assert_eq!(tolerates(&forgetful("expect = { violation = \"convergence\" }")), [false, false]);
}

#[test]
fn what_must_be_reached_says_nothing_of_what_may_be_violated() {
    let reaches = "expect = { reaches = [\"conflict\"] }";
    assert_eq!(tolerates(&forgetful(reaches)), [true, false]);
    let plan = parse(&forgetful(reaches)).unwrap().resolve(7);
    assert_eq!(plan.check.expect.to_string(), "inherits one-owner; reaches conflict");
    assert_eq!(parse(&plan.to_toml()).unwrap(), plan);

    let nothing = "expect = { tolerates = [], reaches = [\"conflict\"] }";
    assert_eq!(tolerates(&forgetful(nothing)), [false, false]);
    let plan = parse(&forgetful(nothing)).unwrap().resolve(7);
    assert_eq!(plan.check.expect.to_string(), "valid; reaches conflict");
    assert_eq!(parse(&plan.to_toml()).unwrap(), plan);

    let both = "expect = { violation = \"convergence\", reaches = [\"conflict\", \"role\"] }";
    let plan = parse(&forgetful(both)).unwrap().resolve(7);
    assert_eq!(plan.check.expect.to_string(), "violation of convergence; reaches conflict, role");
    assert_eq!(parse(&plan.to_toml()).unwrap(), plan);
}

#[test]
fn a_probe_that_there_is_not_cannot_be_reached() {
    let reaches = |probes: &str| {
        let error = parse(&forgetful(&format!("expect = {{ reaches = [{probes}] }}"))).unwrap_err();
        rendered(&error)
    };
    insta::assert_snapshot!(reaches("\"role\", \"conflct\""), @r#"
     × check.expect.reaches.1: registry has no probe `conflct`
       ╭─[netsplit.toml:41:31]
    40 │ settle = "30s"
    41 │ expect = { reaches = ["role", "conflct"] }
       ·                               ────┬────
       ·                                   ╰── unknown probe
       ╰────
     help: did you mean `conflict`? probes: conflict, role
    "#);
    insta::assert_snapshot!(reaches("\"role\", \"role\""), @r#"
     × check.expect.reaches.1: `role` is named twice
       ╭─[netsplit.toml:41:31]
    40 │ settle = "30s"
    41 │ expect = { reaches = ["role", "role"] }
       ·                               ───┬──
       ·                                  ╰── again
       ╰────
     help: remove one of the two
    "#);
    insta::assert_snapshot!(reaches(""), @r#"
     × check.expect: this is not an expectation
       ╭─[netsplit.toml:41:10]
    40 │ settle = "30s"
    41 │ expect = { reaches = [] }
       ·          ────────┬───────
       ·                  ╰── not an expectation
       ╰────
     help: write "valid", { violation = "<checker>" }, { tolerates = ["<checker>"] }, { reaches =
           ["<probe>"] } or several of these in one
    "#);
}

#[test]
fn what_is_inherited_is_not_written_down_and_inherited_again() {
    let plan = parse(&forgetful("")).unwrap().resolve(7);
    let text = plan.to_toml();
    assert!(!text.contains("expect"), "{text}");
    assert_eq!(parse(&text).unwrap(), plan);
}

#[test]
fn an_unknown_checker_is_an_error_that_says_what_would_be_inherited() {
    let error = parse(&forgetful("expect = { tolerates = [\"one-ower\"] }")).unwrap_err();
    insta::assert_snapshot!(rendered(&error), @r#"
     × check.expect.tolerates.0: registry has no checker `one-ower`
       ╭─[netsplit.toml:41:25]
    40 │ settle = "30s"
    41 │ expect = { tolerates = ["one-ower"] }
       ·                         ─────┬────
       ·                              ╰── unknown checker
       ╰────
     help: did you mean `one-owner`? checkers: convergence, one-owner, linearizable; without
           `expect`, registry tolerates one-owner
    "#);
}

/// One that tolerates what it does not know.
struct Mistaken;

impl Systems for Mistaken {
    fn names(&self) -> Vec<String> {
        Registry.names()
    }

    fn vocabulary(&self, system: &str) -> Option<Vocabulary> {
        Registry.vocabulary(system)
    }

    fn tolerates(&self, _: &str, _: &toml::Table) -> Vec<Tolerated> {
        vec![Tolerated { checker: "one-ower", because: "of a slip of the hand" }]
    }
}

#[test]
fn a_system_that_tolerates_an_unknown_checker_is_refused() {
    let error = Scenario::parse("netsplit.toml", GOOD, &[], &Mistaken).unwrap_err();
    insta::assert_snapshot!(rendered(&error), @r#"
     × system: registry tolerates `one-ower`, and has no such checker
      ╭─[netsplit.toml:3:10]
    2 │ title = "One owner for a name registered on both sides of a netsplit"
    3 │ system = "registry"
      ·          ─────┬────
      ·               ╰── a mistake of the system
    4 │
      ╰────
     help: did you mean `one-owner`? checkers: convergence, one-owner
    "#);
}
