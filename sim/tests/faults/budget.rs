//! What a scenario promises not to exceed, and what a system need not survive.

use super::lab::{run, run_seed, scenario};
use sim::scenario::{Fault, Moment, Name, Target};
use std::collections::BTreeSet;
use std::time::Duration;

#[test]
fn a_triggered_fault_beyond_the_budget_is_skipped() {
    let first = "[[fault]]\nat = \"3s\"\ncrash = \"n1\"\nrestart_after = \"3s\"\n";
    let second = "[[fault]]\nwhen = { node = \"n2\", probe = \"boot\" }\nafter = \"5s\"\ncrash = \"that\"\nrestart_after = \"1s\"";
    let faults = format!("{first}{second}");
    let skipped = run("at_most = { down = 1 }", &faults).faults();
    let skip = skipped.iter().find(|(_, text)| text.contains("skipped")).expect("one is skipped");
    assert_eq!(
        skip.1,
        "fault 1 is skipped, 1 nodes are down already, and at_most.down is 1: crash that node (n2)"
    );
    assert!(
        run("", &faults).faults().iter().all(|(_, text)| !text.contains("skipped")),
        "no budget, no limit"
    );
}

#[test]
fn the_budget_of_random_faults_holds_for_triggered_ones_too() {
    let random = "[random]\nkinds = [\"crash\"]\nevery = \"1s\"\nat_most = { down = 1 }\n";
    let triggered = "[[fault]]\nwhen = { probe = \"boot\" }\nafter = \"300ms\"\ntimes = 50\ncrash = \"that\"\nrestart_after = \"2s\"\n";
    for seed in 0..20 {
        let mut down = 0_i32;
        for (at, text) in run_seed(seed, "", &format!("{random}{triggered}")).faults() {
            down += i32::from(text.contains("strikes")) - i32::from(text.contains(" ends"));
            assert!(down <= 1, "{down} down at {at} ms, seed {seed}");
        }
    }
}

#[test]
fn random_faults_of_disks_stay_within_their_budget() {
    let random = "[random]\nkinds = [\"disk\"]\nevery = \"500ms\"\nat_most = { disk = 1 }\n";
    let mut strikes = 0;
    for seed in 0..100 {
        let plan = scenario("", random).unwrap().resolve(seed);
        strikes += plan.faults.len();
        for fault in &plan.faults {
            let Moment::At { at, .. } = fault.moment else { panic!("random faults are timed") };
            let failing: BTreeSet<Name> =
                plan.faults.iter().filter(|other| covers(other, at.get())).map(node).collect();
            assert_eq!(failing.len(), 1, "{failing:?} at {at}, seed {seed}");
        }
    }
    assert!(strikes > 200, "{strikes} faults in 100 plans");
}

fn node(fault: &Fault) -> Name {
    match fault.action.target() {
        Some(("disk.node", Target::Node(node))) => *node,
        _ => panic!("{fault} is of a disk"),
    }
}

fn covers(fault: &Fault, time: Duration) -> bool {
    let Moment::At { at, .. } = fault.moment else { return false };
    at.get() <= time && fault.lasts.is_none_or(|lasts| time < at.get() + lasts.get())
}

#[test]
fn no_random_fault_is_drawn_in_a_quiet_start() {
    let random = "[random]\nkinds = [\"pause\"]\nevery = \"500ms\"\nquiet_start = \"10s\"\n";
    for seed in 0..50 {
        for fault in scenario("", random).unwrap().resolve(seed).faults {
            let Moment::At { at, .. } = fault.moment else { panic!("random faults are timed") };
            assert!(at.as_secs() >= 10, "{fault}, seed {seed}");
        }
    }
}

#[test]
fn a_system_need_not_recover_from_more_than_it_promises() {
    let wiped = "[[fault]]\nat = \"3s\"\ncrash = \"n1\"\nhow = \"wiped\"\nrestart_after = \"1s\"\n";
    let forever = "[[fault]]\nat = \"5s\"\ncrash = \"n2\"\npermanent = true\n";
    let seen = run("", &format!("{wiped}{forever}"));
    assert_eq!(
        seen.violations(),
        [(
            "recoverability",
            "the disk of n1 was wiped; so convergence is not judged (3s after the last fault: a node is down)"
        )]
    );
    // Its near twin kept its disk: the system merely does not recover.
    let seen = run("", &format!("{}{forever}", wiped.replace("wiped", "power")));
    assert_eq!(seen.violations(), [("convergence", "3s after the last fault: a node is down")]);
}
