//! PgBouncer: a pooler between clients and one database, which is told where that database is.
//!
//! # The algorithm
//!
//! *Pool.* A client logs in at the pooler, and is answered with what the last server said at its own login. A *server*,
//! a connection to the database, is linked to a client with its first query: until the answer (transaction pooling), or
//! until the client leaves (session pooling, the default). A server that is free is taken first; else one is dialled,
//! one at a time, while clients wait in line.
//!
//! *A client that leaves while it waits* keeps its place, and counts as one of `max_client_conn`: nobody reads from it.
//! When its turn comes it is linked; what it asked for is not passed on, and the server is closed. So a login is made for
//! each of those who have gone, before somebody alive is served.
//!
//! *`PAUSE`.* From the moment that it is given no client is linked. Free servers are closed; it is answered when no
//! server is linked any more. *`RESUME`* lets the clients go on that were held. Both are of one database, or of the
//! whole pooler: two things, each taken back by its own `RESUME`.
//!
//! *`RELOAD`* after its file was replaced: servers of the old address are closed, at once if free, else when they are
//! released; new ones go to the new address.
//!
//! *A login that failed* keeps everybody from another for `server_login_retry` from when it began, whatever `PAUSE`,
//! `RELOAD` and `RESUME` say. Who asks meanwhile and finds no server is sent away at once; who waited already waits on,
//! for `query_wait_timeout` at most.
//!
//! # The source
//!
//! `pgbouncer/pgbouncer` (its documentation, `objects.c`, `admin.c`, `janitor.c`, `sbuf.c`), and what 1.24.1 was seen to
//! do. Where this is another:
//!
//! * Whoever closes has said so before, as libpq does by its Terminate. There a client whose process died is found out
//!   before it is linked, and the server goes to the next.
//! * There is one database, one user, and a query is a transaction. The console has a port of its own.
//! * Replacing the file (`rsync`) and `RELOAD` are one command, answered when the file is durable.
//! * `FATAL` is the database's own refusal, and then the connection is closed.
//! * Missing: `SUSPEND`, `KILL`, `RECONNECT`, `DISABLE`, `reserve_pool_size`, `min_pool_size`, `server_lifetime`,
//!   `server_idle_timeout`, `server_check_query`, DNS.
//!
//! # Invariants
//!
//! * A client's query goes to one server, and its answer is that server's.
//! * While paused no server is linked anew; once `PAUSE` is answered, none is.
//! * After `RELOAD` no server is dialled at the old address.
//!
//! # What it gives up
//!
//! It knows no primary: it leads to where it was told, and stays there if nobody tells it. A `PAUSE` whose giver dies
//! holds all clients until somebody gives `RESUME`; one given while a server does not answer waits as long as that.
//!
//! # Where to look
//!
//! * who may be linked, dial, wait or is sent away (`rules.rs`); the process: [`run`] (`node.rs`)
//! * [`Console`] (`client.rs`), [`Scope`] (`message.rs`), [`Config`] and [`Options`] (`options.rs`)

mod client;
mod message;
mod node;
mod options;
mod rules;

pub use client::{Console, ConsoleError};
pub use message::Scope;
pub use node::run;
pub use options::{Config, Options, PoolMode};

/// Every probe of the pooler: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // an address: servers are dialled there from now on
    "points to",
    // "paused" or "open"
    "pooler",
    "a query is held",
    "a query has waited too long",
    "a server is made for a client that has gone",
    "a client is sent away as the last login failed",
];
