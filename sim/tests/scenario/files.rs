//! Files that are accepted: what they mean, what overrides do to them, how they are written.

use super::{GOOD, Registry, parse, parse_with};
use sim::scenario::{Fault, Moment, Nodes, Scenario, Target, Time};

#[test]
fn the_good_file_means_what_it_says() {
    let scenario = parse(GOOD).unwrap();
    assert_eq!(scenario.cluster.nodes, Nodes::Exactly(3));
    assert_eq!(scenario.workload.duration, Time::from_secs(20));
    let crash = &scenario.faults[1];
    assert_eq!(
        crash.moment,
        Moment::Probe {
            from: Time::ZERO,
            node: None,
            probe: "conflict".into(),
            is: None,
            after: Time::from_millis(10),
            times: 1
        }
    );
    assert_eq!(crash.action.target(), Some(("crash", &Target::That)));
    assert_eq!(crash.lasts, Some(Time::from_secs(2)));
}

#[test]
fn a_file_is_read_from_its_path() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), GOOD).unwrap();
    assert_eq!(Scenario::load(file.path(), &[], &Registry).unwrap(), parse(GOOD).unwrap());
}

#[test]
fn an_override_takes_a_path_and_a_value_with_or_without_quotes() {
    let scenario = parse_with(&[
        ("cluster.nodes", "5"),
        ("cluster.options.resolver", "first"),
        ("workload.rate", "100/s"),
        ("workload.for", "\"40s\""),
        ("workload.mix.lookup", "0"),
        ("network.latency", "5ms"),
        ("fault.0.partition.1", r#"["n2"]"#),
        ("fault.1.crash", "n4"),
        ("check.expect", "valid"),
    ])
    .unwrap();
    assert_eq!(scenario.cluster.nodes, Nodes::Exactly(5));
    assert_eq!(scenario.cluster.options["resolver"].as_str(), Some("first"));
    assert_eq!(scenario.workload.rate.unwrap().get(), 100.0);
    assert_eq!(scenario.workload.duration, Time::from_secs(40));
    assert_eq!(scenario.workload.mix["lookup"], 0);
    assert_eq!(scenario.faults[0].action.to_string(), "partition n1 | n2");
}

#[test]
fn an_override_makes_the_section_it_needs() {
    let bare = GOOD.replace("[clock]\nskew = \"50ms\"\n", "");
    let set = [("clock.drift_ppm".to_owned(), "100".to_owned())];
    let scenario = Scenario::parse("bare.toml", &bare, &set, &Registry).unwrap();
    assert_eq!(scenario.clock.drift_ppm, 100);
}

#[test]
fn every_form_of_a_fault_is_written_as_it_is_read() {
    let faults = [
        r#"at = "1s"
partition = [["n1", "c1"], ["n2"], ["n3"]]
permanent = true"#,
        r#"at = "1s"
one_way = { from = ["n1"], to = ["n2", "c4"] }
heal_after = "2s""#,
        r#"when = { node = "n2", probe = "role" }
hold = [["n1"], ["n2"]]"#,
        r#"at = "0s"
crash = "n1"
how = "power"
restart_after = "1m 1s""#,
        r#"when = { node = "any", probe = "role" }
after = "1ms"
pause = "that"
resume_after = "3s""#,
        r#"at = "0s"
crash = "n1"
process = "agent"
restart_after = "2s""#,
        r#"when = { node = "any", probe = "role" }
pause = "that"
process = "engine""#,
        r#"at = "2s"
clock = { node = "n3", by = "-2s" }"#,
        r#"at = "2s"
every = "5s"
times = 2
halves = true
heal_after = "1s""#,
        r#"when = { node = "n2", probe = "role", is = "primary" }
times = 2
bridge = "n2""#,
        r#"at = "2s"
ring = ["n1", "n2", "n3", "c1"]
permanent = true"#,
        r#"at = "2s"
flap = { between = [["n1"], ["n2", "n3"]], down = "200ms", up = "1s", times = 5 }"#,
        r#"at = "2s"
isolate = { node = { whose = "role", is_not = "primary" }, from = "clients" }
heal_after = "1s""#,
        r#"at = "2s"
isolate = { node = "n1", from = ["n2", "c1"] }"#,
        r#"at = "2s"
swizzle = { nodes = ["n3", "n1"], gap = "500ms" }"#,
        r#"at = "2s"
link = { between = [["n1"], ["n2"]], fault = "reordering", probability = 0.5, by = "20ms" }"#,
        r#"at = "2s"
link = { from = ["n1"], to = ["n2"], fault = "thin", bytes_per_second = 20000 }"#,
        r#"at = "2s"
crash_loop = { node = "n1", times = 4, up = "1ms", backoff = "200ms" }
how = "power""#,
        r#"at = "2s"
rolling_restart = { down = "1s", gap = "2s" }"#,
        r#"at = "2s"
slow = { node = "n1", factor = 10 }"#,
        r#"at = "2s"
clock = { node = { whose = "role", is = "primary" }, frozen = true }
heal_after = "1s""#,
        r#"at = "2s"
disk = { node = "n1", fault = "sync-error", probability = 0.5, drop_cache = true }"#,
        r#"at = "2s"
disk = { node = "n1", fault = "decay", sectors = 2, unreadable = true }"#,
    ];
    let head = GOOD.split("[[fault]]").next().unwrap();
    for fault in faults {
        let scenario = parse(&format!("{head}[[fault]]\n{fault}\n")).unwrap();
        let written = scenario.to_toml();
        assert!(written.contains(fault), "{fault}\nbecame\n{written}");
        assert_eq!(parse(&written).unwrap(), scenario);
    }
}

#[test]
fn a_scenario_is_written_readably_and_reads_back_equal() {
    let scenario = parse(GOOD).unwrap();
    let written = scenario.to_toml();
    assert_eq!(parse(&written).unwrap(), scenario);
    insta::assert_snapshot!(written, @r#"
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
    mix = { kill = 1, lookup = 8, register = 4, unregister = 2 }
    keys = 8
    timeout = "5s"

    [[fault]]
    at = "3s"
    partition = [["n1"], ["n2", "n3"]]
    heal_after = "5s"

    [[fault]]
    when = { node = "any", probe = "conflict" }
    after = "10ms"
    crash = "that"
    restart_after = "2s"

    [random]
    kinds = ["partition", "one-way", "hold", "crash", "pause", "clock"]
    every = "2s"
    at_most = { down = 1, disk = 1 }
    swarm = true
    probes = ["conflict", "role"]

    [check]
    settle = "30s"
    expect = { tolerates = ["convergence"] }
    "#);
}

#[test]
fn what_counts_as_overloaded_is_written_down() {
    let mut scenario = parse(GOOD).unwrap();
    scenario.check.overload.events = 5_000;
    assert_eq!(parse(&scenario.to_toml()).unwrap(), scenario);
}

#[test]
fn large_options_become_a_section_of_their_own() {
    let mut scenario = parse(GOOD).unwrap();
    let long = toml::Value::String("x".repeat(200));
    scenario.cluster.options.insert("a key with spaces".into(), long);
    let written = scenario.to_toml();
    assert!(written.contains("[cluster.options]\n"), "{written}");
    assert_eq!(toml::from_str::<Scenario>(&written).unwrap(), scenario);
}

#[test]
fn a_fault_can_be_read_without_a_file() {
    let fault: Fault = toml::from_str("at = \"1s\"\npause = \"n1\"").unwrap();
    assert_eq!(fault.lasts, None);
    let error = toml::from_str::<Fault>("at = \"1s\"").unwrap_err();
    assert!(error.message().starts_with("nothing says what the fault does; add one of: "), "{error}");
}

#[test]
fn the_schema_knows_the_systems_words() {
    let schema = sim::scenario::json_schema(&Registry);
    let pointer =
        |pointer: &str| schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer} in {schema:#}"));
    assert_eq!(pointer("/properties/system/enum/0"), "registry");
    assert_eq!(
        pointer("/allOf/0/then/properties/workload/properties/mix/propertyNames/enum/1"),
        "unregister"
    );
    let option = pointer("/allOf/0/then/properties/cluster/properties/options/properties/resolver/$ref");
    assert_eq!(option, "#/definitions/registry.Resolver");
    assert!(schema["definitions"]["registry.Resolver"].is_object());
    assert_eq!(pointer("/definitions/Fault/additionalProperties"), false);
}
