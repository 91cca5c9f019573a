//! Who hears whom.

use super::lab::{run, run_seed};
use host::world::{FaultStep, MachineId};
use std::collections::BTreeSet;

fn hears(seen: &super::lab::Seen, from: i64, to: i64) -> Vec<String> {
    seen.hears(from, to).into_values().collect()
}

#[test]
fn an_isolated_node_hears_nobody_and_nobody_hears_it() {
    let seen = run("", "[[fault]]\nat = \"3s\"\nisolate = { node = \"n2\" }\nheal_after = \"3s\"");
    assert_eq!(hears(&seen, 1000, 3000), ["n2 n3", "n1 n3", "n1 n2"]);
    assert_eq!(hears(&seen, 3200, 6000), ["n3", "", "n1"]);
    assert_eq!(hears(&seen, 8000, 10_000), ["n2 n3", "n1 n3", "n1 n2"]);
}

#[test]
fn a_node_can_be_isolated_from_some_machines_only() {
    let seen =
        run("", "[[fault]]\nat = \"3s\"\nisolate = { node = \"n2\", from = [\"n1\"] }\nheal_after = \"3s\"");
    assert_eq!(hears(&seen, 3200, 6000), ["n3", "n3", "n1 n2"]);
    let seen = run("", "[[fault]]\nat = \"3s\"\nisolate = { node = \"n2\", from = \"clients\" }");
    assert_eq!(hears(&seen, 3200, 6000), ["n2 n3", "n1 n3", "n1 n2"]);
}

#[test]
fn swizzled_nodes_go_one_after_the_other_and_come_back_in_another_order() {
    let swizzle = "[[fault]]\nat = \"3s\"\nswizzle = { nodes = [\"n1\", \"n2\", \"n3\"], gap = \"2s\" }";
    let mut orders = BTreeSet::new();
    for seed in 0..10 {
        let seen = run_seed(seed, "", swizzle);
        let moments = |step: FaultStep| -> (Vec<i64>, Vec<MachineId>) {
            let events = seen.fault_events().filter(|(_, event)| event.step == step);
            events.map(|(at, event)| (at, event.machines[0])).unzip()
        };
        let ((strikes, going), (ends, coming)) = (moments(FaultStep::Strikes), moments(FaultStep::Ends));
        assert_eq!((&strikes[..], &ends[..]), (&[3000, 5000, 7000][..], &[9000, 11_000, 13_000][..]));
        assert_ne!(going, coming, "seed {seed}");
        assert_eq!(hears(&seen, 7200, 9000), ["", "", ""]);
        assert_eq!(hears(&seen, 14_000, 20_000), ["n2 n3", "n1 n3", "n1 n2"]);
        orders.insert((going, coming));
    }
    assert!(orders.len() > 3, "the seed decides: {orders:?}");
}

#[test]
fn both_sides_hear_the_bridge_and_not_each_other() {
    let five = "cluster = { nodes = 5 }";
    let seen = run(five, "[[fault]]\nat = \"3s\"\nbridge = \"n3\"\nheal_after = \"3s\"");
    assert_eq!(hears(&seen, 3200, 6000), ["n2 n3", "n1 n3", "n1 n2 n4 n5", "n3 n5", "n3 n4"]);
}

#[test]
fn in_a_ring_each_hears_its_two_neighbours() {
    let five = "cluster = { nodes = 5 }";
    let ring = "[[fault]]\nat = \"3s\"\nring = [\"n1\", \"n2\", \"n3\", \"n4\", \"n5\"]\nheal_after = \"3s\"";
    let seen = run(five, ring);
    assert_eq!(hears(&seen, 3200, 6000), ["n2 n5", "n1 n3", "n2 n4", "n3 n5", "n1 n4"]);
}

#[test]
fn halves_are_two_groups_that_the_seed_decides() {
    let five = "cluster = { nodes = 5 }";
    let faults = "[[fault]]\nat = \"3s\"\nhalves = true\nheal_after = \"3s\"";
    let seen: Vec<_> = (1..6).map(|seed| run_seed(seed, five, faults).hears(3200, 6000)).collect();
    for hears in &seen {
        for (node, heard) in hears {
            for (other, heard_by_other) in hears {
                let name = format!("n{node}");
                assert_eq!(
                    heard.contains(&format!("n{other}")),
                    heard_by_other.contains(&name),
                    "what {node} and {other} hear is the same: {hears:?}"
                );
            }
        }
        assert!(hears.values().any(|heard| heard.split(' ').count() < 4), "somebody is not heard: {hears:?}");
    }
    assert!(seen.iter().any(|hears| hears != &seen[0]), "other seeds, other halves");
}

