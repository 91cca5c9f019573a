//! What else a machine has: a wall clock, entropy, probes, a view.

use crate::support::{self, machines};
use crate::{N1, N2, ms, now, simulate, sleep};
use host::probe::Value;
use host::time::{self, Instant};
use host::world::{self, Config, Death, MachineId};
use host::{clock, entropy};
use std::time::Duration;

/// The wall clock of a machine, in ms since the run began by the true clock.
async fn wall_clock_ms(cluster: &support::Cluster, machine: MachineId) -> i64 {
    const EPOCH_MS: i64 = 1_767_225_600_000;
    cluster.on(machine, async { (clock::unix_ns() / 1_000_000) as i64 - EPOCH_MS }).await.unwrap()
}

#[test]
fn a_wall_clock_has_its_machines_skew_and_drift() {
    let mut config = machines(1, 3);
    config.machines[0].clock_offset_ns = -500_000_000;
    config.machines[1].clock_drift_ppb = 1_000_000;
    support::simulate(config, |cluster| async move {
        sleep(ms(100_000)).await;
        assert_eq!(wall_clock_ms(&cluster, N1).await, 99_500);
        assert_eq!(wall_clock_ms(&cluster, N2).await, 100_100);
        assert_eq!(wall_clock_ms(&cluster, MachineId::numbered(3)).await, 100_000);
    });
}

#[test]
fn a_jump_moves_one_wall_clock_and_no_timer() {
    simulate(async |cluster| {
        let timer = cluster.on(N1, async {
            let begin = tokio::time::Instant::now();
            sleep(ms(1000)).await;
            begin.elapsed()
        });
        sleep(ms(500)).await;
        world::with(|world| world.jump_clock(N1, -3_600_000_000_000));
        assert_eq!(wall_clock_ms(&cluster, N1).await, 500 - 3_600_000);
        assert_eq!(wall_clock_ms(&cluster, N2).await, 500);
        let elapsed = timer.await.unwrap();
        assert!(elapsed >= ms(1000) && elapsed < ms(1001), "{elapsed:?}");
        world::with(|world| world.jump_clock(N1, 3_600_000_000_000));
        assert_eq!(wall_clock_ms(&cluster, N1).await, now().as_millis() as i64);
    });
}

#[test]
fn a_machine_whose_clock_gains_sleeps_less_and_does_not_know_it() {
    let mut config = machines(1, 3);
    config.machines[0].clock_drift_ppb = 1_000_000;
    config.machines[1].clock_drift_ppb = -1_000_000;
    support::simulate(config, |cluster| async move {
        let sleeper = |machine| {
            cluster.on(machine, async {
                let (begin, since) = (Instant::now(), now());
                time::sleep(ms(1_000_000)).await;
                (begin.elapsed().as_millis(), (now() - since).as_millis())
            })
        };
        let (n1, n2, n3) = (sleeper(N1), sleeper(N2), sleeper(MachineId::numbered(3)));
        assert_eq!(n1.await.unwrap(), (1_000_000, 999_000));
        assert_eq!(n3.await.unwrap(), (1_000_000, 1_000_000));
        assert_eq!(n2.await.unwrap(), (1_000_000, 1_001_001));
    });
}

#[test]
fn a_machine_was_up_before_the_run_began() {
    simulate(async |cluster| {
        let past = cluster.on(N1, async { Instant::now() - ms(3_600_000) }).await.unwrap();
        assert!(cluster.on(N1, async move { past.elapsed() }).await.unwrap() >= ms(3_600_000));
    });
}

#[test]
fn a_sleep_that_is_dropped_is_forgotten_and_one_that_is_polled_often_is_there_once() {
    simulate(async |cluster| {
        let pending = || world::with(|world| world.pending_events());
        let before = pending();
        let task = cluster.on(N1, async move {
            for _ in 0..100 {
                time::timeout(ms(60_000), time::sleep(ms(2))).await.unwrap();
            }
            let mut long = std::pin::pin!(time::sleep(ms(60_000)));
            for _ in 0..100 {
                assert!(time::timeout(ms(1), long.as_mut()).await.is_err());
            }
            assert_eq!(pending(), before + 1);
        });
        task.await.unwrap();
        assert_eq!(pending(), before);
    });
}

#[test]
fn a_clock_before_the_epoch_stops_there() {
    let mut config = machines(1, 1);
    config.machines[0].clock_offset_ns = i64::MIN / 2;
    support::simulate(config, |cluster| async move {
        assert_eq!(cluster.on(N1, async { clock::unix_ns() }).await.unwrap(), 0);
    });
}

