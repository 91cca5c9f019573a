//! Faults that are aimed by what machines say strike whom they mean.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use host::world::{FaultStep, Happening, MachineId};
use sim::catalog::Catalog;
use sim::once;
use sim::run::Attention;
use sim::scenario::Scenario;
use splitbrain::systems::ALL;
use std::time::Duration;

/// What was published: when, by whom, which probe, and its values as texts.
type Said = (u64, MachineId, &'static str, Vec<String>);

/// A run of a text with one fault: when it struck whom, and what was said.
fn struck(text: &str, seed: u64) -> (u64, MachineId, Vec<Said>) {
    let catalog = Catalog::new(ALL);
    let scenario = Scenario::parse("aimed.toml", text, &[], &catalog).unwrap();
    let system = *ALL.iter().find(|system| system.name() == scenario.system).unwrap();
    let (_, recording) = once(system, &scenario, seed, Attention::RECORDED);
    let (mut strike, mut said) = (None, Vec::new());
    for event in recording.unwrap().trace {
        match event.happening {
            Happening::Probe { host: Some(host), name, values } => {
                said.push((event.at_ns, host, name, values.iter().map(ToString::to_string).collect()));
            }
            Happening::Fault(fault) if fault.step == FaultStep::Strikes => {
                strike.get_or_insert((event.at_ns, fault.machines[0]));
            }
            _ => {}
        }
    }
    let (at_ns, machine) = strike.expect("the fault finds whom it means");
    (at_ns, machine, said)
}

#[test]
fn the_leader_of_the_store_is_who_was_elected_last() {
    let text = include_str!("../scenarios/store/leader-disk-stalls.toml");
    let leaders: Vec<MachineId> = (0..4)
        .map(|seed| {
            let (at_ns, machine, said) = struck(text, seed);
            let before = said.iter().filter(|(at, ..)| *at < at_ns);
            let elected = before.filter_map(|(_, host, name, values)| match &values[..] {
                [role, term] if *name == "role" && role == "leader" => {
                    Some((term.parse::<u64>().unwrap(), *host))
                }
                _ => None,
            });
            assert_eq!(elected.max().map(|(_, host)| host), Some(machine), "seed {seed}");
            machine
        })
        .collect();
    assert!(leaders.iter().any(|leader| *leader != leaders[0]), "the seed decides who leads: {leaders:?}");
}

/// How long no write is acknowledged after a standby has lost its power.
fn silent_after_the_loss_of(text: &str, seed: u64) -> Duration {
    let (at_ns, _, said) = struck(text, seed);
    let committed = |(at, _, name, _): &Said| (*name == "committed" && *at > at_ns).then(|| at - at_ns);
    Duration::from_nanos(said.iter().find_map(committed).expect("writes go on some time"))
}

#[test]
fn without_the_standby_that_is_named_no_write_is_acknowledged_and_without_the_other_all_go_on() {
    let scenarios = [
        include_str!("../scenarios/failover/patroni-sync-standby-crash.toml"),
        include_str!("../scenarios/failover/stolon-sync-standby-crash.toml"),
    ];
    for text in scenarios {
        let other = text.replace("is = \"named\"", "is = \"other\"");
        // There what the scenario is about does not happen.
        let other: String = other
            .lines()
            .filter(|line| !line.starts_with("expect"))
            .map(|line| format!("{line}\n"))
            .collect();
        for seed in 0..2 {
            let (named, other) =
                (silent_after_the_loss_of(text, seed), silent_after_the_loss_of(&other, seed));
            assert!(named > Duration::from_secs(8), "seed {seed}: {named:?} without the one that is named");
            assert!(other < Duration::from_secs(2), "seed {seed}: {other:?} without the other");
        }
    }
}
