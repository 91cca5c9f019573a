//! What a seed makes of a scenario.

use super::{GOOD, parse, parse_with};
use sim::scenario::{Moment, Name, Nodes, RandomKind, Scenario, Target, Time, Workload};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A plan's crashes and pauses: which node, from when to when.
fn downs(plan: &Scenario) -> Vec<(Name, Duration, Duration)> {
    let down = |fault: &sim::scenario::Fault| match (&fault.moment, fault.action.target()) {
        (Moment::At { at, .. }, Some(("crash" | "pause", Target::Node(node)))) => {
            Some((*node, at.get(), at.get() + fault.lasts.map_or(Duration::ZERO, Time::get)))
        }
        _ => None,
    };
    plan.faults.iter().filter_map(down).collect()
}

/// The most nodes down at the same time. It is reached when one of them goes down.
fn most_down(plan: &Scenario) -> usize {
    let downs = downs(plan);
    let at = |now: Duration| downs.iter().filter(|(_, from, to)| *from <= now && now < *to).count();
    downs.iter().map(|(_, from, _)| at(*from)).max().unwrap_or(0)
}

fn many_faults(down: u32) -> Scenario {
    let down = down.to_string();
    parse_with(&[
        ("cluster.nodes", "{ from = 3, to = 9 }"),
        ("random.every", "200ms"),
        ("random.at_most.down", &down),
    ])
    .expect("a scenario with many faults")
}

#[test]
fn the_same_seed_makes_the_same_plan_and_another_seed_another() {
    let scenario = many_faults(1);
    for seed in 0..100 {
        assert_eq!(scenario.resolve(seed), scenario.resolve(seed));
        assert_ne!(scenario.resolve(seed), scenario.resolve(seed + 1));
    }
}

#[test]
fn a_plan_is_a_scenario_file_that_resolves_to_itself() {
    let scenario = many_faults(2);
    for seed in 0..200 {
        let plan = scenario.resolve(seed);
        assert!(matches!(plan.cluster.nodes, Nodes::Exactly(3..=9)));
        assert_eq!(plan.random, None);
        assert_eq!(parse(&plan.to_toml()).unwrap(), plan, "seed {seed}");
        assert_eq!(plan.resolve(seed + 1), plan);
    }
}

