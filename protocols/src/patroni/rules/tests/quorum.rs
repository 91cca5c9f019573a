//! Who may lead where writes wait for a quorum, after Patroni's `quorum_commit`.

use super::*;

impl Case {
    /// 5 led, and at most `quorum` of these lack something that was acknowledged.
    pub(super) fn quorum(mut self, leader: u32, voters: &[u32], quorum: u32) -> Case {
        self.options.synchronous_mode = Synchronous::Quorum;
        let standbys: BTreeSet<u32> = voters.iter().copied().collect();
        self.cluster.sync = Kept { value: Some(SyncState { leader, standbys, quorum }), modified: 1 };
        self
    }

    /// Its log has gone on with that timeline, from that entry to the other.
    fn on(mut self, timeline: Timeline, begins: u64, last: u64) -> Case {
        self.database.as_mut().unwrap().history.push(timeline, Lsn(begins));
        self.lsn(last)
    }
}

/// A standby on this timeline.
fn on(timeline: Timeline, lsn: u64) -> Option<Told> {
    let Timeline { number, tag } = timeline;
    Some(Told {
        role: Some(Role::Standby),
        timeline: number,
        tag: Some(tag),
        lsn: Lsn(lsn),
        tags: Tags::default(),
    })
}

#[test]
fn a_voter_needs_as_many_votes_of_others_as_the_quorum_says() {
    let voter = case(Role::Standby).quorum(5, &[ME, 6], 1);
    let vote = others([(5, None), (6, on(FIRST, 100))]);
    assert_eq!(voter.without_lock(&vote), Act::TakeLock);
    assert_eq!(voter.without_lock(&silent()), Act::Wait(Why::NoQuorum));
    // The leader before counts like a voter.
    let vote = others([(5, on(FIRST, 100)), (6, None)]);
    assert_eq!(voter.without_lock(&vote), Act::TakeLock);
    assert_eq!(case(Role::Standby).quorum(5, &[ME, 6], 0).without_lock(&silent()), Act::TakeLock);
}

#[test]
fn who_is_no_voter_needs_one_vote_more() {
    let vote = others([(5, None), (6, on(FIRST, 100))]);
    assert_eq!(case(Role::Standby).quorum(5, &[6], 0).without_lock(&vote), Act::TakeLock);
    assert_eq!(case(Role::Standby).quorum(5, &[6], 0).without_lock(&silent()), Act::Wait(Why::NoQuorum));
    assert_eq!(case(Role::Standby).quorum(5, &[6, 7], 1).without_lock(&vote), Act::Wait(Why::NoQuorum));
}

#[test]
fn the_leader_before_needs_no_vote() {
    assert_eq!(case(Role::Standby).quorum(ME, &[5, 6], 1).without_lock(&silent()), Act::TakeLock);
}

#[test]
fn who_is_ahead_or_has_nothing_gives_no_vote() {
    let voter = case(Role::Standby).quorum(5, &[ME, 6], 1);
    let ahead = others([(5, None), (6, on(FIRST, 101))]);
    assert_eq!(voter.without_lock(&ahead), Act::Wait(Why::AnotherIsAhead));
    // The leader before may be ahead; but then it does not say that anything is here.
    let leader_ahead = others([(5, on(FIRST, 101)), (6, None)]);
    assert_eq!(voter.without_lock(&leader_ahead), Act::Wait(Why::NoQuorum));
    let empty = told(Role::Standby, 0, 0);
    assert_eq!(voter.without_lock(&others([(5, None), (6, empty)])), Act::Wait(Why::NoQuorum));
    let stopped = Some(Told { role: Some(Role::Stopped), ..on(FIRST, 100).unwrap() });
    assert_eq!(voter.without_lock(&others([(5, None), (6, stopped)])), Act::Wait(Why::NoQuorum));
}

