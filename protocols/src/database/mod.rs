//! A database with one writer at a time, in PostgreSQL's shape: what failover managers manage.
//!
//! # The algorithm
//!
//! *Log.* A primary turns each write into an *entry*, with the next number (its *LSN*), and appends it to its log on
//! the disk. The contents are the fold of the log. Entries up to a *base* are folded on the disk too, now and then; the
//! log goes on from there.
//!
//! *Timelines.* A standby that is promoted begins a new *timeline* with its first own entry. Which timeline began where
//! is the log's *history*; from two histories follows the last entry that two logs have in common
//! (`rules/timeline.rs`).
//!
//! *Streaming.* A standby dials its *upstream*, and says its history and its last entry. If its log is the beginning of
//! the upstream's log, entries stream as they become durable there, and the standby confirms what is durable with
//! itself. If not, it is told so: *diverged*, or *too far behind* the upstream's base.
//!
//! *Repair.* A diverged standby *rewinds*: it cuts its log behind the last common entry. One whose base is beyond that,
//! or that is too far behind, is *cloned*: it takes a copy of the upstream's contents at one entry, while writes there
//! go on, and streams from that entry. One that may do neither asks again every 5 s, and does not start a second time
//! before it may.
//!
//! *Commit.* A write is visible, and acknowledged, when it is durable with the primary and confirmed by as many
//! standbys of a list as are required (none: asynchronous). Reads see what is visible. What a primary finds in its log
//! when it begins is visible under the same condition, and until then it serves nobody: an entry that waited for a
//! standby when its primary crashed is neither lost nor read too early.
//!
//! *Supervision.* Somebody else decides who is the primary ([`Supervisor`]): a process of the database begins
//! *stopped*, whatever it was before. It is started as a primary or a standby, promoted, sent to another upstream,
//! stopped.
//!
//! *Watchdog.* Once it is petted, a primary whose manager does not pet it again in time stops at once. It looks before
//! each write, too: on a machine that stood still, time has passed and no timer has fired.
//!
//! # The source
//!
//! PostgreSQL's documentation: write-ahead logging, timelines, streaming and synchronous replication, `pg_rewind`,
//! `pg_basebackup`. Where it is another:
//!
//! * A timeline has a random tag beside its number. In PostgreSQL two standbys may each begin timeline 2, and nothing
//!   tells them apart. The flaw `equal-timelines` is PostgreSQL's way.
//! * A write that waited for a standby becomes visible in PostgreSQL when its primary restarts, or when the wait is
//!   cancelled or the session terminated. Here it does not. The flaw `timed-out-sync-commit` is PostgreSQL's way, with
//!   clients that cancel. There as here the wait itself has no time-out: an emptied list ends it.
//! * That a log has diverged the process remembers, not the log: a machine that restarts finds out again.
//! * There are no transactions of several writes, and no contents but keys and values.
//!
//! # Invariants
//!
//! * An entry is the same in every log that has one with its LSN and timeline.
//! * A standby's log is the beginning of its upstream's.
//! * What was acknowledged is durable with the primary, and with so many standbys of the list as were required.
//! * What was read is what was acknowledged, or will be if the primary goes on.
//!
//! # What it gives up
//!
//! Acknowledged writes, where replication is asynchronous and another is promoted: up to what the standby lacked. That
//! there is one primary only: that is the manager's task.
//!
//! # Where to look
//!
//! * the rules: histories (`rules/timeline.rs`), the log and its fold (`rules/log.rs`), commit (`rules/commit.rs`)
//! * the process: [`run`] and [`serve`] (`node.rs`), its one run as a primary or standby (`node/engine.rs`), both ends
//!   of streaming (`node/downstream.rs`, `node/standby.rs`), requests of clients (`node/requests.rs`)
//! * [`Snapshot`] and [`Subscription`] for others than standbys (`subscription.rs`), connections that a pooler passes on
//!   (`pooled.rs`)
//! * [`Client`] (`client.rs`), [`Supervisor`] (`supervisor.rs`), wire types (`message.rs`), [`Config`], [`Options`]
//!   (`options.rs`), [`View`] (`view.rs`)

mod client;
mod message;
mod node;
mod options;
mod pooled;
mod rules;
mod subscription;
mod supervisor;
mod view;

pub use client::{Client, ClientError};
pub use message::{Condition, Refusal, Repair, Replication, Role, Standby, Start, Status, Sync, Write};
pub use node::{run, serve};
pub use options::{Config, Flaw, Options};
pub(crate) use pooled::{Query, Server, Session};
pub use rules::timeline::{History, Lsn, Timeline};
pub use subscription::{Put, Snapshot, Subscription, SubscriptionError};
pub use supervisor::{Supervisor, SupervisorError};
pub use view::View;

/// Every probe of the database: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // "stopped", "starting", "primary" or "standby", the timeline; a primary says so when it begins to take writes
    "role",
    // LSN, timeline, the write's id (0: the first entry of a timeline): an entry is in this log
    "appended",
    // LSN: a standby's new timeline begins with this entry, and it is the primary
    "promoted",
    // LSN: entries behind it are no longer in this log
    "cut",
    // LSN, timeline of that entry, the number of the database it was copied from: this log is now that one's up to
    // there
    "cloned",
    // the write's id, LSN: this primary has acknowledged a write
    "committed",
    // the upstream's number, LSN: this standby streams from it, from the entry after
    "streams",
    // LSN, timeline of that entry: a log was recovered up to here
    "recovered",
    // "named": writes of a primary wait for this standby; "other": they do not; "nowhere": it was not told, or leads
    // itself. And the number of the primary that said so. See `node/engine/named.rs`
    "sync",
    "a diverged standby does not start again",
    "copy sent",
    "database stops after its disk failed",
    "malformed frame dropped",
    "standby diverged",
    "standby too far behind",
    "log rewound",
    "log cut to its base",
    "write waits for a standby",
    "watchdog fired",
];
