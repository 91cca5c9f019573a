//! What agents do in the cases that Patroni's features try out.

use super::cluster::{self, case, health, operator, the_store};
use crate::support::seconds;
use protocols::database::{Replication, Role};
use protocols::patroni::{self, Options, Synchronous, Watchdog};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::time::{Instant, sleep};

fn synchronous() -> Options {
    Options { synchronous_mode: Synchronous::On, ..Options::default() }
}

/// Long enough for a check to fail as often as it takes, and to succeed again.
const ROUTED: u64 = 3 * 3 + 2 * 3 + 2;

#[test]
fn one_begins_and_the_others_are_its_copies() {
    case(Options::default(), async |cluster| {
        let primary = cluster.settles().await;
        cluster.writes_again(ROUTED, "a", 1).await;
        assert_eq!(cluster.read("a").await.unwrap(), Some("1".to_owned()));
        seconds(60).await;
        assert_eq!(cluster.settles().await, primary);
        assert_eq!(cluster.view(primary).unwrap().timeline.unwrap().number, 1);
    });
}

#[test]
fn when_the_primarys_machine_dies_another_takes_over_within_ttl_and_loop_wait() {
    case(Options::default(), async |cluster| {
        let first = cluster.settles().await;
        cluster.writes_again(ROUTED, "a", 1).await;
        cluster.crash(first);
        let took = cluster
            .until(60, "another primary", |cluster| cluster.primary().is_some_and(|now| now != first))
            .await;
        assert!(took <= Duration::from_secs(30 + 10 + 3), "{took:?}");
        cluster.writes_again(ROUTED, "b", 2).await;
        cluster.restart(first);
        assert_ne!(cluster.settles().await, first);
        assert_eq!(cluster.read("b").await.unwrap(), Some("2".to_owned()));
    });
}

#[test]
fn what_a_synchronous_primary_acknowledged_survives_it() {
    case(synchronous(), async |cluster| {
        let first = cluster.settles().await;
        seconds(30).await;
        for value in 1..=20 {
            assert!(cluster.write(&format!("k{value}"), value).await.unwrap());
        }
        cluster.crash(first);
        cluster.writes_again(80, "after", 21).await;
        for value in 1..=20 {
            assert_eq!(cluster.read(&format!("k{value}")).await.unwrap(), Some(value.to_string()));
        }
        cluster.restart(first);
        assert_ne!(cluster.settles().await, first);
    });
}

#[test]
fn the_timeline_is_kept_when_a_primary_crashes_and_starts_again() {
    case(Options::default(), async |cluster| {
        let primary = cluster.settles().await;
        cluster.writes_again(ROUTED, "a", 1).await;
        cluster.crash_process(primary, "database");
        seconds(1).await;
        cluster.restart_process(primary, "database");
        cluster.until(30, "it is back", |cluster| cluster.primary() == Some(primary)).await;
        assert_eq!(cluster.settles().await, primary);
        assert_eq!(cluster.view(primary).unwrap().timeline.unwrap().number, 1);
        assert_eq!(cluster.read("a").await.unwrap(), Some("1".to_owned()));
    });
}

#[test]
fn with_a_start_timeout_of_nothing_another_takes_over_at_once() {
    let options = Options { primary_start_timeout: Duration::ZERO, ..Options::default() };
    case(options, async |cluster| {
        let first = cluster.settles().await;
        cluster.crash_process(first, "database");
        let took = cluster
            .until(60, "another primary", |cluster| cluster.primary().is_some_and(|now| now != first))
            .await;
        assert!(took < Duration::from_secs(20), "{took:?}");
        cluster.restart_process(first, "database");
        assert_ne!(cluster.settles().await, first);
    });
}

