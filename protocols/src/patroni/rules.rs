//! What an agent does: from what it knows to what follows, without a wait.
//!
//! One of four questions each time the agent looks: it has the lock, and has just renewed it ([`with_lock`]); it had
//! the lock, and could not renew it ([`lock_lost`]); somebody else has it, or nobody ([`without_lock`]); the store does
//! not answer ([`without_store`]). Where the answer depends on what other agents say it is [`Act::AskOthers`], and the
//! question is put again with what they said.

pub(super) mod cascade;
pub(super) mod quorum;
mod standby_cluster;
mod switchover;
pub(super) mod sync;
mod votes;

use super::message::{Cluster, Member};
use super::options::{Flaw, Options, Synchronous};
use super::tags::Tags;
use crate::database::{Lsn, Repair, Replication, Role, Start, Status};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use switchover::if_others_can;

/// What an agent knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub me: u32,
    pub options: &'a Options,
    pub tags: &'a Tags,
    pub cluster: &'a Cluster,
    /// None: the database does not answer.
    pub database: Option<&'a Status>,
    pub memory: &'a Memory,
}

/// What an agent remembers of what it did and saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// It has seen its database as a primary since it got the lock: if it is stopped, it has crashed.
    pub was_primary: bool,
    /// It has started a crashed primary, and not seen it run.
    pub recovering: bool,
    /// For so long its database has not run although it has the lock.
    pub down_for: Duration,
    /// It gave up the lock a moment ago, so that another takes it.
    pub stands_back: bool,
    /// The members when there was a leader last, and who that was.
    pub members: BTreeMap<u32, Member>,
    pub leader: Option<u32>,
    /// An operator wants its database to begin anew, with a copy.
    pub reinitialises: bool,
    /// The standby that it is to stream from did not stream a moment ago.
    pub avoids_standby: bool,
    /// A primary that cannot reach the store has said that it goes on, a ttl ago at most.
    pub failsafe_leader: Option<(u32, SocketAddr)>,
}

/// What an agent says about itself and its database to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// None: its database does not answer.
    pub role: Option<Role>,
    pub timeline: u32,
    /// The tag of that timeline; said only where votes are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<u32>,
    pub lsn: Lsn,
    #[serde(default, skip_serializing_if = "Tags::is_default")]
    pub tags: Tags,
}

/// What the others said; none of one that has not answered.
pub(super) type Others = BTreeMap<u32, Option<Told>>;

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Ask these at their health addresses, and put the question again.
    AskOthers(BTreeMap<u32, SocketAddr>),
    /// Nothing, now.
    Wait(Why),
    /// Start the database.
    Start(Start),
    /// Let it follow another.
    Follow(SocketAddr, Repair),
    /// Stop the database at once.
    Demote(Why),
    /// The cluster has no first timeline: try to be who begins it, and take the lock.
    Initialize,
    /// Try to take the lock.
    TakeLock,
    /// Make the database a primary.
    Promote,
    /// It is the leader: see to its standbys.
    Lead,
    /// Give up the lock, having stopped the database, so that another takes it.
    Release(Why),
    /// Hand the lock over as planned.
    HandOver,
    /// The planned change cannot be done: forget it.
    ForgetSwitchover,
}

/// Why it waits, stops, or gives up the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// All is well.
    Fine,
    /// The cluster is paused.
    Paused,
    /// The database does not answer, or is about to start.
    NotRunning,
    /// The database has nothing, and somebody else begins the cluster.
    Empty,
    /// The database belongs to another cluster.
    Foreign,
    /// It gave up the lock a moment ago.
    StandsBack,
    /// It lacks too much.
    Lagging,
    /// Its timeline is not the cluster's last.
    OldTimeline,
    /// Another has more.
    AnotherIsAhead,
    /// There is a primary.
    PrimaryAlive,
    /// Writes need not have waited for it.
    NotSynchronous,
    /// Too few of the voters have voted for it.
    NoQuorum,
    /// Its tags say that it never leads.
    MayNotLead,
    /// Another has equally much, and comes first.
    LowerPriority,
    /// The leader has not told the others of it.
    NotInFailsafe,
    /// An operator wants another.
    NotTheCandidate,
    /// The cluster is to follow a primary that is elsewhere.
    StandbyCluster,
    /// It has no lock.
    NoLock,
    /// The store does not answer.
    NoStore,
    /// The crashed primary has not come back in time.
    TooSlow,
    /// The watchdog cannot be armed, and must be.
    NoWatchdog,
    /// The crashed primary could not be started, or the standby not promoted.
    FailedToStart,
}

