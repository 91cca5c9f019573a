//! What a log can say no with.

use super::Lsn;
use std::{io, sync::Arc};

/// Why a record was not taken. It is not in the log, and never will be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The disk has no room. Try again later.
    #[error("the log's disk is full")]
    Full,
    /// The log has failed. Open it again.
    #[error(transparent)]
    Failed(#[from] LogError),
    /// The record is too long.
    #[error("a record of {bytes} bytes is longer than {max}")]
    TooLong {
        /// How long it is, in bytes.
        bytes: usize,
        /// How long it may be, in bytes.
        max: usize,
    },
}

/// The log has failed: of what was not committed yet some may be on the disk, or all, or nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the log has failed: {0}")]
pub struct LogError(pub(super) Arc<io::Error>);

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk failed. What is there is as it was: try again.
    #[error("{file}: {error}")]
    Io {
        /// The file or folder.
        file: String,
        /// What the disk said.
        error: io::Error,
    },
    /// What is there is not what was written, and not what a crash leaves.
    #[error("{file} is corrupt at byte {offset}: {why}")]
    Corrupt {
        /// The segment or snapshot.
        file: String,
        /// Where in it, in bytes.
        offset: u64,
        /// What does not check out.
        why: &'static str,
    },
    /// Records are missing between two files.
    #[error("{file}: the log goes on at record {found}, and {expected} should be next")]
    Missing {
        /// The segment after the hole.
        file: String,
        /// The first missing record.
        expected: Lsn,
        /// The record that is there.
        found: Lsn,
    },
    /// Who reads the log refuses what is in it.
    #[error("{file}: {why}")]
    Refused {
        /// The segment or snapshot.
        file: String,
        /// What is wrong with it.
        why: String,
    },
}

impl OpenError {
    pub(super) fn io(file: &str, error: io::Error) -> OpenError {
        OpenError::Io { file: file.to_owned(), error }
    }

    pub(super) fn corrupt(file: &str, offset: usize, why: &'static str) -> OpenError {
        OpenError::Corrupt { file: file.to_owned(), offset: offset as u64, why }
    }
}
