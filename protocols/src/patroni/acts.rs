//! What an agent does, once that is decided.

use super::agent::{Agent, Next};
use super::cluster::{Cluster, SyncState};
use super::options::Synchronous;
use super::quorum;
use super::rules::Why;
use super::sync::{self, Step};
use crate::database::{Lsn, Repair, Role, Start, Status, SupervisorError, Sync};
use host::{probe, sometimes};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// Who has given up the lock lets others take it for so long. Patroni's.
const STAND_BACK: Duration = Duration::from_secs(2);
/// The steps towards the right synchronous standbys that are taken at one time.
const SYNC_STEPS_MAX: usize = 8;

impl Agent<'_> {
    pub(super) async fn start(&mut self, start: Start) -> Next {
        let primary = start == Start::Primary;
        if primary {
            // It knows itself whom its writes wait for.
            sometimes!("crashed primary started again");
            self.sync_since = None;
        }
        let started = self.database.start(start).await;
        if let Err(error) = &started {
            tracing::warn!(id = self.config.id, %error, "the database does not start");
        }
        // One that does not answer may run yet.
        self.memory.recovering = primary && !matches!(started, Err(SupervisorError::Unreachable(_)));
        if primary && started.is_ok() {
            self.pet().await;
        }
        match started {
            Ok(()) => Next::AtOnce,
            Err(SupervisorError::Refused(_)) if !primary => Next::InTurn,
            Err(_) => Next::Soon,
        }
    }

    pub(super) async fn demote(&mut self, why: Why) -> Next {
        match why {
            Why::NoStore => sometimes!("demoted, the store does not answer"),
            Why::NoLock => sometimes!("demoted, the lock is lost"),
            Why::StandbyCluster => sometimes!("demoted, the cluster is to follow another"),
            _ => {}
        }
        self.no_longer_leads();
        if !self.stop().await {
            return Next::Soon;
        }
        match why {
            // It would take long to find that out again.
            Why::NoStore => self.start(Start::Standby { upstream: None, repair: Repair::No }).await,
            _ => Next::AtOnce,
        }
    }

    pub(super) async fn take_lock(&mut self) -> Next {
        let by = self.deadline();
        // Who has been elected by votes must not have been succeeded since they were asked for.
        let by_quorum = self.config.options.synchronous_mode.is_quorum();
        let unchanged = by_quorum.then_some(self.cluster.sync.modified);
        match self.session.acquire(unchanged, by).await {
            Ok(Some(until)) => {
                self.leads(until);
                let Cluster { failover, settings, .. } = &self.cluster;
                let waits_for_it = settings.pause && self.known(None).is_candidate();
                if failover.value.is_some() && !waits_for_it {
                    let _ = self.session.forget_switchover(failover.modified, by).await;
                }
                Next::AtOnce
            }
            Ok(None) => {
                sometimes!("another was faster to take the lock");
                Next::AtOnce
            }
            Err(_) => Next::Soon,
        }
    }

    pub(super) async fn promote(&mut self) -> Next {
        let options = &self.config.options;
        let (value, waits_for) = if options.synchronous_mode.is_quorum() {
            self.voters_come_until = Some(Instant::now() + options.loop_wait);
            let (key, waits_for) = quorum::take_over(self.config.id, options, self.cluster.synchronous());
            (Some(key), waits_for)
        } else {
            self.synchronous_from_now_on()
        };
        if self.cluster.sync.value != value && !self.write_sync(value).await {
            return Next::Soon;
        }
        self.sync_since = None;
        if self.database.set_sync(waits_for).await.is_err() {
            return Next::Soon;
        }
        if self.is_over() {
            return Next::AtOnce;
        }
        match self.database.promote().await {
            Ok(()) => Next::AtOnce,
            Err(SupervisorError::Unreachable(_)) => Next::Soon,
            Err(SupervisorError::Refused(_)) => self.release(Why::FailedToStart).await,
        }
    }

    /// What the key is and whom the database waits for when it is promoted, without a quorum.
    fn synchronous_from_now_on(&self) -> (Option<SyncState>, Sync) {
        let mode = self.config.options.synchronous_mode;
        let mut named = BTreeSet::new();
        if let (Synchronous::Strict, Some(sync)) = (mode, self.cluster.synchronous()) {
            named.clone_from(&sync.standbys);
            named.remove(&self.config.id);
        }
        let waits_for = sync::before_any(&self.config.options, &named);
        let key = SyncState { leader: self.config.id, standbys: named, quorum: 0 };
        ((mode != Synchronous::Off).then_some(key), waits_for)
    }

    /// Sees to the history and the synchronous standbys.
    pub(super) async fn lead(&mut self, status: Option<&Status>) -> Next {
        let Some(mut status) = status.cloned() else { return Next::InTurn };
        let by = self.deadline();
        let history = status.history.timelines();
        if self.session.tell_history(&self.cluster, history, by).await.is_err() {
            return Next::Soon;
        }
        if status.role != Role::Primary {
            // It leads standbys: there are no writes to wait for.
            return Next::InTurn;
        }
        if self.waits_for_voters(&status) {
            return Next::Soon;
        }
        for _ in 0..SYNC_STEPS_MAX {
            let since = *self.sync_since.get_or_insert(status.durable);
            let (options, key) = (&self.config.options, self.cluster.synchronous());
            let members =
                self.cluster.members.iter().map(|(id, member)| (*id, member.tags.clone())).collect();
            match sync::next_step(self.config.id, options, key, &status, &members, Some(since)) {
                None => {
                    let waits = !status.sync.of.is_empty();
                    let named = key.is_none_or(|key| key.standbys == status.sync.of);
                    return if waits && !named { Next::Soon } else { Next::InTurn };
                }
                Some(Step::Key(value)) => {
                    if !self.write_sync(value).await {
                        return Next::Soon;
                    }
                }
                Some(Step::Database(sync)) => {
                    if sync.required > sync.of.len() as u32 {
                        sometimes!("strict mode: writes wait for a standby that is not there");
                    }
                    self.sync_since = None;
                    if self.database.set_sync(sync).await.is_err() {
                        return Next::Soon;
                    }
                    match self.look().await {
                        Some(now) => status = now,
                        None => return Next::Soon,
                    }
                }
            }
        }
        Next::Soon
    }

    /// Just promoted, with voters that do not stream yet: it does not take them for gone.
    fn waits_for_voters(&self, status: &Status) -> bool {
        let comes = |id: &u32| status.standbys.iter().any(|standby| standby.id == *id);
        let is_early = self.voters_come_until.is_some_and(|until| Instant::now() < until);
        is_early && !status.sync.of.is_empty() && !status.sync.of.iter().any(comes)
    }

    /// Writes the `sync` key, if it is as it was read and the lock is still this agent's.
    async fn write_sync(&mut self, value: Option<SyncState>) -> bool {
        let named = |sync: Option<&SyncState>| sync.map_or(0, |sync| sync.standbys.len());
        if named(value.as_ref()) < named(self.cluster.synchronous()) {
            sometimes!("a synchronous standby is no longer named");
        }
        let by = self.deadline();
        match self.session.put_sync(&self.cluster.sync, value, by).await {
            Ok(Some(written)) => {
                self.cluster.sync = written;
                true
            }
            Ok(None) | Err(_) => false,
        }
    }

    /// Stops the database, and gives up the lock.
    pub(super) async fn release(&mut self, why: Why) -> Next {
        let mut last = None;
        if why != Why::Paused {
            self.stop().await;
            last = self.look().await.map(|status| status.durable).filter(|durable| *durable > Lsn(0));
        }
        let by = self.deadline();
        if self.session.release(last, by).await.is_ok() {
            probe!("lock", "released");
            self.leads_until = None;
        }
        self.no_longer_leads();
        let back = if why == Why::FailedToStart { self.config.options.ttl } else { STAND_BACK };
        self.stands_back_until = Some(Instant::now() + back);
        if why == Why::TooSlow {
            sometimes!("a crashed primary is given up");
        }
        Next::AtOnce
    }
}
