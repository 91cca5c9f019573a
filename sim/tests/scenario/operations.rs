//! Operations that are listed, in place of drawing them.

use super::{GOOD, parse, rendered};
use sim::scenario::Scenario;

/// The good file with two operations in place of the rate and the mix.
fn listing() -> String {
    let drawn =
        "rate = \"50/s\"\nfor = \"20s\"\nmix = { register = 4, unregister = 2, kill = 1, lookup = 8 }\n";
    assert!(GOOD.contains(drawn));
    let listed = r#"
[[operation]]
at = "2s"
client = "c2"
name = "lookup"
argument = "name-1"

[[operation]]
at = "1s 200ms"
client = "c1"
name = "audit"

[[fault]]
at = "3s""#;
    GOOD.replacen(drawn, "for = \"20s\"\n", 1).replacen("\n[[fault]]\nat = \"3s\"", listed, 1)
}

fn refused(good: &str, bad: &str) -> String {
    let text = listing();
    assert!(text.contains(good), "the file does not have {good}");
    rendered(&parse(&text.replacen(good, bad, 1)).expect_err("a bad file was accepted"))
}

#[test]
fn listed_operations_need_neither_rate_nor_mix_and_are_done_in_order() {
    let scenario = parse(&listing()).unwrap();
    assert_eq!((scenario.workload.rate, scenario.workload.mix.len()), (None, 0));
    let plan = scenario.resolve(3);
    let told: Vec<String> = plan.operations.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["1s 200ms: c1 audit", "2s: c2 lookup \"name-1\""]);
    assert_eq!(plan.resolve(4), plan, "a plan is itself");
    let again: Scenario = parse(&plan.to_toml()).unwrap();
    assert_eq!(again, plan, "and a file");
}

#[test]
fn a_short_file_leaves_out_what_is_so_by_default() {
    let mut plan = parse(&listing()).unwrap().resolve(3);
    (plan.network.loss, plan.clock) = (0.0, sim::scenario::Clock::default());
    plan.faults.clear();
    let short = plan.to_short_toml();
    assert_eq!(parse(&short).unwrap(), plan, "{short}");
    assert!(short.contains("nodes = 3") && short.contains("p99"), "{short}");
    for default in ["loss", "clock", "keys", "timeout", "settle"] {
        assert!(plan.to_toml().contains(default) && !short.contains(default), "{default} in {short}");
    }
}

