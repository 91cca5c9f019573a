//! Patroni's behaviours that are pure decisions, after its own acceptance features.

mod cascade;
mod priority;
mod quorum;
mod standby_cluster;

use super::super::message::{Initialize, Kept, Leader, Switchover, SyncState};
use super::*;
use crate::database::{History, Replication, Sync, Timeline};
use std::collections::BTreeSet;

const ME: u32 = 4;
const FIRST: Timeline = Timeline { number: 1, tag: 7 };
const SECOND: Timeline = Timeline { number: 2, tag: 8 };

fn at(id: u32, port: u16) -> SocketAddr {
    ([10, 0, 0, id as u8], port).into()
}

fn database(id: u32) -> SocketAddr {
    at(id, 7000)
}

/// A case: three members, 4 to 6, of which 4 is asked.
#[derive(Clone)]
struct Case {
    options: Options,
    tags: Tags,
    cluster: Cluster,
    database: Option<Status>,
    memory: Memory,
}

/// A cluster on its first timeline whose leader had 100 entries, and a database in this role that has them.
fn case(role: Role) -> Case {
    let member = |id| Member {
        database: database(id),
        health: at(id, 7001),
        role: Some(if id == 5 { Role::Primary } else { Role::Standby }),
        timeline: Some(1),
        lsn: Lsn(100),
        tags: Tags::default(),
        upstream: None,
    };
    let cluster = Cluster {
        revision: 1,
        members: (4..=6).map(|id| (id, member(id))).collect(),
        status: Some(Lsn(100)),
        history: vec![(FIRST, Lsn(1))],
        initialize: Some(Initialize { by: 5, timeline: Some(FIRST) }),
        ..Cluster::default()
    };
    let mut history = History::default();
    history.push(FIRST, Lsn(1));
    let database = Status {
        id: ME,
        role,
        history,
        durable: Lsn(100),
        visible: Lsn(100),
        upstream: None,
        replication: Replication::Idle,
        standbys: Vec::new(),
        sync: Sync::default(),
    };
    let (options, tags, memory) = (Options::default(), Tags::default(), Memory::default());
    Case { options, tags, cluster, database: Some(database), memory }
}

fn told(role: Role, timeline: u32, lsn: u64) -> Option<Told> {
    Some(Told { role: Some(role), timeline, tag: None, lsn: Lsn(lsn), tags: Tags::default() })
}

fn others(told: [(u32, Option<Told>); 2]) -> Others {
    told.into_iter().collect()
}

/// Both others are standbys with as much.
fn alike() -> Others {
    others([(5, told(Role::Standby, 1, 100)), (6, told(Role::Standby, 1, 100))])
}

/// Nobody else answers.
fn silent() -> Others {
    others([(5, None), (6, None)])
}

impl Case {
    fn led_by(mut self, id: u32) -> Case {
        self.cluster.leader = Some(Leader { id, lease: None });
        self
    }

    fn paused(mut self) -> Case {
        self.cluster.settings.pause = true;
        self
    }

    fn synchronous(mut self, leader: u32, standbys: &[u32]) -> Case {
        self.options.synchronous_mode = Synchronous::On;
        let standbys: BTreeSet<u32> = standbys.iter().copied().collect();
        self.cluster.sync = Kept { value: Some(SyncState { leader, standbys, quorum: 0 }), modified: 1 };
        self
    }

    fn failsafe(mut self, members: &[u32]) -> Case {
        self.options.failsafe_mode = true;
        self.cluster.failsafe = Some(members.iter().map(|id| (*id, at(*id, 7001))).collect());
        self
    }

    fn wish(mut self, leader: Option<u32>, candidate: Option<u32>) -> Case {
        self.cluster.failover = Kept { value: Some(Switchover { leader, candidate }), modified: 1 };
        self
    }

    fn crashed(mut self) -> Case {
        self.memory.was_primary = true;
        self.led_by(ME)
    }

