//! The families, in asynchronous and synchronous variants, with and without rewinding where that makes a difference, and
//! as standbys of another cluster where stolon's tests are.

use super::cluster::{
    KEEPERS, Setup, all_stores, case, change, crash, is_synchronous, others, restart, standby_clusters,
    synchronous_0, variants, view, write,
};
use crate::support::{address, host, link, seconds, stores};
use host::world::{self, Death};
use protocols::database::{self, Client, Role};
use protocols::stolon::{ClusterData, Never, OperatorError, Options};
use protocols::store;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

#[test]
fn init_with_multiple_keepers_one_begins_and_the_others_copy_it() {
    for options in variants() {
        case(options, |cluster| async move {
            let master = cluster.well().await;
            cluster.everywhere("begins", &KEEPERS).await;
            let refused = write(Client::new(address(others(master)[0])), 99, "standby").await;
            assert!(refused.unwrap_err().is_definite(), "a standby takes no write");
        });
    }
}

#[test]
fn failover_a_standby_replaces_a_master_whose_machine_has_died() {
    for options in variants().into_iter().chain(standby_clusters()) {
        case(options, |mut cluster| async move {
            let former = cluster.well().await;
            crash(former);
            cluster.fails_over(former).await;
            cluster.well_among(&others(former)).await;
            cluster.write("after").await.unwrap();
            cluster.everywhere("begins", &others(former)).await;
            cluster.everywhere("after", &others(former)).await;
        });
    }
}

#[test]
fn failover_failed_the_former_master_is_elected_again_where_replication_is_asynchronous() {
    for options in variants().into_iter().chain(standby_clusters()) {
        case(options, |mut cluster| async move {
            let former = cluster.well().await;
            // Whoever is elected does not hear of it.
            let standbys = others(former);
            standbys.iter().for_each(|standby| world::crash_process(host(*standby), "keeper"));
            cluster.operator().fail_keeper(former.into()).await.unwrap();
            let elected = cluster.fails_over(former).await;
            seconds(60).await;
            let data = cluster.data().await.unwrap();
            let expected = if is_synchronous(&data.options) { elected } else { former };
            assert_eq!(data.master_keeper(), Some(expected.into()));
            standbys.iter().for_each(|standby| world::restart_process(host(*standby), "keeper"));
            assert_eq!(cluster.well().await, expected);
            cluster.write("after").await.unwrap();
            cluster.everywhere("begins", &KEEPERS).await;
        });
    }
}

#[test]
fn failover_too_much_lag_nobody_is_elected_before_the_master_is_back() {
    let [follows, _] = standby_clusters();
    let cases = [(Options::default(), 5, false), (Options::default(), 50, true), (follows, 5, false)];
    for (options, lag, elected) in cases {
        let options = Options { max_standby_lag: lag, ..options };
        case(options, move |mut cluster| async move {
            let former = cluster.well().await;
            link(former, &others(former), false);
            for _ in 0..20 {
                cluster.write("lags").await.unwrap();
            }
            seconds(15).await;
            crash(former);
            link(former, &others(former), true);
            seconds(60).await;
            let master = cluster.data().await.unwrap().master_keeper().unwrap() as u8;
            assert_eq!(master != former, elected);
            restart(former);
            cluster.well().await;
            cluster.write("after").await.unwrap();
            cluster.everywhere("after", &KEEPERS).await;
        });
    }
}

#[test]
fn old_master_restart_it_follows_the_new_one() {
    for options in variants().into_iter().chain(synchronous_0()).chain(standby_clusters()) {
        case(options, |mut cluster| async move {
            let former = cluster.well().await;
            crash(former);
            let master = cluster.fails_over(former).await;
            cluster.well_among(&others(former)).await;
            cluster.write("after").await.unwrap();
            restart(former);
            assert_eq!(cluster.well().await, master);
            cluster.write("later").await.unwrap();
            for key in ["begins", "after", "later"] {
                cluster.everywhere(key, &KEEPERS).await;
            }
        });
    }
}

#[test]
fn partition_1_a_keeper_and_its_database_that_stood_still_follow_the_new_master() {
    for options in variants().into_iter().chain(synchronous_0()).chain(standby_clusters()) {
        case(options, |mut cluster| async move {
            let former = cluster.well().await;
            for process in ["keeper", "database"] {
                world::pause_process(host(former), process);
            }
            let master = cluster.fails_over(former).await;
            cluster.well_among(&others(former)).await;
            cluster.write("after").await.unwrap();
            for process in ["keeper", "database"] {
                world::resume_process(host(former), process);
            }
            assert_eq!(cluster.well().await, master);
            for key in ["begins", "after"] {
                cluster.everywhere(key, &KEEPERS).await;
            }
        });
    }
}

