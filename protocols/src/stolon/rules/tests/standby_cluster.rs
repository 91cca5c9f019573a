//! Clusters that are a standby of another, and what becomes of them when they are promoted.

use super::*;
use std::net::SocketAddr;

fn primary(port: u16) -> SocketAddr {
    ([10, 0, 0, 99], port).into()
}

fn relay(port: u16) -> DbRole {
    DbRole::Relay { primary: primary(port) }
}

/// A standby cluster with this many standbys of its own, all well.
fn standby_cluster(standbys: u64, options: &Options) -> ClusterData {
    let mut data = cluster(standbys, Options { standby_of: Some(primary(1)), ..options.clone() });
    db(&mut data, MASTER).spec.role = relay(1);
    data
}

#[test]
fn the_first_database_is_a_copy_and_takes_as_long_as_it_takes() {
    let mut data = initialising(&KEEPERS);
    data.options.standby_of = Some(primary(1));
    let mut data = decide(&data);
    let first = &data.dbs[&MASTER].spec;
    assert_eq!((first.init, first.role, data.phase), (Init::Resync, relay(1), Phase::Initializing));
    assert_eq!(decide_with(&data, &[], Duration::from_secs(100_000)), data);
    db(&mut data, MASTER).status = status();
    let after = decide(&data);
    assert_eq!((after.phase, after.dbs[&MASTER].spec.init), (Phase::Normal, Init::None));
    assert_eq!(after.dbs[&MASTER].spec.role, relay(1));
}

#[test]
fn a_standby_cluster_that_is_well_stays_as_it_is() {
    let data = standby_cluster(2, &Options::default());
    assert_eq!(decide(&data), data);
}

#[test]
fn free_keepers_get_standbys_of_the_clusters_own_master() {
    let mut data = standby_cluster(0, &Options::default());
    data.keepers.insert(2, keeper());
    let after = decide(&data);
    assert_eq!(after.db_of(2).unwrap().1.spec.role, DbRole::Standby { follows: MASTER });
}

#[test]
fn a_standby_that_replaces_the_master_follows_the_other_cluster_in_its_place() {
    let mut data = standby_cluster(1, &Options::default());
    fail(&mut data, MASTER);
    let mut data = decide(&data);
    assert_eq!((data.master, data.proxy.master), (Some(SECOND), None));
    assert_eq!(data.dbs[&SECOND].spec.role, relay(1));
    db(&mut data, SECOND).status.generation = 2;
    data.keepers.insert(1, keeper());
    let after = decide(&data);
    assert!(!after.dbs.contains_key(&MASTER));
    assert_eq!(after.db_of(1).unwrap().1.spec.role, DbRole::Standby { follows: SECOND });
}

#[test]
fn a_former_master_whose_successor_fails_follows_the_other_cluster_again() {
    let mut data = standby_cluster(1, &Options::default());
    fail(&mut data, MASTER);
    let mut data = decide(&data);
    fail(&mut data, SECOND);
    data.keepers.insert(1, keeper());
    db(&mut data, MASTER).status.healthy = true;
    db(&mut data, MASTER).status.generation = data.dbs[&MASTER].generation;
    let after = decide(&data);
    assert_eq!((after.master, after.dbs[&MASTER].spec.role), (Some(MASTER), relay(1)));
}

#[test]
fn the_master_follows_whom_the_options_name_now() {
    let mut data = standby_cluster(1, &Options::default());
    data.options.standby_of = Some(primary(2));
    let after = decide(&data);
    assert_eq!((after.dbs[&MASTER].spec.role, after.dbs[&MASTER].generation), (relay(2), 2));
}

#[test]
fn a_cluster_that_is_promoted_gets_a_primary_and_writes_wait_from_then_on() {
    for synchronous_replication in [false, true] {
        let options = Options { synchronous_replication, ..Options::default() };
        let mut data = standby_cluster(1, &options);
        assert_eq!(decide(&data), data, "a standby cluster has no writes that could wait");
        data.options.standby_of = None;
        let after = decide(&data);
        assert_eq!((after.dbs[&MASTER].spec.role, after.dbs[&MASTER].generation), (DbRole::Master, 2));
        assert_eq!(after.dbs[&MASTER].spec.synchronous.is_some(), synchronous_replication);
        assert_eq!(after.proxy, data.proxy, "connections stay");
    }
}

#[test]
fn a_cluster_that_is_promoted_while_its_master_has_failed_promotes_another_one() {
    let mut data = standby_cluster(1, &Options::default());
    data.options.standby_of = None;
    fail(&mut data, MASTER);
    let after = decide(&data);
    assert_eq!((after.master, after.dbs[&SECOND].spec.role), (Some(SECOND), DbRole::Master));
}

#[test]
fn the_bound_on_the_lag_holds_where_writes_would_wait_after_a_promotion_only() {
    let options = Options { synchronous_replication: true, max_standby_lag: 2, ..Options::default() };
    let mut data = standby_cluster(1, &options);
    fail(&mut data, MASTER);
    db(&mut data, SECOND).status.last = Lsn(6);
    assert_eq!(decide(&data).master, Some(MASTER));
    db(&mut data, SECOND).status.last = Lsn(7);
    assert_eq!(decide(&data).master, Some(SECOND));
}