    fn checks_timeline(mut self) -> Case {
        self.options.check_timeline = true;
        self
    }

    fn lsn(mut self, lsn: u64) -> Case {
        self.database.as_mut().unwrap().durable = Lsn(lsn);
        self
    }

    fn empty(mut self) -> Case {
        self.database.as_mut().unwrap().history = History::default();
        self.lsn(0)
    }

    fn known(&self) -> Known<'_> {
        Known {
            me: ME,
            options: &self.options,
            tags: &self.tags,
            cluster: &self.cluster,
            database: self.database.as_ref(),
            memory: &self.memory,
        }
    }

    /// Puts a question as the agent does: what the others say only if it is asked for.
    fn asks(&self, rule: fn(&Known<'_>, Option<&Others>) -> Act, others: &Others) -> Act {
        match rule(&self.known(), None) {
            Act::AskOthers(asked) => {
                let others = others.iter().filter(|(id, _)| asked.contains_key(id));
                let told = others.map(|(id, told)| (*id, told.clone())).collect();
                rule(&self.known(), Some(&told))
            }
            act => act,
        }
    }

    fn with_lock(&self, others: &Others) -> Act {
        self.asks(with_lock, others)
    }

    fn without_lock(&self, others: &Others) -> Act {
        self.asks(without_lock, others)
    }
}

fn standby_of(upstream: Option<u32>) -> Act {
    let repair = if upstream.is_some() { Repair::RewindOrClone } else { Repair::No };
    Act::Start(Start::Standby { upstream: upstream.map(database), repair })
}

#[test]
fn a_standby_without_a_leader_takes_the_lock_if_nobody_is_better() {
    assert_eq!(case(Role::Standby).without_lock(&alike()), Act::TakeLock);
    assert_eq!(case(Role::Standby).without_lock(&silent()), Act::TakeLock);
}

#[test]
fn who_lacks_more_than_the_bound_does_not_race() {
    let within = Case {
        options: Options { maximum_lag_on_failover: 10, ..Options::default() },
        ..case(Role::Standby)
    };
    assert_eq!(within.clone().lsn(90).without_lock(&silent()), Act::TakeLock);
    assert_eq!(within.clone().lsn(89).without_lock(&silent()), Act::Wait(Why::Lagging));
    let mut flawed = within.lsn(89);
    flawed.options.flaw = Some(Flaw::LaggingWinner);
    assert_eq!(flawed.without_lock(&silent()), Act::TakeLock);
    let ahead = others([(5, told(Role::Standby, 1, 100)), (6, None)]);
    assert_eq!(flawed.without_lock(&ahead), Act::TakeLock);
}

#[test]
fn who_is_behind_another_steps_aside() {
    let ahead = others([(5, told(Role::Standby, 1, 101)), (6, None)]);
    assert_eq!(case(Role::Standby).without_lock(&ahead), Act::Wait(Why::AnotherIsAhead));
    // It is not running: it can have any number of entries.
    let stopped = others([(5, told(Role::Stopped, 1, 101)), (6, None)]);
    assert_eq!(case(Role::Standby).without_lock(&stopped), Act::TakeLock);
}

#[test]
fn nobody_takes_over_from_a_primary_that_is_alive() {
    let alive = others([(5, told(Role::Primary, 1, 50)), (6, None)]);
    assert_eq!(case(Role::Standby).without_lock(&alive), Act::Wait(Why::PrimaryAlive));
    let mut flawed = case(Role::Standby);
    flawed.options.flaw = Some(Flaw::LaggingWinner);
    assert_eq!(flawed.without_lock(&alive), Act::Wait(Why::PrimaryAlive));
}