#[test]
fn a_flapping_link_fails_again_and_again() {
    let flap = "flap = { between = [[\"n1\"], [\"n2\", \"n3\"]], down = \"1s\", up = \"2s\", times = 3 }";
    let seen = run("", &format!("[[fault]]\nat = \"3s\"\n{flap}"));
    for round in 0..3 {
        let start = 3000 + 3000 * round;
        assert_eq!(hears(&seen, start + 200, start + 1000), ["", "n3", "n2"], "round {round}");
        assert_eq!(hears(&seen, start + 1400, start + 3000), ["n2 n3", "n1 n3", "n1 n2"], "round {round}");
    }
    assert_eq!(hears(&seen, 12_400, 19_000), ["n2 n3", "n1 n3", "n1 n2"]);
}

#[test]
fn a_fault_can_be_repeated() {
    let fault = "[[fault]]\nat = \"3s\"\nevery = \"5s\"\nisolate = { node = \"n1\" }\nheal_after = \"1s\"";
    let strikes = |seen: &super::lab::Seen| {
        let faults = seen.faults().into_iter();
        faults.filter(|(_, text)| text.contains("strikes")).map(|(at, _)| at).collect::<Vec<_>>()
    };
    assert_eq!(strikes(&run("", fault)), [3000, 8000, 13_000, 18_000]);
    assert_eq!(strikes(&run("", &fault.replace("every", "times = 2\nevery"))), [3000, 8000]);
}

/// Nodes tell each other their numbers over new connections, which must not take longer than 100 ms.
fn link(what: &str) -> String {
    format!("[[fault]]\nat = \"3s\"\nlink = {{ {what} }}\nheal_after = \"3s\"")
}

#[test]
fn a_slow_link_is_slow_in_both_directions_until_it_heals() {
    let seen = run("", &link("between = [[\"n1\"], [\"n2\", \"n3\"]], fault = \"slow\", by = \"90ms\""));
    assert_eq!(hears(&seen, 1000, 3000), ["n2 n3", "n1 n3", "n1 n2"]);
    assert_eq!(hears(&seen, 3300, 6000), ["", "n3", "n2"]);
    assert_eq!(hears(&seen, 7000, 10_000), ["n2 n3", "n1 n3", "n1 n2"]);
}

#[test]
fn a_link_that_loses_every_packet_one_way_makes_no_connection() {
    let seen = run("", &link("from = [\"n1\"], to = [\"n2\"], fault = \"lossy\", probability = 1.0"));
    assert_eq!(hears(&seen, 3300, 6000), ["n3", "n3", "n1 n2"]);
    assert_eq!(hears(&seen, 8000, 10_000), ["n2 n3", "n1 n3", "n1 n2"]);
}

#[test]
fn a_thin_link_makes_packets_wait() {
    // A SYN of 40 bytes takes 200 ms.
    let thin = "from = [\"n1\"], to = [\"n2\"], fault = \"thin\", bytes_per_second = 200, queue = 3000";
    let seen = run("", &link(thin));
    assert_eq!(hears(&seen, 3300, 6000), ["n3", "n3", "n1 n2"]);
}

#[test]
fn links_that_double_and_reorder_a_little_lose_nothing() {
    for what in [
        "fault = \"duplicating\", probability = 1.0",
        "fault = \"reordering\", probability = 1.0, by = \"10ms\"",
        "fault = \"corrupting\", probability = 1.0",
    ] {
        let seen = run("", &link(&format!("between = [[\"n1\"], [\"n2\"]], {what}")));
        assert_eq!(hears(&seen, 3300, 6000), ["n2 n3", "n1 n3", "n1 n2"], "{what}");
    }
}

#[test]
fn a_link_with_settings_of_its_own_differs_from_the_others() {
    let slow = "[[network.link]]\nfrom = [\"n1\"]\nto = [\"n2\"]\nlatency = \"150ms\"";
    let seen = run(slow, "");
    assert_eq!(hears(&seen, 1000, 10_000), ["n3", "n3", "n1 n2"]);
}
