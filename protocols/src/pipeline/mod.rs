//! A log pipeline: objects full of lines land in a bucket, functions read them, and each line reaches a collector once.
//!
//! # The algorithm
//!
//! *Bucket.* A client puts an object under a key: it is appended to the bucket's log, synced, and then acknowledged.
//! Objects do not change. Each is *announced* until a function has said that it is done, and that is in the log: at
//! least once, out of order, and twice at the same time if an answer is late. As object stores do it, the announcement
//! has the key URL-encoded, a blank as a plus sign (`rules/key.rs`).
//!
//! *Runner.* An announcement invokes a *function*. So many run at once, and what is more is *throttled*: the bucket
//! comes again. A function has a time limit, and may crash in the middle, alone or with its machine. A runner remembers
//! nothing.
//!
//! *Function.* It gets the object and reads it line by line (`rules/line.rs`). A line that is short, has an open quote
//! or a column that is no number is no failure: its *report*, with the line as it is, travels in its place. So does the
//! report of an object that has vanished since, or whose key cannot be decoded. The function is done when the collector
//! has acknowledged all of that.
//!
//! *Collector.* What is pushed carries its place: object and line. The collector appends what it does not have yet to
//! its log, syncs, and acknowledges. At least once and idempotent is once.
//!
//! | a crash of | costs |
//! |---|---|
//! | the bucket | what was not acknowledged; what is open is announced again |
//! | a runner, a function | nothing: the announcement has no answer, and is made again |
//! | the collector | nothing: who has no acknowledgement fails, and is announced again |
//!
//! *Disks.* A full one refuses what is new. One that fails or does not answer: its process begins anew from its log. A
//! corrupt log: [`run`] ends with an error that names file and offset.
//!
//! # The source
//!
//! The series "Processing ELB logs into an ELK stack via AWS Lambda": a function that is triggered by each file, splits
//! lines at blanks outside of quotes, wants twelve columns, logs what is shorter as an error and goes on, and writes
//! each line to a connection of its own, which it closes at once. That last part is [`Flaw::FireAndForget`]. Columns
//! and keys are as in Amazon's documentation of access logs and of event notifications.
//!
//! Unlike there, a number that is none is reported, and does not become NaN; an unbalanced quote is reported, and does
//! not shift columns; and a function that fails is invoked again for as long as it takes, not two times more.
//!
//! # Invariants
//!
//! * Every line of every object that was acknowledged and not deleted arrives, as what it says or as a report.
//! * No line is kept twice.
//! * Of a deleted object there are all lines, or a report that it has vanished.
//! * No more functions than the limit run at once, and nothing leaves a function after its time limit.
//!
//! # What it gives up
//!
//! Order: lines arrive as they come. The limit is each runner's own. There is one bucket and one collector, each with
//! one copy of what it has, and nothing that arrived is ever forgotten: a collector that forgets old lines must know
//! that none of them is still under way.
//!
//! # Where to look
//!
//! * the rules: lines (`rules/line.rs`), keys (`rules/key.rs`), what a bucket has (`rules/objects.rs`), what a
//!   collector keeps (`rules/kept.rs`), how many run (`rules/slots.rs`)
//! * the processes: [`run`] and [`serve`] (`node.rs`), `node/bucket.rs`, `node/runner.rs`, `node/function.rs`,
//!   `node/collector.rs`, and state on a disk (`node/durable.rs`)
//! * [`Client`] (`client.rs`), what travels (`message.rs`), [`Config`], [`Options`], [`Flaw`] (`options.rs`), [`View`]
//!   (`view.rs`)

mod client;
mod message;
mod node;
mod options;
mod rules;
mod view;

pub use client::{Client, ClientError};
pub use message::{Arrival, Entry, KeyError, LineId, ObjectId, Refusal, Unreadable};
pub use node::{Part, run, serve};
pub use options::{Config, Flaw, Options};
pub use view::{Summary, View};

/// Every probe of the pipeline: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // object: the bucket has acknowledged it
    "stored",
    // a runner begins a life
    "runner begins",
    // object, how many may run at once
    "function begins",
    // object
    "function ends",
    // object, how long the function has run, its limit, in µs: lines leave
    "pushed",
    // object: all lines of a push are durable at the collector
    "kept",
    // the last record of a log that was found
    "recovered",
    "announced again without an answer",
    "announced object is not there",
    "announced twice at once",
    "begins anew after its disk failed",
    "function cut off at its limit",
    "function ends in the middle",
    "function failed",
    "function throttled",
    "line came again",
    "malformed frame dropped",
    "no room for a snapshot",
    "refused as the disk is full",
    "snapshot written",
];