/// Who leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Me,
    Another(u32),
    Nobody,
}

impl<'a> Known<'a> {
    /// Who leads: who has the lock, or who says, without the store, that it goes on.
    pub fn holder(&self) -> Holder {
        match (&self.cluster.leader, &self.memory.failsafe_leader) {
            (Some(leader), _) if leader.id == self.me => Holder::Me,
            (Some(leader), _) => Holder::Another(leader.id),
            (None, Some((id, _))) if self.options.failsafe_mode && *id != self.me => Holder::Another(*id),
            (None, _) => Holder::Nobody,
        }
    }

    fn paused(&self) -> bool {
        self.cluster.settings.pause
    }

    fn role(&self) -> Option<Role> {
        self.database.map(|database| database.role)
    }

    fn position(&self) -> (u32, Lsn) {
        self.database.map_or((0, Lsn(0)), |database| (number(database), database.durable))
    }

    /// Whether another has more.
    fn is_behind(&self, told: &Told) -> bool {
        match votes::by_quorum(self) {
            Some(_) => votes::is_ahead(self, told),
            None if self.options.check_timeline => (told.timeline, told.lsn) > self.position(),
            None => told.lsn > self.position().1,
        }
    }

    /// Whether another was about to be promoted since this one was a primary.
    fn was_succeeded(&self) -> bool {
        votes::by_quorum(self).is_some_and(|sync| sync.leader != self.me)
    }

    fn is_empty(&self) -> bool {
        self.database.is_some_and(|database| database.history.last().is_none())
    }

    /// Whether the database's first timeline is not the cluster's. What has no log belongs anywhere.
    fn is_foreign(&self) -> bool {
        let first = self.database.and_then(|database| database.history.timelines().first());
        let ours = self.cluster.initialize.as_ref().and_then(|initialize| initialize.timeline);
        first.zip(ours).is_some_and(|((first, _), ours)| *first != ours)
    }

    /// Whether it is for this agent to begin the cluster's first timeline.
    fn begins(&self) -> bool {
        let initialize = self.cluster.initialize.as_ref();
        initialize.is_some_and(|initialize| initialize.by == self.me && initialize.timeline.is_none())
    }

    /// Whether an operator has named it as the next leader.
    pub fn is_candidate(&self) -> bool {
        self.cluster.failover.value.as_ref().is_some_and(|wish| wish.candidate == Some(self.me))
    }

    /// Whether a position lacks too much of what the last leader had.
    fn lags(&self, lsn: Lsn) -> bool {
        let known = self.cluster.status.unwrap_or_default();
        let compares = self.options.flaw != Some(Flaw::LaggingWinner);
        compares && known.0.saturating_sub(lsn.0) > self.options.maximum_lag_on_failover
    }

    /// The standby to stream from instead of the leader.
    fn cascade(&self, leader: SocketAddr) -> Option<SocketAddr> {
        let named = self.tags.replicatefrom.filter(|_| !self.memory.avoids_standby);
        cascade::upstream(self.me, named, &self.cluster.members, leader)
    }

    /// What may be done to follow this one: nothing is cut or copied for one that has not been promoted yet, or, in a
    /// standby cluster, that does not stream.
    fn repair_for(&self, leader: u32) -> Repair {
        let leader = self.cluster.members.get(&leader);
        let remote = self.cluster.settings.standby_cluster.map(|remote| remote.primary);
        let streams = remote.is_some() && leader.and_then(|member| member.upstream) == remote;
        match leader.and_then(|member| member.role) {
            Some(Role::Primary) => Repair::RewindOrClone,
            Some(Role::Standby) if streams => Repair::RewindOrClone,
            _ => Repair::No,
        }
    }
}

/// It is started, and then it is seen whom it follows.
const STANDBY_OF_NOBODY: Act = Act::Start(Start::Standby { upstream: None, repair: Repair::No });

/// Whether entries stream from there, or a copy of it.
fn follows(database: &Status, upstream: SocketAddr) -> bool {
    let comes = matches!(database.replication, Replication::Streaming | Replication::Cloning);
    database.upstream == Some(upstream) && comes
}

fn number(database: &Status) -> u32 {
    database.timeline().map_or(0, |timeline| timeline.number)
}

