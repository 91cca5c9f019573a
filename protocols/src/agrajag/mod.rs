//! Agrajag: what repmgr has done is published in a central store, and applications follow it there.
//!
//! # The algorithm
//!
//! repmgr manages the databases, and its script tells nobody. On each node of it runs an *orchestrator*, beside and not
//! inside: every 5 s it reads `repmgr cluster show`, and the latest successful promotion among the events that its
//! database has. If both name the same primary, and that promotion is newer than the one that is published, it
//! publishes it: one node of the store, `/agrajag/master`, set if it still has the version that was compared. Many publish
//! the same, and the first one wins.
//!
//! *The second line of defence.* Where repmgrd is dead, or this node's database does not answer, the orchestrator lists
//! all nodes and tries to write to each. Of those that take a write the one with the newest promotion is the primary.
//!
//! *Presence.* Each orchestrator has an ephemeral node, `/agrajag/present/n4`, of its session's: where another session
//! has left one, as its own before a restart, it is created anew, so that the end of that session does not take it.
//!
//! *Applications* ([`pool`]) watch both. Whenever a watch fires they read again, and set it with the read. They lead to
//! the master as long as somebody is present; connections to another one are closed. While the store does not answer
//! they go on with what they know.
//!
//! *Other ways to tell them* ([`Consumers`]) are those that the talk weighs before it comes to that one; all but the
//! first go without the store. What an application is told it takes, unless it knows of a later promotion.
//!
//! * An application asks the store for each connection, and stays where it was led.
//! * A synchronous push: the script tells one application after the other before it promotes, and does not promote if one
//!   does not answer.
//! * An asynchronous push: it promotes, and tells all of them once.
//! * Polling: the script promotes, and orchestrators tell all applications after each look, several times if need be.
//! * The same with HAProxies, whose runtime API takes whatever it is told last.
//!
//! # The source
//!
//! `staples-sparx/Agrajag` (`core.clj`, `zk.clj`, `repmgr.clj`), and the talk *A Postgres Orchestra*. Where they differ
//! this does what the talk says: the code publishes whatever `cluster show` says, with a version that it reads just
//! before it writes. Where this is another:
//!
//! * A registration as a primary counts as a promotion: a cluster that has not failed over is published, too.
//! * An application is a pool that listens, in a router's place. Where it is told, it begins with the first database, and
//!   keeps what it is told in memory alone.
//!
//! # Invariants
//!
//! * The promotions that are published never get older, in the order of the store.
//! * What is published is one promotion's, whole.
//! * After it has settled, an orchestrator that runs is listed.
//! * An application that is told does not go back to an older promotion.
//!
//! # What it gives up
//!
//! With `push` one application that cannot be reached keeps a promotion from all others, and repmgr does not try again;
//! with `push-and-forget` it stays with the old master for good; with `poll` until an orchestrator reaches it; with
//! `ask` for as long as it keeps its connection, and none is new while the store does not answer; with `haproxy` two
//! orchestrators that see two masters lead it to and fro.
//!
//! It fences nobody: writes of a primary that was replaced go on until a pool has heard of the other, and for good where
//! a client keeps a connection of its own. Promotions are ordered by the wall clocks of those who were promoted: a slow
//! one is never published, and nor is an older primary that is the only one left. And repmgr's minute comes first.
//!
//! # Where to look
//!
//! * what is published, whose presence it is, where a pool leads (`rules.rs`)
//! * the orchestrator: [`run`] (`node.rs`); what applications have: [`pool`] (`client.rs`), and where
//!   they are told (`endpoint.rs`)
//! * what is in the store (`message.rs`); [`Config`], [`PoolConfig`] and [`Options`] (`options.rs`)

mod client;
mod endpoint;
mod message;
mod node;
mod options;
mod rules;

pub use client::pool;
pub use node::run;
pub use options::{Config, Consumers, Flaw, Options, PoolConfig, Proceed};

/// Every probe: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // an orchestrator has published, or a pool has read: whose promotion, of when in ns, at which change of the store
    "master published",
    "master read",
    // about to publish, from the first part on
    "publishes part",
    // an orchestrator: "listed", or "unlisted" since it began or its session ended
    "presence",
    // a pool has read who is present: numbers, with blanks between
    "present",
    // an application has taken what it was told: whose promotion, of when in ns; 0 as it begins
    "told",
    // where a pool leads: the number of a node, or 0
    "leads to",
    "a connection is refused as the store does not say who the master is",
    "a manual write check finds the primary",
    "a presence of another session is replaced",
    "a promotion is older than what is published",
    "a publication comes too late",
    "an application cannot be told",
    "an application knows of a later master",
    "connections to an old master are closed",
    "nobody is present",
    "repmgr and its events disagree",
];