#[test]
fn who_is_on_a_later_timeline_is_ahead_whatever_the_length_of_its_log() {
    let voter = case(Role::Standby).quorum(5, &[ME, 6], 0);
    let later = others([(5, None), (6, on(SECOND, 90))]);
    assert_eq!(voter.without_lock(&later), Act::Wait(Why::AnotherIsAhead));
    assert_eq!(voter.without_lock(&others([(5, None), (6, on(FIRST, 90))])), Act::TakeLock);
    // Of an earlier one more is not ahead.
    let voter = voter.on(SECOND, 90, 95);
    assert_eq!(voter.without_lock(&others([(5, None), (6, on(FIRST, 100))])), Act::TakeLock);
}

#[test]
fn a_longer_log_of_a_leader_in_vain_gets_no_vote() {
    let (in_vain, real) = (Timeline { number: 2, tag: 8 }, Timeline { number: 2, tag: 9 });
    let voter = case(Role::Standby).quorum(5, &[ME, 6], 1).on(in_vain, 101, 110);
    assert_eq!(voter.without_lock(&others([(5, None), (6, on(real, 105))])), Act::Wait(Why::NoQuorum));
    // The near twin is on the same timeline, or on an older one.
    assert_eq!(voter.without_lock(&others([(5, None), (6, on(in_vain, 105))])), Act::TakeLock);
    assert_eq!(voter.without_lock(&others([(5, None), (6, on(FIRST, 130))])), Act::TakeLock);
}

#[test]
fn only_voters_are_asked() {
    let voter = case(Role::Standby).quorum(5, &[ME], 0);
    assert_eq!(without_lock(&voter.known(), None), Act::AskOthers(BTreeMap::from([(5, at(5, 7001))])));
}

#[test]
fn a_primary_that_was_succeeded_does_not_take_the_lock_again() {
    assert_eq!(case(Role::Primary).quorum(ME, &[5, 6], 1).without_lock(&silent()), Act::TakeLock);
    let succeeded = case(Role::Primary).quorum(5, &[ME, 6], 1);
    assert_eq!(succeeded.without_lock(&silent()), Act::Demote(Why::OldTimeline));
}

#[test]
fn a_switchover_needs_voters_for_whoever_wins_or_the_candidate() {
    let leader = case(Role::Primary).led_by(ME).quorum(ME, &[5, 6], 1);
    let one = others([(5, on(FIRST, 100)), (6, None)]);
    assert_eq!(leader.clone().wish(None, None).with_lock(&one), Act::ForgetSwitchover);
    assert_eq!(leader.clone().wish(None, None).with_lock(&alike()), Act::HandOver);
    assert_eq!(leader.wish(None, Some(5)).with_lock(&one), Act::HandOver);
}

#[test]
fn a_candidate_of_a_switchover_needs_votes_like_anybody() {
    let named = case(Role::Standby).quorum(5, &[ME, 6], 1).wish(Some(5), Some(ME));
    assert_eq!(named.without_lock(&silent()), Act::Wait(Why::NoQuorum));
    assert_eq!(named.without_lock(&others([(5, None), (6, on(FIRST, 100))])), Act::TakeLock);
    let other = case(Role::Standby).quorum(5, &[ME, 6], 1).wish(Some(5), Some(6));
    let candidate = |lsn| others([(5, None), (6, on(FIRST, lsn))]);
    assert_eq!(other.without_lock(&candidate(100)), Act::Wait(Why::NotTheCandidate));
    // It has less, and would not be voted for.
    assert_eq!(other.without_lock(&candidate(99)), Act::TakeLock);
}

#[test]
fn without_counting_votes_whoever_hears_nobody_takes_over() {
    let mut flawed = case(Role::Standby).quorum(5, &[ME, 6], 1);
    flawed.options.flaw = Some(Flaw::QuorumNotCounted);
    assert_eq!(flawed.without_lock(&silent()), Act::TakeLock);
    assert_eq!(
        flawed.without_lock(&others([(5, None), (6, on(FIRST, 101))])),
        Act::Wait(Why::AnotherIsAhead)
    );
}
