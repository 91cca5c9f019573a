//! What happens to machines: their processes, processors, clocks and disks.

use super::lab::{Seen, run};

fn boots(seen: &Seen, node: u32) -> Vec<String> {
    seen.between(node, "boot", -1000, i64::MAX)
}

#[test]
fn what_was_synced_survives_a_crash_and_a_power_loss_and_not_the_loss_of_the_disk() {
    let crash = |how: &str| {
        run("", &format!("[[fault]]\nat = \"3s\"\ncrash = \"n2\"\nhow = \"{how}\"\nrestart_after = \"1s\""))
    };
    assert_eq!(boots(&crash("process"), 2), ["1", "2"]);
    assert_eq!(boots(&crash("power"), 2), ["1", "2"]);
    assert_eq!(boots(&crash("wiped"), 2), ["1", "1"]);
}

#[test]
fn a_node_in_a_crash_loop_comes_back_each_time_after_twice_the_wait() {
    let loops = "crash_loop = { node = \"n2\", times = 3, up = \"500ms\", backoff = \"1s\" }";
    let seen = run("", &format!("[[fault]]\nat = \"3s\"\n{loops}"));
    let at: Vec<i64> = seen.probes(2, "boot").iter().map(|(at, _)| at.div_euclid(100) * 100).collect();
    assert_eq!(at, [-1000, 4000, 6500, 11_000]);
    assert_eq!(boots(&seen, 2), ["1", "2", "3", "4"]);
}

#[test]
fn a_node_that_crashes_while_it_boots_never_gets_far() {
    let loops = "crash_loop = { node = \"n2\", times = 4, up = \"1ms\", backoff = \"200ms\" }";
    let slow = "[[fault]]\nat = \"2s\"\ndisk = { node = \"n2\", fault = \"slow\", factor = 20 }\nheal_after = \"8s\"";
    let seen = run("", &format!("{slow}\n[[fault]]\nat = \"3s\"\n{loops}"));
    // Four crashes: only the first and the last boot came to their end.
    assert_eq!(seen.probes(2, "boot").len(), 2);
    assert_eq!(seen.faults().iter().filter(|(_, text)| text.contains("strikes: crash")).count(), 4);
}

#[test]
fn a_rolling_restart_takes_one_node_after_the_other() {
    let seen = run("", "[[fault]]\nat = \"2s\"\nrolling_restart = { down = \"1s\", gap = \"3s\" }");
    let at =
        |node| seen.probes(node, "boot").iter().map(|(at, _)| at.div_euclid(100) * 100).collect::<Vec<_>>();
    assert_eq!([at(1), at(2), at(3)], [[-1000, 3000], [-1000, 7000], [-1000, 11_000]]);
}

#[test]
fn a_paused_node_stands_still_and_then_goes_on() {
    let seen = run("", "[[fault]]\nat = \"3s\"\npause = \"n2\"\nresume_after = \"2s\"");
    assert!(seen.between(2, "clock", 3000, 5000).is_empty(), "it did nothing");
    assert!(seen.between(2, "clock", 5000, 7000).len() >= 19, "it went on");
    assert_eq!(boots(&seen, 2), ["1"], "it was not started again");
}

#[test]
fn a_slow_node_gets_a_part_of_the_processor() {
    let seen = run("", "[[fault]]\nat = \"3s\"\nslow = { node = \"n2\", factor = 10 }\nheal_after = \"5s\"");
    let ticks = |from, to| {
        let ticks: Vec<u64> =
            seen.between(2, "ticks", from, to).iter().map(|ticks| ticks.parse().unwrap()).collect();
        ticks.iter().sum::<u64>() / ticks.len() as u64
    };
    let (full, slow) = (ticks(0, 3000), ticks(3200, 8000));
    assert!(full > 80, "{full} ticks of 1 ms in 100 ms");
    assert!((full / 12..full / 7).contains(&slow), "{slow} instead of {full}");
    assert!(ticks(8200, 12_000) > 80, "it recovers");
}

