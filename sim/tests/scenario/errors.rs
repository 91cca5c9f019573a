//! Every mistake that a tired engineer makes, and what is said to them. Each case changes one line of a good file.

use super::{refused, rendered};

#[test]
fn an_unknown_key_is_named_with_the_known_ones() {
    insta::assert_snapshot!(refused("loss = 0.001", r#"jitter = "3ms""#), @r#"
     × network.jitter: there is no key `jitter` here
       ╭─[netsplit.toml:11:1]
    10 │ latency = { median = "2ms", p99 = "20ms" }
    11 │ jitter = "3ms"
       · ───┬──
       ·    ╰── unknown key
    12 │
       ╰────
     help: keys: latency, loss, duplicate, reorder, corrupt, bandwidth, link
    "#);
}

#[test]
fn a_misspelt_key_comes_with_the_right_spelling() {
    insta::assert_snapshot!(refused(r#"rate = "50/s""#, r#"raet = "50/s""#), @r#"
     × workload.raet: there is no key `raet` here
       ╭─[netsplit.toml:18:1]
    17 │ clients = 4
    18 │ raet = "50/s"
       · ──┬─
       ·   ╰── unknown key
    19 │ for = "20s"
       ╰────
     help: did you mean `rate`? keys: clients, rate, for, bursts, mix, keys, own_keys, timeout
    "#);
}

#[test]
fn a_misspelt_section_comes_with_the_right_spelling() {
    insta::assert_snapshot!(refused("[workload]", "[worklaod]"), @"
     × worklaod: there is no key `worklaod` here
       ╭─[netsplit.toml:16:2]
    15 │
    16 │ [worklaod]
       ·  ────┬───
       ·      ╰── unknown key
    17 │ clients = 4
       ╰────
     help: did you mean `workload`? keys: title, system, cluster, network, clock, workload, disk,
           at_most, operation, order, fault, random, check
    ");
}

#[test]
fn a_rate_of_zero_is_not_above_zero() {
    insta::assert_snapshot!(refused(r#""50/s""#, r#""0/s""#), @r#"
     × workload.rate: 0/s is not above 0
       ╭─[netsplit.toml:18:8]
    17 │ clients = 4
    18 │ rate = "0/s"
       ·        ──┬──
       ·          ╰── is not above 0
    19 │ for = "20s"
       ╰────
     help: a rate is a number a second, minute or hour: "50/s", "3000/min", "10/h"
    "#);
}

#[test]
fn a_rate_without_unit_comes_with_the_unit() {
    insta::assert_snapshot!(refused(r#""50/s""#, "50"), @r#"
     × workload.rate: `50` has no unit
       ╭─[netsplit.toml:18:8]
    17 │ clients = 4
    18 │ rate = 50
       ·        ─┬
       ·         ╰── has no unit
    19 │ for = "20s"
       ╰────
     help: write "50/s"
    "#);
}

#[test]
fn a_quoted_duration_without_unit_comes_with_the_unit() {
    insta::assert_snapshot!(refused(r#"for = "20s""#, r#"for = "20""#), @r#"
     × workload.for: `20` has no unit
       ╭─[netsplit.toml:19:7]
    18 │ rate = "50/s"
    19 │ for = "20"
       ·       ──┬─
       ·         ╰── has no unit
    20 │ mix = { register = 4, unregister = 2, kill = 1, lookup = 8 }
       ╰────
     help: write "20s" for seconds, "20ms" for milliseconds
    "#);
}

#[test]
fn a_number_for_a_duration_comes_with_the_unit() {
    insta::assert_snapshot!(refused(r#"for = "20s""#, "for = 20"), @r#"
     × workload.for: `20` has no unit
       ╭─[netsplit.toml:19:7]
    18 │ rate = "50/s"
    19 │ for = 20
       ·       ─┬
       ·        ╰── has no unit
    20 │ mix = { register = 4, unregister = 2, kill = 1, lookup = 8 }
       ╰────
     help: write "20s" for seconds, "20ms" for milliseconds
    "#);
}

#[test]
fn an_unknown_unit_of_time_is_shown_with_the_known_ones() {
    insta::assert_snapshot!(refused(r#"for = "20s""#, r#"for = "20 sceonds""#), @r#"
     × workload.for: `sceonds` is not a unit of time
       ╭─[netsplit.toml:19:7]
    18 │ rate = "50/s"
    19 │ for = "20 sceonds"
       ·       ──────┬─────
       ·             ╰── is not a unit of time
    20 │ mix = { register = 4, unregister = 2, kill = 1, lookup = 8 }
       ╰────
     help: units are ns, us, ms, s, m (minutes), h, days
    "#);
}

#[test]
fn ten_thousand_nodes_are_too_many() {
    insta::assert_snapshot!(refused("nodes = 3", "nodes = 10000"), @r#"
     × cluster.nodes: 10000 is above 64, the largest cluster
      ╭─[netsplit.toml:6:9]
    5 │ [cluster]
    6 │ nodes = 10000
      ·         ──┬──
      ·           ╰── above 64
    7 │ options = { resolver = "latest" }
      ╰────
     help: write a number from 1 to 64
    "#);
}

#[test]
fn a_range_of_nodes_must_not_be_upside_down() {
    insta::assert_snapshot!(refused("nodes = 3", "nodes = { from = 5, to = 2 }"), @r#"
     × cluster.nodes: `from`, 5, is above `to`, 2
      ╭─[netsplit.toml:6:9]
    5 │ [cluster]
    6 │ nodes = { from = 5, to = 2 }
      ·         ──────────┬─────────
      ·                   ╰── upside down
    7 │ options = { resolver = "latest" }
      ╰────
     help: swap the two
    "#);
}

#[test]
fn nodes_are_a_number_or_a_range() {
    insta::assert_snapshot!(refused("nodes = 3", r#"nodes = "three""#), @r#"
     × cluster.nodes: expected a number of nodes
      ╭─[netsplit.toml:6:9]
    5 │ [cluster]
    6 │ nodes = "three"
      ·         ───┬───
      ·            ╰── not a number of nodes
    7 │ options = { resolver = "latest" }
      ╰────
     help: for example 3, or { from = 2, to = 5 }
    "#);
}

#[test]
fn a_negative_number_of_clients_is_no_number_of_clients() {
    insta::assert_snapshot!(refused("clients = 4", "clients = -1"), @r#"
     × workload.clients: expected a whole number, 0 or above, found integer `-1`
       ╭─[netsplit.toml:17:11]
    16 │ [workload]
    17 │ clients = -1
       ·           ─┬
       ·            ╰── not a whole number, 0 or above
    18 │ rate = "50/s"
       ╰────
    "#);
}

#[test]
fn an_unknown_system_comes_with_those_there_are() {
    insta::assert_snapshot!(refused(r#"system = "registry""#, r#"system = "registri""#), @r#"
     × system: there is no system `registri`
      ╭─[netsplit.toml:3:10]
    2 │ title = "One owner for a name registered on both sides of a netsplit"
    3 │ system = "registri"
      ·          ─────┬────
      ·               ╰── unknown system
    4 │
      ╰────
     help: did you mean `registry`? systems: registry
    "#);
}

#[test]
fn an_unknown_operation_comes_with_those_there_are() {
    insta::assert_snapshot!(refused("lookup = 8", "look_up = 8"), @r#"
     × workload.mix.look_up: registry has no operation `look_up`
       ╭─[netsplit.toml:20:49]
    19 │ for = "20s"
    20 │ mix = { register = 4, unregister = 2, kill = 1, look_up = 8 }
       ·                                                 ───┬───
       ·                                                    ╰── unknown operation
    21 │
       ╰────
     help: did you mean `lookup`? operations: register, unregister, kill, lookup
    "#);
}

#[test]
fn a_mix_of_zero_weights_leaves_nothing_to_do() {
    insta::assert_snapshot!(refused("{ register = 4, unregister = 2, kill = 1, lookup = 8 }", "{ register = 0 }"), @r#"
     × workload.mix: has no weight above 0: the clients have nothing to do
       ╭─[netsplit.toml:20:7]
    19 │ for = "20s"
    20 │ mix = { register = 0 }
       ·       ────────┬───────
       ·               ╰── has no weight above 0
    21 │
       ╰────
     help: give weights to some of: register, unregister, kill, lookup
    "#);
}

#[test]
fn text_that_is_not_toml_is_shown_where_it_breaks() {
    insta::assert_snapshot!(refused(r#"skew = "50ms""#, r#"skew = "50ms"#), @r#"
     × this is not TOML
       ╭─[netsplit.toml:14:13]
    13 │ [clock]
    14 │ skew = "50ms
       ·             ▲
       ·             ╰── invalid basic string, expected `"`
    15 │
       ╰────
    "#);
}

#[test]
fn a_missing_workload_comes_with_an_example() {
    insta::assert_snapshot!(refused("[workload]\nclients = 4\nrate = \"50/s\"\nfor = \"20s\"\nmix = { register = 4, unregister = 2, kill = 1, lookup = 8 }\n", ""), @r#"
     × `workload` is missing
      ╭─[netsplit.toml:1:1]
    1 │
      · ▲
      · ╰── no `workload`
    2 │ title = "One owner for a name registered on both sides of a netsplit"
    3 │ system = "registry"
      ╰────
     help: say what the clients do:
           [workload]
           clients = 4
           rate = "50/s"
           for = "20s"
           mix = { … }   # operations and their weights
    "#);
}

#[test]
fn a_missing_key_is_named_with_its_section() {
    insta::assert_snapshot!(refused("rate = \"50/s\"\n", ""), @r#"
     × workload: `rate` is missing
       ╭─[netsplit.toml:16:1]
    15 │
    16 │ [workload]
       · ─────┬────
       ·      ╰── no `rate`
    17 │ clients = 4
       ╰────
     help: operations a second, of all clients together: rate = "50/s"
    "#);
}

#[test]
fn a_loss_above_one_is_not_a_probability() {
    insta::assert_snapshot!(refused("loss = 0.001", "loss = 1.5"), @r#"
     × network.loss: 1.5 is not a probability below 1
       ╭─[netsplit.toml:11:8]
    10 │ latency = { median = "2ms", p99 = "20ms" }
    11 │ loss = 1.5
       ·        ─┬─
       ·         ╰── not a probability below 1
    12 │
       ╰────
     help: from 0 (no packet is lost) to below 1; 0.01 loses one in a hundred
    "#);
}

#[test]
fn a_latency_has_one_of_three_forms() {
    insta::assert_snapshot!(refused(r#"{ median = "2ms", p99 = "20ms" }"#, r#"{ mean = "2ms" }"#), @r#"
     × network.latency: expected a latency
       ╭─[netsplit.toml:10:11]
     9 │ [network]
    10 │ latency = { mean = "2ms" }
       ·           ────────┬───────
       ·                   ╰── not a latency
    11 │ loss = 0.001
       ╰────
     help: for example "5ms", { from = "1ms", to = "10ms" } or { median = "2ms", p99 = "20ms" }
    "#);
}

#[test]
fn a_median_above_the_percentile_is_upside_down() {
    insta::assert_snapshot!(refused(r#"{ median = "2ms", p99 = "20ms" }"#, r#"{ median = "20ms", p99 = "2ms" }"#), @r#"
     × network.latency: `median`, 20ms, is above `p99`, 2ms
       ╭─[netsplit.toml:10:11]
     9 │ [network]
    10 │ latency = { median = "20ms", p99 = "2ms" }
       ·           ────────────────┬───────────────
       ·                           ╰── upside down
    11 │ loss = 0.001
       ╰────
     help: swap the two
    "#);
}

#[test]
fn an_option_that_the_system_does_not_have_is_shown_with_those_it_has() {
    insta::assert_snapshot!(refused(r#"resolver = "latest""#, r#"resolvr = "latest""#), @r#"
     × cluster.options.resolvr: there is no key `resolvr` here
      ╭─[netsplit.toml:7:13]
    6 │ nodes = 3
    7 │ options = { resolvr = "latest" }
      ·             ───┬───
      ·                ╰── unknown key
    8 │
      ╰────
     help: did you mean `resolver`? keys: resolver, sync
    "#);
}

#[test]
fn a_value_that_an_option_cannot_have_is_shown_with_those_it_can() {
    insta::assert_snapshot!(refused(r#"resolver = "latest""#, r#"resolver = "newest""#), @r#"
     × cluster.options.resolver: `newest` is not known here
      ╭─[netsplit.toml:7:24]
    6 │ nodes = 3
    7 │ options = { resolver = "newest" }
      ·                        ────┬───
      ·                            ╰── unknown
    8 │
      ╰────
     help: known: latest, first
    "#);
}

#[test]
fn an_unknown_kind_of_fault_comes_with_the_known_ones() {
    insta::assert_snapshot!(refused(r#""one-way""#, r#""one_way""#), @r#"
     × random.kinds.1: `one_way` is not known here
       ╭─[netsplit.toml:34:23]
    33 │ [random]
    34 │ kinds = ["partition", "one_way", "hold", "crash", "pause", "clock"]
       ·                       ────┬────
       ·                           ╰── unknown
    35 │ every = "2s"
       ╰────
     help: did you mean `one-way`? known: partition, bridge, ring, flap, isolate, swizzle, rolling-
           partition, one-way, hold, link, crash, crash-loop, relay, blackout, pause, slow, clock,
           clock-freeze, disk, corruption, brownout
    "#);
}

#[test]
fn a_checker_that_does_not_exist_comes_with_those_that_do() {
    insta::assert_snapshot!(refused(r#"["convergence"]"#, r#"["convergense"]"#), @r#"
     × check.expect.tolerates.0: registry has no checker `convergense`
       ╭─[netsplit.toml:41:25]
    40 │ settle = "30s"
    41 │ expect = { tolerates = ["convergense"] }
       ·                         ──────┬──────
       ·                               ╰── unknown checker
       ╰────
     help: did you mean `convergence`? checkers: convergence, one-owner, linearizable
    "#);
}

#[test]
fn an_expectation_has_one_of_its_forms() {
    insta::assert_snapshot!(refused(r#"expect = { tolerates = ["convergence"] }"#, r#"expect = "invalid""#), @r#"
     × check.expect: this is not an expectation
       ╭─[netsplit.toml:41:10]
    40 │ settle = "30s"
    41 │ expect = "invalid"
       ·          ────┬────
       ·              ╰── not an expectation
       ╰────
     help: write "valid", { violation = "<checker>" }, { tolerates = ["<checker>"] }, { reaches =
           ["<probe>"] } or several of these in one
    "#);
}

#[test]
fn a_model_that_does_not_exist_comes_with_those_that_do() {
    insta::assert_snapshot!(refused(r#"settle = "30s""#, r#"linearizable = "regsiter""#), @r#"
     × check.linearizable: there is no model `regsiter`
       ╭─[netsplit.toml:40:16]
    39 │ [check]
    40 │ linearizable = "regsiter"
       ·                ─────┬────
       ·                     ╰── no such model
    41 │ expect = { tolerates = ["convergence"] }
       ╰────
     help: did you mean `register`? models: register, cas-register, multi-register, key-value, set,
           counter, queue, unordered-queue, lock, mutex, bank, registry
    "#);
}

#[test]
fn a_model_must_know_what_the_clients_do() {
    insta::assert_snapshot!(refused(r#"settle = "30s""#, r#"linearizable = "queue""#), @r#"
     × check.linearizable: a queue has no function `kill`
       ╭─[netsplit.toml:40:16]
    39 │ [check]
    40 │ linearizable = "queue"
       ·                ───┬───
       ·                   ╰── does not know `kill` of the mix
    41 │ expect = { tolerates = ["convergence"] }
       ╰────
     help: functions of queue: enqueue, dequeue
    "#);
}

#[test]
fn an_initial_value_must_be_one_of_the_model() {
    insta::assert_snapshot!(refused(r#"settle = "30s""#, r#"linearizable = "bank:much""#), @r#"
     × check.linearizable: a bank begins with a whole number from 0 on every account, not "much"
       ╭─[netsplit.toml:40:16]
    39 │ [check]
    40 │ linearizable = "bank:much"
       ·                ─────┬─────
       ·                     ╰── no such initial value
    41 │ expect = { tolerates = ["convergence"] }
       ╰────
     help: for example "register:0" or "bank:100"
    "#);
}

#[test]
fn an_override_is_shown_in_the_file_as_it_would_stand() {
    let error = super::parse_with(&[("workload.rate", "0/s")]).expect_err("a rate of zero");
    insta::assert_snapshot!(rendered(&error), @r#"
     × workload.rate: 0/s is not above 0
       ╭─[netsplit.toml (with --set workload.rate=0/s):18:8]
    17 │ clients = 4
    18 │ rate = "0/s"
       ·        ──┬──
       ·          ╰── is not above 0
    19 │ for = "20s"
       ╰────
     help: a rate is a number a second, minute or hour: "50/s", "3000/min", "10/h"
    "#);
}

#[test]
fn an_override_of_an_unknown_key_is_an_unknown_key() {
    let error = super::parse_with(&[("cluster.node", "5")]).expect_err("no such key");
    insta::assert_snapshot!(rendered(&error), @r#"
     × cluster.node: there is no key `node` here
      ╭─[netsplit.toml (with --set cluster.node=5):8:1]
    7 │ options = { resolver = "latest" }
    8 │ node = 5
      · ──┬─
      ·   ╰── unknown key
    9 │
      ╰────
     help: did you mean `nodes`? keys: nodes, stagger, buggify, options
    "#);
}

#[test]
fn an_override_that_goes_nowhere_says_so() {
    let error = super::parse_with(&[("fault.7.at", "5s")]).expect_err("no such fault");
    insta::assert_snapshot!(rendered(&error), @r#"
    × --set fault.7.at=5s: `7` is none of the 2 there are, counted from 0
    help: a key is a path into the file: --set workload.rate=100/s, --set fault.0.at=5s
    "#);
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let path = std::path::Path::new("no/such/file.toml");
    let error = sim::scenario::Scenario::load(path, &[], &super::Registry).expect_err("no such file");
    insta::assert_snapshot!(rendered(&error), @r#"
    × cannot read the scenario no/such/file.toml: No such file or directory (os error 2)
    help: `splitbrain list` shows the scenarios there are
    "#);
}