#[test]
fn timeline_fork_a_standby_that_is_ahead_of_the_new_master_is_made_like_it() {
    for rewind in [false, true] {
        case(Options { rewind, ..Options::default() }, |mut cluster| async move {
            let former = cluster.well().await;
            let standbys = others(former);
            let (behind, ahead) = (standbys[0], standbys[1]);
            link(former, &[behind], false);
            for _ in 0..5 {
                cluster.write("forked").await.unwrap();
            }
            let was = cluster.uid(ahead).await;
            seconds(12).await;
            assert!(view(ahead).durable > view(behind).durable);
            crash(former);
            assert_eq!(cluster.fails_over(former).await, behind, "the least advanced is elected");
            cluster.well_among(&standbys).await;
            assert_ne!(cluster.uid(ahead).await, was);
            cluster.write("after").await.unwrap();
            cluster.everywhere("begins", &standbys).await;
        });
    }
}

#[test]
fn failed_standby_a_free_keeper_gets_one_in_its_place() {
    case(Options::default(), |mut cluster| async move {
        cluster.well().await;
        cluster.operator().change_options(&change(json!({ "max_standbys": 1 }))).await.unwrap();
        let (master, standby) = cluster.well_with_one_standby().await;
        let spare = others(master).into_iter().find(|keeper| *keeper != standby).unwrap();
        crash(standby);
        assert_eq!(cluster.well_among(&[master, spare]).await, master);
        let removed = |data: &ClusterData| data.db_of(standby.into()).is_none();
        cluster.until("the failed one's database removed", removed).await;
        cluster.write("after").await.unwrap();
        cluster.everywhere("after", &[master, spare]).await;
    });
}

#[test]
fn lowered_max_standbys_per_sender_one_of_two_standbys_goes() {
    for options in variants() {
        case(options, |mut cluster| async move {
            let master = cluster.well().await;
            let (waited_for, _) = cluster.standbys().await;
            cluster.operator().change_options(&change(json!({ "max_standbys": 1 }))).await.unwrap();
            let data = cluster.until("one standby", |data| data.dbs.len() == 2).await;
            let stays = others(master).into_iter().filter(|keeper| data.db_of((*keeper).into()).is_some());
            let stays: Vec<u8> = stays.collect();
            assert!(waited_for.is_empty() || waited_for == stays, "one that is waited for stays");
            assert_eq!(cluster.well_among(&[master, stays[0]]).await, master);
            cluster.write("after").await.unwrap();
            cluster.everywhere("after", &[master, stays[0]]).await;
        });
    }
}

#[test]
fn standby_cant_sync_one_that_lacks_what_the_master_no_longer_has_is_copied_anew() {
    for options in variants() {
        let database =
            database::Options { checkpoint_bytes: 2000, entries_kept: 5, ..database::Options::default() };
        case(Setup { database, ..options.into() }, |mut cluster| async move {
            let master = cluster.well().await;
            let (_, asynchronous) = cluster.standbys().await;
            let standby = asynchronous[0];
            let was = cluster.uid(standby).await;
            link(master, &[standby], false);
            for _ in 0..200 {
                cluster.write("many").await.unwrap();
            }
            seconds(10).await;
            link(master, &[standby], true);
            cluster
                .until("copied", |data| data.db_of(standby.into()).is_some_and(|(uid, _)| Some(uid) != was))
                .await;
            assert_eq!(cluster.well().await, master);
            cluster.everywhere("many", &KEEPERS).await;
        });
    }
}

#[test]
fn disappeared_keeper_data_a_master_without_its_data_is_replaced() {
    for options in variants() {
        case(options, |mut cluster| async move {
            let former = cluster.well().await;
            world::crash(host(former), Death::Wiped);
            restart(former);
            let master = cluster.fails_over(former).await;
            assert_eq!(cluster.well().await, master);
            cluster.write("after").await.unwrap();
            for key in ["begins", "after"] {
                cluster.everywhere(key, &KEEPERS).await;
            }
        });
    }
}

#[test]
fn force_fail_an_operator_switches_over() {
    for options in variants().into_iter().chain(standby_clusters()) {
        case(options, |mut cluster| async move {
            let former = cluster.well().await;
            cluster.operator().fail_keeper(former.into()).await.unwrap();
            let master = cluster.fails_over(former).await;
            assert_eq!(cluster.well().await, master);
            cluster.write("after").await.unwrap();
            cluster.everywhere("after", &KEEPERS).await;
        });
    }
}