#[test]
fn a_primary_that_is_cut_off_from_the_store_stops_before_another_takes_over() {
    case(Options { watchdog: Watchdog::Off, ..Options::default() }, async |cluster| {
        let first = cluster.settles().await;
        cluster.cut(first, &the_store());
        // There are never two: `primary` would say none then.
        cluster.until(30, "it stops", |cluster| cluster.primary().is_none()).await;
        assert_ne!(cluster.view(first).unwrap().role, Role::Primary);
        cluster.until(30, "another", |cluster| cluster.primary().is_some_and(|now| now != first)).await;
        cluster.mend(first, &the_store());
        assert_ne!(cluster.settles().await, first);
    });
}

#[test]
fn in_failsafe_mode_a_primary_goes_on_while_the_store_is_down() {
    let options = Options { failsafe_mode: true, ..Options::default() };
    case(options, async |cluster| {
        let primary = cluster.settles().await;
        seconds(20).await;
        the_store().into_iter().for_each(|id| cluster.crash(id));
        for round in 0..20 {
            seconds(5).await;
            assert_eq!(cluster.primary(), Some(primary), "after {round} rounds");
        }
        assert!(cluster.write("a", 1).await.unwrap());
        // One of those that must agree is gone.
        cluster.crash(cluster.others(primary)[0]);
        cluster.until(30, "it stops", |cluster| cluster.primary().is_none()).await;
        the_store().into_iter().for_each(|id| cluster.restart(id));
        cluster.until(60, "a primary", |cluster| cluster.primary().is_some()).await;
        cluster.restart(cluster.others(primary)[0]);
        cluster.settles().await;
        cluster.writes_again(ROUTED, "b", 2).await;
        assert_eq!(cluster.read("a").await.unwrap(), Some("1".to_owned()));
    });
}

#[test]
fn in_failsafe_mode_a_primary_that_alone_has_lost_the_store_is_not_replaced() {
    let options = Options { failsafe_mode: true, ..Options::default() };
    case(options, async |cluster| {
        let primary = cluster.settles().await;
        seconds(20).await;
        cluster.cut(primary, &the_store());
        for round in 0..20 {
            seconds(5).await;
            assert_eq!(cluster.primary(), Some(primary), "after {round} rounds");
        }
        cluster.mend(primary, &the_store());
        assert_eq!(cluster.settles().await, primary);
    });
}

#[test]
fn without_the_store_and_failsafe_mode_there_is_no_primary() {
    case(Options::default(), async |cluster| {
        cluster.settles().await;
        the_store().into_iter().for_each(|id| cluster.crash(id));
        cluster.until(30, "it stops", |cluster| cluster.primary().is_none()).await;
        seconds(60).await;
        assert_eq!(cluster.primary(), None);
        the_store().into_iter().for_each(|id| cluster.restart(id));
        cluster.settles().await;
    });
}

#[test]
fn the_watchdog_stops_a_primary_whose_agent_is_frozen_before_its_lock_is_free() {
    case(Options::default(), async |cluster| {
        let first = cluster.settles().await;
        cluster.pause_process(first, "agent");
        cluster.until(26, "it stops", |cluster| cluster.primary().is_none()).await;
        assert_eq!(cluster.view(first).unwrap().role, Role::Stopped);
        cluster.until(30, "another", |cluster| cluster.primary().is_some_and(|now| now != first)).await;
        cluster.resume_process(first, "agent");
        assert_ne!(cluster.settles().await, first);
    });
}

#[test]
fn without_a_watchdog_a_frozen_agents_primary_goes_on_until_it_wakes_up() {
    case(Options { watchdog: Watchdog::Off, ..Options::default() }, async |cluster| {
        let first = cluster.settles().await;
        cluster.pause_process(first, "agent");
        seconds(60).await;
        assert_eq!(cluster.primaries().len(), 2);
        cluster.resume_process(first, "agent");
        assert_ne!(cluster.settles().await, first);
    });
}

#[test]
fn an_agent_that_dies_and_comes_back_in_time_keeps_its_primary() {
    case(Options { watchdog: Watchdog::Off, ..Options::default() }, async |cluster| {
        let primary = cluster.settles().await;
        cluster.crash_process(primary, "agent");
        seconds(15).await;
        cluster.restart_process(primary, "agent");
        seconds(60).await;
        assert_eq!(cluster.settles().await, primary);
        assert_eq!(cluster.view(primary).unwrap().timeline.unwrap().number, 1);
    });
}

