//! The cases with synchronous replication.

use super::*;

// 15
#[test]
fn where_replication_becomes_synchronous_writes_wait_for_a_standby() {
    let mut data = cluster(1, Options::default());
    data.options.synchronous_replication = true;
    let after = decide(&data);
    assert_eq!(waits_for(&after, MASTER), (vec![SECOND], false));
    assert_eq!(after.dbs[&MASTER].generation, 2);
    assert!(after.dbs[&MASTER].status.synchronous.is_empty(), "nothing was reported yet");
}

#[test]
fn a_standby_on_an_older_timeline_is_not_chosen_to_be_waited_for() {
    let mut data = synchronous(2, &[], &Options::default());
    db(&mut data, SECOND).status.last = Lsn(8);
    assert_eq!(waits_for(&decide(&data), MASTER), (vec![SECOND], false), "the least advanced comes first");
    for uid in [MASTER, THIRD] {
        db(&mut data, uid).status.history = history(&[(1, 1), (2, 9)]);
    }
    let after = decide(&data);
    assert_eq!(waits_for(&after, MASTER), (vec![THIRD], false));
    assert!(after.dbs.contains_key(&SECOND), "it may catch up");
}

// 16, 28
#[test]
fn a_master_that_fails_before_writes_waited_is_replaced_by_one_that_blocks() {
    for (min, blocks) in [(1, true), (0, false)] {
        let mut data = cluster(1, Options { min_synchronous_standbys: min, ..Options::default() });
        data.options.synchronous_replication = true;
        fail(&mut data, MASTER);
        let after = decide(&data);
        assert_eq!(after.master, Some(SECOND));
        assert_eq!(waits_for(&after, SECOND), (vec![], blocks));
    }
}

// 17, 29
#[test]
fn a_synchronous_standby_replaces_a_master_that_has_failed() {
    for (standbys, waited_for, min) in [(1, SECOND, 1), (2, THIRD, 1), (1, SECOND, 0)] {
        let options = Options { min_synchronous_standbys: min, ..Options::default() };
        let mut data = synchronous(standbys, &[waited_for], &options);
        fail(&mut data, MASTER);
        let after = decide(&data);
        assert_eq!(after.master, Some(waited_for));
        assert_eq!(waits_for(&after, waited_for), (vec![MASTER], false));
    }
}

#[test]
fn no_other_standby_replaces_a_synchronous_master() {
    let mut data = synchronous(2, &[THIRD], &Options::default());
    fail(&mut data, MASTER);
    fail(&mut data, THIRD);
    assert_eq!(decide(&data).master, Some(MASTER));
    data.options.flaw = Some(Flaw::SyncStandbyNotChecked);
    assert_eq!(decide(&data).master, Some(SECOND), "a flawed sentinel takes it");
}

#[test]
fn a_synchronous_standby_far_behind_in_its_last_report_is_elected() {
    let mut data = synchronous(1, &[SECOND], &Options { max_standby_lag: 0, ..Options::default() });
    fail(&mut data, MASTER);
    db(&mut data, SECOND).status.last = Lsn(1);
    assert_eq!(decide(&data).master, Some(SECOND));
}

// 18, 30
#[test]
fn a_synchronous_standby_without_a_replacement_stays_while_one_is_needed() {
    for (min, expected) in [(1, vec![SECOND]), (0, vec![])] {
        let options = Options { min_synchronous_standbys: min, ..Options::default() };
        let mut data = synchronous(1, &[SECOND], &options);
        fail(&mut data, SECOND);
        assert_eq!(waits_for(&decide(&data), MASTER), (expected, false));
    }
}

/// The second database was waited for, and has failed; the third one comes in its place.
fn replacing() -> ClusterData {
    let mut data = synchronous(2, &[SECOND], &Options::default());
    fail(&mut data, SECOND);
    decide(&data)
}

// 19
#[test]
fn writes_wait_for_the_old_and_the_new_standby_first() {
    assert_eq!(waits_for(&replacing(), MASTER), (vec![SECOND, THIRD], false));
}

// 20
#[test]
fn a_standby_that_was_not_reported_in_sync_is_not_elected() {
    let mut data = replacing();
    fail(&mut data, MASTER);
    assert_eq!(decide(&data).master, Some(MASTER));
}

// 21
#[test]
fn writes_wait_for_both_until_the_new_one_is_reported_in_sync() {
    let mut data = replacing();
    db(&mut data, MASTER).status.generation = 2;
    db(&mut data, MASTER).status.in_sync = BTreeSet::from([SECOND]);
    let after = decide(&data);
    assert_eq!(waits_for(&after, MASTER), (vec![SECOND, THIRD], false));
    assert_eq!(after.dbs[&MASTER].status.synchronous, BTreeSet::from([SECOND]));
}