#[test]
fn keeper_removal_a_dead_keeper_is_forgotten_and_comes_back_as_a_new_one() {
    let options =
        Options { max_standbys: 1, dead_keeper_removal: Duration::from_secs(30), ..Options::default() };
    let one_standby = Options { max_standbys: 1, ..options.clone() };
    for options in [one_standby.clone(), Options { synchronous_replication: true, ..one_standby }] {
        case(Options { max_standbys: 2, ..options }, |mut cluster| async move {
            let master = cluster.well().await;
            let mut operator = cluster.operator();
            operator.change_options(&change(json!({ "max_standbys": 1 }))).await.unwrap();
            let data = cluster.until("one standby", |data| data.dbs.len() == 2).await;
            let standby =
                others(master).into_iter().find(|keeper| data.db_of((*keeper).into()).is_some()).unwrap();
            let spare = others(master).into_iter().find(|keeper| *keeper != standby).unwrap();
            crash(standby);
            cluster.until("forgotten", |data| !data.keepers.contains_key(&standby.into())).await;
            assert_eq!(cluster.well_among(&[master, spare]).await, master);
            restart(standby);
            cluster.until("known", |data| data.keepers.contains_key(&standby.into())).await;
            cluster.write("after").await.unwrap();
            cluster.everywhere("after", &[master, spare]).await;
        });
    }
}

#[test]
fn keeper_removal_by_an_operator_spares_the_master() {
    for options in variants() {
        case(options, |mut cluster| async move {
            let master = cluster.well().await;
            let mut operator = cluster.operator();
            let refused = operator.remove_keeper(master.into()).await;
            assert!(matches!(refused, Err(OperatorError::HasMaster(keeper)) if keeper == u32::from(master)));
            assert!(matches!(operator.remove_keeper(99).await, Err(OperatorError::NoSuchKeeper(99))));
            let standby = others(master)[0];
            let was = cluster.uid(standby).await;
            operator.remove_keeper(standby.into()).await.unwrap();
            cluster
                .until("another database", |data| {
                    data.db_of(standby.into()).is_some_and(|(uid, _)| Some(uid) != was)
                })
                .await;
            assert_eq!(cluster.well().await, master);
            cluster.write("after").await.unwrap();
            cluster.everywhere("after", &KEEPERS).await;
        });
    }
}

#[test]
fn a_master_whose_database_crashed_goes_on_with_its_timeline() {
    for options in variants() {
        case(options, |mut cluster| async move {
            let master = cluster.well().await;
            let timeline = view(master).timeline;
            world::crash_process(host(master), "database");
            world::restart_process(host(master), "database");
            seconds(12).await;
            assert_eq!((view(master).role, view(master).timeline), (Role::Primary, timeline));
            assert_eq!(cluster.well().await, master);
            cluster.write("after").await.unwrap();
            cluster.everywhere("begins", &KEEPERS).await;
        });
    }
}

#[test]
fn without_the_store_databases_go_on_and_proxies_give_up() {
    for options in variants() {
        case(options, |mut cluster| async move {
            let master = cluster.well().await;
            let everyone: Vec<u8> = (4..=8).collect();
            all_stores().into_iter().for_each(|store| link(store, &everyone, false));
            seconds(40).await;
            assert_eq!(view(master).role, Role::Primary);
            assert!(write(Client::new(address(master)), 99, "past the proxies").await.unwrap());
            assert!(cluster.write("without the store").await.is_err());
            all_stores().into_iter().for_each(|store| link(store, &everyone, true));
            cluster.well().await;
            cluster.write("after").await.unwrap();
            cluster.everywhere("past the proxies", &KEEPERS).await;
        });
    }
}

#[test]
fn cluster_data_of_another_format_stay_as_they_are_and_so_does_the_master() {
    case(Options::default(), |cluster| async move {
        let master = cluster.well().await;
        let mut store = store::Client::new(stores());
        let data = r#"{"format":2,"of":"the future"}"#;
        store.put("stolon/cluster", data, None).await.unwrap();
        let error = cluster.operator().cluster().await.unwrap_err().to_string();
        assert_eq!(error, "stolon/cluster: its format is 2, and 1 is known here");
        seconds(60).await;
        assert_eq!(store.get("stolon/cluster").await.unwrap().unwrap().value, data);
        assert_eq!(view(master).role, Role::Primary);
        assert!(write(Client::new(address(master)), 99, "after").await.unwrap());
    });
}

#[test]
fn a_keeper_that_never_has_the_master_replaces_nobody() {
    let only = KEEPERS[2];
    let never = Never { master: true, synchronous: false };
    let never = others(only).into_iter().map(|keeper| (keeper, never)).collect::<BTreeMap<_, _>>();
    for options in variants() {
        let max = Options { max_synchronous_standbys: 2, ..options };
        case(Setup { never: never.clone(), ..max.into() }, move |mut cluster| async move {
            let first = cluster.well().await;
            if first != only {
                cluster.operator().fail_keeper(first.into()).await.unwrap();
                assert_eq!(cluster.fails_over(first).await, only);
                assert_eq!(cluster.well().await, only);
            }
            cluster.operator().fail_keeper(only.into()).await.unwrap();
            seconds(40).await;
            assert_eq!(cluster.well().await, only, "there is nobody else");
            cluster.write("after").await.unwrap();
            cluster.everywhere("after", &KEEPERS).await;
        });
    }
}
