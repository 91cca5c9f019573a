//! The table cases of stolon's own test of its sentinel (`TestUpdateCluster`), and more in their manner: a cluster goes
//! in, a cluster comes out.
//!
//! A case of the table has its number, from 0 to 31, in a comment; those from 15 on are in `tests/synchronous.rs`. One
//! does not apply: 14 changes parameters that stolon's sentinel copies into the specification of every database
//! (time-outs, `pg_rewind`, parameters of PostgreSQL). Here keepers read the options themselves, and there are no
//! parameters of the database. What *is* copied, whom a standby cluster follows, has its case in
//! `tests/standby_cluster.rs`. The table of `TestActiveProxiesInfos` is with `Memory::active`.

mod standby_cluster;
mod synchronous;

use super::super::message::{Keeper, Proxy};
use super::super::options::Options;
use super::*;
use crate::database::{History, Lsn, Timeline};
use std::time::Duration;

const KEEPERS: [u32; 3] = [1, 2, 3];
const MASTER: DbUid = DbUid(1);
const SECOND: DbUid = DbUid(2);
const THIRD: DbUid = DbUid(3);

fn keeper() -> Keeper {
    Keeper { boot: 1, healthy: true, healthy_at_ms: 0, force_fail: false, never: Never::default() }
}

fn history(timelines: &[(u32, u64)]) -> History {
    let mut history = History::default();
    for (number, begins) in timelines {
        history.push(Timeline { number: *number, tag: 5 }, Lsn(*begins));
    }
    history
}

fn status() -> DbStatus {
    let address = Some(([10, 0, 0, 1], 7000).into());
    DbStatus {
        healthy: true,
        generation: 1,
        address,
        history: history(&[(1, 1)]),
        last: Lsn(9),
        ..DbStatus::default()
    }
}

/// A master and this many standbys, each on a keeper of its number, all well; one proxy.
fn cluster(standbys: u64, options: Options) -> ClusterData {
    let mut data = ClusterData::new(options);
    data.phase = Phase::Normal;
    data.master = Some(MASTER);
    data.proxy = Proxy { generation: 4, master: Some(MASTER), enabled: BTreeSet::from([7]) };
    for keeper_id in 1..=standbys as u32 + 1 {
        let role = if keeper_id == 1 { DbRole::Master } else { DbRole::Standby { follows: MASTER } };
        data.keepers.insert(keeper_id, keeper());
        data.add_db(keeper_id, Init::None, role);
    }
    let followers = data.dbs.keys().skip(1).copied().collect();
    for db in data.dbs.values_mut() {
        db.status = status();
    }
    db(&mut data, MASTER).spec.followers = followers;
    data
}

/// The same where replication is synchronous, and the writes wait for these.
fn synchronous(standbys: u64, waits_for: &[DbUid], options: &Options) -> ClusterData {
    let mut data = cluster(standbys, Options { synchronous_replication: true, ..options.clone() });
    specify(&mut data, waits_for);
    db(&mut data, MASTER).status.synchronous = waits_for.iter().copied().collect();
    data
}

fn specify(data: &mut ClusterData, waits_for: &[DbUid]) {
    let standbys = waits_for.iter().copied().collect();
    db(data, MASTER).spec.synchronous = Some(Synchronous { standbys, blocked: false });
}

fn db(data: &mut ClusterData, uid: DbUid) -> &mut Db {
    data.dbs.get_mut(&uid).unwrap()
}

fn fail(data: &mut ClusterData, uid: DbUid) {
    let keeper = db(data, uid).spec.keeper;
    db(data, uid).status.healthy = false;
    data.keepers.get_mut(&keeper).unwrap().healthy = false;
}

/// It is not yet what it is to be.
fn lag_behind(data: &mut ClusterData, uid: DbUid) {
    db(data, uid).generation += 1;
}

fn waits_for(data: &ClusterData, uid: DbUid) -> (Vec<DbUid>, bool) {
    let synchronous = data.dbs[&uid].spec.synchronous.as_ref().expect("writes wait");
    (synchronous.standbys.iter().copied().collect(), synchronous.blocked)
}

/// Decides at a time when all that has not converged has had its time.
fn decide(data: &ClusterData) -> ClusterData {
    decide_with(data, &[(7, data.proxy.generation)], Duration::from_secs(3600))
}

/// Proxies have seen these generations. `since` the databases are what they are.
fn decide_with(data: &ClusterData, proxies: &[(u32, u64)], since: Duration) -> ClusterData {
    let mut memory = Memory::default();
    memory.remember(data, Now::default());
    let proxies = proxies.iter().copied().collect();
    let now = Now { elapsed: since, wall_ms: 0 };
    Round { memory: &memory, proxies: &proxies, now, draw: 0 }.decide(data)
}

