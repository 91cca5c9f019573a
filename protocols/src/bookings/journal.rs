//! The log of a service on its disk, and what follows from it: opened by a node, by who looks into it, and measured.
//!
//! A line is a byte that says its format, and then what it says ([`Entry`]), or a whole state that stands for all lines
//! before it: a standby that had gone its own way cannot take lines back, and writes that down. A line of a later format
//! is refused, for who wrote it knew more than we do. A line of ours that nobody can read is *poison*: it is set aside,
//! and stays where it is.

use super::{
    message::{Answer, Command, Entry, Id, Record, Version},
    options::{Flaw, Options},
    refusal::Refusal,
    rules::{self, Booking, Books, Decision, Misplaced, Poison},
};
use crate::common::{
    versioned,
    wal::{self, AppendError, Log, Lsn, OpenError, Opened, Piece, Writer},
};
use host::disk::Disk;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The folder of the log.
pub(super) const LOG: &str = "log";

/// The format of lines and snapshots. Later ones are not understood.
const FORMAT: u8 = 1;

/// How many of the latest lines are at hand for a standby; who lacks more gets the state.
pub(super) const RECENT_MAX: usize = 4096;

/// A standby's state is one line.
const LINE_BYTES_MAX: usize = 64 << 20;

/// Why a log is of no use. Nothing in it has changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk has failed, or has not kept what it promised.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A later version of this program wrote it.
    #[error("line {line} is of format {found}, and {FORMAT} is the latest that is known here")]
    Newer {
        /// Its place among the records.
        line: Lsn,
        /// What it says.
        found: u8,
    },
    /// A snapshot is not what was written.
    #[error("the snapshot of line {line} is none")]
    Snapshot {
        /// The last line in it.
        line: Lsn,
    },
    /// A line is not the next one.
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
    /// The first night on offer is none.
    #[error("first_night: {0}")]
    Offer(#[from] Refusal),
    /// The disk is full, or the log fails.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The flaw [`Flaw::PoisonLoop`]: replay ends at a command that cannot be done.
    #[error("line {0} cannot be replayed")]
    Poison(Version),
}

/// What is written as one record.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Line {
    Entry(Entry),
    /// The state that stands for all lines before.
    Base(Vec<u8>),
}

impl Line {
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(FORMAT, self)
    }

    /// Reads a line that stands here. What cannot be read is a line, too.
    ///
    /// # Errors
    ///
    /// The format, if it is a later one.
    pub fn decode(bytes: &[u8], stands_at: Version) -> Result<Line, u8> {
        match bytes.first() {
            Some(found) if *found > FORMAT => Err(*found),
            _ => Ok(versioned::decode(FORMAT, bytes).unwrap_or_else(|| {
                Line::Entry(Entry { version: stands_at, record: Record::Unreadable(bytes.to_vec()) })
            })),
        }
    }
}

/// A line that was read or written lately.
#[derive(Debug, Clone)]
pub(super) struct Recent {
    pub lsn: Lsn,
    pub entry: Entry,
    pub bytes: Vec<u8>,
}

/// The log of a service that does not run, open, with the state that it leads to.
pub struct Journal {
    pub(super) books: Books,
    pub(super) log: Log,
    pub(super) writer: Writer,
    pub(super) opened: Opened,
    /// The line that the snapshot ends with.
    pub(super) snapshot: Version,
    /// The last lines, as many as are at hand.
    pub(super) recent: VecDeque<Recent>,
}

/// Reads a log line by line: what it holds in memory is the state.
struct Fold {
    books: Books,
    flaw: Option<Flaw>,
    snapshot: Version,
    recent: VecDeque<Recent>,
    /// Lines that a flaw puts in another order.
    held: Vec<(u64, Entry)>,
    error: Option<JournalError>,
}

impl Fold {
    fn read(&mut self, piece: Piece<'_>) -> Result<(), JournalError> {
        match piece {
            Piece::Snapshot { upto, state } => self.restore(upto, state),
            Piece::Record(lsn, record) => {
                let next = self.books.state().version.next();
                match Line::decode(record, next).map_err(|found| JournalError::Newer { line: lsn, found })? {
                    Line::Entry(entry) => self.replay(lsn, entry, record),
                    Line::Base(state) => {
                        self.recent.clear();
                        if self.books.restore(&state) {
                            Ok(())
                        } else {
                            Err(JournalError::Snapshot { line: lsn })
                        }
                    }
                }
            }
        }
    }

    fn restore(&mut self, upto: Lsn, state: &[u8]) -> Result<(), JournalError> {
        let (format, state) = state.split_first().ok_or(JournalError::Snapshot { line: upto })?;
        if *format > FORMAT {
            return Err(JournalError::Newer { line: upto, found: *format });
        }
        if *format != FORMAT || !self.books.restore(state) {
            return Err(JournalError::Snapshot { line: upto });
        }
        self.snapshot = self.books.state().version;
        Ok(())
    }

