//! State on a disk: the fold of a log. What is told of it waits until the log is durable.

use crate::common::wal::{self, AppendError, Log, LogError, Lsn, OpenError, Writer};
use crate::pipeline::message::{Arrival, LineId};
use crate::pipeline::options::Options;
use crate::pipeline::rules::{Kept, Objects, Record};
use host::disk::Disk;
use host::{probe, sometimes};
use serde::{Serialize, de::DeserializeOwned};
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The folder of the log.
const LOG: &str = "log";

/// What a log folds to.
pub(in crate::pipeline) trait Fold:
    Default + Serialize + DeserializeOwned + Send + 'static
{
    type Record: Serialize + DeserializeOwned;

    fn fold(&mut self, record: Self::Record);
}

impl Fold for Objects {
    type Record = Record;

    fn fold(&mut self, record: Record) {
        self.apply(record);
    }
}

impl Fold for Kept {
    type Record = (LineId, Arrival);

    fn fold(&mut self, record: Self::Record) {
        self.apply(record);
    }
}

/// State, and the log that it is the fold of.
pub(in crate::pipeline) struct Durable<S> {
    inner: Mutex<Inner<S>>,
    log: Log,
    snapshot_bytes: u64,
    changed: Notify,
}

/// What the lock guards.
pub(in crate::pipeline) struct Inner<S> {
    pub state: S,
    log: Log,
}

/// Opens the log and lives with it; when the disk fails, begins anew with what it says.
///
/// # Errors
///
/// When the log is corrupt: what it has lost nobody else can tell.
pub(super) async fn lives<S: Fold, F: Future<Output = ()>>(
    disk: &Disk,
    options: &Options,
    life: impl Fn(Arc<Durable<S>>) -> F,
) -> io::Result<()> {
    loop {
        let error: Box<dyn std::error::Error + Send + Sync> = match Durable::open(disk, options).await {
            Ok((durable, writer)) => tokio::select! {
                biased;
                error = durable.commit(writer) => error.into(),
                () = life(Arc::clone(&durable)) => unreachable!("it has no end"),
            },
            Err(error @ OpenError::Io { .. }) => error.into(),
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        };
        sometimes!("begins anew after its disk failed");
        tracing::warn!(%error, "begins anew");
        host::time::sleep(options.retry).await;
    }
}

impl<S: Fold> Durable<S> {
    async fn open(disk: &Disk, options: &Options) -> Result<(Arc<Self>, Writer), OpenError> {
        let wal_options = wal::Options {
            segment_bytes: options.segment_bytes,
            patience: options.disk_timeout,
            ..wal::Options::default()
        };
        let (log, writer, recovered) = wal::open(disk, LOG, wal_options).await?;
        let unreadable = |why| OpenError::Corrupt { file: LOG.to_owned(), offset: 0, why };
        let mut state = match recovered.snapshot {
            Some(snapshot) => postcard::from_bytes(&snapshot.state)
                .map_err(|_| unreadable("the snapshot is of another version"))?,
            None => S::default(),
        };
        for (_, record) in recovered.records {
            let record = postcard::from_bytes(&record);
            state.fold(record.map_err(|_| unreadable("a record is of another version"))?);
        }
        probe!("recovered", log.last().0);
        let inner = Mutex::new(Inner { state, log: log.clone() });
        let snapshot_bytes = options.snapshot_bytes;
        Ok((Arc::new(Durable { inner, log, snapshot_bytes, changed: Notify::new() }), writer))
    }

    /// Makes durable what is appended, and writes snapshots. Ends when the log fails.
    async fn commit(&self, mut writer: Writer) -> LogError {
        let mut enough = self.snapshot_bytes;
        loop {
            if let Err(error) = writer.commit().await {
                return error;
            }
            if writer.bytes_since_snapshot() < enough {
                continue;
            }
            let (upto, state) = {
                let inner = self.lock();
                (inner.last(), postcard::to_stdvec(&inner.state).expect("states are plain data"))
            };
            // Much is not written again for every few records.
            enough = self.snapshot_bytes.max(state.len() as u64 / 2);
            match writer.snapshot(upto, &state).await {
                Ok(true) => sometimes!("snapshot written"),
                Ok(false) => sometimes!("no room for a snapshot"),
                Err(error) => return error,
            }
        }
    }

    /// Waits until all records up to one are durable.
    ///
    /// # Errors
    ///
    /// When the log fails.
    pub async fn durable(&self, lsn: Lsn) -> Result<(), LogError> {
        self.log.durable(lsn).await
    }

    /// Waits until something has been written, if nothing was since the last time.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Appends a record, and does what it says.
    ///
    /// # Errors
    ///
    /// When it cannot be appended; nothing has changed.
    pub fn write(&self, inner: &mut Inner<S>, record: S::Record) -> Result<(), AppendError> {
        let bytes = postcard::to_stdvec(&record).expect("records are plain data");
        self.log.append(&bytes).inspect_err(|error| {
            if matches!(error, AppendError::Full) {
                sometimes!("refused as the disk is full");
            }
        })?;
        inner.state.fold(record);
        self.changed.notify_one();
        Ok(())
    }
}

impl<S> Durable<S> {
    pub fn lock(&self) -> MutexGuard<'_, Inner<S>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Inner<S> {
    /// The last record.
    pub fn last(&self) -> Lsn {
        self.log.last()
    }
}