/// It has the lock, and has just renewed it.
pub(super) fn with_lock(known: &Known<'_>, others: Option<&Others>) -> Act {
    let memory = known.memory;
    if known.is_foreign() {
        return Act::Release(Why::Foreign);
    }
    if let Some(remote) = known.cluster.settings.standby_cluster {
        return standby_cluster::with_lock(known, remote.primary, others);
    }
    if known.paused() && known.role() != Some(Role::Primary) && !known.is_candidate() {
        return Act::Release(Why::Paused);
    }
    let patience = known.options.primary_start_timeout;
    match known.role() {
        Some(Role::Primary) => switchover::from_leader(known, others).unwrap_or(Act::Lead),
        Some(Role::Standby) if !known.is_empty() || known.begins() => Act::Promote,
        Some(Role::Standby) => Act::Release(Why::Empty),
        // A start that has been tried and has failed will fail again.
        Some(Role::Stopped) if memory.recovering => Act::Release(Why::FailedToStart),
        // It was a primary a moment ago, and nobody else can have become one: it goes on, on the same timeline.
        Some(Role::Stopped) if memory.was_primary && patience > Duration::ZERO => Act::Start(Start::Primary),
        Some(Role::Stopped) if memory.was_primary => {
            if_others_can(known, others, Act::Release(Why::TooSlow), Act::Start(Start::Primary))
        }
        Some(Role::Stopped) => STANDBY_OF_NOBODY,
        Some(Role::Starting) | None if memory.down_for < patience => Act::Wait(Why::NotRunning),
        Some(Role::Starting) | None => {
            if_others_can(known, others, Act::Release(Why::TooSlow), Act::Wait(Why::NotRunning))
        }
    }
}

/// It could not renew the lock: somebody else has it, or will have.
pub(super) fn lock_lost(known: &Known<'_>) -> Act {
    match known.role() {
        Some(Role::Primary | Role::Starting) | None if !known.paused() => Act::Demote(Why::NoLock),
        _ => Act::Wait(Why::NoLock),
    }
}

/// The store does not answer. `agreed`: whether all members of the failsafe key agree that this primary goes on.
pub(super) fn without_store(known: &Known<'_>, agreed: Option<bool>) -> Act {
    if known.paused() {
        return Act::Wait(Why::Paused);
    }
    match known.role() {
        Some(Role::Primary) => {
            let members = known.cluster.failsafe.as_ref().filter(|members| members.contains_key(&known.me));
            match (members, agreed) {
                (Some(members), None) if known.options.failsafe_mode => {
                    let others = members.iter().filter(|(id, _)| **id != known.me);
                    Act::AskOthers(others.map(|(id, health)| (*id, *health)).collect())
                }
                (Some(_), Some(true)) => Act::Lead,
                _ => Act::Demote(Why::NoStore),
            }
        }
        Some(Role::Stopped) => STANDBY_OF_NOBODY,
        Some(Role::Standby | Role::Starting) | None => Act::Wait(Why::NoStore),
    }
}

/// Somebody else has the lock, or nobody.
pub(super) fn without_lock(known: &Known<'_>, others: Option<&Others>) -> Act {
    if known.is_foreign() {
        return match known.role() {
            Some(Role::Primary) if !known.paused() => Act::Demote(Why::Foreign),
            _ => Act::Wait(Why::Foreign),
        };
    }
    match known.holder() {
        Holder::Another(leader) => behind(known, leader),
        Holder::Me | Holder::Nobody => race(known, others),
    }
}

/// Somebody else leads.
fn behind(known: &Known<'_>, leader: u32) -> Act {
    let failsafe = known.memory.failsafe_leader.filter(|(id, _)| *id == leader).map(|(_, database)| database);
    let upstream = known.cluster.members.get(&leader).map(|member| member.database).or(failsafe);
    match known.database {
        _ if known.paused() && known.role() != Some(Role::Standby) => Act::Wait(Why::Paused),
        Some(database) if database.role == Role::Primary => Act::Demote(Why::NoLock),
        Some(database) if database.role == Role::Stopped => {
            let repair = if known.memory.reinitialises { Repair::Clone } else { known.repair_for(leader) };
            Act::Start(Start::Standby { upstream, repair })
        }
        Some(database) if database.role == Role::Standby => {
            let Some(upstream) = upstream else { return Act::Wait(Why::Fine) };
            if known.memory.reinitialises {
                return Act::Follow(upstream, Repair::Clone);
            }
            let (upstream, repair) = match known.cascade(upstream) {
                Some(standby) => (standby, Repair::No),
                None => (upstream, known.repair_for(leader)),
            };
            if follows(database, upstream) { Act::Wait(Why::Fine) } else { Act::Follow(upstream, repair) }
        }
        _ => Act::Wait(Why::NotRunning),
    }
}

