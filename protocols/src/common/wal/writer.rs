//! Appending and committing: many hands on the [`Log`], one [`Writer`] at the disk.

use super::{
    Lsn, Options,
    error::{AppendError, LogError},
    format::{self, BLOCK_HEADER_BYTES, Segment},
    open::{floor, segment_name, snapshot_name},
};
use host::disk::{Disk, File, OpenOptions};
use std::{
    future::Future,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// How long a full disk is left alone before the writer tries again.
const FULL_RETRY: Duration = Duration::from_millis(100);

/// What is not in place yet has this name, and is removed when a log is opened.
pub(super) const UNFINISHED: &str = "unfinished";

/// The appending end of a log. A clone is the same log.
#[derive(Debug, Clone)]
pub struct Log(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    record_bytes_max: usize,
    ready: Notify,
    durable: watch::Sender<Result<Lsn, LogError>>,
}

#[derive(Debug)]
struct Queue {
    /// The next block: room for its header, then records.
    block: Vec<u8>,
    last: Lsn,
    full: bool,
    failed: Option<LogError>,
}

impl Shared {
    fn tell(&self, durable: Result<Lsn, LogError>) {
        // What was told before is of no interest.
        let _ = self.durable.send_replace(durable);
    }
}

impl Log {
    fn new(last: Lsn, options: &Options) -> Log {
        Log(Arc::new(Shared {
            queue: Mutex::new(Queue { block: Vec::new(), last, full: false, failed: None }),
            record_bytes_max: options.record_bytes_max,
            ready: Notify::new(),
            durable: watch::Sender::new(Ok(last)),
        }))
    }

    /// Queues a record, and returns its place. It is durable when a commit, or [`Log::durable`], says so.
    ///
    /// # Errors
    ///
    /// When the disk is full, the log has failed or the record is too long; the log is as it was.
    pub fn append(&self, record: &[u8]) -> Result<Lsn, AppendError> {
        let max = self.0.record_bytes_max;
        if record.len() > max {
            return Err(AppendError::TooLong { bytes: record.len(), max });
        }
        let mut queue = self.lock();
        if let Some(error) = &queue.failed {
            return Err(AppendError::Failed(error.clone()));
        }
        if queue.full {
            return Err(AppendError::Full);
        }
        if queue.block.is_empty() {
            queue.block.resize(BLOCK_HEADER_BYTES, 0);
            self.0.ready.notify_one();
        }
        queue.block.extend_from_slice(&(record.len() as u32).to_le_bytes());
        queue.block.extend_from_slice(record);
        queue.last = queue.last.next();
        Ok(queue.last)
    }

    /// The last record that was appended, durable or not.
    pub fn last(&self) -> Lsn {
        self.lock().last
    }

    /// Waits until a record is durable.
    ///
    /// # Errors
    ///
    /// When the log fails first: whether the record will be there when it is opened again is unknown.
    pub async fn durable(&self, lsn: Lsn) -> Result<(), LogError> {
        let mut durable = self.0.durable.subscribe();
        let reached = durable.wait_for(|durable| !matches!(durable, Ok(durable) if *durable < lsn)).await;
        reached.expect("the log holds the sender").clone().map(|_| ())
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl Log {
    /// An empty one that is never written: for rules that append, in tests.
    pub fn without_disk() -> Log {
        Log::new(Lsn(0), &Options::default())
    }
}

/// The end of a log that is at the disk. There is one, and it is given to a task of its own: a future of it that is
/// dropped before its end leaves the log as a crash would, and no call may follow.
#[derive(Debug)]
pub struct Writer {
    log: Log,
    disk: Disk,
    folder: String,
    options: Options,
    segment: Segment,
    file: File,
    /// Where the next block goes.
    end: u64,
    /// All that was committed.
    committed: Lsn,
    since_snapshot: u64,
    /// The segments that are there, by their first records, and the snapshots.
    segments: Vec<Lsn>,
    snapshots: Vec<Lsn>,
}

/// A log as it was found on the disk.
pub(super) struct Found {
    pub segments: Vec<Lsn>,
    pub snapshots: Vec<Lsn>,
    pub last: Lsn,
    /// The last segment and its bytes, to be written anew; none when there is none yet.
    pub tail: Option<(Segment, Vec<u8>)>,
    /// Bytes of blocks behind the snapshot.
    pub since_snapshot: u64,
}

impl Writer {
    /// Writes the last segment anew, or begins the first.
    pub(super) async fn new(
        disk: &Disk,
        folder: &str,
        options: Options,
        found: Found,
    ) -> io::Result<(Log, Writer)> {
        let Found { mut segments, snapshots, last, tail, since_snapshot } = found;
        let (segment, bytes) = tail.unwrap_or_else(|| new_segment(last.next()));
        if segments.last() != Some(&segment.first) {
            segments.push(segment.first);
        }
        let name = segment_name(folder, segment.first);
        let file = put_in_place(disk, folder, &name, &bytes).await?;
        let (log, end) = (Log::new(last, &options), bytes.len() as u64);
        let (disk, folder) = (disk.clone(), folder.to_owned());
        let writer = Writer {
            log: log.clone(),
            disk,
            folder,
            options,
            segment,
            file,
            end,
            committed: last,
            since_snapshot,
            segments,
            snapshots,
        };
        Ok((log, writer))
    }

    /// Waits until there is something to write, makes all of it durable, and returns its last record. While the disk
    /// is full that takes until it has room.
    ///
    /// # Errors
    ///
    /// When the disk fails. The log has failed then; every later call says so again.
    pub async fn commit(&mut self) -> Result<Lsn, LogError> {
        let (mut block, last) = self.next_block().await?;
        self.segment.seal(&mut block, self.committed.next());
        let committed = self.write(&block).await;
        self.unless_failed(committed)?;
        self.end += block.len() as u64;
        self.since_snapshot += block.len() as u64;
        self.committed = last;
        self.log.0.tell(Ok(last));
        if self.end >= self.options.segment_bytes {
            let rotated = within(self.options.patience, self.rotate()).await;
            self.unless_failed(rotated)?;
        }
        Ok(last)
    }

    /// Bytes written since the last snapshot: what [`open`](super::open()) would have to read on top of it.
    pub fn bytes_since_snapshot(&self) -> u64 {
        self.since_snapshot
    }

    /// Replaces all records up to `upto` by the state that they led to, and forgets them; records that are not
    /// committed yet may be among them. Without room for that, nothing changes, and the answer is `false`.
    ///
    /// # Errors
    ///
    /// When the disk fails; as in [`commit`](Writer::commit).
    ///
    /// # Panics
    ///
    /// When `upto` is beyond the last record.
    pub async fn snapshot(&mut self, upto: Lsn, state: &[u8]) -> Result<bool, LogError> {
        assert!(upto <= self.log.last(), "a snapshot of records to come");
        let done = within(self.options.patience, self.try_snapshot(upto, state)).await;
        self.unless_failed(done)
    }

    async fn try_snapshot(&mut self, upto: Lsn, state: &[u8]) -> io::Result<bool> {
        let bytes = format::snapshot(upto, state);
        let name = snapshot_name(&self.folder, upto);
        match put_in_place(&self.disk, &self.folder, &name, &bytes).await {
            Ok(_) => {}
            Err(error) if is_full(&error) => {
                self.remove_unfinished().await?;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        if self.snapshots.last() != Some(&upto) {
            self.snapshots.push(upto);
        }
        self.since_snapshot = 0;
        if self.end > format::SEGMENT_HEADER_BYTES as u64 && !self.rotate().await? {
            return Ok(true);
        }
        // A segment ends where the next begins.
        let floor = floor(&self.snapshots, &self.options);
        let covered = self.segments.windows(2).take_while(|pair| pair[1] <= floor.next()).count();
        for first in self.segments.drain(..covered) {
            self.disk.remove_file(segment_name(&self.folder, first)).await?;
        }
        let older = self.snapshots.len().saturating_sub(self.options.snapshots_kept);
        for replaced in self.snapshots.drain(..older) {
            self.disk.remove_file(snapshot_name(&self.folder, replaced)).await?;
        }
        self.disk.sync_dir(&self.folder).await?;
        Ok(true)
    }

    /// All that is queued.
    async fn next_block(&mut self) -> Result<(Vec<u8>, Lsn), LogError> {
        self.ready().await;
        let mut queue = self.log.lock();
        match &queue.failed {
            Some(error) => Err(error.clone()),
            None => Ok((std::mem::take(&mut queue.block), queue.last)),
        }
    }

    /// Waits until there is something to write, or the log has failed: until [`commit`](Writer::commit) does not wait
    /// for that. Safe to cancel.
    pub async fn ready(&self) {
        loop {
            {
                let queue = self.log.lock();
                if queue.failed.is_some() || !queue.block.is_empty() {
                    return;
                }
            }
            self.log.0.ready.notified().await;
        }
    }

    /// Writes a block and syncs it, however long the disk has no room for it.
    async fn write(&mut self, block: &[u8]) -> io::Result<()> {
        loop {
            let (file, end) = (&self.file, self.end);
            let written = async {
                file.write_all_at(block, end).await?;
                file.sync_data().await
            };
            let cut_off = match within(self.options.patience, written).await {
                Err(error) if is_full(&error) => within(self.options.patience, file.set_len(end)).await,
                done => {
                    self.log.lock().full = false;
                    return done;
                }
            };
            self.log.lock().full = true;
            cut_off?;
            host::time::sleep(FULL_RETRY).await;
        }
    }

    /// Begins the next segment. Without room for it the present one goes on, and the answer is `false`.
    async fn rotate(&mut self) -> io::Result<bool> {
        let (segment, header) = new_segment(self.committed.next());
        let name = segment_name(&self.folder, segment.first);
        match put_in_place(&self.disk, &self.folder, &name, &header).await {
            Ok(file) => {
                (self.segment, self.file, self.end) = (segment, file, header.len() as u64);
                self.segments.push(segment.first);
                Ok(true)
            }
            Err(error) if is_full(&error) => {
                self.remove_unfinished().await?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn remove_unfinished(&self) -> io::Result<()> {
        match self.disk.remove_file(format!("{}/{UNFINISHED}", self.folder)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// An error makes the log fail for good.
    fn unless_failed<T>(&self, result: io::Result<T>) -> Result<T, LogError> {
        result.map_err(|error| {
            let error = LogError(Arc::new(error));
            self.log.lock().failed = Some(error.clone());
            self.log.0.tell(Err(error.clone()));
            error
        })
    }
}

fn new_segment(first: Lsn) -> (Segment, Vec<u8>) {
    let segment = Segment { salt: host::entropy::u64(), first };
    (segment, segment.header())
}

/// Writes a file so that a crash leaves all of it or nothing, and returns it open for more.
async fn put_in_place(disk: &Disk, folder: &str, name: &str, bytes: &[u8]) -> io::Result<File> {
    let unfinished = format!("{folder}/{UNFINISHED}");
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(true);
    let file = options.open(disk, &unfinished).await?;
    file.write_all_at(bytes, 0).await?;
    file.sync_all().await?;
    disk.rename(&unfinished, name).await?;
    disk.sync_dir(folder).await?;
    Ok(file)
}

/// Waits for a disk, but not for ever.
async fn within<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    host::time::timeout(patience, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::WriteZero | io::ErrorKind::QuotaExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn a_disk_that_has_no_room_says_so_and_every_other_error_is_a_failure() {
        use io::ErrorKind::{
            NotFound, Other, QuotaExceeded, StorageFull, TimedOut, UnexpectedEof, WriteZero,
        };
        let is_full = |kind: io::ErrorKind| is_full(&kind.into());
        assert!([StorageFull, WriteZero, QuotaExceeded].map(is_full).into_iter().all(|full| full));
        assert!(![NotFound, Other, TimedOut, UnexpectedEof].map(is_full).into_iter().any(|full| full));
    }

    #[test]
    fn a_record_is_durable_when_a_commit_reaches_it_and_unknown_when_the_log_fails_first() {
        let log = Log::new(Lsn(3), &Options::default());
        assert!(log.durable(Lsn(3)).now_or_never().unwrap().is_ok(), "it was found");
        assert_eq!([&b"a"[..], b"b"].map(|record| log.append(record).unwrap()), [Lsn(4), Lsn(5)]);
        let (mut first, mut second) = (Box::pin(log.durable(Lsn(4))), Box::pin(log.durable(Lsn(5))));
        assert!(first.as_mut().now_or_never().is_none());
        log.0.tell(Ok(Lsn(4)));
        assert!(first.now_or_never().unwrap().is_ok());
        assert!(second.as_mut().now_or_never().is_none());
        log.0.tell(Err(LogError(Arc::new(io::ErrorKind::Other.into()))));
        assert!(second.now_or_never().unwrap().is_err());
    }
}
