//! A running database: one run of a process, from its start as a primary or a standby until it stops.
//!
//! One lock guards all that changes. Whatever happens is handled whole under it; nobody waits for the disk under it.
//! One task commits what was appended, and says so to whom it may concern. What happens under the lock is in
//! `engine/state.rs`.

mod named;
mod state;

pub(super) use named::Awaited;

use crate::common::Tasks;
use crate::common::transport::FRAME_BYTES_MAX;
use crate::common::versioned;
use crate::common::wal::{self, LogError, OpenError, Writer};
use crate::database::message::{
    Change, Condition, Entry, Obeyed, Refusal, Repair, Replication, Reply, Role, Start, Sync, Write,
};
use crate::database::options::Config;
use crate::database::rules::log::{Log, Record};
use crate::database::rules::timeline::Lsn;
use host::disk::Disk;
use host::time::Instant;
use host::{probe, sometimes};
use state::pop_if;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// The folder of the log.
const LOG: &str = "wal";
/// The version of what is in it.
const VERSION: u8 = 1;

/// A running database, as its tasks share it.
pub(super) struct Engine {
    pub config: Config,
    wal: wal::Log,
    inner: Mutex<Inner>,
    /// Whatever may interest a task has changed.
    changed: watch::Sender<()>,
    /// Connections, and the task that follows the upstream.
    pub tasks: Mutex<Tasks>,
}

/// What changes.
pub(super) struct Inner {
    pub role: Role,
    pub log: Log,
    pub durable: Lsn,
    /// The last record, and with which records the log is durable up to where.
    last_record: wal::Lsn,
    written: VecDeque<(wal::Lsn, Lsn)>,
    /// The contents as of the last entry: what conditions are compared with.
    tip: BTreeMap<String, String>,
    pub visible: Lsn,
    contents: BTreeMap<String, String>,
    /// What a primary found when it began: it serves nobody before that is visible.
    serves_from: Lsn,
    writers: VecDeque<Writing>,
    readers: Vec<(String, oneshot::Sender<Reply>)>,
    /// What is confirmed on each standby's connections: after a pause some may be long dead, and come to light late.
    standbys: BTreeMap<(u32, u64), Lsn>,
    sessions: u64,
    promoting: Option<(Lsn, oneshot::Sender<Obeyed>)>,
    /// Managers that wait until whom to wait for is written down.
    setting: VecDeque<(wal::Lsn, oneshot::Sender<Obeyed>)>,
    pub upstream: Option<SocketAddr>,
    pub repair: Repair,
    pub replication: Replication,
    /// Counts what this database was told to follow.
    pub told: u64,
    /// Counts cuts and copies: entries that were sent before may be gone.
    pub rewritten: u64,
    /// It has been told that its log has diverged, and nothing was done about it.
    pub knows_of_fork: bool,
    /// Whether writes wait for it, as its upstream said last.
    named: Awaited,
    watchdog: Option<Instant>,
}

/// A write that waits until it is visible.
struct Writing {
    lsn: Lsn,
    /// Its id; 0 if its condition did not hold.
    id: u64,
    to: oneshot::Sender<Reply>,
}

impl Engine {
    /// Recovers the log, and begins as a primary or a standby.
    pub async fn open(
        config: &Config,
        disk: &Disk,
        start: &Start,
    ) -> Result<(Arc<Engine>, Writer), OpenError> {
        let options = wal::Options {
            patience: config.options.disk_timeout,
            record_bytes_max: FRAME_BYTES_MAX,
            ..wal::Options::default()
        };
        let (wal, writer, recovered) = wal::open(disk, LOG, options).await?;
        let corrupt = |why| OpenError::Corrupt { file: LOG.to_owned(), offset: 0, why };
        let mut log: Log = match recovered.snapshot {
            Some(snapshot) => versioned::decode(VERSION, &snapshot.state)
                .ok_or_else(|| corrupt("the contents are of another version"))?,
            None => Log::default(),
        };
        for (_, record) in recovered.records {
            let record = versioned::decode(VERSION, &record);
            log.apply(record.ok_or_else(|| corrupt("a record is of another version"))?);
        }
        let (upstream, repair) = match start {
            Start::Primary => (None, Repair::No),
            Start::Standby { upstream, repair } => (*upstream, *repair),
        };
        probe!("recovered", log.last().0, log.history().last().unwrap_or_default().to_string());
        let inner = Inner { upstream, repair, ..Inner::of(log, wal.last()) };
        let (inner, changed) = (Mutex::new(inner), watch::Sender::new(()));
        let engine = Engine { config: config.clone(), wal, inner, changed, tasks: Mutex::default() };
        Ok((Arc::new(engine), writer))
    }