// 22
#[test]
fn a_replacement_that_fails_is_waited_for_no_longer() {
    let mut data = replacing();
    db(&mut data, MASTER).status.generation = 2;
    fail(&mut data, THIRD);
    assert_eq!(waits_for(&decide(&data), MASTER), (vec![SECOND], false));
}

#[test]
fn a_replacement_that_is_good_is_waited_for_though_the_old_one_is_back() {
    let mut data = replacing();
    let master = &mut db(&mut data, MASTER).status;
    (master.generation, master.in_sync) = (2, BTreeSet::from([SECOND]));
    db(&mut data, SECOND).status.healthy = true;
    data.keepers.insert(2, keeper());
    assert_eq!(waits_for(&decide(&data), MASTER), (vec![SECOND, THIRD], false));
}

// 23, 24
#[test]
fn a_replacement_that_is_in_sync_is_waited_for_alone_and_may_be_elected() {
    let mut data = replacing();
    db(&mut data, MASTER).status.generation = 2;
    db(&mut data, MASTER).status.in_sync = BTreeSet::from([SECOND, THIRD]);
    let mut data = decide(&data);
    assert_eq!(waits_for(&data, MASTER), (vec![THIRD], false));
    fail(&mut data, MASTER);
    assert_eq!(decide(&data).master, Some(THIRD));
}

// 25
#[test]
fn a_new_master_waits_for_the_other_synchronous_standbys_and_the_former_master() {
    let options = Options { min_synchronous_standbys: 2, max_synchronous_standbys: 2, ..Options::default() };
    let mut data = synchronous(2, &[SECOND, THIRD], &options);
    fail(&mut data, MASTER);
    fail(&mut data, SECOND);
    let after = decide(&data);
    assert_eq!(after.master, Some(THIRD));
    assert_eq!(waits_for(&after, THIRD), (vec![MASTER, SECOND], false));
}

#[test]
fn a_new_synchronous_master_gets_another_standby_once_it_works() {
    let mut data = synchronous(2, &[SECOND], &Options::default());
    fail(&mut data, MASTER);
    let mut data = decide(&data);
    db(&mut data, SECOND).status.generation = 2;
    let after = decide(&data);
    assert_eq!(waits_for(&after, SECOND), (vec![THIRD], false));
    assert!(!after.dbs.contains_key(&MASTER));
}

#[test]
fn where_replication_is_asynchronous_again_writes_wait_for_nobody() {
    let mut data = synchronous(1, &[SECOND], &Options::default());
    data.options.synchronous_replication = false;
    let after = decide(&data);
    assert_eq!(after.dbs[&MASTER].spec.synchronous, None);
    assert!(after.dbs[&MASTER].status.synchronous.is_empty());
}

/// A master that waits for a standby that does not exist: the only one there is, is never chosen.
fn without_eligible_standbys(min: u32) -> ClusterData {
    let options = Options { min_synchronous_standbys: min, ..Options::default() };
    let mut data = synchronous(1, &[], &options);
    db(&mut data, MASTER).spec.synchronous = Some(Synchronous { standbys: BTreeSet::new(), blocked: true });
    data.keepers.get_mut(&2).unwrap().never.synchronous = true;
    data
}

// 26
#[test]
fn a_standby_that_is_never_synchronous_is_not_waited_for() {
    let data = without_eligible_standbys(1);
    assert_eq!(decide(&data), data);
}

// 27
#[test]
fn a_synchronous_standby_that_is_never_the_master_does_not_replace_it() {
    let mut data = synchronous(1, &[SECOND], &Options::default());
    data.keepers.get_mut(&2).unwrap().never.master = true;
    fail(&mut data, MASTER);
    assert_eq!(decide(&data), data);
}

// 31
#[test]
fn where_no_standby_is_needed_a_master_blocks_no_longer() {
    let after = decide(&without_eligible_standbys(0));
    assert_eq!(waits_for(&after, MASTER), (vec![], false));
    assert_eq!(after.dbs[&MASTER].generation, 2);
}

#[test]
fn a_standby_that_is_waited_for_already_stays_though_it_is_never_chosen_again() {
    let mut data = synchronous(1, &[SECOND], &Options::default());
    data.keepers.get_mut(&2).unwrap().never.synchronous = true;
    assert_eq!(decide(&data), data);
}
