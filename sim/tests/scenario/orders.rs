//! Orders: what an operator does beside the clients.

use super::{GOOD, parse, rendered};
use sim::scenario::Scenario;

/// The good file with two orders.
fn ordering() -> String {
    let orders = r#"
[[order]]
at = "2s"
name = "lookup"
argument = "name-1"

[[order]]
at = "1s 200ms"
name = "audit"

[[fault]]
at = "3s""#;
    GOOD.replacen("\n[[fault]]\nat = \"3s\"", orders, 1)
}

fn refused(good: &str, bad: &str) -> String {
    let text = ordering();
    assert!(text.contains(good), "the file does not have {good}");
    rendered(&parse(&text.replacen(good, bad, 1)).expect_err("a bad file was accepted"))
}

#[test]
fn orders_stand_beside_what_is_drawn_and_are_given_in_order() {
    let scenario = parse(&ordering()).unwrap();
    let plan = scenario.resolve(3);
    assert!(plan.workload.rate.is_some(), "the clients draw");
    let told: Vec<String> = plan.orders.iter().map(|order| format!("{} {}", order.at, order.name)).collect();
    assert_eq!(told, ["1s 200ms audit", "2s lookup"]);
    assert_eq!(plan.resolve(4), plan, "a plan is itself");
    let again: Scenario = parse(&plan.to_toml()).unwrap();
    assert_eq!(again, plan, "and a file");
}

#[test]
fn the_operator_has_a_machine_after_the_clients_and_is_none_of_them() {
    let cut =
        GOOD.replacen("partition = [[\"n1\"], [\"n2\", \"n3\"]]", "partition = [[\"n1\"], [\"c5\"]]", 1);
    assert!(parse(&cut).is_err(), "there are four clients");
    let cut = ordering().replacen("[[\"n1\"], [\"n2\", \"n3\"]]", "[[\"n1\"], [\"c5\"]]", 1);
    parse(&cut).unwrap();
    let listed = "[[operation]]\nat = \"1s\"\nclient = \"c5\"\nname = \"audit\"\n\n[[order]]\nat = \"2s\"";
    let text = ordering().replacen("[[order]]\nat = \"2s\"", listed, 1);
    let error = parse(&text).expect_err("the operator does what is ordered").to_string();
    assert_eq!(error, "operation.0.client: there is no c5");
}

#[test]
fn an_order_that_cannot_be_given_is_refused_where_it_stands() {
    insta::assert_snapshot!(refused("name = \"audit\"", "name = \"audti\""), @r#"
     × order.1.name: registry has no operation `audti`
       ╭─[netsplit.toml:29:8]
    28 │ at = "1s 200ms"
    29 │ name = "audti"
       ·        ───┬───
       ·           ╰── unknown operation
    30 │
       ╰────
     help: did you mean `audit`? operations: register, lookup, audit
    "#);
    let error = |good, bad| parse(&ordering().replacen(good, bad, 1)).expect_err("it is refused").to_string();
    let late = error("at = \"1s 200ms\"", "at = \"30s\"");
    assert_eq!(late, "order.1.at: 30s is after the end: the workload ends at 20s");
    assert_eq!(
        error("argument = \"name-1\"", "client = \"c1\""),
        "order.0.client: there is no key `client` here"
    );
}
