//! Kinds of replication side by side, on the [database](crate::database) that failover managers manage: tables that go
//! along by sets, and a replica that is read.
//!
//! # The algorithm
//!
//! Keys of the database are rows (`orders/7`), that there is a table (`tables/orders`), and its sequence
//! (`sequences/orders`), the last number that was taken from it by compare-and-set.
//!
//! *Logical replication.* A *subscriber* beside the *target*, a database of its own that others may write to, takes a
//! snapshot of the *source* and then its changes, in the order of the log
//! ([`Subscription`](crate::database::Subscription)). What belongs to the *set* is written to the target. That there is
//! a table always goes along, as a schema that is migrated by other means; its rows do if the table is in the set. A
//! set of all tables grows when one is made, by the same log, so that no row is missed; a set that lists its tables
//! does not, and one that lists an unknown table is an error. Sequences go along only if they are told to. How far it
//! is, and with which set, the subscriber writes to the target after the rows: what it does twice, it does in order.
//!
//! *Reads at a replica.* A standby is behind by as much as the network says. A *reader* beside it lets it be read when
//! it is as far as the read *needs*:
//!
//! * with a *token*: the entry that the source showed after a write of this session. All of the session's writes are
//!   read.
//! * within a *bound*: nothing is missing that was acknowledged longer ago. The reader asks the source how far it is,
//!   and remembers when it asked; a replica that has reached the answer is as fresh as the question is old. No clocks
//!   of two machines are compared, and a source that cannot be asked makes the replica grow stale, as it is.
//!
//! What is not there in time is refused: the client may ask the source instead.
//!
//! *Audits and drills.* An auditor takes snapshots of all three, for whoever compares them. Now and then it takes a
//! backup by each of five methods, puts it on its disk, reads it back, *restores* it, and compares what came out with
//! the source:
//!
//! | method | is | does not work when |
//! |---|---|---|
//! | `base` | a snapshot of the source, sealed with a checksum | it was cut short or has changed |
//! | `archive` | the snapshot of the last drill, and all changes since | the log does not have them any more |
//! | `dump` | lines that people can read, and a last one that counts them | it was cut short |
//! | `replica` | a snapshot of the replica | the replica is behind |
//! | `target` | a snapshot of the target | a table or a sequence is not in the set, or it is behind |
//!
//! What cannot be kept or restored is an outcome of the drill, with its reason, and never the end of the auditor.
//!
//! # The source
//!
//! "Replicating all tables, logically": with pglogical one selects the tables, by a script that lists them, and the
//! sequences by another. PostgreSQL's documentation of logical replication: neither the schema nor sequences go along
//! by themselves. Read replicas as a way to let others query: "You do have to be aware of the eventually consistent
//! nature of the replica". Drills: "out of 5 backup/replication techniques deployed none are working reliably", of the
//! incident that opens "a postgres orchestra". Tokens: Terry and others, *Session Guarantees for Weakly Consistent
//! Replicated Data*, 1994.
//!
//! # Invariants
//!
//! * In the end the target has every row of the set's tables as the source has it, and no other.
//! * A number that was given to a row is not given once more by the target's sequence.
//! * A session that reads with its token sees its writes; a read within a bound lacks nothing older than that.
//! * In the end the replica has what the source has, and every method of backup works.
//!
//! # What it gives up
//!
//! Transactions: rows arrive one by one. While a subscriber repeats what it had done before a crash, rows may go back
//! for a moment. Deletes: the database has none. A conflict at the target is decided for the source. The reader reads
//! one replica, and asks one source, which stays the source.
//!
//! # Where to look
//!
//! * the rules: names (`rules.rs`), sets (`rules/sets.rs`), how fresh a replica is (`rules/freshness.rs`)
//! * what runs: [`run`] (`node.rs`), `node/subscriber.rs`, `node/reader.rs`, `node/auditor.rs`,
//!   `node/vault.rs`; backups as bytes (`rules/backup.rs`)
//! * [`Client`] (`client.rs`), what travels (`message.rs`), [`Config`], [`Options`], [`Flaw`] (`options.rs`), [`View`]
//!   (`view.rs`)

mod client;
mod message;
mod node;
mod options;
mod rules;
mod view;

pub use client::{Client, ClientError};
pub use message::{Needs, RestoreError, SetError, Token};
pub use node::{PROCESSES, Part, run};
pub use options::{Config, Flaw, Options};
pub use rules::{About, about};
pub use view::View;

/// Every probe of what is here, besides those of the [database](crate::database::PROBES).
pub const PROBES: &[&str] = &[
    // method, "works" or why not: a backup was taken and restored
    "drill",
    "read refused as the replica is behind",
    "read waits for the replica",
    "source does not say how far it is",
    "subscriber copies again",
    "tables copied",
];
