//! A router: it leads clients to the one database that may be written to.
//!
//! # The algorithm
//!
//! HAProxy's part beside Patroni. It asks every backend's agent every 3 s whether it has the primary (`GET /primary`).
//! Three bad answers in a row and a backend is down, two good ones and it is up again. A connection goes to the first
//! backend that is up, byte for byte, both ways; if none is, it is closed. When a backend goes down, all connections to
//! it are closed.
//!
//! # The source
//!
//! HAProxy with the configuration that Patroni recommends: `inter 3s fall 3 rise 2 on-marked-down shutdown-sessions`,
//! `maxconn 100`, `option httpchk`. Where it is another: a backend that was never asked is down, not up; a check has 2
//! s, not 5 s, so that it ends before the next; of several backends that are up, the first is taken, not each in turn.
//!
//! # Invariants
//!
//! * A connection leads to one backend as long as it lasts.
//! * No connection leads to a backend that is down.
//!
//! # What it gives up
//!
//! It is no fence: it knows what was so up to `fall` checks ago, and a connection stays on a primary that was deposed
//! until it finds out. That a deposed primary takes no writes is the agent's task. And it is one machine.
//!
//! # Where to look
//!
//! * whether a backend is up (`rules.rs`), the router: [`run`] and [`serve`] (`node.rs`)
//! * [`Config`], [`Backend`], [`Options`] (`options.rs`)

mod node;
mod options;
mod rules;

pub use node::{run, serve};
pub use options::{Backend, Config, Options};

/// Every probe of the router: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // an address, or "nowhere": where connections are led from now on
    "routes",
    "sessions of a backend that went down are shut",
];
