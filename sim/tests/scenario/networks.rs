//! Links: what they may be like, and what may go wrong with them.

use super::{GOOD, parse, rendered};
use sim::scenario::Scenario;

fn with(network: &str, fault: &str) -> String {
    let text = GOOD.replacen("loss = 0.001", network, 1);
    text.replacen("partition = [[\"n1\"], [\"n2\", \"n3\"]]\nheal_after = \"5s\"", fault, 1)
}

const PARTITION: &str = "partition = [[\"n1\"], [\"n2\", \"n3\"]]\nheal_after = \"5s\"";

/// What is said about a network, or a fault, that cannot be: the title line and the help.
fn refused(network: &str, fault: &str) -> String {
    let page = rendered(&parse(&with(network, fault)).expect_err("a bad file was accepted"));
    let said: Vec<&str> = page.lines().map(str::trim).filter(|line| line.starts_with(['×', 'h'])).collect();
    said.join("\n")
}

fn refused_network(network: &str) -> String {
    refused(network, PARTITION)
}

fn refused_link(link: &str) -> String {
    refused("loss = 0.001", &format!("link = {{ {link} }}\nheal_after = \"5s\""))
}

/// Whether a plan survives being written down and read again.
fn round_trip(scenario: &Scenario) {
    let plan = scenario.resolve(7);
    let again = parse(&plan.to_toml()).expect("a plan is a scenario");
    assert_eq!(again, plan);
}

#[test]
fn every_key_of_a_network_is_read_and_written() {
    let network = r#"
loss = 0.001
duplicate = 0.01
reorder = { probability = 0.01, by = "20ms" }
corrupt = 0.001
bandwidth = { bytes_per_second = 1_000_000, queue = 10_000 }
[[network.link]]
from = ["n1", "c1"]
to = ["n2"]
latency = { median = "2ms", p99 = "20ms", tail = "pareto" }
loss = 0.1
duplicate = 0.1
reorder = { probability = 0.1, by = "30ms" }
corrupt = 0.1
bandwidth = { bytes_per_second = 1_000 }
"#;
    let scenario = parse(&with(network, PARTITION)).expect("a good file");
    assert_eq!(scenario.network.links[0].bandwidth.expect("it has one").queue, 65_536);
    round_trip(&scenario);
}

#[test]
fn every_fault_of_a_link_is_read_and_written() {
    for link in [
        r#"between = [["n1"], ["n2", "n3"]], fault = "slow", by = "200ms""#,
        r#"from = ["n1"], to = ["c1"], fault = "lossy", probability = 0.5"#,
        r#"between = [["n1"], ["n2"]], fault = "duplicating", probability = 0.5"#,
        r#"between = [["n1"], ["n2"]], fault = "reordering", probability = 0.5, by = "1s""#,
        r#"between = [["n1"], ["n2"]], fault = "corrupting", probability = 0.5"#,
        r#"between = [["n1"], ["n2"]], fault = "thin", bytes_per_second = 1000, queue = 9000"#,
    ] {
        let fault = format!("link = {{ {link} }}\nheal_after = \"5s\"");
        round_trip(&parse(&with("loss = 0.001", &fault)).expect("a good file"));
    }
}

#[test]
fn a_setting_out_of_its_range_is_named_with_its_bound() {
    for (network, says) in [
        ("duplicate = 1.5", "network.duplicate: 1.5 is not a probability, from 0 to 1"),
        ("corrupt = -0.1", "network.corrupt: -0.1 is not a probability, from 0 to 1"),
        (
            "reorder = { probability = 2.0, by = \"1ms\" }",
            "network.reorder.probability: 2 is not a probability, from 0 to 1",
        ),
        ("reorder = { probability = 0.1, by = \"0s\" }", "network.reorder.by: 0s is not above 0"),
        ("bandwidth = { bytes_per_second = 0 }", "network.bandwidth.bytes_per_second: 0 is not at least 1"),
        (
            "bandwidth = { bytes_per_second = 9, queue = 10 }",
            "network.bandwidth.queue: 10 is not at least 3000, two full frames",
        ),
        (
            "[[network.link]]\nfrom = [\"n1\"]\nto = [\"n2\"]\nloss = 1.0",
            "network.link.0.loss: 1 is not a probability below 1",
        ),
    ] {
        let said = refused_network(network);
        assert!(said.lines().next().is_some_and(|line| line.ends_with(says)), "{network}: {said}");
    }
}

#[test]
fn a_link_leads_from_a_machine_to_another_one() {
    let link = |from, to| refused_network(&format!("[[network.link]]\nfrom = [{from:?}]\nto = [{to:?}]"));
    insta::assert_snapshot!(link("n1", "n9"), @r"
    × network.link.0.to.0: there is no n9
    help: machines: n1 to n3, and the clients c1 to c4
    ");
    insta::assert_snapshot!(link("n1", "n1"), @r"
    × network.link.0.to.0: n1 is in two groups, which then overlap
    help: n1 stands in network.link.0.from already: remove one of the two
    ");
}

#[test]
fn a_fault_of_a_link_says_which_and_what() {
    insta::assert_snapshot!(refused_link(r#"fault = "lossy", probability = 0.1"#), @r#"
    × fault.0.link: nothing says which links
    help: add between = [["n1"], ["n2"]], or from = ["n1"] and to = ["n2"]
    "#);
    insta::assert_snapshot!(refused_link(r#"from = ["n1"], fault = "lossy", probability = 0.1"#), @r"
    × fault.0.link: `from` and `to` belong together
    help: add the other one
    ");
    let both = r#"between = [["n1"], ["n2"]], from = ["n1"], fault = "lossy", probability = 0.1"#;
    insta::assert_snapshot!(refused_link(both), @r"
    × fault.0.link.between: links are those `between` groups, or `from` some `to` others
    help: remove one of the two
    ");
    insta::assert_snapshot!(refused_link(r#"between = [["n1"], ["n2"]], fault = "slow""#), @r#"
    × fault.0.link: this fault of a link needs `by`
    help: add by = "200ms"
    "#);
    let wrong = r#"between = [["n1"], ["n2"]], fault = "slow", by = "1s", probability = 0.5"#;
    insta::assert_snapshot!(refused_link(wrong), @r"
    × fault.0.link.probability: `probability` does not belong to this fault of a link
    help: remove it
    ");
    let wrong = r#"between = [["n1"], ["n2"]], fault = "lossy", probability = 1.5"#;
    insta::assert_snapshot!(refused_link(wrong), @r"
    × fault.0.link.probability: 1.5 is not a probability, from 0 to 1
    help: write a probability, from 0 to 1
    ");
}