    fn replay(&mut self, lsn: Lsn, entry: Entry, bytes: &[u8]) -> Result<(), JournalError> {
        match self.flaw {
            Some(Flaw::VersionFromSnapshot | Flaw::PriceOfToday) => self.held.push((lsn.0, entry.clone())),
            Some(Flaw::PoisonLoop) if self.books.is_poison(&entry) => {
                return Err(JournalError::Poison(entry.version));
            }
            _ => drop(self.books.apply(&entry)?),
        }
        // What falls out makes room for what comes: of a million lines a few thousand are ever allocated.
        let oldest = if self.recent.len() == RECENT_MAX { self.recent.pop_front() } else { None };
        let mut room = oldest.map_or_else(Vec::new, |oldest| oldest.bytes);
        room.clear();
        room.extend_from_slice(bytes);
        self.recent.push_back(Recent { lsn, entry, bytes: room });
        Ok(())
    }

    /// What a flaw held back, in its order.
    fn replay_held(&mut self) {
        for (_, entry) in rules::replayed(self.flaw, std::mem::take(&mut self.held)) {
            self.books.apply_anywhere(&entry);
        }
        match self.flaw {
            Some(Flaw::VersionFromSnapshot) => self.books.stand_at(self.snapshot),
            Some(Flaw::PriceOfToday) => {
                let last = self.recent.back().map_or(self.snapshot, |line| line.entry.version);
                self.books.stand_at(last);
            }
            _ => {}
        }
    }
}

impl Journal {
    /// Opens the log of a disk, or begins one.
    ///
    /// # Errors
    ///
    /// When the log is of no use.
    pub async fn open(disk: &Disk, options: &Options) -> Result<Journal, JournalError> {
        let mut fold = Fold {
            books: Books::new(options)?,
            flaw: options.flaw,
            snapshot: Version(0),
            recent: VecDeque::new(),
            held: Vec::new(),
            error: None,
        };
        let of_log = wal::Options {
            segment_bytes: options.segment_bytes,
            record_bytes_max: LINE_BYTES_MAX,
            patience: options.disk_timeout,
            snapshots_kept: 2,
            ..wal::Options::default()
        };
        let opened = wal::open_each(disk, LOG, of_log, |piece| {
            fold.read(piece).map_err(|error| {
                let why = error.to_string();
                fold.error = Some(error);
                why
            })
        });
        let (log, writer, opened) = match opened.await {
            Ok(opened) => opened,
            Err(error) => return Err(fold.error.take().unwrap_or(JournalError::Open(error))),
        };
        fold.replay_held();
        let Fold { books, snapshot, recent, .. } = fold;
        Ok(Journal { books, log, writer, opened, snapshot, recent })
    }

    /// The last line.
    pub fn version(&self) -> Version {
        self.books.state().version
    }

    /// Every booking that stands, in the order of their ids.
    pub fn bookings(&self) -> impl Iterator<Item = (Id, &Booking)> {
        self.books.state().bookings.iter().map(|(id, booking)| (*id, booking))
    }

    /// Every command that is set aside.
    pub fn poison(&self) -> impl Iterator<Item = (Version, &Poison)> {
        self.books.state().poison.iter().map(|(version, poison)| (*version, poison))
    }

    /// Validates a command, appends it and applies it. The answer may be given once it is [committed](Journal::commit).
    ///
    /// # Errors
    ///
    /// When the disk is full, or the log has failed.
    pub fn submit(&mut self, id: Id, command: &Command) -> Result<Answer, JournalError> {
        let record = match self.books.decide(id, command) {
            Decision::Answer(answer) => return Ok(answer),
            Decision::Write(record) => record,
        };
        let line = Line::Entry(Entry { version: self.version().next(), record });
        self.log.append(&line.encode())?;
        let answer = match &line {
            Line::Entry(entry) => self.books.apply(entry)?,
            Line::Base(_) => None,
        };
        Ok(answer.map_or(Answer::Done, |(_, answer)| answer))
    }

    /// Makes durable what was submitted.
    ///
    /// # Errors
    ///
    /// When the log fails.
    pub async fn commit(&mut self) -> Result<(), JournalError> {
        self.writer.commit().await.map_err(AppendError::from)?;
        Ok(())
    }

    /// Replaces the lines that it has by the state. Without room for that, the answer is `false`.
    ///
    /// # Errors
    ///
    /// When the log fails.
    pub async fn snapshot(&mut self) -> Result<bool, JournalError> {
        let (upto, state) = (self.log.last(), snapshot(&self.books));
        Ok(self.writer.snapshot(upto, &state).await.map_err(AppendError::from)?)
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("version", &self.version()).finish_non_exhaustive()
    }
}

/// A state as it is kept in a snapshot.
pub(super) fn snapshot(books: &Books) -> Vec<u8> {
    [&[FORMAT][..], &books.snapshot()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_later_format_is_refused_and_one_that_nobody_can_read_is_set_aside() {
        let line = Line::Entry(Entry { version: Version(7), record: Record::Accompanied });
        let mut bytes = line.encode();
        assert_eq!(Line::decode(&bytes, Version(7)), Ok(line));
        bytes.push(0);
        let unreadable = |bytes: &[u8]| {
            let record = Record::Unreadable(bytes.to_vec());
            Ok(Line::Entry(Entry { version: Version(7), record }))
        };
        assert_eq!(Line::decode(&bytes, Version(7)), unreadable(&bytes));
        assert_eq!(Line::decode(&[], Version(7)), unreadable(&[]));
        bytes[0] = FORMAT + 1;
        assert_eq!(Line::decode(&bytes, Version(7)), Err(FORMAT + 1));
    }
}
