//! The replicated state under Raft: entries are applied to a [`Machine`], which is written down now and then.

use super::super::latest::Latest;
use super::super::member;
use super::super::message::{Command, Outcome};
use super::super::rules::Machine;
use super::{LogStore, Types};
use host::probe;
use openraft::storage::RaftStateMachine;
use openraft::{
    EmptyNode, Entry, EntryPayload, LogId, OptionalSend, RaftSnapshotBuilder, Snapshot, SnapshotMeta,
    StorageError, StorageIOError, StoredMembership,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

type Membership = StoredMembership<u64, EmptyNode>;

/// What was applied so far, and who wants to know when it grows.
pub(in super::super) struct Applied {
    inner: Mutex<Inner>,
    revision: watch::Sender<u64>,
    /// The index of the entry that changed the members last.
    change: Latest<u64>,
    events_kept: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Inner {
    machine: Machine,
    last: Option<LogId<u64>>,
    membership: Membership,
}

impl Applied {
    pub fn new(events_kept: usize) -> Self {
        let inner = Inner { machine: Machine::new(), last: None, membership: Membership::default() };
        Applied {
            inner: Mutex::new(inner),
            revision: watch::channel(0).0,
            change: Latest::new(0),
            events_kept,
        }
    }

    /// Who votes, as replicas, and since which entry.
    pub fn voters(&self) -> (BTreeSet<u64>, u64) {
        let inner = self.lock();
        let since = inner.membership.log_id().map_or(0, |log_id| log_id.index);
        (inner.membership.voter_ids().map(member::replica).collect(), since)
    }

    /// Whether a member was removed, for ever: it may have been there, and is not.
    pub fn is_gone(&self, id: u64) -> bool {
        let inner = self.lock();
        let Some(latest) = inner.membership.log_id() else { return false };
        member::generation(id) <= latest.index && inner.membership.membership().get_node(&id).is_none()
    }

    /// Waits until a member was removed.
    pub async fn until_gone(&self, id: u64) {
        self.change.until(|_| self.is_gone(id)).await;
    }

    /// Waits until a later change of the members than this one was applied. Returns the latest.
    pub async fn until_changed(&self, last: u64) -> u64 {
        self.change.until(|change| change > last).await
    }

    /// Tells who waits that the members have changed. Those that the store begins with are no change.
    fn tell_change(&self) {
        let latest = self.lock().membership.log_id().map_or(0, |log_id| log_id.index);
        self.change.raise(latest);
    }

    /// Reads the state.
    pub fn read<T>(&self, read: impl FnOnce(&Machine) -> T) -> T {
        read(&self.lock().machine)
    }

    /// The index of the last entry that was applied.
    pub fn index(&self) -> u64 {
        self.lock().last.map_or(0, |last| last.index)
    }

    /// Changes whenever entries were applied.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, entry: Entry<Types>) -> Outcome {
        let mut inner = self.lock();
        inner.last = Some(entry.log_id);
        match entry.payload {
            EntryPayload::Blank => Outcome::Nothing,
            EntryPayload::Membership(membership) => {
                inner.membership = Membership::new(Some(entry.log_id), membership);
                drop(inner);
                self.tell_change();
                Outcome::Nothing
            }
            EntryPayload::Normal(command) => {
                let outcome = inner.machine.apply(&command, self.events_kept);
                let (revision, digest) = (inner.machine.revision(), inner.machine.digest());
                drop(inner);
                if !matches!(command, Command::Grant { .. }) {
                    // Replicas that are at one revision must have come to it alike.
                    probe!("applied", revision, digest);
                }
                outcome
            }
        }
    }
}

/// A state machine as Raft sees it.
#[derive(Clone)]
pub(super) struct StateMachine {
    log: LogStore,
    applied: Arc<Applied>,
}

impl StateMachine {
    /// It begins with the latest snapshot of the log.
    pub fn new(log: LogStore, applied: Arc<Applied>) -> Self {
        let machine = StateMachine { log, applied };
        if let Some((_, bytes)) = machine.log.snapshot()
            && let Ok(inner) = postcard::from_bytes(&bytes)
        {
            *machine.applied.lock() = inner;
            machine.applied.tell_change();
        }
        machine
    }
}

impl RaftSnapshotBuilder<Types> for StateMachine {
    async fn build_snapshot(&mut self) -> Result<Snapshot<Types>, StorageError<u64>> {
        let (meta, bytes) = {
            let inner = self.applied.lock();
            let bytes = postcard::to_stdvec(&*inner).expect("a machine has only types with a length");
            let id = inner.last.map_or_else(|| "empty".to_owned(), |last| last.to_string());
            let meta = SnapshotMeta {
                last_log_id: inner.last,
                last_membership: inner.membership.clone(),
                snapshot_id: id,
            };
            (meta, bytes)
        };
        let saved = self.log.save_snapshot(meta.clone(), bytes.clone()).await;
        saved.map_err(|error| StorageIOError::write_snapshot(Some(meta.signature()), &error))?;
        Ok(Snapshot { meta, snapshot: Box::new(bytes) })
    }
}

impl RaftStateMachine<Types> for StateMachine {
    type SnapshotBuilder = StateMachine;

    async fn applied_state(&mut self) -> Result<(Option<LogId<u64>>, Membership), StorageError<u64>> {
        let inner = self.applied.lock();
        Ok((inner.last, inner.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Outcome>, StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let outcomes = entries.into_iter().map(|entry| self.applied.apply(entry)).collect();
        self.applied.revision.send_replace(self.applied.read(Machine::revision));
        Ok(outcomes)
    }

    async fn get_snapshot_builder(&mut self) -> StateMachine {
        self.clone()
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Vec<u8>>, StorageError<u64>> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<u64, EmptyNode>,
        snapshot: Box<Vec<u8>>,
    ) -> Result<(), StorageError<u64>> {
        let failed = |error: io::Error| StorageIOError::write_snapshot(Some(meta.signature()), &error);
        let inner: Inner =
            postcard::from_bytes(&snapshot).map_err(|error| failed(io::Error::other(error)))?;
        self.log.save_snapshot(meta.clone(), *snapshot).await.map_err(failed)?;
        *self.applied.lock() = inner;
        self.applied.tell_change();
        host::sometimes!("snapshot installed");
        self.applied.revision.send_replace(self.applied.read(Machine::revision));
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<Types>>, StorageError<u64>> {
        Ok(self.log.snapshot().map(|(meta, bytes)| Snapshot { meta, snapshot: Box::new(bytes) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use openraft::CommittedLeaderId;

    /// The members are these, as of the entry at this index.
    fn members_are<const N: usize>(applied: &Applied, index: u64, members: [u64; N]) {
        let membership = openraft::Membership::new(vec![members.into()], ());
        let log_id = LogId::new(CommittedLeaderId::new(1, 1), index);
        applied.apply(Entry { log_id, payload: EntryPayload::Membership(membership) });
    }

    #[test]
    fn a_member_is_gone_when_it_may_have_been_there_and_is_not() {
        let applied = Applied::new(10);
        let later = member::next(2, 5);
        let gone = |applied: &Applied| [1, 2, later].map(|id| applied.is_gone(id));
        assert_eq!(gone(&applied), [false; 3], "nobody has said who the members are");
        members_are(&applied, 1, [1, 2, 3]);
        assert_eq!(gone(&applied), [false; 3]);
        members_are(&applied, 5, [1, 3]);
        assert_eq!(gone(&applied), [false, true, false], "the later one is still to come");
        members_are(&applied, 8, [1, 3, later]);
        assert_eq!(gone(&applied), [false, true, false]);
        members_are(&applied, 9, [1, 3]);
        assert_eq!(gone(&applied), [false, true, true]);
        assert_eq!(applied.voters(), ([1, 3].into(), 9));
    }

    #[test]
    fn who_waits_until_a_member_is_gone_is_told_by_the_change_that_removes_it() {
        let applied = Applied::new(10);
        let mut waits = Box::pin(applied.until_gone(2));
        members_are(&applied, 1, [1, 2, 3]);
        assert_eq!(waits.as_mut().now_or_never(), None);
        members_are(&applied, 2, [1, 2]);
        assert_eq!(waits.as_mut().now_or_never(), None);
        members_are(&applied, 3, [1]);
        assert_eq!(waits.now_or_never(), Some(()));
    }
}
