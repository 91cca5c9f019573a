//! All that is refused, the rest in one line each: pages as in `errors.rs` would say little more.

use super::{GOOD, parse, rendered};
use miette::Diagnostic;

/// The rest, one line each: what replaces what, and the message.
const REFUSED: &[(&str, &str, &str)] = &[
    ("title = \"One", "title = \"\" #", "title: is empty"),
    ("nodes = 3", "nodes = 0", "cluster.nodes: 0 is below 1, the smallest cluster"),
    ("nodes = 3", "nodes = { from = 3, to = 65 }", "cluster.nodes.to: 65 is above 64, the largest cluster"),
    ("nodes = 3", "nodes = { from = 3, to = 4, at = 5 }", "cluster.nodes: expected a number of nodes"),
    ("{ resolver = \"latest\" }", "1979-05-27", "cluster.options: expected a table"),
    (LATENCY, "\"2h\"", "network.latency: 2h is above 1h, the longest latency"),
    (LATENCY, "{ median = \"0s\", p99 = \"1s\" }", "network.latency.median: 0s is not above 0"),
    (LATENCY, "{ from = \"2s\", to = \"1s\" }", "network.latency: `from`, 2s, is above `to`, 1s"),
    ("loss = 0.001", "loss = 1.0", "network.loss: 1 is not a probability below 1"),
    ("loss = 0.001", "loss = nan", "network.loss: NaN is not a probability below 1"),
    ("skew = \"50ms\"", "drift_ppm = 100001", "clock.drift_ppm: 100001 is above 100000, the largest drift"),
    ("skew = \"50ms\"", "skew = \"2y\"", "clock.skew: 2years is above 11months 30days"),
    ("clients = 4", "clients = 0", "workload.clients: 0 is below 1, the smallest number of clients"),
    ("clients = 4", "clients = 65", "workload.clients: 65 is above 64, the largest number of clients"),
    ("clients = 4", "clients = 4\nkeys = 0", "workload.keys: 0 is below 1, the smallest number of keys"),
    ("clients = 4", "clients = 4\ntimeout = \"0s\"", "workload.timeout: 0s is not above 0"),
    ("for = \"20s\"", "for = \"0s\"", "workload.for: 0s is not above 0"),
    ("for = \"20s\"", "for = \"25h\"", "workload.for: 1day 1h is above 1day, the longest workload"),
    (MIX, "{}", "workload.mix: is empty: the clients have nothing to do"),
    ("lookup = 8", "lookup = 1000001", "workload.mix.lookup: 1000001 is above 1000000, the largest weight"),
    (GROUPS, "[[\"n1\"], []]", "fault.0.partition.1: is an empty group"),
    (GROUPS, "[[\"n1\"], [\"n2\", \"n2\"]]", "fault.0.partition.1.1: n2 is named twice"),
    (GROUPS, "[[\"n1\"], [\"n02\"]]", "fault.0.partition.1.0: `n02` is no machine"),
    (GROUPS, "[[\"n1\"], [\"c5\"]]", "fault.0.partition.1.0: there is no c5"),
    (
        SPLIT,
        "one_way = { from = [\"n1\"], to = [\"n2\", \"n1\"] }",
        "fault.0.one_way.to.1: n1 is in two groups",
    ),
    (SPLIT, "one_way = { from = [], to = [\"n2\"] }", "fault.0.one_way.from: is an empty group"),
    (SPLIT, "clock = { node = \"n1\", by = \"0s\" } #", "fault.0.heal_after: a clock jump is over at once"),
    (SPLIT, "clock = { node = \"that\", by = \"1s\" }", "fault.0.clock.node: \"that\" is the node"),
    ("heal_after = \"5s\"", "heal_after = \"0s\"", "fault.0.heal_after: 0s is not above 0"),
    ("heal_after = \"5s\"", "how = \"power\"", "fault.0.how: `how` belongs to a crash or a crash_loop"),
    ("heal_after = \"5s\"", "heal_atfer = \"5s\"", "fault.0.heal_atfer: there is no key `heal_atfer` here"),
    (SPLIT, "halves = false", "fault.0.halves: a fault that is not there does nothing"),
    (SPLIT, "bridge = \"nl\"", "fault.0.bridge: `nl` is no machine"),
    (CRASH, "crash = \"nl\"", "fault.1.crash: `nl` is no machine"),
    (CRASH, "slow = { node = \"that\", facter = 2 }", "fault.1.slow.facter: there is no key `facter` here"),
    ("node = \"any\"", "node = \"nl\"", "fault.1.when.node: `nl` is no machine"),
    (
        "heal_after = \"5s\"",
        "process = \"agent\"",
        "fault.0.process: `process` belongs to a crash or a pause",
    ),
    (CRASH, "crash = \"n1\"\nprocess = \"agnet\"", "fault.1.process: registry has no process `agnet`"),
    (CRASH, "pause = \"n1\"\nprocess = \"\"", "fault.1.process: registry has no process ``"),
    (
        CRASH,
        "pause = \"n1\"\nprocess = \"agent\"\nrestart_after = \"1s\"",
        "fault.1.restart_after: a pause ends by",
    ),
    (
        CRASH,
        "crash = \"n1\"\nprocess = \"agent\"\nhow = \"process\"",
        "fault.1.how: `how` says how a machine goes down",
    ),
    ("at = \"3s\"", "", "fault.0: nothing says when the fault strikes"),
    ("at = \"3s\"", "at = \"3s\"\nafter = \"1s\"", "fault.0.after: `after` counts from the probe"),
    ("at = \"3s\"", "at = \"20s\"", "fault.0.at: 20s is after the end"),
    ("after = \"10ms\"", "after = \"1h\"", "fault.1.after: 1h is after the end"),
    ("node = \"any\"", "node = \"n4\"", "fault.1.when.node: there is no n4"),
    ("node = \"any\"", "node = \"c1\"", "fault.1.when.node: c1 is a client"),
    (CRASH, "clock = { node = \"that\", by = \"0s\" }", "fault.1.clock.by: +0s is no jump"),
    (CRASH, "clock = { node = \"that\", by = \"-2y\" }", "fault.1.clock.by: 2years is above"),
    ("\"one-way\"", "\"partition\"", "random.kinds.1: partition is named twice"),
    ("every = \"2s\"", "every = \"0s\"", "random.every: 0s is not above 0"),
    ("every = \"2s\"", "every = \"1ns\"", "random.every: 1ns makes some 20000000000 faults a run"),
    ("down = 1", "down = 4", "random.at_most.down: 4 is above the 3 nodes there are"),
    ("settle = \"30s\"", "settle = \"0s\"", "check.settle: 0s is not above 0"),
    (
        "settle = \"30s\"",
        "overload = { messages = 0 }",
        "check.overload.messages: 0 is not from 1 to 1000000",
    ),
    (
        "settle = \"30s\"",
        "overload = { events_per_second = 200_000 }",
        "check.overload.events_per_second: 200000 is not from 0 to 100000",
    ),
    ("tolerates = [\"convergence\"]", "tolerates = []", "check.expect: this is not an expectation"),
    (
        "tolerates = [\"convergence\"]",
        "violation = \"lost\"",
        "check.expect.violation: registry has no checker `lost`",
    ),
    ("tolerates = [\"convergence\"]", "violates = \"x\"", "check.expect: this is not an expectation"),
    ("{ tolerates = [\"convergence\"] }", "\"violation\"", "check.expect: this is not an expectation"),
];

const LATENCY: &str = "{ median = \"2ms\", p99 = \"20ms\" }";
const MIX: &str = "{ register = 4, unregister = 2, kill = 1, lookup = 8 }";
const GROUPS: &str = "[[\"n1\"], [\"n2\", \"n3\"]]";
const SPLIT: &str = "partition = [[\"n1\"], [\"n2\", \"n3\"]]";
const CRASH: &str = "crash = \"that\"\nrestart_after = \"2s\"";

#[test]
fn whatever_could_not_be_meant_is_refused_at_its_place_and_with_help() {
    for (good, bad, message) in REFUSED {
        assert!(GOOD.contains(good), "the good file does not have {good}");
        let error = parse(&GOOD.replacen(good, bad, 1)).expect_err(message);
        assert!(error.to_string().starts_with(message), "{error}, not {message}");
        assert!(error.help().is_some(), "{error} has no help");
        assert!(rendered(&error).lines().count() < 20, "{error} takes more than a screen");
    }
}
