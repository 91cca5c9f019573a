//! Faults that cannot happen, and what is said to whoever wrote them. Each case changes one line of a good file.

use super::refused;

#[test]
fn a_node_that_does_not_exist_is_shown_with_those_that_do() {
    insta::assert_snapshot!(refused(r#"["n2", "n3"]"#, r#"["n2", "n4"]"#), @r#"
     × fault.0.partition.1.1: there is no n4
       ╭─[netsplit.toml:24:29]
    23 │ at = "3s"
    24 │ partition = [["n1"], ["n2", "n4"]]
       ·                             ──┬─
       ·                               ╰── does not exist
    25 │ heal_after = "5s"
       ╰────
     help: machines: n1 to n3, and the clients c1 to c4
    "#);
}

#[test]
fn overlapping_groups_of_a_partition_are_shown_where_they_overlap() {
    insta::assert_snapshot!(refused(r#"["n2", "n3"]"#, r#"["n1", "n2", "n3"]"#), @r#"
     × fault.0.partition.1.0: n1 is in two groups, which then overlap
       ╭─[netsplit.toml:24:23]
    23 │ at = "3s"
    24 │ partition = [["n1"], ["n1", "n2", "n3"]]
       ·                       ──┬─
       ·                         ╰── n1 again
    25 │ heal_after = "5s"
       ╰────
     help: n1 stands in fault.0.partition.0 already: remove one of the two
    "#);
}

#[test]
fn a_partition_of_one_group_is_no_partition() {
    insta::assert_snapshot!(refused(r#"[["n1"], ["n2", "n3"]]"#, r#"[["n1", "n2", "n3"]]"#), @r#"
     × fault.0.partition: takes at least two groups
       ╭─[netsplit.toml:24:13]
    23 │ at = "3s"
    24 │ partition = [["n1", "n2", "n3"]]
       ·             ──────────┬─────────
       ·                       ╰── 1 of 2
    25 │ heal_after = "5s"
       ╰────
     help: name who cannot hear whom: [["n1"], ["n2", "n3"]]
    "#);
}

#[test]
fn a_fault_after_the_end_never_happens() {
    insta::assert_snapshot!(refused(r#"at = "3s""#, r#"at = "25s""#), @r#"
     × fault.0.at: 25s is after the end: the workload ends at 20s
       ╭─[netsplit.toml:23:6]
    22 │ [[fault]]
    23 │ at = "25s"
       ·      ──┬──
       ·        ╰── after the end
    24 │ partition = [["n1"], ["n2", "n3"]]
       ╰────
     help: faults happen during the workload: write less than 20s here, or more for workload.for
    "#);
}

#[test]
fn a_node_must_exist_in_the_smallest_cluster_of_a_range() {
    insta::assert_snapshot!(refused("nodes = 3", "nodes = { from = 2, to = 5 }"), @r#"
     × fault.0.partition.1.1: there is no n3 (in the smallest cluster)
       ╭─[netsplit.toml:24:29]
    23 │ at = "3s"
    24 │ partition = [["n1"], ["n2", "n3"]]
       ·                             ──┬─
       ·                               ╰── does not exist
    25 │ heal_after = "5s"
       ╰────
     help: machines: n1, n2, and the clients c1 to c4
    "#);
}

#[test]
fn an_unknown_probe_comes_with_those_there_are() {
    insta::assert_snapshot!(refused(r#"probe = "conflict""#, r#"probe = "conflicts""#), @r#"
     × fault.1.when.probe: registry has no probe `conflicts`
       ╭─[netsplit.toml:28:32]
    27 │ [[fault]]
    28 │ when = { node = "any", probe = "conflicts" }
       ·                                ─────┬─────
       ·                                     ╰── unknown probe
    29 │ after = "10ms"
       ╰────
     help: did you mean `conflict`? probes: conflict, role
    "#);
}

#[test]
fn an_unknown_process_comes_with_those_there_are() {
    insta::assert_snapshot!(refused(r#"crash = "that""#, "crash = \"that\"\nprocess = \"agnet\""), @r#"
     × fault.1.process: registry has no process `agnet`
       ╭─[netsplit.toml:31:11]
    30 │ crash = "that"
    31 │ process = "agnet"
       ·           ───┬───
       ·              ╰── unknown process
    32 │ restart_after = "2s"
       ╰────
     help: did you mean `agent`? processes: agent, engine
    "#);
}

#[test]
fn one_process_is_no_machine_whose_power_could_fail() {
    let power = "crash = \"that\"\nprocess = \"agent\"\nhow = \"power\"";
    insta::assert_snapshot!(refused(r#"crash = "that""#, power), @r#"
     × fault.1.how: `how` says how a machine goes down, and this fault ends one process of it
       ╭─[netsplit.toml:32:1]
    31 │ process = "agent"
    32 │ how = "power"
       · ─┬─
       ·  ╰── here
    33 │ restart_after = "2s"
       ╰────
     help: remove `how`, or `process` for the whole machine
    "#);
}

#[test]
fn two_actions_in_a_fault_are_two_faults() {
    insta::assert_snapshot!(refused(r#"heal_after = "5s""#, r#"crash = "n1""#), @r#"
     × fault.0.crash: a fault does one thing, and this one has `partition` already
       ╭─[netsplit.toml:25:1]
    24 │ partition = [["n1"], ["n2", "n3"]]
    25 │ crash = "n1"
       · ──┬──
       ·   ╰── here
    26 │
       ╰────
     help: give `crash` a [[fault]] of its own
    "#);
}

#[test]
fn a_fault_without_action_does_nothing() {
    insta::assert_snapshot!(refused("partition = [[\"n1\"], [\"n2\", \"n3\"]]\nheal_after = \"5s\"", ""), @r#"
     × fault.0: nothing says what the fault does
       ╭─[netsplit.toml:22:1]
    21 │
    22 │ [[fault]]
       · ────┬────
       ·     ╰── here
    23 │ at = "3s"
       ╰────
     help: add one of: partition, halves, bridge, ring, flap, isolate, swizzle, rolling_partition,
           one_way, hold, link, crash, crash_loop, rolling_restart, relay, blackout, pause, slow,
           clock, disk, brownout
    "#);
}

#[test]
fn a_fault_strikes_at_a_time_or_when_a_probe_is_published() {
    insta::assert_snapshot!(refused(r#"at = "3s""#, "at = \"3s\"\nwhen = { probe = \"conflict\" }"), @r#"
     × fault.0.when: a fault strikes either `at` a time or `when` a probe is published, not both
       ╭─[netsplit.toml:24:1]
    23 │ at = "3s"
    24 │ when = { probe = "conflict" }
       · ──┬─
       ·   ╰── here
    25 │ partition = [["n1"], ["n2", "n3"]]
       ╰────
     help: remove one of the two
    "#);
}

#[test]
fn a_crash_does_not_heal_it_restarts() {
    insta::assert_snapshot!(refused(r#"restart_after = "2s""#, r#"heal_after = "2s""#), @r#"
     × fault.1.heal_after: a crash ends by `restart_after`, not by `heal_after`
       ╭─[netsplit.toml:31:1]
    30 │ crash = "that"
    31 │ heal_after = "2s"
       · ─────┬────
       ·      ╰── here
    32 │
       ╰────
     help: write `restart_after = "2s"`
    "#);
}

#[test]
fn that_without_when_is_nobody() {
    insta::assert_snapshot!(refused("when = { node = \"any\", probe = \"conflict\" }\nafter = \"10ms\"", r#"at = "5s""#), @r#"
     × fault.1.crash: "that" is the node that published the probe, and this fault waits for none
       ╭─[netsplit.toml:29:1]
    28 │ at = "5s"
    29 │ crash = "that"
       · ──┬──
       ·   ╰── here
    30 │ restart_after = "2s"
       ╰────
     help: name a node, or replace `at` with `when = { node = "any", probe = "…" }`
    "#);
}

#[test]
fn a_client_does_not_crash() {
    insta::assert_snapshot!(refused(r#"crash = "that""#, r#"crash = "c1""#), @r#"
     × fault.1.crash: c1 is a client, and this takes a node
       ╭─[netsplit.toml:30:9]
    29 │ after = "10ms"
    30 │ crash = "c1"
       ·         ──┬─
       ·           ╰── not a node
    31 │ restart_after = "2s"
       ╰────
     help: nodes: n1 to n3
    "#);
}

#[test]
fn a_permanent_fault_does_not_end() {
    insta::assert_snapshot!(refused(r#"heal_after = "5s""#, "heal_after = \"5s\"\npermanent = true"), @r#"
     × fault.0.permanent: a permanent fault does not end, and this one has `heal_after`
       ╭─[netsplit.toml:26:1]
    25 │ heal_after = "5s"
    26 │ permanent = true
       · ────┬────
       ·     ╰── here
    27 │
       ╰────
     help: remove one of the two
    "#);
}