fn entropy_of(seed: u64, machine: MachineId, others_draw: bool) -> Vec<u64> {
    support::simulate(machines(seed, 2), |cluster| async move {
        if others_draw {
            cluster.on(if machine == N1 { N2 } else { N1 }, async { entropy::u64() }).await.unwrap();
        }
        cluster.on(machine, async { (0..4).map(|_| entropy::u64()).collect() }).await.unwrap()
    })
}

#[test]
fn entropy_repeats_by_seed_and_differs_by_machine_and_seed() {
    let drawn = entropy_of(1, N1, false);
    assert_eq!(drawn, entropy_of(1, N1, false));
    assert_eq!(drawn, entropy_of(1, N1, true), "what another machine draws shifts nothing");
    assert_ne!(drawn, entropy_of(1, N2, false));
    assert_ne!(drawn, entropy_of(2, N1, false));
}

#[test]
fn probes_reach_the_testbed_with_machine_time_and_values() {
    simulate(async |cluster| {
        let node = cluster.on(N2, async {
            sleep(ms(5)).await;
            host::probe!("role", "primary", 3_u64);
            host::sometimes!("elected");
        });
        let probes = world::next_probes().await;
        let names: Vec<&str> = probes.iter().map(|probe| probe.name).collect();
        assert_eq!(names, ["role", "elected"], "both belong to one step");
        assert_eq!(probes[0].host, Some(N2));
        assert_eq!(probes[0].values, [Value::from("primary"), Value::from(3_u64)]);
        assert!(Duration::from_nanos(probes[0].at_ns) >= ms(5));
        node.await.unwrap();
        assert_eq!(world::with(|world| world.probe_hits().clone()), [("elected", 1), ("role", 1)].into());
    });
}

#[test]
fn rare_paths_are_taken_only_where_the_run_asks_for_them() {
    let taken = |buggify: bool, probability: f64| {
        support::simulate(Config { buggify, ..machines(1, 1) }, |cluster| async move {
            cluster
                .on(N1, async move { (0..1000).filter(|_| host::buggify!(probability)).count() })
                .await
                .unwrap()
        })
    };
    assert_eq!((taken(false, 1.0), taken(true, 0.0), taken(true, 1.0)), (0, 0, 1000));
    assert!((200..300).contains(&taken(true, 0.25)));
}

#[test]
fn a_view_is_read_as_it_is_now_and_forgotten_at_a_crash() {
    simulate(async |cluster| {
        assert_eq!(world::view::<u64>(N1), None);
        cluster.on(N1, async {
            let state = std::sync::Arc::new(std::sync::Mutex::new(1_u64));
            let seen = state.clone();
            host::view::register(move || *seen.lock().unwrap());
            loop {
                sleep(ms(10)).await;
                *state.lock().unwrap() += 1;
            }
        });
        sleep(ms(15)).await;
        assert_eq!((world::view::<u64>(N1), world::view_json(N1)), (Some(2), Some(2.into())));
        assert_eq!(world::view::<String>(N1), None, "a view of another type is none");
        assert_eq!(world::view::<u64>(N2), None);
        world::crash(N1, Death::Process);
        assert!(!world::is_up(N1));
        assert_eq!(world::view::<u64>(N1), None);
        world::restart(N1);
        assert!(world::is_up(N1));
        assert_eq!(world::view::<u64>(N1), None);
    });
}

#[test]
fn a_machine_is_known_by_name_and_address() {
    simulate(async |_| {
        world::with(|world| {
            assert_eq!((world.host_named("n2"), world.host_named("n3")), (Some(N2), None));
            assert_eq!((world.name(N2), world.ip(N2).to_string().as_str()), ("n2", "10.0.0.2"));
            assert_eq!(world.current_host(), None, "a test is no machine");
        });
    });
}

/// Asks the world when it is dropped, as a destructor that logs does.
struct Asks;

impl Drop for Asks {
    fn drop(&mut self) {
        now();
    }
}

#[test]
fn what_a_view_held_may_ask_the_world_when_it_is_dropped() {
    simulate(async |cluster| {
        let register = || {
            let asks = Asks;
            host::view::register(move || size_of_val(&asks));
        };
        cluster.on(N1, async move { register() }).await.unwrap();
        cluster.on(N1, async move { register() }).await.unwrap();
        assert_eq!(world::view::<usize>(N1), Some(0));
        world::crash(N1, Death::Process);
        assert_eq!(world::view::<usize>(N1), None);
    });
}