/// Patroni's documentation, Replication modes: "by default … Patroni does not take into account the current timeline of
/// replicas".
#[test]
fn unless_it_is_asked_for_an_old_leader_that_comes_back_first_leads() {
    let mut old = case(Role::Standby).lsn(150);
    old.cluster.history.push((SECOND, Lsn(90)));
    assert_eq!(old.without_lock(&silent()), Act::TakeLock);
    let mut new = case(Role::Standby);
    new.cluster.history.push((SECOND, Lsn(90)));
    new.database.as_mut().unwrap().history.push(SECOND, Lsn(90));
    let diverged = others([(5, told(Role::Standby, 1, 150)), (6, None)]);
    assert_eq!(new.without_lock(&diverged), Act::Wait(Why::AnotherIsAhead), "positions alone are compared");
}

#[test]
fn where_timelines_are_checked_entries_of_an_older_one_do_not_count() {
    let mut old = case(Role::Standby).lsn(150).checks_timeline();
    old.cluster.history.push((SECOND, Lsn(90)));
    assert_eq!(old.without_lock(&silent()), Act::Wait(Why::OldTimeline));
    let mut new = case(Role::Standby).checks_timeline();
    new.cluster.history.push((SECOND, Lsn(90)));
    new.database.as_mut().unwrap().history.push(SECOND, Lsn(90));
    let diverged = others([(5, told(Role::Standby, 1, 150)), (6, None)]);
    assert_eq!(new.without_lock(&diverged), Act::TakeLock);
    let ahead = others([(5, told(Role::Standby, 2, 101)), (6, None)]);
    assert_eq!(new.without_lock(&ahead), Act::Wait(Why::AnotherIsAhead));
}

#[test]
fn in_synchronous_mode_only_who_writes_waited_for_takes_over() {
    let ahead = others([(5, told(Role::Standby, 1, 120)), (6, None)]);
    let synchronous = case(Role::Standby).synchronous(5, &[ME]);
    // 5 was the leader: what it has beyond was never acknowledged. 6 is not asked at all.
    assert_eq!(synchronous.without_lock(&ahead), Act::TakeLock);
    assert_eq!(without_lock(&synchronous.known(), None), Act::AskOthers(BTreeMap::from([(5, at(5, 7001))])));
    let asynchronous = case(Role::Standby).synchronous(5, &[6]);
    assert_eq!(asynchronous.without_lock(&silent()), Act::Wait(Why::NotSynchronous));
    // It was the leader itself.
    assert_eq!(case(Role::Standby).synchronous(ME, &[5]).without_lock(&silent()), Act::TakeLock);
}

#[test]
fn a_primary_that_has_lost_its_lock_stops_at_once() {
    assert_eq!(lock_lost(&case(Role::Primary).led_by(ME).known()), Act::Demote(Why::NoLock));
    assert_eq!(case(Role::Primary).led_by(5).without_lock(&silent()), Act::Demote(Why::NoLock));
    assert_eq!(lock_lost(&case(Role::Standby).led_by(ME).known()), Act::Wait(Why::NoLock));
}

#[test]
fn a_primary_that_nobody_has_replaced_takes_the_lock_again() {
    assert_eq!(case(Role::Primary).without_lock(&silent()), Act::TakeLock);
    let mut replaced = case(Role::Primary);
    replaced.cluster.history.push((SECOND, Lsn(90)));
    assert_eq!(replaced.without_lock(&silent()), Act::Demote(Why::OldTimeline));
}

#[test]
fn a_crash_keeps_the_timeline() {
    assert_eq!(case(Role::Stopped).crashed().with_lock(&alike()), Act::Start(Start::Primary));
    // An agent that does not know that it was one moves on to another timeline.
    assert_eq!(case(Role::Stopped).led_by(ME).with_lock(&alike()), standby_of(None));
    assert_eq!(case(Role::Standby).led_by(ME).with_lock(&alike()), Act::Promote);
}

