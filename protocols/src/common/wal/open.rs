//! Recovery: from what is on the disk to a log that goes on.

use super::{
    Lsn, Options,
    error::OpenError,
    format::{self, SEGMENT_HEADER_BYTES, Segment},
    writer::{Found, Log, UNFINISHED, Writer},
};
use host::disk::Disk;
use std::{
    io,
    path::Path,
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
};

/// What a log had in it.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The state that the snapshot holds.
    pub snapshot: Option<Snapshot>,
    /// The records after it, in order.
    pub records: Vec<(Lsn, Vec<u8>)>,
    /// How many bytes of a torn tail were cut.
    pub cut_bytes: u64,
}

/// A state that stands for all records up to one.
#[derive(Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record in it.
    pub upto: Lsn,
    /// The state, as it was given to [`Writer::snapshot`].
    pub state: Vec<u8>,
}

/// What a log has in it, piece by piece: at most one snapshot, and then the records after it, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A state that stands for all records up to one.
    Snapshot {
        /// The last record in it.
        upto: Lsn,
        /// The state, as it was given to [`Writer::snapshot`].
        state: &'a [u8],
    },
    /// A record.
    Record(Lsn, &'a [u8]),
}

/// What was found besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// How many bytes of a torn tail were cut.
    pub cut_bytes: u64,
    /// The snapshots that could not be read, where an older one and the log led to the same state. They are kept, under
    /// these names.
    pub set_aside: Vec<String>,
}

/// Opens the log in a folder of the disk, or begins one. All that it returns is durable.
///
/// # Errors
///
/// [`OpenError::Io`] when the disk fails or is full, and it can be tried again; [`OpenError::Corrupt`] and
/// [`OpenError::Missing`] when it has not kept what it had promised to keep, and trying again does not help. Nothing
/// but unfinished files has been removed.
pub async fn open(
    disk: &Disk,
    folder: &str,
    options: Options,
) -> Result<(Log, Writer, Recovered), OpenError> {
    let mut recovered = Recovered::default();
    let mut each = |piece: Piece<'_>| {
        match piece {
            Piece::Snapshot { upto, state } => {
                recovered.snapshot = Some(Snapshot { upto, state: state.to_vec() });
            }
            Piece::Record(lsn, record) => recovered.records.push((lsn, record.to_vec())),
        }
        Ok(())
    };
    let opened = host::time::timeout(options.patience, try_open(disk, folder, options, &mut each)).await;
    let (log, writer, opened) =
        opened.unwrap_or_else(|_| Err(OpenError::io(folder, io::ErrorKind::TimedOut.into())))?;
    Ok((log, writer, Recovered { cut_bytes: opened.cut_bytes, ..recovered }))
}

/// The same, with the log given to `each` as it is read, a segment in memory at a time. What is read is given before it
/// is durable; once this returns, it is.
///
/// # Errors
///
/// As [`open`], and [`OpenError::Refused`] with what `each` refuses. The disk's time runs out when nothing was read for
/// so long.
pub async fn open_each(
    disk: &Disk,
    folder: &str,
    options: Options,
    mut each: impl FnMut(Piece<'_>) -> Result<(), String> + Send,
) -> Result<(Log, Writer, Opened), OpenError> {
    let read = AtomicU64::new(0);
    let mut counted = |piece: Piece<'_>| {
        read.fetch_add(1, Ordering::Relaxed);
        each(piece)
    };
    let mut opening = pin!(try_open(disk, folder, options, &mut counted));
    let mut seen = None;
    loop {
        if let Ok(opened) = host::time::timeout(options.patience, &mut opening).await {
            return opened;
        }
        let now = read.load(Ordering::Relaxed);
        if seen.replace(now) == Some(now) || now == 0 {
            return Err(OpenError::io(folder, io::ErrorKind::TimedOut.into()));
        }
    }
}