#[test]
fn a_plan_looks_like_a_file_somebody_wrote() {
    let scenario = parse(GOOD).unwrap();
    insta::assert_snapshot!(scenario.resolve(4).to_toml(), @r#"
    title = "One owner for a name registered on both sides of a netsplit"
    system = "registry"

    [cluster]
    nodes = 3
    options = { resolver = "latest" }

    [network]
    latency = { median = "2ms", p99 = "20ms" }
    loss = 0.001

    [clock]
    skew = "50ms"
    drift_ppm = 0

    [workload]
    clients = 4
    rate = "50/s"
    for = "20s"
    mix = { lookup = 8, register = 16 }
    keys = 8
    timeout = "5s"

    [at_most]
    down = 1
    disk = 1

    [[fault]]
    at = "3s"
    partition = [["n1"], ["n2", "n3"]]
    heal_after = "5s"

    [[fault]]
    when = { node = "any", probe = "conflict" }
    after = "10ms"
    crash = "that"
    restart_after = "2s"

    [[fault]]
    at = "911ms"
    crash = "n2"
    restart_after = "140ms"

    [[fault]]
    at = "3s 462ms"
    one_way = { from = ["n2", "n3"], to = ["n1"] }
    heal_after = "1s 130ms"

    [[fault]]
    at = "4s 735ms"
    clock = { node = "n3", by = "-4s 446ms" }

    [[fault]]
    at = "9s 90ms"
    pause = "n1"
    resume_after = "243ms"

    [[fault]]
    at = "9s 236ms"
    clock = { node = "n1", by = "+795ms" }

    [[fault]]
    at = "10s 305ms"
    one_way = { from = ["n2"], to = ["n1", "n3"] }
    heal_after = "3s 511ms"

    [[fault]]
    at = "12s 387ms"
    crash = "n1"
    restart_after = "203ms"

    [[fault]]
    at = "13s 543ms"
    clock = { node = "n3", by = "+29ms" }

    [[fault]]
    at = "14s 428ms"
    clock = { node = "n2", by = "-1s 14ms" }

    [[fault]]
    at = "15s 156ms"
    crash = "n2"
    restart_after = "286ms"

    [[fault]]
    at = "16s 459ms"
    one_way = { from = ["n2"], to = ["n3"] }
    heal_after = "117ms"

    [[fault]]
    at = "18s 180ms"
    pause = "n2"
    resume_after = "726ms"

    [check]
    settle = "30s"
    expect = { tolerates = ["convergence"] }
    "#);
}

#[test]
fn never_more_nodes_are_down_than_the_budget_allows() {
    for down in 0..=3 {
        let scenario = many_faults(down);
        let most = (0..1000).map(|seed| most_down(&scenario.resolve(seed))).max();
        assert_eq!(most, Some(down as usize), "the budget of {down} is kept, and used");
    }
}

#[test]
fn a_scripted_crash_counts_against_the_budget() {
    let crash = "[[fault]]\nat = \"5s\"\ncrash = \"n1\"\nrestart_after = \"10s\"\n";
    let text = GOOD
        .replace("[random]", &format!("{crash}\n[random]"))
        .replace("\"2s\"\nat_most", "\"200ms\"\nat_most");
    let scenario = parse(&text).unwrap();
    for seed in 0..1000 {
        assert_eq!(most_down(&scenario.resolve(seed)), 1, "seed {seed}");
    }
}

#[test]
fn a_node_that_is_down_is_not_taken_down_again() {
    let scenario = many_faults(3);
    for seed in 0..1000 {
        let mut downs = downs(&scenario.resolve(seed));
        downs.sort();
        for pair in downs.windows(2) {
            assert!(pair[0].0 != pair[1].0 || pair[0].2 < pair[1].1, "{pair:?}, seed {seed}");
        }
    }
}

#[test]
fn every_kind_of_fault_is_drawn_and_none_after_the_end() {
    let scenario = many_faults(1);
    let mut drawn = BTreeSet::new();
    for seed in 0..100 {
        for fault in scenario.resolve(seed).faults {
            let Moment::At { at, .. } = fault.moment else { continue };
            assert!(at < scenario.workload.duration);
            drawn.insert(fault.action.key());
        }
    }
    let named = ["clock", "crash", "hold", "one_way", "partition", "pause"];
    assert!(drawn.iter().eq(&named), "{drawn:?}");
}

#[test]
fn faults_come_as_often_as_the_file_says() {
    let scenario =
        parse_with(&[("workload.for", "1000s"), ("random.swarm", "false"), ("random.at_most.down", "3")])
            .unwrap();
    let clocks =
        parse_with(&[("workload.for", "1000s"), ("random.swarm", "false"), ("random.kinds", "[\"clock\"]")])
            .unwrap();
    let drawn = clocks.resolve(1).faults.len() - 2;
    assert!((450..550).contains(&drawn), "{drawn} faults in 1000 s, 2 s apart");
    // The budget refuses some of the crashes and pauses, and nothing else.
    let some = scenario.resolve(1).faults.len() - 2;
    assert!(some < drawn && some > drawn / 2, "{some} of {drawn}");
}

#[test]
fn one_node_alone_is_never_partitioned() {
    let alone = GOOD.replace("partition = [[\"n1\"], [\"n2\", \"n3\"]]", "partition = [[\"n1\"], [\"c1\"]]");
    let scenario = parse(&alone.replace("nodes = 3", "nodes = 1")).unwrap();
    for seed in 0..100 {
        let plan = scenario.resolve(seed);
        let splits =
            |fault: &&sim::scenario::Fault| ["partition", "one_way", "hold"].contains(&fault.action.key());
        assert_eq!(plan.faults.iter().filter(splits).count(), 1, "the scripted one, seed {seed}");
    }
}

#[test]
fn the_swarm_drops_and_keeps_every_operation_but_never_all() {
    let scenario = parse(GOOD).unwrap();
    let mixes: Vec<_> = (0..1000).map(|seed| scenario.resolve(seed).workload.mix).collect();
    assert!(mixes.iter().all(|mix| !mix.is_empty()));
    for operation in scenario.workload.mix.keys() {
        let kept = mixes.iter().filter(|mix| mix.contains_key(operation)).count();
        assert!((700..800).contains(&kept), "{operation} kept in {kept} of 1000");
    }
}

#[test]
fn a_swarm_does_what_is_rare_at_most_sixteen_times_as_often() {
    let scenario = parse_with(&[("workload.mix.register", "1000")]).unwrap();
    let rates = |scenario: &Scenario| -> BTreeMap<String, f64> {
        let Workload { rate, mix, .. } = &scenario.workload;
        let all: f64 = mix.values().copied().map(f64::from).sum();
        mix.iter()
            .map(|(operation, weight)| (operation.clone(), rate.unwrap().get() * f64::from(*weight) / all))
            .collect()
    };
    let said = rates(&scenario);
    let plans: Vec<_> = (0..1000).map(|seed| scenario.resolve(seed)).collect();
    let oftener =
        |plan| rates(plan).into_iter().map(|(operation, rate)| rate / said[&operation]).fold(0.0, f64::max);
    assert!(plans.iter().all(|plan| oftener(plan) < 16.001));
    let slower = plans.iter().filter(|plan| plan.workload.rate != scenario.workload.rate).count();
    assert!((100..500).contains(&slower), "without `register` the others would come more often: {slower}");
}

#[test]
fn to_take_an_operation_out_leaves_the_others_as_they_were() {
    let scenario = parse(GOOD).unwrap();
    let mut without = scenario.clone();
    without.workload.mix.remove("register");
    for seed in 0..100 {
        let (mut with, without) = (scenario.resolve(seed), without.resolve(seed));
        with.workload.mix.remove("register");
        if !with.workload.mix.is_empty() {
            assert_eq!(with, without, "seed {seed}");
        }
    }
}

#[test]
fn without_a_swarm_the_mix_stays_as_it_is() {
    let scenario = parse_with(&[("random.swarm", "false")]).unwrap();
    assert_eq!(scenario.resolve(3).workload, scenario.workload);
}

/// A scenario of every random kind, many of them.
fn every_kind(lasts: &str) -> Scenario {
    let kinds: Vec<String> = RandomKind::all().map(|kind| format!("{:?}", kind.name())).collect();
    parse_with(&[
        ("cluster.nodes", "{ from = 3, to = 7 }"),
        ("random.kinds", &format!("[{}]", kinds.join(", "))),
        ("random.every", "150ms"),
        ("random.at_most", "{ down = 2, disk = 2 }"),
        ("workload.for", lasts),
    ])
    .expect("a scenario of every kind")
}

/// Also where rounds of a fault that takes several would come after the end.
#[test]
fn a_plan_of_every_kind_is_a_file_that_means_the_same() {
    let mut drawn = BTreeSet::new();
    for (lasts, seeds) in [("4s", 0..400), ("20s", 400..500)] {
        let scenario = every_kind(lasts);
        for seed in seeds {
            let plan = scenario.resolve(seed);
            drawn.extend(plan.faults.iter().map(|fault| fault.action.key()));
            assert_eq!(parse(&plan.to_toml()).unwrap(), plan, "seed {seed}");
            assert_eq!(plan.resolve(seed + 1), plan, "seed {seed}");
        }
    }
    // What is short for others stands in a plan as these.
    let strokes = [
        "clock",
        "crash",
        "disk",
        "hold",
        "isolate",
        "link",
        "one_way",
        "partition",
        "pause",
        "ring",
        "slow",
    ];
    assert!(drawn.iter().eq(&strokes), "{drawn:?}");
}

#[test]
fn a_swarm_makes_no_weight_that_a_file_may_not_have() {
    let scenario = parse_with(&[("workload.mix.register", "1000000")]).unwrap();
    for seed in 0..50 {
        let plan = scenario.resolve(seed);
        assert_eq!(parse(&plan.to_toml()).unwrap(), plan, "seed {seed}");
    }
}