#[test]
fn a_start_timeout_of_nothing_fails_over_at_once_if_there_is_somebody() {
    let mut crashed = case(Role::Stopped).crashed();
    crashed.options.primary_start_timeout = Duration::ZERO;
    assert_eq!(crashed.with_lock(&alike()), Act::Release(Why::TooSlow));
    assert_eq!(crashed.with_lock(&silent()), Act::Start(Start::Primary));
    let lagging = others([(5, told(Role::Standby, 1, 99)), (6, told(Role::Stopped, 1, 100))]);
    crashed.options.maximum_lag_on_failover = 0;
    assert_eq!(crashed.with_lock(&lagging), Act::Start(Start::Primary));
}

#[test]
fn a_failed_start_gives_the_lock_up() {
    let mut failed = case(Role::Stopped).crashed();
    failed.memory.recovering = true;
    assert_eq!(failed.with_lock(&alike()), Act::Release(Why::FailedToStart));
}

#[test]
fn a_primary_that_does_not_come_back_is_waited_for_as_long_as_it_may_take() {
    for database in [None, case(Role::Starting).database] {
        let mut down = Case { database, ..case(Role::Starting).crashed() };
        down.memory.down_for = Duration::from_secs(299);
        assert_eq!(down.with_lock(&alike()), Act::Wait(Why::NotRunning));
        down.memory.down_for = Duration::from_secs(300);
        assert_eq!(down.with_lock(&alike()), Act::Release(Why::TooSlow));
        assert_eq!(down.with_lock(&silent()), Act::Wait(Why::NotRunning));
    }
}

#[test]
fn a_database_that_exists_starts_as_a_standby_first() {
    assert_eq!(case(Role::Stopped).led_by(5).without_lock(&silent()), standby_of(Some(5)));
    assert_eq!(case(Role::Stopped).without_lock(&silent()), standby_of(None));
}

#[test]
fn a_database_that_is_about_to_start_is_told_nothing_before_it_runs() {
    for database in [None, case(Role::Starting).database] {
        let starting = Case { database, ..case(Role::Starting) };
        assert_eq!(starting.clone().led_by(5).without_lock(&silent()), Act::Wait(Why::NotRunning));
        assert_eq!(starting.without_lock(&silent()), Act::Wait(Why::NotRunning));
    }
}

#[test]
fn a_standby_follows_whoever_leads() {
    let mut standby = case(Role::Standby).led_by(5);
    let follow = Act::Follow(database(5), Repair::RewindOrClone);
    assert_eq!(standby.without_lock(&silent()), follow);
    let known = standby.database.as_mut().unwrap();
    (known.upstream, known.replication) = (Some(database(5)), Replication::Streaming);
    assert_eq!(standby.without_lock(&silent()), Act::Wait(Why::Fine));
    standby.database.as_mut().unwrap().replication = Replication::Diverged;
    assert_eq!(standby.without_lock(&silent()), follow);
}

#[test]
fn nothing_is_cut_for_a_leader_that_has_not_been_promoted() {
    let standby = case(Role::Standby).led_by(6);
    assert_eq!(standby.without_lock(&silent()), Act::Follow(database(6), Repair::No));
    let stopped = case(Role::Stopped).led_by(6);
    let start = Act::Start(Start::Standby { upstream: Some(database(6)), repair: Repair::No });
    assert_eq!(stopped.without_lock(&silent()), start);
}

#[test]
fn one_begins_a_new_cluster_and_the_others_wait_for_it() {
    let mut new = case(Role::Standby).empty();
    new.cluster = Cluster { members: new.cluster.members, ..Cluster::default() };
    assert_eq!(new.without_lock(&silent()), Act::Initialize);
    new.cluster.initialize = Some(Initialize { by: ME, timeline: None });
    assert_eq!(new.without_lock(&silent()), Act::TakeLock);
    assert_eq!(new.clone().led_by(ME).with_lock(&silent()), Act::Promote);
    new.cluster.initialize = Some(Initialize { by: 5, timeline: None });
    assert_eq!(new.without_lock(&silent()), Act::Wait(Why::Empty));
    // It has begun, but died before it could say so: its copy goes on.
    let mut begun = case(Role::Standby);
    begun.cluster.initialize = Some(Initialize { by: 5, timeline: None });
    assert_eq!(begun.without_lock(&silent()), Act::TakeLock);
}