#[test]
fn a_deposed_primary_is_rewound_before_it_streams() {
    case(Options { watchdog: Watchdog::Off, ..Options::default() }, async |cluster| {
        let first = cluster.settles().await;
        // What it writes from now on nobody else has.
        cluster.cut(first, &cluster.others(first));
        cluster.pause_process(first, "agent");
        assert!(cluster.write_at(first, "lost", 1).await.unwrap());
        cluster
            .until(60, "another", |cluster| {
                cluster.others(first).iter().any(|id| cluster.view(*id).unwrap().role == Role::Primary)
            })
            .await;
        assert!(cluster.write_at(first, "lost", 2).await.unwrap());
        cluster.resume_process(first, "agent");
        cluster.mend(first, &cluster.others(first));
        let second = cluster.settles().await;
        assert_ne!(second, first);
        cluster.writes_again(ROUTED, "kept", 3).await;
        seconds(1).await;
        let (one, other) = (cluster.view(first).unwrap(), cluster.view(second).unwrap());
        assert_eq!((one.durable, one.timeline), (other.durable, other.timeline));
        assert_eq!(cluster.read("lost").await.unwrap(), None);
    });
}

#[test]
fn a_synchronous_standby_that_dies_makes_room_for_the_other() {
    case(synchronous(), async |cluster| {
        let primary = cluster.settles().await;
        seconds(30).await;
        for (value, id) in cluster.others(primary).into_iter().enumerate() {
            cluster.crash(id);
            cluster.writes_again(60, "a", 1 + value as u64).await;
            cluster.restart(id);
            cluster.settles().await;
            seconds(30).await;
        }
        assert_eq!(cluster.primary(), Some(primary));
    });
}

#[test]
fn in_strict_mode_writes_wait_until_a_standby_is_back() {
    let options = Options { synchronous_mode: Synchronous::Strict, ..Options::default() };
    case(options, async |cluster| {
        let primary = cluster.settles().await;
        cluster.writes_again(40, "a", 1).await;
        let others = cluster.others(primary);
        others.into_iter().for_each(|id| cluster.crash(id));
        for _ in 0..10 {
            seconds(4).await;
            assert!(cluster.write("b", 2).await.is_err());
        }
        assert_eq!(cluster.primary(), Some(primary));
        cluster.restart(others[0]);
        cluster.writes_again(60, "b", 3).await;
    });
}

#[test]
fn a_planned_switchover_goes_to_the_candidate() {
    case(Options::default(), async |cluster| {
        let first = cluster.settles().await;
        let to = cluster.others(first)[1];
        cluster.writes_again(ROUTED, "a", 1).await;
        operator().switchover(Some(first.into()), Some(to.into())).await.unwrap();
        let took = cluster.until(30, "the candidate leads", |cluster| cluster.primary() == Some(to)).await;
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert_eq!(cluster.settles().await, to);
        assert_eq!(operator().leader().await.unwrap(), Some(to.into()));
        cluster.writes_again(ROUTED, "b", 2).await;
        assert_eq!(cluster.read("a").await.unwrap(), Some("1".to_owned()));
        seconds(60).await;
        assert_eq!(cluster.primary(), Some(to));
    });
}

#[test]
fn while_the_cluster_is_paused_nobody_takes_over() {
    case(Options::default(), async |cluster| {
        let first = cluster.settles().await;
        operator().pause().await.unwrap();
        seconds(15).await;
        // Not even the watchdog minds.
        cluster.pause_process(first, "agent");
        seconds(60).await;
        assert_eq!(cluster.primary(), Some(first));
        cluster.resume_process(first, "agent");
        seconds(15).await;
        cluster.crash(first);
        seconds(60).await;
        assert_eq!(cluster.primary(), None);
        operator().resume().await.unwrap();
        cluster.until(60, "another", |cluster| cluster.primary().is_some()).await;
    });
}

