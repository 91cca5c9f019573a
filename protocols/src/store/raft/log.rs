//! Raft's log, vote and snapshots, on one write-ahead log.
//!
//! Everything that must be durable is a record, in the order in which Raft wanted it: a vote, an entry, the end of what
//! a new leader overwrote, what was purged, a snapshot. The state is the fold of all records. One log means one order:
//! Raft asks that no later write becomes durable before an earlier one, of votes and entries alike.
//!
//! When enough was written since the last time, the whole state replaces the records that led to it.
//!
//! A log is a [member's](super::super::member). When its replica is removed, or added again, a record says whose it is
//! from there on, and all before is forgotten; the log is then opened anew.

use super::super::{MEMBERS, member};
use super::Types;
use crate::common::versioned;
use crate::common::wal::{self, AppendError, LogError, Lsn, OpenError, Writer};
use host::disk::Disk;
use host::{probe, sometimes};
use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{
    EmptyNode, Entry, EntryPayload, LogId, LogState, OptionalSend, RaftLogId, RaftLogReader, SnapshotMeta,
    StorageError, StorageIOError, Vote,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::io;
use std::ops::RangeBounds;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The folder of the log.
const LOG: &str = "raft";
/// The version of what is in it.
const VERSION: u8 = 1;
/// The version of a state that says whose it is.
const OWNED: u8 = 2;

type Meta = SnapshotMeta<u64, EmptyNode>;

/// What is written down.
#[derive(Debug, Serialize, Deserialize)]
enum Record {
    Vote(Vote<u64>),
    Entry(Entry<Types>),
    /// Entries from this index on are gone.
    Truncated(u64),
    /// Entries up to this one are gone.
    Purged(LogId<u64>),
    Snapshot(Meta, Vec<u8>),
    /// From here on it is another's.
    Owner(Owner),
}

/// Whose a log is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) enum Owner {
    /// Of the member that the store begins with on this replica.
    #[default]
    First,
    /// Of a member that was added later.
    Member(u64),
    /// Of none, since this one was removed.
    Nobody(u64),
}

impl Owner {
    /// The member on this replica, or that was there last.
    pub fn member(self, replica: u64) -> u64 {
        match self {
            Owner::First => replica,
            Owner::Member(id) | Owner::Nobody(id) => id,
        }
    }
}

/// The fold of all records.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    vote: Option<Vote<u64>>,
    purged: Option<LogId<u64>>,
    entries: BTreeMap<u64, Entry<Types>>,
    snapshot: Option<(Meta, Vec<u8>)>,
    #[serde(skip)]
    owner: Owner,
}

impl State {
    /// As it is written down.
    fn encode(&self) -> Vec<u8> {
        match self.owner {
            Owner::First => versioned::encode(VERSION, self),
            owner => versioned::encode(OWNED, &(owner, self)),
        }
    }

    fn decode(bytes: &[u8]) -> Option<State> {
        let owned = || versioned::decode(OWNED, bytes).map(|(owner, state)| State { owner, ..state });
        versioned::decode(VERSION, bytes).or_else(owned)
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Vote(vote) => self.vote = Some(vote),
            Record::Entry(entry) => drop(self.entries.insert(entry.log_id.index, entry)),
            Record::Truncated(from) => drop(self.entries.split_off(&from)),
            Record::Purged(upto) => {
                self.entries = self.entries.split_off(&(upto.index + 1));
                self.purged = Some(upto);
            }
            // One that was being written when a newer one was received ends after it.
            Record::Snapshot(meta, bytes) => {
                let newest = self.snapshot.as_ref().and_then(|(newest, _)| newest.last_log_id);
                if meta.last_log_id >= newest {
                    self.snapshot = Some((meta, bytes));
                }
            }
            Record::Owner(owner) => *self = State { owner, ..State::default() },
        }
    }
}

/// Raft's log. A clone is the same log.
#[derive(Clone)]
pub(in super::super) struct LogStore {
    shared: Arc<Shared>,
    /// Whose it was when it was opened: nobody else's records are taken.
    owner: Owner,
}

struct Shared {
    log: wal::Log,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    /// The record after which `state` is.
    last: Lsn,
    /// Who waits for which record.
    flushed: VecDeque<(Lsn, LogFlushed<Types>)>,
}

impl LogStore {
    /// Opens the log of a replica, and folds what it finds.
    pub async fn open(
        replica: u64,
        disk: &Disk,
        options: wal::Options,
    ) -> Result<(LogStore, Writer), OpenError> {
        let (log, writer, recovered) = wal::open(disk, LOG, options).await?;
        let corrupt = |why| OpenError::Corrupt { file: LOG.to_owned(), offset: 0, why };
        let mut state = match recovered.snapshot {
            Some(snapshot) => {
                State::decode(&snapshot.state).ok_or_else(|| corrupt("the state is of another version"))?
            }
            None => State::default(),
        };
        for (_, record) in recovered.records {
            let record = versioned::decode(VERSION, &record);
            state.apply(record.ok_or_else(|| corrupt("a record is of another version"))?);
        }
        let owner = state.owner;
        // See the module above: who led must be elected again.
        let id = owner.member(replica);
        if let Some(vote) = state.vote.as_mut().filter(|vote| vote.leader_id.node_id == id) {
            vote.committed = false;
        }
        let last = log.last();
        let inner = Mutex::new(Inner { state, last, flushed: VecDeque::new() });
        Ok((LogStore { shared: Arc::new(Shared { log, inner }), owner }, writer))
    }