/// Nobody leads.
fn race(known: &Known<'_>, others: Option<&Others>) -> Act {
    let Known { me, options, cluster, memory, .. } = *known;
    let acts = known.role() == Some(Role::Primary) || known.is_candidate();
    if known.paused() && !acts {
        return Act::Wait(Why::Paused);
    }
    match known.role() {
        // It runs on, or runs again, and nobody has taken over.
        Some(Role::Primary) if known.position().0 < cluster.timeline() || known.was_succeeded() => {
            return Act::Demote(Why::OldTimeline);
        }
        Some(Role::Primary) => return Act::TakeLock,
        Some(Role::Standby) => {}
        Some(Role::Stopped) => return STANDBY_OF_NOBODY,
        Some(Role::Starting) | None => return Act::Wait(Why::NotRunning),
    }
    match &cluster.initialize {
        None if !known.tags.may_lead() => return Act::Wait(Why::MayNotLead),
        None => return Act::Initialize,
        Some(_) if known.begins() => return Act::TakeLock,
        Some(_) if known.is_empty() => return Act::Wait(Why::Empty),
        Some(_) => {}
    }
    if !known.tags.may_lead() {
        return Act::Wait(Why::MayNotLead);
    }
    if memory.stands_back {
        return Act::Wait(Why::StandsBack);
    }
    if options.failsafe_mode
        && cluster.failsafe.as_ref().is_some_and(|members| !members.is_empty() && !members.contains_key(&me))
    {
        return Act::Wait(Why::NotInFailsafe);
    }
    let by_quorum = votes::by_quorum(known).is_some();
    if !by_quorum && synchronous(known).is_some_and(|sync| !sync.has(me)) {
        return Act::Wait(Why::NotSynchronous);
    }
    match (&cluster.failover.value, others) {
        (Some(wish), _) if wish.candidate == Some(me) && !by_quorum => Act::TakeLock,
        (_, None) => Act::AskOthers(rivals(known)),
        (Some(wish), Some(others)) => switchover::race(known, wish, others),
        (None, Some(others)) => healthiest(known, others, None, true),
    }
}

/// Who has every acknowledged write, if the option says that writes wait for standbys, and the leader has said whose.
fn synchronous<'a>(known: &Known<'a>) -> Option<&'a super::message::SyncState> {
    known.cluster.synchronous().filter(|_| known.options.synchronous_mode != Synchronous::Off)
}

/// All who may have more than this one: the members now, when there was a leader last, and of the failsafe key.
fn rivals(known: &Known<'_>) -> BTreeMap<u32, SocketAddr> {
    let Known { cluster, memory, .. } = known;
    let members = memory.members.iter().chain(&cluster.members).map(|(id, member)| (*id, member.health));
    let failsafe = cluster.failsafe.iter().flatten().map(|(id, health)| (*id, *health));
    let sync = synchronous(known);
    let counts = |id: u32| id != known.me && sync.is_none_or(|sync| sync.names(id));
    failsafe.chain(members).filter(|(id, _)| counts(*id)).collect()
}

/// Whether there is none better. `but`: one that does not count. `lag`: whether what the leader had counts.
fn healthiest(known: &Known<'_>, others: &Others, but: Option<u32>, lag: bool) -> Act {
    let mine = known.position();
    if lag && known.lags(mine.1) {
        return Act::Wait(Why::Lagging);
    }
    let checks = known.options.check_timeline && known.cluster.settings.standby_cluster.is_none();
    if checks && mine.0 < known.cluster.timeline() {
        return Act::Wait(Why::OldTimeline);
    }
    let compares = known.options.flaw != Some(Flaw::LaggingWinner);
    let leader_before = synchronous(known).map(|sync| sync.leader);
    let led_last = leader_before.or(known.memory.leader);
    for (id, told) in others.iter().filter(|(id, _)| Some(**id) != but) {
        let Some(told) = told else { continue };
        if told.role == Some(Role::Primary) {
            return Act::Wait(Why::PrimaryAlive);
        }
        if !told.tags.may_lead() || told.role != Some(Role::Standby) {
            continue;
        }
        // The leader before may have written what it never acknowledged.
        if compares && known.is_behind(told) && leader_before != Some(*id) {
            return Act::Wait(Why::AnotherIsAhead);
        }
        let comes_first = told.lsn == mine.1 && told.tags.priority() > known.tags.priority();
        if comes_first && led_last != Some(*id) {
            return Act::Wait(Why::LowerPriority);
        }
    }
    match votes::by_quorum(known) {
        Some(sync) if !votes::are_enough(known, sync, others) => Act::Wait(Why::NoQuorum),
        _ => Act::TakeLock,
    }
}

#[cfg(test)]
mod tests;