fn initialising(keepers: &[u32]) -> ClusterData {
    let mut data = ClusterData::new(Options::default());
    data.keepers.extend(keepers.iter().map(|id| (*id, keeper())));
    data
}

// 0
#[test]
fn without_keepers_nothing_begins() {
    let data = ClusterData::new(Options::default());
    assert_eq!(decide(&data), data);
}

// 1, 2
#[test]
fn one_of_the_keepers_begins_the_first_database() {
    for keepers in [&KEEPERS[..1], &KEEPERS] {
        let after = decide(&initialising(keepers));
        assert_eq!(after.master_keeper(), Some(1));
        assert_eq!((after.phase, after.dbs.len()), (Phase::Initializing, 1));
        let first = &after.dbs[&after.master.unwrap()];
        assert_eq!((first.spec.init, first.spec.role, first.generation), (Init::New, DbRole::Master, 1));
    }
}

#[test]
fn a_first_database_that_has_begun_makes_a_cluster() {
    let mut data = decide(&initialising(&KEEPERS));
    db(&mut data, MASTER).status = status();
    let after = decide(&data);
    assert_eq!((after.phase, after.dbs[&MASTER].spec.init), (Phase::Normal, Init::None));
}

// 3
#[test]
fn a_keeper_that_does_not_begin_in_time_loses_its_turn() {
    let data = decide(&initialising(&KEEPERS));
    assert_eq!(decide_with(&data, &[], Duration::from_secs(300)), data);
    let after = decide_with(&data, &[], Duration::from_secs(301));
    assert_eq!((after.master, after.dbs.len()), (None, 0));
}

// 4
#[test]
fn a_cluster_that_is_well_stays_as_it_is() {
    for data in [cluster(2, Options::default()), synchronous(2, &[SECOND], &Options::default())] {
        assert_eq!(decide(&data), data);
    }
}

// 5
#[test]
fn a_standby_replaces_a_master_that_has_failed() {
    let mut data = cluster(1, Options::default());
    fail(&mut data, MASTER);
    let after = decide(&data);
    assert_eq!(after.master, Some(SECOND));
    assert_eq!((after.dbs[&SECOND].spec.role, after.dbs[&SECOND].generation), (DbRole::Master, 2));
    assert_eq!((after.proxy.master, after.proxy.generation), (None, 5));
    assert_eq!(after.dbs[&MASTER].spec.role, DbRole::Master, "it is left as it is");
    assert!(after.dbs[&MASTER].spec.followers.is_empty());
}

// 6
#[test]
fn a_former_master_becomes_a_new_standby_once_the_new_one_works() {
    let mut data = cluster(1, Options::default());
    fail(&mut data, MASTER);
    let mut data = decide(&data);
    data.keepers.insert(1, keeper());
    assert!(decide(&data).dbs.contains_key(&MASTER), "the new one is not there yet");
    db(&mut data, SECOND).status.generation = 2;
    let after = decide(&data);
    assert!(!after.dbs.contains_key(&MASTER));
    let (uid, standby) = after.db_of(1).unwrap();
    assert_eq!((uid, standby.spec.init), (THIRD, Init::Resync));
    assert_eq!(standby.spec.role, DbRole::Standby { follows: SECOND });
    assert_eq!(after.dbs[&SECOND].spec.followers, BTreeSet::from([THIRD]));
}

#[test]
fn the_other_standbys_follow_a_new_master_once_it_works() {
    let mut data = cluster(2, Options::default());
    fail(&mut data, MASTER);
    let mut data = decide(&data);
    assert_eq!(data.master, Some(SECOND));
    let follows = |data: &ClusterData| (data.dbs[&THIRD].spec.role, data.dbs[&THIRD].generation);
    assert_eq!(follows(&data), (DbRole::Standby { follows: MASTER }, 1));
    let soon = decide_with(&data, &[], Duration::from_secs(30));
    assert_eq!(follows(&soon), (DbRole::Standby { follows: MASTER }, 1), "it is not there yet");
    db(&mut data, SECOND).status.generation = 2;
    let after = decide(&data);
    assert_eq!(follows(&after), (DbRole::Standby { follows: SECOND }, 2));
    assert_eq!(after.dbs[&SECOND].spec.followers, BTreeSet::from([THIRD]));
}

// 7
#[test]
fn a_standby_that_has_not_converged_is_not_elected() {
    let mut data = cluster(1, Options::default());
    fail(&mut data, MASTER);
    lag_behind(&mut data, SECOND);
    assert_eq!(decide(&data).master, Some(MASTER));
}