    /// Makes durable what is appended, and says so, until the log fails.
    pub async fn commit(self, mut writer: Writer, compact_bytes: u64) -> LogError {
        loop {
            match writer.commit().await {
                Ok(durable) => self.confirm(durable),
                Err(error) => return error,
            }
            if writer.bytes_since_snapshot() < compact_bytes {
                continue;
            }
            let (last, state) = {
                let inner = self.lock();
                (inner.last, inner.state.encode())
            };
            match writer.snapshot(last, &state).await {
                Ok(true) => {
                    sometimes!("raft log compacted");
                    self.confirm(last);
                }
                Ok(false) => {}
                Err(error) => return error,
            }
        }
    }

    /// The latest snapshot.
    pub fn snapshot(&self) -> Option<(Meta, Vec<u8>)> {
        self.lock().state.snapshot.clone()
    }

    /// Makes a snapshot durable.
    pub async fn save_snapshot(&self, meta: Meta, bytes: Vec<u8>) -> io::Result<()> {
        let lsn = self.record(Record::Snapshot(meta, bytes))?;
        self.shared.log.durable(lsn).await.map_err(io::Error::other)
    }

    /// Whose it is.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Forgets all, durably: from now on it is another's, who is to open it.
    pub async fn hand_over(&self, owner: Owner) -> io::Result<()> {
        let lsn = self.record(Record::Owner(owner))?;
        self.shared.log.durable(lsn).await.map_err(io::Error::other)
    }

    fn record(&self, record: Record) -> io::Result<Lsn> {
        let bytes = versioned::encode(VERSION, &record);
        let mut inner = self.lock();
        if inner.state.owner != self.owner {
            return Err(io::Error::other("the log is another member's"));
        }
        let lsn = self.shared.log.append(&bytes).map_err(|error| match error {
            AppendError::Full => io::Error::new(io::ErrorKind::StorageFull, "the log's disk is full"),
            other => io::Error::other(other),
        })?;
        inner.state.apply(record);
        inner.last = lsn;
        Ok(lsn)
    }

    fn confirm(&self, durable: Lsn) {
        let mut inner = self.lock();
        while inner.flushed.front().is_some_and(|(lsn, _)| *lsn <= durable) {
            if let Some((_, flushed)) = inner.flushed.pop_front() {
                flushed.log_io_completed(Ok(()));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Publishes that an entry changes the members. Those that the store begins with are no change.
fn publish_change(entry: &Entry<Types>) {
    let EntryPayload::Membership(membership) = &entry.payload else { return };
    if entry.log_id.index > 0 {
        let step = if membership.get_joint_config().len() > 1 { "joint" } else { "voters" };
        probe!(MEMBERS, step, membership.voter_ids().count() as u64, entry.log_id.index);
    }
}

fn write_failed(error: &io::Error) -> StorageError<u64> {
    StorageIOError::write_logs(error).into()
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> Result<Vec<Entry<Types>>, StorageError<u64>> {
        Ok(self.lock().state.entries.range(range).map(|(_, entry)| entry.clone()).collect())
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError<u64>> {
        let inner = self.lock();
        let last = inner.state.entries.last_key_value().map(|(_, entry)| *entry.get_log_id());
        let purged = inner.state.purged;
        Ok(LogState { last_purged_log_id: purged, last_log_id: last.or(purged) })
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote<u64>) -> Result<(), StorageError<u64>> {
        let failed = |error: io::Error| -> StorageError<u64> { StorageIOError::write_vote(&error).into() };
        probe!("vote", vote.leader_id.term, member::replica(vote.leader_id.node_id), vote.committed);
        let lsn = self.record(Record::Vote(*vote)).map_err(failed)?;
        self.shared.log.durable(lsn).await.map_err(|error| failed(io::Error::other(error)))
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<u64>>, StorageError<u64>> {
        Ok(self.lock().state.vote)
    }

    async fn append<I>(&mut self, entries: I, callback: LogFlushed<Types>) -> Result<(), StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut last = Lsn::default();
        for entry in entries {
            publish_change(&entry);
            last = self.record(Record::Entry(entry)).map_err(|error| write_failed(&error))?;
        }
        self.lock().flushed.push_back((last, callback));
        Ok(())
    }

    async fn truncate(&mut self, from: LogId<u64>) -> Result<(), StorageError<u64>> {
        sometimes!("raft log truncated");
        self.record(Record::Truncated(from.index)).map(drop).map_err(|error| write_failed(&error))
    }

    async fn purge(&mut self, upto: LogId<u64>) -> Result<(), StorageError<u64>> {
        tracing::debug!(owner = ?self.owner, upto = upto.index, "purged");
        self.record(Record::Purged(upto)).map(drop).map_err(|error| write_failed(&error))
    }
}