#[test]
fn a_frozen_clock_stands_still_and_is_then_set_right() {
    let seen =
        run("", "[[fault]]\nat = \"3s\"\nclock = { node = \"n2\", frozen = true }\nheal_after = \"4s\"");
    let clock = |node: u32, from, to| {
        let last = seen.between(node, "clock", from, to).pop().unwrap();
        last.parse::<i64>().unwrap() / 1_000_000
    };
    seen.constant(2, "clock", 3000, 7000);
    assert!((3800..4100).contains(&(clock(1, 6800, 7000) - clock(2, 6800, 7000))), "4 s behind");
    assert!((clock(1, 7000, 7300) - clock(2, 7000, 7300)).abs() <= 100, "right again");
}

#[test]
fn a_clock_that_jumps_stays_where_it_jumped() {
    let seen = run("", "[[fault]]\nat = \"3s\"\nclock = { node = \"n2\", by = \"-2s\" }");
    let ahead = |from, to| {
        let clock = |node| seen.between(node, "clock", from, to).pop().unwrap().parse::<i64>().unwrap();
        (clock(1) - clock(2)) / 1_000_000
    };
    assert!(ahead(2000, 3000).abs() <= 100);
    assert!((1900..2100).contains(&ahead(4000, 5000)) && (1900..2100).contains(&ahead(18_000, 19_000)));
}

#[test]
fn a_full_disk_refuses_and_works_again_when_there_is_room() {
    let seen =
        run("", "[[fault]]\nat = \"3s\"\ndisk = { node = \"n2\", fault = \"full\" }\nheal_after = \"3s\"");
    assert_eq!(seen.constant(2, "disk", 1000, 3000), "works");
    assert_eq!(seen.constant(2, "disk", 3200, 6000), "StorageFull");
    assert_eq!(seen.constant(2, "disk", 6200, 9000), "works");
    assert_eq!(seen.constant(1, "disk", 1000, 9000), "works", "the others' are not");
}

#[test]
fn a_failing_disk_answers_with_errors() {
    for fault in ["write-error", "sync-error"] {
        let faults = format!(
            "[[fault]]\nat = \"3s\"\ndisk = {{ node = \"n2\", fault = \"{fault}\" }}\nheal_after = \"3s\""
        );
        let seen = run("", &faults);
        assert_ne!(seen.constant(2, "disk", 3200, 6000), "works", "{fault}");
        assert_eq!(seen.constant(2, "disk", 6200, 9000), "works", "{fault}");
    }
}

#[test]
fn a_slow_disk_takes_as_many_times_as_long() {
    let seen = run(
        "",
        "[[fault]]\nat = \"3s\"\ndisk = { node = \"n2\", fault = \"slow\", factor = 20 }\nheal_after = \"3s\"",
    );
    let took = |from, to| {
        let took = seen.probes(2, "disk").into_iter().filter(|(at, _)| (from..to).contains(at));
        let took: Vec<u64> = took.map(|(_, values)| values[1].parse().unwrap()).collect();
        took.iter().sum::<u64>() / took.len() as u64
    };
    let (before, slow) = (took(1000, 3000), took(3200, 6000));
    assert!((before * 18..before * 22).contains(&slow), "{before} µs, then {slow} µs");
}

#[test]
fn a_stalled_disk_answers_when_the_fault_ends_and_a_hung_one_never() {
    let fault = |kind: &str| {
        let disk = format!("disk = {{ node = \"n2\", fault = \"{kind}\" }}");
        run("", &format!("[[fault]]\nat = \"3s\"\n{disk}\nheal_after = \"3s\""))
    };
    let stalled = fault("stall");
    assert!(stalled.between(2, "disk", 3200, 6000).is_empty());
    assert!(stalled.between(2, "disk", 6000, 8000).len() >= 19);
    assert!(fault("hang").between(2, "disk", 3200, 20_000).is_empty());
}

#[test]
fn the_disk_is_as_the_scenario_sets_it_up() {
    let took = |disk: &str| {
        let seen = run(disk, "");
        seen.probes(1, "disk")[5].1[1].parse::<u64>().unwrap()
    };
    let (usual, slow) = (took(""), took("disk = { sync = \"50ms\" }"));
    assert!(usual < 2000 && (50_000..53_000).contains(&slow), "{usual} µs, and {slow} µs");
}
