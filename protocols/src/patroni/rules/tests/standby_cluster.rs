//! Clusters that follow a primary elsewhere, after Patroni's `standby_cluster`.

use super::*;
use crate::patroni::StandbyCluster;

const REMOTE: u32 = 8;

impl Case {
    fn of_remote(mut self) -> Case {
        self.cluster.settings.standby_cluster = Some(StandbyCluster { primary: database(REMOTE) });
        self
    }

    fn streaming_from(mut self, upstream: u32) -> Case {
        let known = self.database.as_mut().unwrap();
        (known.upstream, known.replication) = (Some(database(upstream)), Replication::Streaming);
        self
    }
}

#[test]
fn its_leader_follows_the_remote_primary_and_is_not_promoted() {
    let leader = case(Role::Standby).led_by(ME).of_remote();
    let follow = Act::Follow(database(REMOTE), Repair::RewindOrClone);
    assert_eq!(leader.with_lock(&alike()), follow);
    assert_eq!(leader.clone().empty().with_lock(&alike()), follow, "it is a copy in the beginning");
    assert_eq!(leader.clone().streaming_from(REMOTE).with_lock(&alike()), Act::Lead);
    assert_eq!(case(Role::Stopped).crashed().of_remote().with_lock(&alike()), standby_of(None));
    // In a pause it goes on.
    assert_eq!(leader.paused().streaming_from(REMOTE).with_lock(&alike()), Act::Lead);
}

#[test]
fn its_leader_is_promoted_when_it_is_let_go() {
    assert_eq!(case(Role::Standby).led_by(ME).streaming_from(REMOTE).with_lock(&alike()), Act::Promote);
}

#[test]
fn a_primary_whose_cluster_is_to_follow_stops_and_keeps_the_lock() {
    let primary = case(Role::Primary).led_by(ME).of_remote();
    assert_eq!(primary.with_lock(&alike()), Act::Demote(Why::StandbyCluster));
    assert_eq!(primary.paused().with_lock(&alike()), Act::Wait(Why::Paused));
}

#[test]
fn the_others_follow_its_leader_and_cut_nothing_before_it_streams() {
    let mut standby = case(Role::Standby).led_by(6).of_remote();
    assert_eq!(standby.without_lock(&silent()), Act::Follow(database(6), Repair::No));
    standby.cluster.members.get_mut(&6).unwrap().upstream = Some(database(REMOTE));
    assert_eq!(standby.without_lock(&silent()), Act::Follow(database(6), Repair::RewindOrClone));
}

#[test]
fn without_a_leader_its_members_race_whatever_timeline_the_remote_one_is_on() {
    let mut standby = case(Role::Standby).of_remote();
    standby.cluster.history.push((SECOND, Lsn(90)));
    assert_eq!(standby.without_lock(&silent()), Act::TakeLock);
    let ahead = others([(5, told(Role::Standby, 1, 101)), (6, None)]);
    assert_eq!(standby.without_lock(&ahead), Act::Wait(Why::AnotherIsAhead));
}

#[test]
fn its_leader_hands_over_as_planned() {
    let leader = case(Role::Standby).led_by(ME).of_remote().streaming_from(REMOTE).wish(None, Some(5));
    assert_eq!(leader.with_lock(&alike()), Act::HandOver);
    assert_eq!(leader.with_lock(&silent()), Act::ForgetSwitchover);
}