    /// Makes durable what is appended, lets go what waited for that, and writes the contents down. Ends when the log
    /// fails.
    pub async fn commit(&self, mut writer: Writer) -> LogError {
        loop {
            match writer.commit().await {
                Ok(record) => self.confirm(record),
                Err(error) => return error,
            }
            if writer.bytes_since_snapshot() < self.config.options.checkpoint_bytes {
                continue;
            }
            let (record, state) = {
                let mut inner = self.lock();
                let kept = Lsn(inner.log.last().0.saturating_sub(self.config.options.entries_kept));
                let upto = kept.min(inner.visible);
                inner.log.fold(upto);
                sometimes!("log cut to its base");
                (inner.last_record, versioned::encode(VERSION, &inner.log))
            };
            match writer.snapshot(record, &state).await {
                Ok(true) => self.confirm(record),
                Ok(false) => {}
                Err(error) => return error,
            }
        }
    }

    fn confirm(&self, record: wal::Lsn) {
        let mut inner = self.lock();
        while let Some((_, lsn)) = pop_if(&mut inner.written, |(written, _)| *written <= record) {
            inner.durable = lsn;
        }
        while let Some((_, done)) = pop_if(&mut inner.setting, |(written, _)| *written <= record) {
            let _ = done.send(Obeyed::Done);
        }
        inner.settle(self);
        drop(inner);
        self.tell();
    }

    /// What changed, changed: whoever waits looks again.
    pub fn tell(&self) {
        self.changed.send_replace(());
    }

    /// Says when something has changed since the last time.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client writes. The answer comes when it is visible.
    ///
    /// # Errors
    ///
    /// When nothing is written.
    pub fn write(&self, write: Write) -> Result<(Lsn, oneshot::Receiver<Reply>), Refusal> {
        write.check()?;
        let mut inner = self.lock();
        inner.serves()?;
        let (to, answer) = oneshot::channel();
        let holds = match &write.condition {
            Condition::None => true,
            Condition::Absent => !inner.tip.contains_key(&write.key),
            Condition::Is(value) => inner.tip.get(&write.key) == Some(value),
        };
        let mut id = 0;
        if holds {
            id = write.id;
            let timeline = inner.log.history().last().unwrap_or_default();
            let change = Change::Put { id, key: write.key, value: write.value };
            inner.append(self, Record::Entry(Entry { timeline, change }))?;
        }
        // What did not hold may not be visible yet either.
        let lsn = inner.log.last();
        inner.writers.push_back(Writing { lsn, id, to });
        inner.settle(self);
        Ok((lsn, answer))
    }