#[test]
fn a_database_that_has_lost_everything_never_leads() {
    assert_eq!(case(Role::Standby).empty().without_lock(&silent()), Act::Wait(Why::Empty));
    assert_eq!(case(Role::Standby).empty().led_by(ME).with_lock(&silent()), Act::Release(Why::Empty));
}

#[test]
fn a_database_of_another_cluster_is_left_alone() {
    let mut foreign = case(Role::Standby).led_by(5);
    foreign.cluster.initialize = Some(Initialize { by: 5, timeline: Some(SECOND) });
    assert_eq!(foreign.without_lock(&silent()), Act::Wait(Why::Foreign));
    foreign.database.as_mut().unwrap().role = Role::Primary;
    assert_eq!(foreign.without_lock(&silent()), Act::Demote(Why::Foreign));
    assert_eq!(foreign.clone().paused().without_lock(&silent()), Act::Wait(Why::Foreign));
    assert_eq!(foreign.led_by(ME).with_lock(&alike()), Act::Release(Why::Foreign));
}

#[test]
fn without_the_store_a_primary_stops() {
    assert_eq!(without_store(&case(Role::Primary).led_by(ME).known(), None), Act::Demote(Why::NoStore));
    assert_eq!(without_store(&case(Role::Standby).known(), None), Act::Wait(Why::NoStore));
}

#[test]
fn in_failsafe_mode_a_primary_goes_on_if_every_member_agrees() {
    let primary = case(Role::Primary).led_by(ME).failsafe(&[4, 5, 6]);
    let asked = BTreeMap::from([(5, at(5, 7001)), (6, at(6, 7001))]);
    assert_eq!(without_store(&primary.known(), None), Act::AskOthers(asked));
    assert_eq!(without_store(&primary.known(), Some(true)), Act::Lead);
    assert_eq!(without_store(&primary.known(), Some(false)), Act::Demote(Why::NoStore));
    // It is alone: everybody agrees.
    let alone = case(Role::Primary).led_by(ME).failsafe(&[4]);
    assert_eq!(without_store(&alone.known(), None), Act::AskOthers(BTreeMap::new()));
    // The list is not its own.
    let unknown = case(Role::Primary).led_by(ME).failsafe(&[5, 6]);
    assert_eq!(without_store(&unknown.known(), None), Act::Demote(Why::NoStore));
}

#[test]
fn an_unknown_replica_is_not_promoted_in_failsafe_mode() {
    assert_eq!(case(Role::Standby).failsafe(&[5, 6]).without_lock(&silent()), Act::Wait(Why::NotInFailsafe));
    assert_eq!(case(Role::Standby).failsafe(&[4, 5]).without_lock(&silent()), Act::TakeLock);
}

#[test]
fn a_failsafe_key_that_is_not_written_yet_or_makes_no_sense_keeps_nobody_from_leading() {
    let empty = case(Role::Standby).failsafe(&[]);
    assert_eq!(empty.without_lock(&silent()), Act::TakeLock);
    let mut absent = empty;
    absent.cluster.failsafe = None;
    assert_eq!(absent.without_lock(&silent()), Act::TakeLock);
}

#[test]
fn a_primary_that_goes_on_without_the_store_is_not_replaced() {
    let mut standby = case(Role::Standby).failsafe(&[4, 5, 6]);
    standby.memory.failsafe_leader = Some((5, database(5)));
    assert_eq!(standby.without_lock(&silent()), Act::Follow(database(5), Repair::RewindOrClone));
    // Its member key has gone with its lease: it has said itself where its database is.
    let mut unlisted = standby.clone();
    unlisted.cluster.members.remove(&5);
    assert_eq!(unlisted.without_lock(&silent()), Act::Follow(database(5), Repair::No));
    standby.options.failsafe_mode = false;
    assert_eq!(standby.without_lock(&silent()), Act::TakeLock);
}