// 8
#[test]
fn a_master_that_does_not_converge_in_time_is_replaced() {
    let mut data = cluster(1, Options::default());
    lag_behind(&mut data, MASTER);
    let proxies = [(7, data.proxy.generation)];
    assert_eq!(decide_with(&data, &proxies, Duration::from_secs(30)).master, Some(MASTER));
    assert_eq!(decide_with(&data, &proxies, Duration::from_secs(31)).master, Some(SECOND));
}

#[test]
fn an_elected_standby_that_fails_makes_room_for_the_former_master() {
    let mut data = cluster(1, Options::default());
    fail(&mut data, MASTER);
    let mut data = decide(&data);
    fail(&mut data, SECOND);
    assert_eq!(decide(&data).master, Some(SECOND), "the former one has failed too");
    data.keepers.insert(1, keeper());
    db(&mut data, MASTER).status.healthy = true;
    db(&mut data, MASTER).status.generation = data.dbs[&MASTER].generation;
    assert_eq!(decide(&data).master, Some(MASTER));
}

#[test]
fn the_least_advanced_of_those_that_may_is_elected() {
    let mut data = cluster(2, Options::default());
    fail(&mut data, MASTER);
    db(&mut data, THIRD).status.last = Lsn(8);
    assert_eq!(decide(&data).master, Some(THIRD));
}

#[test]
fn a_standby_too_far_behind_is_not_elected() {
    let mut data = cluster(1, Options { max_standby_lag: 2, ..Options::default() });
    fail(&mut data, MASTER);
    db(&mut data, SECOND).status.last = Lsn(7);
    assert_eq!(decide(&data).master, Some(SECOND));
    db(&mut data, SECOND).status.last = Lsn(6);
    assert_eq!(decide(&data).master, Some(MASTER));
}

#[test]
fn of_each_that_is_passed_over_it_is_said_why_and_of_nobody_where_one_may_be_elected() {
    let passed_over = |data: &ClusterData| {
        let (memory, proxies) = (Memory::default(), BTreeMap::new());
        let now = Now { elapsed: Duration::ZERO, wall_ms: 0 };
        Round { memory: &memory, proxies: &proxies, now, draw: 0 }.passed_over(data)
    };
    let mut data = cluster(1, Options { max_standby_lag: 2, ..Options::default() });
    fail(&mut data, MASTER);
    db(&mut data, SECOND).status.last = Lsn(7);
    assert_eq!(passed_over(&data), BTreeMap::new());
    db(&mut data, SECOND).status.last = Lsn(6);
    assert_eq!(passed_over(&data), BTreeMap::from([(2, "it lacks too much")]));
    fail(&mut data, SECOND);
    assert_eq!(passed_over(&data), BTreeMap::from([(2, "it fails, or its keeper is silent")]));
}

#[test]
fn a_standby_on_another_timeline_is_not_elected() {
    let mut data = cluster(1, Options::default());
    fail(&mut data, MASTER);
    db(&mut data, MASTER).status.history = history(&[(1, 1), (2, 9)]);
    db(&mut data, SECOND).status.last = Lsn(8);
    assert_eq!(decide(&data).master, Some(MASTER));
}

#[test]
fn a_standby_that_went_another_way_is_removed_and_its_keeper_begins_anew() {
    let mut data = cluster(1, Options::default());
    db(&mut data, MASTER).status.history = history(&[(1, 1), (2, 9)]);
    assert_eq!(decide(&data).db_of(2).unwrap().0, THIRD, "it has an entry 9 of timeline 1");
    db(&mut data, SECOND).status.last = Lsn(8);
    assert_eq!(decide(&data).db_of(2).unwrap().0, SECOND);
}

#[test]
fn a_standby_that_the_master_can_no_longer_serve_is_copied_anew() {
    let mut data = cluster(1, Options::default());
    db(&mut data, SECOND).status.last = Lsn(3);
    assert_eq!(decide(&data), data);
    db(&mut data, SECOND).status.replication = Replication::TooFarBehind;
    let after = decide(&data);
    let (uid, standby) = after.db_of(2).unwrap();
    assert_eq!((uid, standby.spec.init), (THIRD, Init::Resync));
}

// 9
#[test]
fn a_free_keeper_stays_free_while_there_are_enough_standbys() {
    let mut data = cluster(1, Options { max_standbys: 1, ..Options::default() });
    data.keepers.insert(3, keeper());
    assert_eq!(decide(&data), data);
}

