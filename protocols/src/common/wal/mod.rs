//! A write-ahead log: records that survive what a machine survives, in the order in which they were appended.
//!
//! # The promise
//!
//! * A record that [`Writer::commit`] has returned is there after any crash or loss of power. What was appended after
//!   it is there up to some record, and not beyond: a prefix, never a hole.
//! * What cannot be read any more is *reported*, with file and offset ([`OpenError::Corrupt`]), and never skipped.
//! * What was not written because the disk is full is not half written: the log waits for room, and refuses more.
//!
//! # The format
//!
//! A log is a folder. A *segment*, named by the number of its first record, begins with a header (magic, salt, first
//! record, CRC) and goes on with *blocks*. A block is what one commit wrote: a header (magic, CRC, length, first
//! record) and its records, each with its length before it. The CRC covers the segment's random salt, the header and
//! the records: a block of another segment, or one that a user stored as data, is none of ours. A *snapshot*, named by
//! the last record that it contains, replaces all records up to it; where [`Options::snapshots_kept`] says so, the one
//! before stays, with the records behind it.
//!
//! # Group commit
//!
//! [`Log::append`] never waits: it queues. One [`Writer`] takes all that is queued, writes it as one block, and syncs
//! once. The next block is written after that sync. So of all blocks only the *last* can be torn, and a block that does
//! not check out with one behind it that does is not a crash but a disk that lost what it had promised to keep.
//!
//! # Recovery
//!
//! [`open`] reads the newest snapshot and all segments behind it; [`open_each`] does so with a segment in memory at a
//! time. The torn tail of the last segment is cut. The rest of it is
//! *written anew*, to another file that is synced and renamed over it, before anything is said about it: after a sync
//! that failed, and after the death of a process without a loss of power, a reader sees bytes that are in the page
//! cache and not on the disk, and no later sync would write them (Rebello et al., *Can Applications Recover from fsync
//! Failures?*, ATC '20). Segments before the last were synced before the last was made.
//!
//! # Failure
//!
//! * **No room** (`ENOSPC`): the half-written block is cut off again, and the writer tries again every 100 ms.
//!   Meanwhile [`Log::append`] refuses. What was queued before is neither lost nor refused: it is late.
//! * **Anything else**, a failed sync first of all, or a disk that does not answer: what is on the disk is unknown, and
//!   the log is *failed* for good. The way on is to drop it and all that was derived from it, and to [`open`] it again.
//!
//! # What it gives up
//!
//! A flipped bit in the very last block looks like a torn write, and costs that block without a word: to tell the two
//! apart takes a second place that says what was committed, such as a replica. A commit waits while a snapshot is
//! written. Nothing is ever taken back: who must, as Raft's followers, appends a record that says so.

mod error;
mod format;
mod open;
mod writer;

pub use error::{AppendError, LogError, OpenError};
pub use open::{Opened, Piece, Recovered, Snapshot, open, open_each};
pub use writer::{Log, Writer};

use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// The place of a record: the first is 1. 0 is the place before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lsn(pub u64);

impl Lsn {
    fn next(self) -> Lsn {
        Lsn(self.0 + 1)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The sizes of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// After so many bytes a segment is full, and the next is begun. 1 MiB. It is also what [`open`] writes anew.
    pub segment_bytes: u64,
    /// The longest record, in bytes. 16 MiB.
    pub record_bytes_max: usize,
    /// A disk that has not answered after so long has failed. 5 s.
    pub patience: Duration,
    /// So many snapshots are kept, each with the records behind it: where the newest cannot be read, an older one and
    /// the log lead to the same state. 1: there is no older one.
    pub snapshots_kept: usize,
    /// A known defect, switched on: the torn tail is not cut, and what comes after it is never read.
    pub keeps_torn_tail: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            segment_bytes: 1 << 20,
            record_bytes_max: 16 << 20,
            patience: Duration::from_secs(5),
            snapshots_kept: 1,
            keeps_torn_tail: false,
        }
    }
}
