//! Who comes first, and who never leads, after Patroni's `priority_failover`.

use super::*;

fn tags(failover_priority: u32) -> Tags {
    Tags { failover_priority, ..Tags::default() }
}

fn may_not_lead() -> Tags {
    Tags { nofailover: Some(true), ..Tags::default() }
}

/// 6 has so much, and these tags; 5 is silent.
fn rival(lsn: u64, tags: Tags) -> Others {
    others([(5, None), (6, Some(Told { tags, ..told(Role::Standby, 1, lsn).unwrap() }))])
}

#[test]
fn of_those_that_have_equally_much_the_higher_priority_takes_over() {
    let standby = case(Role::Standby);
    assert_eq!(standby.without_lock(&rival(100, tags(2))), Act::Wait(Why::LowerPriority));
    assert_eq!(standby.without_lock(&rival(100, tags(1))), Act::TakeLock);
    let higher = Case { tags: tags(3), ..standby };
    assert_eq!(higher.without_lock(&rival(100, tags(2))), Act::TakeLock);
}

#[test]
fn who_is_ahead_takes_over_whatever_its_priority() {
    let higher = Case { tags: tags(3), ..case(Role::Standby) };
    assert_eq!(higher.without_lock(&rival(101, tags(1))), Act::Wait(Why::AnotherIsAhead));
    assert_eq!(case(Role::Standby).without_lock(&rival(99, tags(3))), Act::TakeLock);
}

#[test]
fn the_priority_of_the_leader_before_does_not_count() {
    let mut standby = case(Role::Standby);
    standby.memory.leader = Some(6);
    assert_eq!(standby.without_lock(&rival(100, tags(2))), Act::TakeLock);
    let synchronous = case(Role::Standby).synchronous(6, &[ME]);
    assert_eq!(synchronous.without_lock(&rival(100, tags(2))), Act::TakeLock);
}

#[test]
fn who_may_not_lead_does_not_race_begin_a_cluster_or_hold_up_others() {
    let standby = Case { tags: may_not_lead(), ..case(Role::Standby) };
    assert_eq!(standby.without_lock(&silent()), Act::Wait(Why::MayNotLead));
    assert_eq!(standby.wish(Some(5), Some(ME)).without_lock(&silent()), Act::Wait(Why::MayNotLead));
    let mut new = Case { tags: tags(0), ..case(Role::Standby) }.empty();
    new.cluster = Cluster { members: new.cluster.members, ..Cluster::default() };
    assert_eq!(new.without_lock(&silent()), Act::Wait(Why::MayNotLead));
    assert_eq!(case(Role::Standby).without_lock(&rival(101, tags(0))), Act::TakeLock);
    let allowed = Tags { nofailover: Some(false), ..tags(0) };
    assert_eq!(Case { tags: allowed, ..case(Role::Standby) }.without_lock(&silent()), Act::TakeLock);
}

#[test]
fn nobody_hands_over_to_who_may_not_lead() {
    let mut leader = case(Role::Primary).led_by(ME).wish(None, Some(6));
    assert_eq!(leader.with_lock(&alike()), Act::HandOver);
    leader.cluster.members.get_mut(&6).unwrap().tags = may_not_lead();
    assert_eq!(leader.with_lock(&alike()), Act::ForgetSwitchover);
    // It has said so only since.
    let leader = case(Role::Primary).led_by(ME).wish(None, Some(6));
    assert_eq!(leader.with_lock(&rival(100, may_not_lead())), Act::ForgetSwitchover);
}

#[test]
fn who_may_not_lead_votes_all_the_same() {
    let mut voter = case(Role::Standby).quorum(5, &[ME, 6], 1);
    let vote = |lsn, tags| {
        let told = Told { tag: Some(FIRST.tag), tags, ..told(Role::Standby, 1, lsn).unwrap() };
        others([(5, None), (6, Some(told))])
    };
    assert_eq!(voter.without_lock(&vote(100, may_not_lead())), Act::TakeLock);
    assert_eq!(voter.without_lock(&vote(101, may_not_lead())), Act::Wait(Why::NoQuorum));
    assert_eq!(voter.without_lock(&vote(100, tags(2))), Act::Wait(Why::LowerPriority));
    // The priority of who does not vote is none of its business.
    voter = case(Role::Standby).quorum(5, &[ME], 0);
    assert_eq!(voter.without_lock(&vote(100, tags(2))), Act::TakeLock);
}