#[test]
fn a_plan_that_lists_operations_looks_like_a_file_somebody_wrote() {
    let plan = parse(&listing()).unwrap().resolve(3).to_toml();
    let operations = plan.split("\n\n").filter(|section| section.starts_with("[[operation]]"));
    insta::assert_snapshot!(operations.collect::<Vec<_>>().join("\n\n"), @r#"
    [[operation]]
    at = "1s 200ms"
    client = "c1"
    name = "audit"

    [[operation]]
    at = "2s"
    client = "c2"
    name = "lookup"
    argument = "name-1"
    "#);
}

#[test]
fn a_client_that_does_not_exist_is_refused() {
    insta::assert_snapshot!(refused("client = \"c2\"", "client = \"c5\""), @r#"
     × operation.0.client: there is no c5
       ╭─[netsplit.toml:22:10]
    21 │ at = "2s"
    22 │ client = "c5"
       ·          ──┬─
       ·            ╰── does not exist
    23 │ name = "lookup"
       ╰────
     help: clients: c1 to c4
    "#);
    insta::assert_snapshot!(refused("client = \"c2\"", "client = \"n2\""), @r#"
     × operation.0.client: n2 is a node, and this takes a client
       ╭─[netsplit.toml:22:10]
    21 │ at = "2s"
    22 │ client = "n2"
       ·          ──┬─
       ·            ╰── not a client
    23 │ name = "lookup"
       ╰────
     help: clients: c1 to c4
    "#);
    insta::assert_snapshot!(refused("client = \"c2\"", "client = \"two\""), @r#"
     × operation.0.client: `two` is no machine
       ╭─[netsplit.toml:22:10]
    21 │ at = "2s"
    22 │ client = "two"
       ·          ──┬──
       ·            ╰── is no machine
    23 │ name = "lookup"
       ╰────
     help: they are n1, n2 and so on, and the clients c1, c2 and so on
    "#);
    insta::assert_snapshot!(refused("client = \"c2\"\n", ""), @r#"
     × operation: `client` is missing
       ╭─[netsplit.toml:20:1]
    19 │
    20 │ [[operation]]
       · ──────┬──────
       ·       ╰── no `client`
    21 │ at = "2s"
       ╰────
     help: who does it: client = "c1"
    "#);
}

#[test]
fn an_unknown_operation_comes_with_those_there_are() {
    insta::assert_snapshot!(refused("name = \"lookup\"", "name = \"look_up\""), @r#"
     × operation.0.name: registry has no operation `look_up`
       ╭─[netsplit.toml:23:8]
    22 │ client = "c2"
    23 │ name = "look_up"
       ·        ────┬────
       ·            ╰── unknown operation
    24 │ argument = "name-1"
       ╰────
     help: did you mean `lookup`? operations: register, lookup, audit
    "#);
}

#[test]
fn an_argument_that_the_system_cannot_read_is_refused() {
    insta::assert_snapshot!(refused("argument = \"name-1\"", "argument = 7"), @r#"
     × operation.0.argument: `lookup` is not about this: expected a string, found integer `7`
       ╭─[netsplit.toml:24:12]
    23 │ name = "lookup"
    24 │ argument = 7
       ·            ┬
       ·            ╰── not what `lookup` takes
    25 │
       ╰────
     help: the history that `replay` writes shows how it is written: as the value of an invocation
    "#);
    insta::assert_snapshot!(refused("argument = \"name-1\"\n", ""), @r#"
     × operation.0.argument: `lookup` is not about this: expected a string, found null
       ╭─[netsplit.toml:20:1]
    19 │
    20 │ [[operation]]
       · ──────┬──────
       ·       ╰── not what `lookup` takes
    21 │ at = "2s"
       ╰────
     help: the history that `replay` writes shows how it is written: as the value of an invocation
    "#);
    insta::assert_snapshot!(refused("name = \"audit\"", "name = \"audit\"\nargument = [1]"), @r#"
     × operation.1.argument: `audit` is not about this: expected nothing, found sequence
       ╭─[netsplit.toml:30:12]
    29 │ name = "audit"
    30 │ argument = [1]
       ·            ─┬─
       ·             ╰── not what `audit` takes
    31 │
       ╰────
     help: the history that `replay` writes shows how it is written: as the value of an invocation
    "#);
    insta::assert_snapshot!(refused("argument = \"name-1\"", "json = \"[nil]\""), @r#"
     × operation: `json` is not JSON: expected ident at line 1 column 3
       ╭─[netsplit.toml:20:1]
    19 │
    20 │ [[operation]]
       · ──────┬──────
       ·       ╰── is not JSON: expected ident at line 1 column 3
    21 │ at = "2s"
       ╰────
     help: write the value as JSON, "[null]"
    "#);
    insta::assert_snapshot!(refused("argument = \"name-1\"", "argument = 1\njson = \"1\""), @r#"
     × operation: `argument` and `json` say the same
       ╭─[netsplit.toml:20:1]
    19 │
    20 │ [[operation]]
       · ──────┬──────
       ·       ╰── `argument` and `json` say the same
    21 │ at = "2s"
       ╰────
     help: remove one of the two
    "#);
}

#[test]
fn an_operation_after_the_end_is_refused() {
    insta::assert_snapshot!(refused("at = \"2s\"\nclient", "at = \"20s\"\nclient"), @r#"
     × operation.0.at: 20s is after the end: the workload ends at 20s
       ╭─[netsplit.toml:21:6]
    20 │ [[operation]]
    21 │ at = "20s"
       ·      ──┬──
       ·        ╰── after the end
    22 │ client = "c2"
       ╰────
     help: write less than 20s here, or more for workload.for
    "#);
    insta::assert_snapshot!(refused("at = \"2s\"\nclient", "client"), @r#"
     × operation: `at` is missing
       ╭─[netsplit.toml:20:1]
    19 │
    20 │ [[operation]]
       · ──────┬──────
       ·       ╰── no `at`
    21 │ client = "c2"
       ╰────
     help: when it is due: at = "1s"
    "#);
    insta::assert_snapshot!(refused("argument = ", "arguments = "), @r#"
     × operation.0.arguments: there is no key `arguments` here
       ╭─[netsplit.toml:24:1]
    23 │ name = "lookup"
    24 │ arguments = "name-1"
       · ────┬────
       ·     ╰── unknown key
    25 │
       ╰────
     help: did you mean `argument`? keys: at, client, name, argument, json
    "#);
}

#[test]
fn without_listed_operations_rate_and_mix_are_missing() {
    for key in ["rate = ", "mix = "] {
        let text: String =
            GOOD.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
        let error = parse(&text).expect_err("nobody knows what to do").to_string();
        assert_eq!(error, format!("workload: `{}` is missing", key.trim_end_matches(" = ")));
    }
}

#[test]
fn a_model_must_know_the_operations_that_are_listed() {
    let with_model = |text: &str| text.replacen("[check]", "[check]\nlinearizable = \"registry\"", 1);
    let error = parse(&with_model(&listing())).expect_err("a registry has no audit").to_string();
    assert_eq!(error, "check.linearizable: a registry has no function `audit`");
}