async fn try_open(
    disk: &Disk,
    folder: &str,
    options: Options,
    each: &mut (dyn FnMut(Piece<'_>) -> Result<(), String> + Send),
) -> Result<(Log, Writer, Opened), OpenError> {
    let of_folder = |error| OpenError::io(folder, error);
    disk.create_dir_all(folder).await.map_err(of_folder)?;
    for parent in Path::new(folder).ancestors().skip(1) {
        disk.sync_dir(parent).await.map_err(of_folder)?;
    }
    let names = disk.read_dir(folder).await.map_err(of_folder)?;
    let (mut segments, mut snapshots) = (Vec::new(), Vec::new());
    for name in names.iter().filter_map(|name| name.to_str()) {
        match name.split_once('.').map(|(number, kind)| (u64::from_str_radix(number, 16), kind)) {
            Some((Ok(first), SEGMENT)) => segments.push(Lsn(first)),
            Some((Ok(upto), SNAPSHOT)) => snapshots.push(Lsn(upto)),
            _ if name == UNFINISHED => {
                disk.remove_file(format!("{folder}/{name}")).await.map_err(of_folder)?;
            }
            _ => {}
        }
    }
    let mut reader =
        Reader { disk, folder, options, next: Lsn(1), each, opened: Opened::default(), since_snapshot: 0 };
    let unreadable = reader.read_newest(&mut snapshots).await?;
    // Of the segments that end within the snapshot none is needed, unless for an older one: a segment ends where the
    // next begins.
    let covers = |upto: Lsn| segments.windows(2).take_while(|pair| pair[1] <= upto.next()).count();
    let (covered, needless) = (covers(Lsn(reader.next.0 - 1)), covers(floor(&snapshots, &options)));
    let mut for_older: Vec<Lsn> = segments.drain(..covered).collect();
    let mut stale: Vec<String> =
        for_older.drain(..needless.min(covered)).map(|first| segment_name(folder, first)).collect();
    let older = snapshots.len().saturating_sub(options.snapshots_kept);
    stale.extend(snapshots.drain(..older).map(|upto| snapshot_name(folder, upto)));
    let (mut tail, mut unread) = (None, None);
    for (index, first) in segments.iter().enumerate() {
        let is_last = index + 1 == segments.len();
        let read = reader.read_segment(*first, is_last).await;
        // What is missing is what the snapshot had that could not be read.
        let read = match (read, unreadable.first()) {
            (Err(OpenError::Missing { .. }), Some(upto)) => {
                return Err(OpenError::corrupt(&snapshot_name(folder, *upto), 0, NOT_A_SNAPSHOT));
            }
            (read, _) => read?,
        };
        unread = (read.stops_short && !is_last).then_some(index + 1);
        tail = Some(read);
        if unread.is_some() {
            break;
        }
    }
    segments.truncate(unread.unwrap_or(segments.len()));
    // The snapshot has records that were never written: nothing can follow the last block.
    if tail.take_if(|tail: &mut Tail| tail.next < reader.next).is_some() {
        stale.extend(segments.pop().map(|first| segment_name(folder, first)));
    }
    let last = Lsn(reader.next.0 - 1);
    let (since_snapshot, mut opened) = (reader.since_snapshot, reader.opened);
    let tail = tail.map(|tail| (tail.segment, tail.bytes));
    for_older.append(&mut segments);
    let found = Found { segments: for_older, snapshots, last, tail, since_snapshot };
    let (log, writer) = Writer::new(disk, folder, options, found).await.map_err(of_folder)?;
    for upto in unreadable {
        let (name, aside) = (snapshot_name(folder, upto), format!("{folder}/{:016x}.{UNREADABLE}", upto.0));
        disk.rename(&name, &aside).await.map_err(|error| OpenError::io(&name, error))?;
        opened.set_aside.push(aside);
    }
    for name in stale {
        disk.remove_file(&name).await.map_err(|error| OpenError::io(&name, error))?;
    }
    Ok((log, writer, opened))
}

/// Up to here no record is needed any more, with these snapshots.
pub(super) fn floor(snapshots: &[Lsn], options: &Options) -> Lsn {
    let oldest_kept = snapshots.len().checked_sub(options.snapshots_kept);
    oldest_kept.and_then(|index| snapshots.get(index)).copied().unwrap_or_default()
}

const NOT_A_SNAPSHOT: &str = "the snapshot does not match its checksum";

const SEGMENT: &str = "log";
const SNAPSHOT: &str = "snapshot";
const UNREADABLE: &str = "unreadable";

pub(super) fn segment_name(folder: &str, first: Lsn) -> String {
    format!("{folder}/{:016x}.{SEGMENT}", first.0)
}

pub(super) fn snapshot_name(folder: &str, upto: Lsn) -> String {
    format!("{folder}/{:016x}.{SNAPSHOT}", upto.0)
}

/// A segment, and what can follow it.
struct Tail {
    segment: Segment,
    bytes: Vec<u8>,
    next: Lsn,
    /// A block did not check out, and what is behind it was not read.
    stops_short: bool,
}

struct Reader<'a> {
    disk: &'a Disk,
    folder: &'a str,
    options: Options,
    /// The record that should come next.
    next: Lsn,
    each: &'a mut (dyn FnMut(Piece<'_>) -> Result<(), String> + Send),
    opened: Opened,
    since_snapshot: u64,
}

