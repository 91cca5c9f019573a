//! Faults that cannot happen together, or not to that degree. Each case replaces the first fault of a good file.

use super::{GOOD, parse, rendered};

/// The error after the first fault of the good file was replaced: its title line, and the help.
fn refused(fault: &str) -> String {
    let text =
        GOOD.replacen("at = \"3s\"\npartition = [[\"n1\"], [\"n2\", \"n3\"]]\nheal_after = \"5s\"", fault, 1);
    let page = rendered(&parse(&text).expect_err("a bad file was accepted"));
    let said: Vec<&str> =
        page.lines().map(str::trim).filter(|line| !line.contains(['│', '·', '╭', '╰'])).collect();
    said.join("\n")
}

#[test]
fn a_node_that_is_down_cannot_go_down_again() {
    let twice = "at = \"3s\"\ncrash = \"n1\"\nrestart_after = \"5s\"\n[[fault]]\nat = \"4s\"\npause = \"n1\"";
    insta::assert_snapshot!(refused(twice), @"
    × fault.1.pause: n1 is down already at 4s
    help: fault 0 takes it down at 3s: let that one end earlier, or this one begin later
    ");
}

#[test]
fn a_crash_loop_that_overlaps_a_crash_is_refused_too() {
    let loops = "at = \"3s\"\ncrash_loop = { node = \"n1\", times = 3, up = \"1s\", backoff = \"1s\" }\n[[fault]]\nat = \"5500ms\"\ncrash = \"n1\"\nrestart_after = \"1s\"";
    insta::assert_snapshot!(refused(loops), @"
    × fault.1.crash: n1 is down already at 5s 500ms
    help: fault 0 takes it down at 5s: let that one end earlier, or this one begin later
    ");
}

#[test]
fn two_crashes_at_once_are_beyond_a_budget_of_one() {
    let two = "at = \"3s\"\ncrash = \"n1\"\nrestart_after = \"5s\"\n[[fault]]\nat = \"4s\"\ncrash = \"n2\"";
    insta::assert_snapshot!(refused(two), @"
    × fault.1.crash: 2 nodes would be down at 4s, and at_most.down is 1
    help: let the faults follow each other, or raise the budget if the system promises to survive
    that
    ");
}

#[test]
fn what_stands_out_of_the_order_of_its_times_is_within_the_budget_too() {
    let two = "at = \"4s\"\ncrash = \"n2\"\n[[fault]]\nat = \"3s\"\ncrash = \"n1\"\nrestart_after = \"5s\"";
    insta::assert_snapshot!(refused(two), @"
    × fault.0.crash: 2 nodes would be down at 4s, and at_most.down is 1
    help: let the faults follow each other, or raise the budget if the system promises to survive
    that
    ");
    let twice = two.replace("n2", "n1");
    insta::assert_snapshot!(refused(&twice), @"
    × fault.0.crash: n1 is down already at 4s
    help: fault 1 takes it down at 3s: let that one end earlier, or this one begin later
    ");
    let one_after_the_other = two.replace("5s", "1s");
    assert!(
        parse(&GOOD.replacen("[[fault]]", &format!("[[fault]]\n{one_after_the_other}\n[[fault]]"), 1))
            .is_ok()
    );
}

#[test]
fn two_failing_disks_at_once_are_beyond_a_budget_of_one() {
    let two = "at = \"3s\"\ndisk = { node = \"n1\", fault = \"full\" }\n[[fault]]\nat = \"4s\"\ndisk = { node = \"n2\", fault = \"full\" }";
    insta::assert_snapshot!(refused(two), @"
    × fault.1.disk: 2 nodes would have failing disks at 4s, and at_most.disk is 1
    help: let the faults follow each other, or raise the budget if the system promises to survive
    that
    ");
}

#[test]
fn what_a_probe_triggers_must_come_to_its_end_too() {
    let flap = "when = { probe = \"conflict\" }\nflap = { between = [[\"n1\"], [\"n2\"]], down = \"5s\", up = \"5s\", times = 3 }";
    insta::assert_snapshot!(refused(flap), @"
    × fault.0.flap: it would still strike 20s after its probe, and the workload ends at 20s
    help: make it shorter, or write more for workload.for
    ");
}

#[test]
fn a_rolling_restart_must_come_to_its_end() {
    insta::assert_snapshot!(refused("at = \"3s\"\nrolling_restart = { down = \"5s\", gap = \"5s\" }"), @"
    × fault.0.rolling_restart: it would still strike at 23s, and the workload ends at 20s
    help: make it shorter, or write more for workload.for
    ");
}

#[test]
fn a_node_is_not_isolated_from_itself() {
    insta::assert_snapshot!(refused("at = \"3s\"\nisolate = { node = \"n1\", from = [\"n2\", \"n1\"] }"), @"
    × fault.0.isolate.from.1: n1 cannot be isolated from itself
    help: remove n1 here
    ");
}

#[test]
fn one_node_is_not_swizzled_and_no_client_is() {
    let swizzle =
        |nodes: &str| refused(&format!("at = \"3s\"\nswizzle = {{ nodes = [{nodes}], gap = \"1s\" }}"));
    insta::assert_snapshot!(swizzle("\"n1\""), @"
    × fault.0.swizzle.nodes: has no order in which they could come back
    help: name at least two nodes; for one alone write isolate
    ");
    insta::assert_snapshot!(swizzle("\"n1\", \"c1\""), @"
    × fault.0.swizzle.nodes.1: c1 is a client, and this takes a node
    help: nodes: n1 to n3
    ");
}

#[test]
fn three_machines_are_no_ring() {
    insta::assert_snapshot!(refused("at = \"3s\"\nring = [\"n1\", \"n2\", \"n3\"]"), @"
    × fault.0.ring: is no ring: each hears all the others
    help: a ring has at least four machines
    ");
}

#[test]
fn a_probability_ends_at_one() {
    let disk = "at = \"3s\"\ndisk = { node = \"n1\", fault = \"read-error\", probability = 1.5 }";
    insta::assert_snapshot!(refused(disk), @"
    × fault.0.disk.probability: 1.5 is not a probability, from 0 to 1
    help: write a probability, from 0 to 1
    ");
}

#[test]
fn a_slow_disk_says_how_slow() {
    insta::assert_snapshot!(refused("at = \"3s\"\ndisk = { node = \"n1\", fault = \"slow\" }"), @"
    × fault.0.disk: this fault of a disk needs `factor`
    help: add factor = 20
    ");
}

#[test]
fn a_full_disk_has_no_factor() {
    insta::assert_snapshot!(refused("at = \"3s\"\ndisk = { node = \"n1\", fault = \"full\", factor = 2 }"), @"
    × fault.0.disk.factor: `factor` does not belong to this fault of a disk
    help: remove it
    ");
}

#[test]
fn an_unknown_fault_of_a_disk_comes_with_those_there_are() {
    insta::assert_snapshot!(refused("at = \"3s\"\ndisk = { node = \"n1\", fault = \"fulll\" }"), @"
    × fault.0.disk.fault: `fulll` is not known here
    help: did you mean `full`? known: read-error, write-error, sync-error, full, slow, stall, hang,
    bit-flip, misdirect, decay
    ");
}

#[test]
fn a_target_by_a_probe_that_nobody_publishes_is_nobody() {
    let crash = "at = \"3s\"\ncrash = { whose = \"rôle\", is = \"primary\" }";
    insta::assert_snapshot!(refused(crash), @"
    × fault.0.crash.whose: registry has no probe `rôle`
    help: did you mean `role`? probes: conflict, role
    ");
}

#[test]
fn a_target_is_a_name_or_what_it_published() {
    insta::assert_snapshot!(refused("at = \"3s\"\ncrash = { who = \"n1\" }"), @r#"
    × fault.0.crash: expected a node
    help: for example "n1", "that", { whose = "role", is = "primary" } or { whose = "role", is_not =
    "primary" }
    "#);
}

#[test]
fn times_without_an_interval_mean_nothing() {
    insta::assert_snapshot!(refused("at = \"3s\"\ntimes = 3\ncrash = \"n1\""), @r#"
    × fault.0.times: `times` says how often, and nothing says at what intervals
    help: add `every = "5s"`
    "#);
}

#[test]
fn a_fault_is_not_repeated_a_million_times() {
    insta::assert_snapshot!(refused("at = \"3s\"\nevery = \"1ms\"\nclock = { node = \"n1\", by = \"+1s\" }"), @"
    × fault.0.every: 1ms makes 20000 faults
    help: write a longer time, or how many `times`
    ");
}

#[test]
fn a_clock_jumps_or_stands_still() {
    insta::assert_snapshot!(refused("at = \"3s\"\nclock = { node = \"n1\", by = \"+1s\", frozen = true }"), @"
    × fault.0.clock.frozen: a clock jumps or stands still, not both
    help: remove one of the two
    ");
    insta::assert_snapshot!(refused("at = \"3s\"\nclock = { node = \"n1\" }"), @r#"
    × fault.0.clock: nothing says what is wrong with the clock
    help: add by = "+2s" or frozen = true
    "#);
}

#[test]
fn a_processor_is_at_least_twice_as_slow() {
    insta::assert_snapshot!(refused("at = \"3s\"\nslow = { node = \"n1\", factor = 1 }"), @"
    × fault.0.slow.factor: 1 is below 2, the smallest factor
    help: write a number from 2 to 1000
    ");
}

#[test]
fn a_sector_has_one_of_two_sizes() {
    insta::assert_snapshot!(refused("at = \"3s\"\npause = \"n1\"\n[disk]\nsector = 1000"), @"
    × disk.sector: 1000 is not the size of a sector
    help: it is 512 or 4096
    ");
}

#[test]
fn the_budget_is_said_once() {
    insta::assert_snapshot!(refused("at = \"3s\"\npause = \"n1\"\n[at_most]\ndown = 1"), @"
    × at_most: the budget stands in [random] as well
    help: [random] has its own at_most: keep that one
    ");
}
