//! How members are added and removed: by the leader, one change at a time, as etcd does.
//!
//! * A replica that is added first copies, and votes when it has nine tenths of what the leader has (etcd's
//!   `isLearnerReady`). One whose adding was broken off goes on copying, until it is added or removed.
//! * A change of who votes takes two entries, in openraft always: the old and the new voters together, and then the new
//!   alone. Whoever leads takes the second step if another has not come to it (etcd's raft does so by itself).
//! * Who asks that a change be refused that may cost the quorum (etcd's `-strict-reconfig-check`) is asked only what the
//!   leader sees: nobody is added unless all voters are connected, and were for [`HEALTHY_AFTER`]; nobody is removed who
//!   is connected, unless as many are as the others need for a majority and one more.

use super::super::member;
use super::super::message::Refusal;
use super::{Consensus, NotDone};
use host::time::{Instant, timeout};
use openraft::error::{ChangeMembershipError, ClientWriteError, RaftError};
use openraft::{ChangeMembers, EmptyNode, StoredMembership};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A member that was connected for so long is healthy: etcd's HealthInterval.
const HEALTHY_AFTER: Duration = Duration::from_secs(5);
/// A replica that copies may vote when it has so many hundredths of the leader's log: etcd's readyPercent.
const READY_PERCENT: u64 = 90;

/// A change of the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Change {
    /// This replica becomes one.
    Add(u64),
    /// This replica is none any more.
    Remove(u64),
}

/// Why the members are not changed, or may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum NotChanged {
    Refused(Refusal),
    NotDone(NotDone),
}

impl From<Refusal> for NotChanged {
    fn from(refusal: Refusal) -> Self {
        NotChanged::Refused(refusal)
    }
}

type WriteError = RaftError<u64, ClientWriteError<u64, EmptyNode>>;

/// Who is a member.
struct Members(Arc<StoredMembership<u64, EmptyNode>>);

impl Members {
    fn of_replica(&self, replica: u64) -> Option<u64> {
        self.0.nodes().map(|(id, _)| *id).find(|id| member::replica(*id) == replica)
    }

    fn voters(&self) -> BTreeSet<u64> {
        self.0.voter_ids().collect()
    }

    /// Those that copy, and do not vote.
    fn learner(&self) -> Option<u64> {
        self.0.membership().learner_ids().next()
    }

    /// Those who vote alone after the second step, if the first is done.
    fn becomes(&self) -> Option<BTreeSet<u64>> {
        match &self.0.membership().get_joint_config()[..] {
            [_, .., last] => Some(last.clone()),
            _ => None,
        }
    }
}

impl Consensus {
    /// Changes the members, if this replica leads.
    pub async fn change(&self, change: Change) -> Result<(), NotChanged> {
        if self.leads().is_none() {
            return Err(NotChanged::NotDone(NotDone::NotLeader(self.leader())));
        }
        let Ok(_alone) = self.changing.try_lock() else { return Err(Refusal::ChangeUnderWay.into()) };
        let unknown = Err(NotChanged::NotDone(NotDone::Unknown));
        timeout(self.patience, Box::pin(self.do_change(change))).await.unwrap_or(unknown)
    }

    /// Whether the first step of a change is done, this replica leads, and nobody is at the second.
    pub fn has_unfinished_change(&self) -> bool {
        self.leads().is_some() && self.members().becomes().is_some() && self.changing.try_lock().is_ok()
    }

    /// Takes the second step of a change.
    pub async fn finish_change(&self) {
        let Some(becomes) = self.members().becomes() else { return };
        let Ok(_alone) = self.changing.try_lock() else { return };
        // Where it fails, the next to look begins anew.
        let _ = timeout(self.patience, self.raft.change_membership(becomes, false)).await;
    }

    async fn do_change(&self, change: Change) -> Result<(), NotChanged> {
        let members = self.members();
        if members.becomes().is_some() {
            return Err(Refusal::ChangeUnderWay.into());
        }
        match change {
            Change::Add(replica) => self.add(replica, &members).await,
            Change::Remove(replica) => self.remove(replica, &members).await,
        }
    }

