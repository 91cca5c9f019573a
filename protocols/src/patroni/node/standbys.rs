//! The standbys of the leader: whom its writes wait for, from its promotion on.

use super::{Agent, Next};
use crate::database::{Lsn, Role, Status, SupervisorError, Sync};
use crate::patroni::message::SyncState;
use crate::patroni::options::Synchronous;
use crate::patroni::rules::sync::{self, Step};
use crate::patroni::rules::{Why, quorum};
use host::sometimes;
use host::time::Instant;
use std::collections::BTreeSet;

/// The steps towards the right synchronous standbys that are taken at one time.
const SYNC_STEPS_MAX: usize = 8;

/// What the leader remembers of those that its writes wait for.
#[derive(Debug, Default)]
pub(super) struct Standbys {
    /// What the database had when it was last told whom to wait for.
    since: Option<Lsn>,
    /// Until when voters have time to come to a new leader.
    voters_come_until: Option<Instant>,
}

impl Standbys {
    /// The database is told anew whom to wait for, or remembers it by itself: what it has from then on is not known
    /// yet.
    pub(super) fn told_anew(&mut self) {
        self.since = None;
    }
}

impl Agent<'_> {
    pub(super) async fn promote(&mut self) -> Next {
        let options = &self.options;
        let (value, waits_for) = if options.synchronous_mode.is_quorum() {
            self.standbys.voters_come_until = Some(Instant::now() + options.loop_wait);
            let (key, waits_for) = quorum::take_over(self.config.id, options, self.cluster.synchronous());
            (Some(key), waits_for)
        } else {
            self.synchronous_from_now_on()
        };
        if self.cluster.sync.value != value && !self.write_sync(value).await {
            return Next::Soon;
        }
        self.standbys.told_anew();
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
        let mode = self.options.synchronous_mode;
        let mut named = BTreeSet::new();
        if let (Synchronous::Strict, Some(sync)) = (mode, self.cluster.synchronous()) {
            named.clone_from(&sync.standbys);
            named.remove(&self.config.id);
        }
        let waits_for = sync::before_any(&self.options, &named);
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
            let since = *self.standbys.since.get_or_insert(status.durable);
            let (options, key) = (&self.options, self.cluster.synchronous());
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
                    self.standbys.told_anew();
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
        let is_early = self.standbys.voters_come_until.is_some_and(|until| Instant::now() < until);
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
}
