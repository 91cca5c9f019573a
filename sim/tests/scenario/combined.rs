//! Faults that are made of others, faults that wait for a probe, and sizes that a seed picks.

use super::{GOOD, parse, parse_with, rendered};
use sim::scenario::{Fault, Moment, Scenario};

const FILE: &str = r#"
title = "Faults that are made of others"
system = "registry"

[cluster]
nodes = 3

[workload]
clients = 2
rate = "50/s"
for = "20s"
mix = { register = 1 }

[[fault]]
at = "3s"
"#;

/// What a plan says of a fault, line by line.
fn planned(fault: &str) -> Vec<String> {
    let plan = parse(&format!("{FILE}{fault}")).expect("it is right").resolve(1);
    plan.faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_blackout_takes_the_power_of_all_at_one_instant() {
    let planned = planned(r#"blackout = { nodes = ["n2", "n1"], down = "1s", apart = "30ms" }"#);
    assert_eq!(planned, ["3s: power loss of n2, for 1s", "3s: power loss of n1, for 1s 30ms"]);
}

#[test]
fn in_a_relay_the_next_crashes_soon_after_the_one_before_is_back() {
    let planned = planned(r#"relay = { nodes = ["n3", "n1"], down = "1s", gap = "5ms" }"#);
    assert_eq!(planned, ["3s: crash n3, for 1s", "4s 5ms: crash n1, for 1s"]);
}

#[test]
fn a_brownout_is_a_slow_disk_until_the_power_fails() {
    let planned = planned(r#"brownout = { node = "n1", factor = 50, power_after = "300ms", down = "1s" }"#);
    assert_eq!(planned.len(), 2);
    assert!(planned[0].starts_with("3s: ") && planned[0].ends_with(", for 300ms"), "{planned:?}");
    assert_eq!(planned[1], "3s 300ms: power loss of n1, for 1s");
}

#[test]
fn a_rolling_partition_isolates_one_node_after_the_other() {
    let planned = planned(r#"rolling_partition = { each = "2s", gap = "100ms" }"#);
    let starts: Vec<&str> = planned.iter().filter_map(|fault| fault.split(": ").next()).collect();
    assert_eq!(starts, ["3s", "5s 100ms", "7s 200ms"]);
    assert!(planned.iter().zip(1..).all(|(fault, node)| fault.contains(&format!("n{node}"))), "{planned:?}");
}

#[test]
fn one_node_alone_has_no_blackout_and_no_relay() {
    for fault in [
        r#"blackout = { nodes = ["n1"], down = "1s" }"#,
        r#"relay = { nodes = ["n1"], down = "1s", gap = "5ms" }"#,
        r#"brownout = { node = "n1", factor = 1, power_after = "300ms", down = "1s" }"#,
    ] {
        assert!(parse(&format!("{FILE}{fault}")).is_err(), "{fault}");
    }
}

fn striking(share: &str) -> Scenario {
    parse_with(&[("random.every", "500ms"), ("random.strikes", share)]).expect("it is right")
}

fn waiting(plan: &Scenario) -> usize {
    plan.faults.iter().filter(|fault| matches!(fault.moment, Moment::Probe { .. })).count()
}

#[test]
fn faults_that_strike_wait_for_any_probe_of_the_system_and_are_a_plan_again() {
    let (none, all) = (striking("0.0"), striking("1.0"));
    let scripted = waiting(&parse(GOOD).unwrap().resolve(0));
    for seed in 0..50 {
        assert_eq!(waiting(&none.resolve(seed)), scripted);
        let plan = all.resolve(seed);
        assert!(waiting(&plan) > scripted, "seed {seed}");
        assert_eq!(parse(&plan.to_toml()).unwrap(), plan, "seed {seed}");
    }
}

#[test]
fn a_share_that_is_none_and_a_probe_that_is_not_published_are_refused() {
    assert!(parse_with(&[("random.strikes", "1.5")]).is_err());
    assert!(parse_with(&[("random.probes", "[\"nothing\"]")]).is_err());
}

#[test]
fn sizes_are_drawn_from_the_seed_and_said_in_the_plan() {
    let scenario = parse_with(&[("random.sizes", "true")]).unwrap();
    let plans: Vec<Scenario> = (0..50).map(|seed| scenario.resolve(seed)).collect();
    assert!(plans.iter().any(|plan| plan.workload.bursts.is_some()));
    assert!(plans.iter().any(|plan| plan.workload.keys != scenario.workload.keys));
    assert!(plans.iter().any(|plan| plan.workload.rate != scenario.workload.rate));
    for plan in plans {
        assert_eq!(parse(&plan.to_toml()).unwrap(), plan);
    }
}

/// All faults of fifty seeds, drawn with these settings.
fn drawn(random: &[(&str, &str)]) -> Vec<Fault> {
    let every = [("random.every", "2s"), ("random.swarm", "false")];
    let scenario = parse_with(&[&every, random].concat()).expect("it is right");
    (0..50).flat_map(|seed| scenario.resolve(seed).faults).collect()
}

#[test]
fn half_of_what_befalls_a_machine_befalls_one_of_its_processes_where_some_are_named() {
    for kind in [r#"["crash"]"#, r#"["pause"]"#] {
        let of_agent = |random: &[(&str, &str)]| {
            let faults = drawn(&[&[("random.kinds", kind)], random].concat());
            let said = faults.iter().filter(|fault| fault.to_string().contains("agent")).count();
            (said, faults.len())
        };
        assert_eq!(of_agent(&[]).0, 0);
        let (of_agent, all) = of_agent(&[("random.processes", r#"["agent"]"#)]);
        assert!(of_agent > all / 4 && of_agent < all / 2, "{of_agent} of {all}");
    }
    let nobody = parse_with(&[("random.processes", r#"["nobody"]"#)]).expect_err("it has no such process");
    assert!(rendered(&nobody).contains("no process `nobody`"));
}

#[test]
fn a_random_fault_lasts_as_long_as_the_file_says() {
    let longest = |random: &[(&str, &str)]| {
        let pauses = drawn(&[&[("random.kinds", r#"["pause"]"#)], random].concat());
        let lasts =
            pauses.iter().filter(|fault| fault.to_string().contains("pause")).filter_map(|fault| fault.lasts);
        lasts.max().map(|lasts| lasts.get().as_millis()).expect("some last")
    };
    let all = longest(&[]);
    assert!(all > 6_000 && all <= 12_000, "{all}");
    let long = longest(&[("random.lasts", r#"{ from = "3s", to = "40s" }"#)]);
    assert!(long > 12_000, "{long}");
    let short = longest(&[("random.lasts", r#"{ from = "60ms", to = "70ms" }"#)]);
    assert!(short <= 70, "{short}");
    for wrong in [r#"{ from = "3s", to = "2s" }"#, r#"{ from = "1ms", to = "2s" }"#] {
        assert!(parse_with(&[("random.lasts", wrong)]).is_err(), "{wrong}");
    }
}
