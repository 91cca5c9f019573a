//! What travels: between clients and the bucket, from the bucket to a runner, from a function to the collector.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An object, by its place among all that the bucket ever took, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId(pub u64);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "o{}", self.0)
    }
}

/// A line of an object, from 1; 0 is the object as a whole. It is what makes delivery idempotent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LineId {
    /// The object.
    pub object: ObjectId,
    /// Its line.
    pub line: u32,
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.object, self.line)
    }
}

/// One request, as a load balancer logs it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// When it came, as the log says it.
    pub received: String,
    /// Through which balancer.
    pub balancer: String,
    /// Its client's address and port.
    pub client: String,
    /// Who answered; none if nobody did.
    pub backend: Option<String>,
    /// How long it took to forward, to answer, and to give the answer back, in µs; none where that did not happen.
    pub forward_us: Option<u64>,
    /// See there.
    pub backend_us: Option<u64>,
    /// See there.
    pub response_us: Option<u64>,
    /// What the client was answered.
    pub status: Option<u64>,
    /// What the balancer was answered.
    pub backend_status: Option<u64>,
    /// The request's size in bytes.
    pub received_bytes: Option<u64>,
    /// The answer's size in bytes.
    pub sent_bytes: Option<u64>,
    /// The request's first line, without its quotes.
    pub request: String,
}

/// Why something could not be read. It is reported in its place: nothing is lost in silence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum Unreadable {
    /// The line is short.
    #[error("{found} columns, and {expected} are expected")]
    Short {
        /// How many it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A quote is opened and not closed.
    #[error("a quote is not closed")]
    Quote,
    /// A column should be a number and is none.
    #[error("column {column}: {found:?} is no number of at least 0")]
    Number {
        /// Which, from 1.
        column: usize,
        /// What is there.
        found: String,
    },
    /// The line is not UTF-8.
    #[error("byte {at} of the line is not UTF-8")]
    Text {
        /// Where, from 0.
        at: usize,
    },
    /// The object was announced, and is not there any more.
    #[error("the object has vanished")]
    Vanished,
    /// The key was announced in a way that cannot be decoded.
    #[error("the key cannot be decoded: {0}")]
    Key(#[from] KeyError),
}

/// Why an announced key cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum KeyError {
    /// A percent sign without two hexadecimal digits behind it.
    #[error("no two hexadecimal digits follow the % at byte {at}")]
    Escape {
        /// Where, from 0.
        at: usize,
    },
    /// What it says is not UTF-8.
    #[error("it is not UTF-8")]
    Text,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Arrival {
    /// It was read.
    Event(Entry),
    /// It was not, and this is the report.
    Report {
        /// Why.
        why: Unreadable,
        /// The line as it is, where there is one; bytes that are no text are replaced.
        raw: String,
    },
}

/// Why the bucket did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// Something else is there under that key: objects do not change.
    #[error("key: {0} is there already, and is another object")]
    Exists(ObjectId),
    /// Nothing is there under that key.
    #[error("key: there is no such object")]
    NoSuchKey,
    /// The key is empty or too long.
    #[error("key: {bytes} bytes are not between 1 and {max}")]
    Key {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// The object is too long.
    #[error("body: {bytes} bytes are more than {max}")]
    Body {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// The disk is full.
    #[error("the disk is full")]
    Full,
}

/// Client or function to bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ask {
    Put { key: String, body: Vec<u8> },
    Get { key: String },
    Delete { key: String },
}

/// Bucket to client or function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Told {
    Stored(ObjectId),
    Object(ObjectId, Vec<u8>),
    Deleted(ObjectId),
    Refused(Refusal),
}

/// Bucket to runner: an object is there. The key is URL-encoded, as object stores announce it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcement {
    pub object: ObjectId,
    pub key: String,
}

/// Runner to bucket: what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Invoked {
    /// Every line has arrived, or a report of it.
    Done,
    /// Too many functions run.
    Throttled,
    /// The function ended in the middle.
    Failed,
    /// It was cut off at its time limit.
    TimedOut,
}

/// Function to collector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Push {
    pub object: ObjectId,
    pub lines: Vec<(u32, Arrival)>,
}

/// Collector to function: all that was pushed is durable; or its disk is full, and it may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Pushed {
    Kept,
    Full,
}