    /// A client reads what is visible.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn read(&self, key: String) -> Result<oneshot::Receiver<Reply>, Refusal> {
        let mut inner = self.lock();
        if inner.role != Role::Standby {
            inner.serves()?;
        }
        let (to, answer) = oneshot::channel();
        inner.readers.push((key, to));
        inner.settle(self);
        Ok(answer)
    }

    /// Gives up waiting for standbys: what this primary has is visible from now on, confirmed or not.
    pub fn give_up_waiting(&self, lsn: Lsn) {
        let mut inner = self.lock();
        let upto = lsn.min(inner.durable);
        inner.show(upto);
        inner.settle(self);
    }

    /// Begins as what it was started as.
    ///
    /// # Errors
    ///
    /// When the log cannot take the first entry.
    pub fn begin(&self, start: &Start, done: oneshot::Sender<Obeyed>) -> Result<(), Refusal> {
        let mut inner = self.lock();
        match start {
            Start::Primary if inner.log.last() == Lsn(0) => inner.promote(self, tag(), done)?,
            Start::Primary => {
                inner.become_primary(self);
                let _ = done.send(Obeyed::Done);
            }
            Start::Standby { .. } => {
                inner.role = Role::Standby;
                inner.publish_role();
                // What it has found is visible, whatever comes.
                inner.settle(self);
                let _ = done.send(Obeyed::Done);
            }
        }
        drop(inner);
        self.tell();
        Ok(())
    }

    /// A standby becomes the primary, on a new timeline.
    pub fn promote(&self, done: oneshot::Sender<Obeyed>) {
        let mut inner = self.lock();
        let answer = match inner.role {
            Role::Primary => Obeyed::Done,
            Role::Standby if inner.promoting.is_none() => match inner.promote(self, tag(), done) {
                Ok(()) => {
                    drop(inner);
                    return self.tell();
                }
                // The sender is gone, and so is whoever waits: it is told that there was no answer.
                Err(_) => return,
            },
            _ => Obeyed::No("it is about to become a primary".to_owned()),
        };
        let _ = done.send(answer);
    }

    /// Follows another upstream from now on.
    pub fn follow(&self, upstream: Option<SocketAddr>, repair: Repair) -> Obeyed {
        let mut inner = self.lock();
        if inner.role != Role::Standby || inner.promoting.is_some() {
            return Obeyed::No("it is no standby".to_owned());
        }
        if (inner.upstream, inner.repair) != (upstream, repair) {
            (inner.upstream, inner.repair, inner.replication) = (upstream, repair, Replication::Idle);
            inner.told += 1;
            drop(inner);
            self.tell();
        }
        Obeyed::Done
    }

    /// From now on, after a restart too, writes wait for these.
    pub fn set_sync(&self, sync: Sync, done: oneshot::Sender<Obeyed>) {
        let mut inner = self.lock();
        if *inner.log.sync() == sync && inner.setting.is_empty() {
            let _ = done.send(Obeyed::Done);
            return;
        }
        if let Err(refusal) = inner.append(self, Record::Sync(sync)) {
            let _ = done.send(Obeyed::No(refusal.to_string()));
            return;
        }
        let record = inner.last_record;
        inner.setting.push_back((record, done));
        inner.settle(self);
    }

    /// Arms the watchdog, or disarms it.
    pub fn pet(&self, within: Option<Duration>) -> Obeyed {
        let mut inner = self.lock();
        if inner.is_fenced() {
            return Obeyed::No("the watchdog has fired".to_owned());
        }
        inner.watchdog = within.map(|within| Instant::now() + within);
        drop(inner);
        self.tell();
        Obeyed::Done
    }

    /// Waits until the watchdog fires.
    pub async fn watchdog_fires(&self) {
        let mut changes = self.changes();
        loop {
            let deadline = self.lock().watchdog;
            let fires = async {
                match deadline {
                    Some(deadline) => host::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = fires => {
                    if self.lock().is_fenced() {
                        sometimes!("watchdog fired");
                        return;
                    }
                }
                _ = changes.changed() => {}
            }
        }
    }

    /// Takes no more requests, and waits until those standbys that stream have all that is here.
    pub async fn drain(&self) {
        self.lock().role = Role::Starting;
        let mut changes = self.changes();
        let drained = async {
            loop {
                {
                    let inner = self.lock();
                    if inner.confirmed_by().values().all(|confirmed| *confirmed >= inner.durable) {
                        return;
                    }
                }
                let _ = changes.changed().await;
            }
        };
        // Who is too slow for that gets it later.
        let _ = host::time::timeout(self.config.options.stop_timeout, drained).await;
    }

    /// A record that this database's upstream sent, or that a repair needs.
    ///
    /// # Errors
    ///
    /// When the log does not take it.
    pub fn append(&self, inner: &mut Inner, record: Record) -> Result<(), Refusal> {
        inner.append(self, record)?;
        inner.settle(self);
        Ok(())
    }
}

/// What tells a timeline from others of its number.
fn tag() -> u32 {
    host::entropy::u64() as u32
}