impl Reader<'_> {
    /// Reads the newest snapshot that can be read. Those that cannot, if there may be another way, are taken from the
    /// list and returned.
    async fn read_newest(&mut self, snapshots: &mut Vec<Lsn>) -> Result<Vec<Lsn>, OpenError> {
        let mut unreadable = Vec::new();
        while let Some(upto) = snapshots.last().copied() {
            match self.read_snapshot(upto).await {
                Err(OpenError::Corrupt { .. }) if self.options.snapshots_kept > 1 => {
                    unreadable.extend(snapshots.pop());
                }
                read => return read.map(|()| unreadable),
            }
        }
        Ok(unreadable)
    }

    fn give(&mut self, file: &str, piece: Piece<'_>) -> Result<(), OpenError> {
        (self.each)(piece).map_err(|why| OpenError::Refused { file: file.to_owned(), why })
    }

    async fn read_snapshot(&mut self, upto: Lsn) -> Result<(), OpenError> {
        let name = snapshot_name(self.folder, upto);
        let bytes = self.disk.read(&name).await.map_err(|error| OpenError::io(&name, error))?;
        match format::read_snapshot(bytes) {
            Some((told, state)) if told == upto => {
                self.give(&name, Piece::Snapshot { upto, state: &state })?;
                self.next = upto.next();
                Ok(())
            }
            _ => Err(OpenError::corrupt(&name, 0, NOT_A_SNAPSHOT)),
        }
    }

    /// Reads the records of a segment that are not in the snapshot. Returns what of it is worth keeping.
    async fn read_segment(&mut self, first: Lsn, is_last: bool) -> Result<Tail, OpenError> {
        let name = segment_name(self.folder, first);
        let mut bytes = self.disk.read(&name).await.map_err(|error| OpenError::io(&name, error))?;
        let segment = Segment::read(&bytes)
            .filter(|segment| segment.first == first)
            .ok_or_else(|| OpenError::corrupt(&name, 0, "the header does not match its checksum"))?;
        if first > self.next {
            return Err(OpenError::Missing { file: name, expected: self.next, found: first });
        }
        let (mut at, mut lsn) = (SEGMENT_HEADER_BYTES, first);
        while at < bytes.len() {
            let Some(block) = segment.block(&bytes, at) else { break };
            if block.first != lsn {
                return Err(OpenError::corrupt(&name, at, "the block is not the next one"));
            }
            for record in block.records() {
                let Some(record) = record else {
                    return Err(OpenError::corrupt(&name, at, "a record leads out of its block"));
                };
                if lsn >= self.next {
                    self.give(&name, Piece::Record(lsn, record))?;
                    self.next = lsn.next();
                }
                lsn = lsn.next();
            }
            self.since_snapshot += (block.end - at) as u64;
            at = block.end;
        }
        let stops_short = at < bytes.len();
        if stops_short && !self.options.keeps_torn_tail {
            if !is_last {
                return Err(OpenError::corrupt(&name, at, "the block does not match its checksum"));
            }
            if segment.has_block_behind(&bytes, at) {
                return Err(OpenError::corrupt(
                    &name,
                    at,
                    "the block does not match its checksum, and others follow",
                ));
            }
            self.opened.cut_bytes += (bytes.len() - at) as u64;
            bytes.truncate(at);
        }
        Ok(Tail { segment, bytes, next: lsn, stops_short })
    }
}