#[test]
fn in_a_pause_nobody_takes_over_and_nobody_stops() {
    assert_eq!(case(Role::Standby).paused().without_lock(&silent()), Act::Wait(Why::Paused));
    assert_eq!(case(Role::Stopped).paused().led_by(5).without_lock(&silent()), Act::Wait(Why::Paused));
    assert_eq!(case(Role::Primary).paused().led_by(5).without_lock(&silent()), Act::Wait(Why::Paused));
    assert_eq!(lock_lost(&case(Role::Primary).paused().known()), Act::Wait(Why::NoLock));
    assert_eq!(without_store(&case(Role::Primary).paused().known(), None), Act::Wait(Why::Paused));
    assert_eq!(case(Role::Primary).paused().without_lock(&silent()), Act::TakeLock);
}

#[test]
fn in_a_pause_a_lock_without_a_primary_is_given_up() {
    for role in [Role::Standby, Role::Stopped] {
        assert_eq!(case(role).paused().led_by(ME).with_lock(&alike()), Act::Release(Why::Paused));
    }
    assert_eq!(case(Role::Primary).paused().led_by(ME).with_lock(&alike()), Act::Lead);
}

#[test]
fn a_planned_switchover_needs_somebody_to_hand_over_to() {
    let leader = case(Role::Primary).led_by(ME);
    let to_5 = leader.clone().wish(Some(ME), Some(5));
    assert_eq!(to_5.with_lock(&alike()), Act::HandOver);
    assert_eq!(to_5.with_lock(&silent()), Act::ForgetSwitchover);
    assert_eq!(leader.clone().wish(None, None).with_lock(&alike()), Act::HandOver);
    assert_eq!(leader.clone().wish(Some(5), Some(6)).with_lock(&alike()), Act::ForgetSwitchover);
    assert_eq!(leader.clone().wish(None, Some(ME)).with_lock(&alike()), Act::ForgetSwitchover);
    assert_eq!(leader.clone().paused().wish(None, None).with_lock(&alike()), Act::ForgetSwitchover);
    assert_eq!(leader.clone().paused().wish(None, Some(5)).with_lock(&alike()), Act::HandOver);
    let synchronous = to_5.synchronous(ME, &[6]);
    assert_eq!(synchronous.with_lock(&alike()), Act::ForgetSwitchover);
}

#[test]
fn after_a_planned_switchover_the_candidate_comes_first() {
    let standby = case(Role::Standby);
    assert_eq!(standby.clone().wish(Some(5), Some(ME)).without_lock(&alike()), Act::TakeLock);
    let other = standby.clone().wish(Some(5), Some(6));
    assert_eq!(other.without_lock(&alike()), Act::Wait(Why::NotTheCandidate));
    // The candidate has died meanwhile.
    assert_eq!(other.without_lock(&silent()), Act::TakeLock);
    // It was the leader itself.
    let back = standby.wish(Some(ME), None);
    assert_eq!(back.without_lock(&alike()), Act::Wait(Why::NotTheCandidate));
    assert_eq!(back.without_lock(&silent()), Act::TakeLock);
}

#[test]
fn in_a_pause_the_named_candidate_takes_over() {
    let named = case(Role::Standby).paused().wish(Some(5), Some(ME));
    assert_eq!(named.without_lock(&silent()), Act::TakeLock);
    assert_eq!(named.led_by(ME).with_lock(&silent()), Act::Promote);
}

#[test]
fn who_has_just_given_up_the_lock_lets_others_take_it() {
    let mut standby = case(Role::Standby);
    standby.memory.stands_back = true;
    assert_eq!(standby.without_lock(&silent()), Act::Wait(Why::StandsBack));
}
