//! What is said to a reader and by it.

use crate::database::Lsn;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a replica must have before it is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// All that this session has written: a token that a write gave.
    pub token: Option<Token>,
    /// All that was acknowledged longer ago than this.
    pub within: Option<Duration>,
}

/// An entry at or after the writes of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Token(pub(super) Lsn);

/// Why a set cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// There is no such table.
    #[error("tables: there is no table {table}")]
    UnknownTable {
        /// Its name.
        table: String,
    },
}

/// Why a backup cannot be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// It ends before its end.
    #[error("it is cut short")]
    Truncated,
    /// Its checksum is another: it was cut short, or has changed.
    #[error("it is not what was sealed")]
    Seal,
    /// Another version has sealed it.
    #[error("it is of another version")]
    Version,
    /// A line of a dump that is none. 0: it is not UTF-8.
    #[error("line {line} is none of a dump")]
    Line {
        /// Which, from 1.
        line: usize,
    },
}

/// Client to reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Read {
    pub key: String,
    pub needs: Needs,
}

/// Reader to client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ReadTold {
    Value(Option<String>),
    /// The replica is not far enough, and was not in time.
    Behind,
    /// The replica does not answer.
    Unavailable,
}