// 10, 11, 12
#[test]
fn a_standby_that_fails_is_replaced_by_a_free_keeper() {
    let mut data = cluster(1, Options { max_standbys: 1, ..Options::default() });
    lag_behind(&mut data, SECOND);
    assert!(decide(&data).db_of(3).is_none(), "there is no free keeper");
    data.keepers.insert(3, keeper());
    let mut data = decide(&data);
    let (uid, standby) = data.db_of(3).unwrap();
    assert_eq!((uid, standby.spec.init), (THIRD, Init::Resync));
    assert!(data.dbs.contains_key(&SECOND), "until the new one works");
    db(&mut data, THIRD).status = status();
    db(&mut data, MASTER).status.generation = data.dbs[&MASTER].generation;
    assert!(!decide(&data).dbs.contains_key(&SECOND));
}

#[test]
fn standbys_in_excess_are_removed() {
    let data = cluster(2, Options { max_standbys: 1, ..Options::default() });
    let after = decide(&data);
    assert_eq!(after.dbs.keys().copied().collect::<Vec<_>>(), [MASTER, THIRD]);
}

// 13
#[test]
fn a_keeper_without_a_database_is_forgotten_in_the_end() {
    let mut data = cluster(1, Options { max_standbys: 1, ..Options::default() });
    data.keepers.insert(3, Keeper { healthy: false, ..keeper() });
    data.keepers.get_mut(&2).unwrap().healthy_at_ms = 0;
    let memory = Memory::default();
    let at = |wall_ms| {
        let now = Now { elapsed: Duration::ZERO, wall_ms };
        Round { memory: &memory, proxies: &BTreeMap::new(), now, draw: 0 }.decide(&data).keepers
    };
    let long_ms = 48 * 3600 * 1000;
    assert!(at(long_ms).contains_key(&3));
    assert_eq!(at(long_ms + 1).keys().copied().collect::<Vec<_>>(), [1, 2]);
}

/// The master changes; the second database works as the new one.
fn switched(flaw: Option<Flaw>) -> ClusterData {
    let mut data = cluster(1, Options { flaw, ..Options::default() });
    fail(&mut data, MASTER);
    let mut data = decide(&data);
    db(&mut data, SECOND).status.generation = 2;
    data
}

#[test]
fn a_new_master_is_published_when_every_proxy_has_dropped_the_old_one() {
    let data = switched(None);
    let wait = |proxies: &[(u32, u64)]| decide_with(&data, proxies, Duration::ZERO).proxy;
    assert_eq!((wait(&[(7, 5), (8, 4)]).master, wait(&[(7, 5), (8, 4)]).generation), (None, 5));
    assert_eq!((wait(&[(7, 5), (8, 5)]).master, wait(&[(7, 5), (8, 5)]).generation), (Some(SECOND), 6));
    assert_eq!(wait(&[]).master, Some(SECOND), "who is gone routes nowhere");
}

#[test]
fn a_flawed_sentinel_does_not_wait_for_proxies() {
    let data = switched(Some(Flaw::ProxyWithoutFence));
    assert_eq!(data.proxy.master, None);
    assert_eq!(decide_with(&data, &[(7, 5), (8, 4)], Duration::ZERO).proxy.master, Some(SECOND));
}

#[test]
fn a_proxy_may_route_once_the_sentinel_knows_it() {
    let data = cluster(1, Options::default());
    let proxy = decide_with(&data, &[(7, 4), (8, 0)], Duration::ZERO).proxy;
    assert_eq!((proxy.enabled, proxy.generation), (BTreeSet::from([7, 8]), 5));
    let proxy = decide_with(&data, &[], Duration::ZERO).proxy;
    assert_eq!((proxy.enabled, proxy.generation), (BTreeSet::new(), 5));
}

#[test]
fn a_keeper_that_never_has_the_master_may_begin_it_and_be_it_again() {
    let mut data = initialising(&[1]);
    data.keepers.get_mut(&1).unwrap().never.master = true;
    assert_eq!(decide(&data).master_keeper(), Some(1), "so the source has it");
    let mut data = cluster(1, Options::default());
    for keeper in data.keepers.values_mut() {
        keeper.never.master = true;
    }
    fail(&mut data, MASTER);
    assert_eq!(decide(&data).master, Some(MASTER));
    data.keepers.get_mut(&2).unwrap().never.master = false;
    let mut data = decide(&data);
    assert_eq!(data.master, Some(SECOND));
    fail(&mut data, SECOND);
    data.keepers.get_mut(&1).unwrap().healthy = true;
    db(&mut data, MASTER).status.healthy = true;
    db(&mut data, MASTER).status.generation = data.dbs[&MASTER].generation;
    assert_eq!(decide(&data).master, Some(MASTER), "so the source has it");
}
