//! stolon: keepers, sentinels and proxies around a database, and a store that they agree in.
//!
//! # The algorithm
//!
//! *Cluster data.* One value in the store says what is known of each keeper and database, and what each is to be. Each
//! database's specification has a *generation*; a keeper that has made its database so says which it has reached. Only
//! the sentinel that leads writes it (and an operator), each time on condition that nobody has since it was read.
//!
//! *Keepers* run one database each. They publish its state every few seconds, and make it what the cluster data say:
//! begin it, copy it, start it, promote it, send it after another master. A keeper that began anew does nothing before
//! the sentinel knows that it did. A keeper that cannot reach the store changes nothing: **it does not demote its
//! master**.
//!
//! *Sentinels* stand for election by a leased key. The one that leads looks every few seconds. A keeper that has said
//! nothing new, or nothing good about its database, for the fail interval has failed; a database that does not reach
//! its generation in time has, too. If the master has failed, a standby is elected: one that is good, on the master's
//! timeline, and (where replication is asynchronous) not too far behind; where it is synchronous, only one that the
//! master both was told to wait for and has reported to be in sync.
//!
//! *Switching.* The elected standby becomes the master in the cluster data at once, and is promoted. At the same time
//! the proxies are told to route nowhere, under a new generation. Only when every proxy that may route has said that it
//! knows is the new master published to them. The former master is left as it is until the new one works; if that does
//! not come to work, the former one may be elected again. Then it is removed, and its keeper gets a database under a
//! new name, which is a rewound or copied standby.
//!
//! *Proxies* check every few seconds. They drop connections that the cluster data forbid, then write the generation
//! that they know of, then route to the master, if they are among the *enabled*: those whose record the sentinel has
//! seen. **They are the fence**: without a good check for the proxy time-out a proxy drops every connection, and twice
//! that long a proxy's record stays.
//!
//! *Addresses* are part of what keepers publish. A database that listens elsewhere after a restart is the same
//! database: the sentinel writes down where, and standbys and proxies go there at their next look.
//!
//! *Standby clusters* follow a primary that is none of their own. Their master copies it and follows it; the others
//! follow their master, and one of them replaces it when it fails. Writes never wait for standbys there. An operator
//! promotes the cluster: then its master begins a timeline of its own. Nothing makes it a standby again.
//!
//! *Synchronous replication* is strict: writes wait for all standbys that are specified. See
//! `rules/synchronous.rs` for how these change, and why in two steps. With fewer than there must be, writes block.
//!
//! # The source
//!
//! `sorintlab/stolon`, its sentinel, keeper and proxy, its documents on architecture and synchronous replication, and
//! the table cases of its sentinel's tests. Four things in it surprise, and are kept:
//!
//! * Of the standbys that may be elected, the least advanced is: candidates are sorted by their position, ascending,
//!   and the first is taken. With asynchronous replication that loses more than need be, up to the bound on the lag.
//! * A master whose successor never came to work is elected again only where replication is asynchronous: a synchronous
//!   one would have to be in sync with that successor.
//! * A keeper that never has the master may begin the first database all the same, and have it again where its
//!   successor failed: only standbys are asked.
//! * The keeper that begins a standby cluster has for ever to do it. If it dies meanwhile, no other gets its turn.
//!
//! Where this is another:
//!
//! * A standby that lacks what its master no longer has, or that has gone another way, is told so by its upstream. In
//!   PostgreSQL the sentinel must guess it from the oldest segment of the log and a position that does not move.
//! * Histories of timelines tell databases apart; there is no system identifier.
//! * A keeper that begins the first database uses what it finds. There, it deletes it.
//! * A proxy listens always, and closes what it cannot route. There, it stops to listen when it gives up.
//! * A former synchronous standby under its old specification does not count as in sync before the master has reached
//!   the new one.
//! * A standby cluster begins with a copy of its primary; there is no archive to restore from, and no point-in-time
//!   recovery. There are no parameters of the database.
//!
//! # Invariants
//!
//! * A proxy routes to a master only while the sentinel that leads would wait for it before it publishes another.
//! * Where replication is synchronous, at every time some standby is both specified and reported, or nobody is elected;
//!   that one has all that was acknowledged.
//! * A keeper whose data are gone, or are another database's, does not run a master.
//!
//! # What it gives up
//!
//! Acknowledged writes where replication is asynchronous: what the elected standby lacked, and what the former master
//! took until its proxies dropped their connections. Writes, while the store or the sentinels' majority is away and the
//! master fails; and with synchronous replication while there are too few standbys. Clients that reach the former
//! master past the proxies still write there. A proxy that stands still for more than twice its time-out, and goes on,
//! may forward what waited in a connection before it looks at the time. What a standby cluster had not received when it
//! is promoted; and that the primary that it followed takes no writes any more: nobody asks it. A standby cluster whose
//! primary went another way, or no longer has what comes next, stays as it is until an operator begins it anew.
//!
//! # Where to look
//!
//! * what a cluster is ([`ClusterData`], `message.rs`) and where it is kept (`records.rs`)
//! * the rules: what the sentinel decides (`rules.rs`, `rules/synchronous.rs`) and remembers (`rules/memory.rs`), and
//!   what a keeper does next (`rules/keeper.rs`)
//! * the processes: [`sentinel`], [`keeper`] with `local.rs` for its disk, [`proxy`] (`node.rs`, `node/`)
//! * [`Operator`] (`client.rs`); [`Options`] (`options.rs`)

mod client;
mod local;
mod message;
mod node;
mod options;
mod records;
mod rules;

pub use client::{Operator, OperatorError};
pub use message::{
    ClusterData, Db, DbRole, DbSpec, DbState, DbStatus, DbUid, Init, Keeper, KeeperInfo, Never, Phase, Proxy,
    ProxyInfo, Synchronous,
};
pub use node::{KeeperConfig, ProxyConfig, SentinelConfig, keeper, proxy, sentinel};
pub use options::{Flaw, Options};
pub use records::RecordsError;

/// Every probe: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // by a sentinel: whether it leads, its number
    "leader",
    // by a sentinel: the keeper whose database is to be the master
    "elected",
    // by a sentinel: a keeper whose database is not elected, and why; without, there is none
    "nobody to elect",
    // by a proxy: an address, or "nowhere"
    "routes",
    "database removed",
    "former master elected again",
    "keeper goes on without the store",
    "master has lost its data",
    "proxies sent to a master",
    "proxy gives up",
    "standby does not start",
    "standby initialised",
    "standby promoted",
    "too few synchronous standbys",
];
