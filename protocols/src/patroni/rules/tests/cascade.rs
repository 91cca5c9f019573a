//! Whom a standby follows that is to stream from another, after Patroni's `cascading_replication`.

use super::*;

/// 5 leads, 6 streams from it, and 4 is to stream from 6.
fn cascaded() -> Case {
    let mut case = case(Role::Standby).led_by(5);
    case.tags.replicatefrom = Some(6);
    case.cluster.members.get_mut(&6).unwrap().upstream = Some(database(5));
    case
}

fn streams_from(mut case: Case, upstream: u32) -> Case {
    let known = case.database.as_mut().unwrap();
    (known.upstream, known.replication) = (Some(database(upstream)), Replication::Streaming);
    case
}

#[test]
fn it_follows_the_standby_and_cuts_nothing_for_it() {
    let follow = Act::Follow(database(6), Repair::No);
    assert_eq!(cascaded().without_lock(&silent()), follow);
    assert_eq!(streams_from(cascaded(), 5).without_lock(&silent()), follow);
    assert_eq!(streams_from(cascaded(), 6).without_lock(&silent()), Act::Wait(Why::Fine));
}

#[test]
fn it_follows_the_leader_if_the_standby_does_not_stream() {
    let follow = Act::Follow(database(5), Repair::RewindOrClone);
    let mut alone = cascaded();
    alone.cluster.members.get_mut(&6).unwrap().upstream = None;
    assert_eq!(streams_from(alone, 6).without_lock(&silent()), follow);
    let mut failed = cascaded();
    failed.memory.avoids_standby = true;
    assert_eq!(streams_from(failed.clone(), 6).without_lock(&silent()), follow);
    assert_eq!(streams_from(failed, 5).without_lock(&silent()), Act::Wait(Why::Fine));
}

#[test]
fn it_is_started_with_the_leader_for_what_it_may_have_to_cut() {
    let stopped = Case { database: case(Role::Stopped).database, ..cascaded() };
    assert_eq!(stopped.without_lock(&silent()), standby_of(Some(5)));
}