    async fn add(&self, replica: u64, members: &Members) -> Result<(), NotChanged> {
        let id = match (members.of_replica(replica), members.learner()) {
            (Some(id), Some(learner)) if id == learner => id,
            (Some(_), _) => return Err(Refusal::MemberExists.into()),
            (None, Some(_)) => return Err(Refusal::ChangeUnderWay.into()),
            (None, None) => {
                let voters = members.voters();
                if self.strict_reconfig_check && self.healthy(&voters) < voters.len() {
                    return Err(Refusal::Unhealthy.into());
                }
                let latest = members.0.log_id().map_or(0, |log_id| log_id.index);
                let id = member::next(replica, latest);
                self.raft.add_learner(id, EmptyNode {}, false).await.map_err(first_step)?;
                id
            }
        };
        self.until_ready(id).await?;
        let voter = ChangeMembers::AddVoterIds(BTreeSet::from([id]));
        self.raft.change_membership(voter, true).await.map(drop).map_err(|error| later_step(&error))
    }

    async fn remove(&self, replica: u64, members: &Members) -> Result<(), NotChanged> {
        let id = members.of_replica(replica).ok_or(Refusal::NoSuchMember)?;
        let voters = members.voters();
        if !voters.contains(&id) {
            let learner = ChangeMembers::RemoveNodes(BTreeSet::from([id]));
            return self.raft.change_membership(learner, false).await.map(drop).map_err(first_step);
        }
        if voters.len() == 1 {
            return Err(Refusal::LastMember.into());
        }
        // Who is not connected is no loss.
        let is_connected = id == self.id || self.network.connected_since(id).is_some();
        let others_need = voters.len().div_ceil(2);
        if self.strict_reconfig_check && is_connected && self.healthy(&voters) <= others_need {
            return Err(Refusal::Unhealthy.into());
        }
        let voter = ChangeMembers::RemoveVoters(BTreeSet::from([id]));
        self.raft.change_membership(voter, false).await.map(drop).map_err(|error| later_step(&error))
    }

    fn members(&self) -> Members {
        Members(Arc::clone(&self.raft.metrics().borrow().membership_config))
    }

    /// How many of these are connected, and were for long enough; this one is.
    fn healthy(&self, voters: &BTreeSet<u64>) -> usize {
        let now = Instant::now();
        let is_healthy = |id: u64| {
            let since = self.network.connected_since(id);
            id == self.id || since.is_some_and(|since| now.saturating_duration_since(since) >= HEALTHY_AFTER)
        };
        voters.iter().filter(|id| is_healthy(**id)).count()
    }

    /// Waits until a member that copies may vote, as long as this replica leads.
    async fn until_ready(&self, id: u64) -> Result<(), NotChanged> {
        let mut metrics = self.raft.metrics();
        loop {
            {
                let metrics = metrics.borrow();
                let Some(copied) = &metrics.replication else { break };
                let has = copied.get(&id).copied().flatten();
                let last = metrics.last_log_index.unwrap_or(0);
                if has.is_some_and(|has| has.index * 100 >= last * READY_PERCENT) {
                    return Ok(());
                }
            }
            if metrics.changed().await.is_err() {
                break;
            }
        }
        Err(NotChanged::NotDone(NotDone::Unknown))
    }
}

/// Nothing was done before.
fn first_step(error: WriteError) -> NotChanged {
    match error {
        RaftError::APIError(ClientWriteError::ForwardToLeader(leader)) => {
            NotChanged::NotDone(NotDone::NotLeader(leader.leader_id.map(member::replica)))
        }
        other => later_step(&other),
    }
}

/// Something may have been done before.
fn later_step(error: &WriteError) -> NotChanged {
    match error {
        RaftError::APIError(ClientWriteError::ChangeMembershipError(ChangeMembershipError::InProgress(
            _,
        ))) => Refusal::ChangeUnderWay.into(),
        _ => NotChanged::NotDone(NotDone::Unknown),
    }
}
