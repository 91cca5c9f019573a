//! What is said to a database and by it, and what its log consists of.

use super::rules::timeline::{History, Lsn, Timeline};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

/// What a client wants written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The client's number for it, not 0. The database does not compare it: whoever retries writes twice.
    pub id: u64,
    /// The key.
    pub key: String,
    /// Its value from now on.
    pub value: String,
    /// What must hold; otherwise nothing is written.
    pub condition: Condition,
}

/// What must hold of a key before it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// Anything.
    #[default]
    None,
    /// It is not there.
    Absent,
    /// It has this value.
    Is(String),
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// This is no primary, or not yet.
    #[error("the database is read-only")]
    ReadOnly,
    /// It is stopped, or recovers.
    #[error("the database is not running")]
    NotRunning,
    /// There is no room for it.
    #[error("the database's disk is full")]
    DiskFull,
    /// The key or the value is too long, or the key is empty, or the id is 0.
    #[error(
        "a write has an id that is not 0, a key of 1 to {key_max} bytes, and a value of at most {value_max}"
    )]
    Size {
        /// In bytes.
        key_max: usize,
        /// In bytes.
        value_max: usize,
    },
}

/// What a database does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Nothing, until it is told to.
    Stopped,
    /// It recovers from its disk, or is about to become what it was told.
    Starting,
    /// It takes writes.
    Primary,
    /// It follows another, or waits for one to follow.
    Standby,
}

impl Role {
    /// Its name in probes.
    pub fn name(self) -> &'static str {
        match self {
            Role::Stopped => "stopped",
            Role::Starting => "starting",
            Role::Primary => "primary",
            Role::Standby => "standby",
        }
    }
}

/// How a stopped database is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// As a primary, on the timeline that its log ends with. An empty database begins timeline 1.
    Primary,
    /// As a standby, of this one or of nobody yet.
    Standby {
        /// Where its upstream listens.
        upstream: Option<SocketAddr>,
        /// What may be done to follow it.
        repair: Repair,
    },
}

/// What a standby may do to its own log so that it can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Repair {
    /// Nothing: it waits, and says why.
    #[default]
    No,
    /// Cut what the upstream does not have. If that is not possible it waits.
    Rewind,
    /// Rewind, and if that is not possible take a copy of the upstream.
    RewindOrClone,
    /// Take a copy of the upstream, whatever it has itself.
    Clone,
}

/// How a standby stands with its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replication {
    /// It has none, or is no standby.
    Idle,
    /// It does not answer.
    Unreachable,
    /// Entries stream.
    Streaming,
    /// This log has entries that the upstream's has not.
    Diverged,
    /// The upstream no longer has the entries that come next.
    TooFarBehind,
    /// A copy of the upstream is under way.
    Cloning,
}

/// Which standbys a write waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sync {
    /// How many of them.
    pub required: u32,
    /// Their numbers.
    pub of: BTreeSet<u32>,
}

/// A standby, as its upstream sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standby {
    /// Its number.
    pub id: u32,
    /// All up to here is durable with it.
    pub confirmed: Lsn,
}

/// What a database says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its number.
    pub id: u32,
    /// What it does.
    pub role: Role,
    /// The timelines of its log; of a stopped one that has not run yet, nothing is known and it is empty.
    pub history: History,
    /// The last entry that is durable here.
    pub durable: Lsn,
    /// The last entry that is visible here.
    pub visible: Lsn,
    /// Whom it follows.
    pub upstream: Option<SocketAddr>,
    /// How that goes.
    pub replication: Replication,
    /// Who streams from it now.
    pub standbys: Vec<Standby>,
    /// Whom writes wait for.
    pub sync: Sync,
}

impl Status {
    /// The timeline of the last entry.
    pub fn timeline(&self) -> Option<Timeline> {
        self.history.last()
    }
}

/// The first message on a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Hello {
    Client,
    Supervisor,
    Standby(Place),
    /// A standby that wants a copy: its number.
    Clone(u32),
}

/// Where a standby's log ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub id: u32,
    pub history: History,
    pub last: Lsn,
}

/// Client to database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Request {
    Get { key: String },
    Write(Write),
}

/// Database to client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reply {
    /// It takes requests: the first message on a connection, as in PostgreSQL. Who does not get it has asked nothing
    /// yet.
    Ready {
        /// It is a primary.
        writable: bool,
    },
    Value(Option<String>),
    /// It was written, or the condition did not hold.
    Written(bool),
    Refused(Refusal),
}

/// Manager to database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Order {
    Status,
    Start(Start),
    Stop,
    Promote,
    Follow { upstream: Option<SocketAddr>, repair: Repair },
    SetSync(Sync),
    Pet(Option<Duration>),
}

/// Database to manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Obeyed {
    Done,
    Status(Box<Status>),
    /// It cannot be done now.
    No(String),
}

/// Upstream to standby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Streamed {
    /// From the number `by`: what follows comes after this entry, which both have.
    From {
        by: u32,
        after: Lsn,
    },
    /// The last entry that both have.
    Diverged {
        common: Lsn,
    },
    TooFarBehind,
    /// It is stopped, or starting.
    NotNow,
    /// To a standby that no write waits for.
    Entries(Next),
    /// A copy, of the number `by`.
    Base {
        by: u32,
        base: Base,
    },
    /// To one that writes wait for.
    Awaited(Next),
}

/// The next entries, the first with this LSN. None: the upstream is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Next {
    pub first: Lsn,
    pub entries: Vec<Entry>,
}

/// Standby to upstream: all up to here is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Confirmed(pub Lsn);

/// One entry of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub timeline: Timeline,
    pub change: Change,
}

/// What an entry changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Change {
    /// Nothing: a timeline begins.
    Begin,
    Put {
        id: u64,
        key: String,
        value: String,
    },
}

impl Change {
    /// The write's id; 0 for the first entry of a timeline.
    pub fn id(&self) -> u64 {
        match self {
            Change::Begin => 0,
            Change::Put { id, .. } => *id,
        }
    }
}

/// The fold of a log up to an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Base {
    pub history: History,
    pub last: Lsn,
    pub contents: BTreeMap<String, String>,
}

pub(super) const KEY_BYTES_MAX: usize = 4096;
pub(super) const VALUE_BYTES_MAX: usize = 1 << 20;

impl Write {
    /// # Errors
    ///
    /// [`Refusal::Size`].
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let fits = self.id != 0
            && (1..=KEY_BYTES_MAX).contains(&self.key.len())
            && self.value.len() <= VALUE_BYTES_MAX;
        if fits { Ok(()) } else { Err(Refusal::Size { key_max: KEY_BYTES_MAX, value_max: VALUE_BYTES_MAX }) }
    }
}