/// `patronictl edit-config`; a lease lasts as long as it was granted for, and there is another one (`etcd3.py`, `set_ttl`).
#[test]
fn an_operator_changes_options_while_the_cluster_runs() {
    case(Options::default(), async |cluster| {
        let first = cluster.settles().await;
        let change = |options| serde_json::from_value(options).unwrap();
        let refused = operator().change_options(&change(json!({ "scope": "another" }))).await;
        assert_eq!(refused.unwrap_err().to_string(), "scope: it is said on each machine");
        // Writes wait from now on, and for ever where there is nobody to wait for.
        operator().change_options(&change(json!({ "synchronous_mode": "strict" }))).await.unwrap();
        operator().change_options(&change(json!({ "ttl": "60s" }))).await.unwrap();
        seconds(30).await;
        cluster.writes_again(ROUTED, "a", 1).await;
        let [one, another] = cluster.others(first);
        cluster.crash(one);
        cluster.crash(another);
        seconds(30).await;
        assert!(!cluster.write("b", 2).await.is_ok_and(|written| written), "nobody has it but the primary");
        cluster.restart(one);
        cluster.restart(another);
        assert_eq!(cluster.settles().await, first);
        cluster.writes_again(ROUTED, "c", 3).await;
        cluster.crash(first);
        let took = cluster.until(120, "another", |cluster| cluster.primary().is_some()).await;
        assert!(took > Duration::from_secs(45), "{took:?}: the lock is not free before");
    });
}

/// `patronictl reinit`.
#[test]
fn a_standby_begins_anew_with_a_copy_when_an_operator_says_so() {
    case(Options::default(), async |cluster| {
        let first = cluster.settles().await;
        cluster.writes_again(ROUTED, "a", 1).await;
        let leader = operator().reinitialise(first.into()).await;
        assert_eq!(leader.unwrap_err().to_string(), "I am the leader, can not reinitialize");
        assert_eq!(operator().reinitialise(99).await.unwrap_err().to_string(), "there is no member 99");
        let standby = cluster.others(first)[0];
        operator().reinitialise(standby.into()).await.unwrap();
        let copies = || cluster.view(standby).is_some_and(|view| view.replication == Replication::Cloning);
        let by = Instant::now() + Duration::from_secs(15);
        while !copies() {
            assert!(Instant::now() < by, "it takes no copy");
            sleep(Duration::from_micros(200)).await;
        }
        assert_eq!(cluster.settles().await, first);
        seconds(30).await;
        assert!(cluster.is_standby(standby), "once is enough");
        assert_eq!(cluster.read("a").await.unwrap(), Some("1".to_owned()));
    });
}

#[test]
fn an_agent_with_the_number_of_another_does_not_start() {
    case(Options::default(), async |cluster| {
        let primary = cluster.settles().await;
        let mut config = cluster::agent(primary, Options::default());
        // On the operator's machine.
        config.health = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 100), 7001));
        let error = patroni::run(config).await.unwrap_err();
        let said = format!("id: there is already a member {primary} at {}", health(primary));
        assert_eq!(error.to_string(), said);
    });
}

#[test]
fn a_member_that_has_lost_its_disk_is_a_copy_again() {
    case(Options::default(), async |cluster| {
        let first = cluster.settles().await;
        cluster.writes_again(ROUTED, "a", 1).await;
        let lost = cluster.others(first)[0];
        cluster.wipe(lost);
        cluster.restart(lost);
        assert_eq!(cluster.settles().await, first);
        // As a primary's it is: nobody has the name, and the name of the lost one counts for nothing.
        cluster.wipe(first);
        cluster.restart(first);
        assert_ne!(cluster.settles().await, first);
        cluster.writes_again(ROUTED, "b", 2).await;
        assert_eq!(cluster.read("a").await.unwrap(), Some("1".to_owned()));
    });
}
