//! A router: it leads clients to the one database that may be written to.
//!
//! # The algorithm
//!
//! HAProxy's part beside Patroni. It asks every backend's agent whether it has the primary (`GET /primary`), and again 3
//! s after it was answered, or has given up after 5 s: an agent that hangs is asked every 8 s, and its backend is down
//! after 21 to 24 s. First checks are spread over the first 3 s, and until its own a backend is up; one failure of that
//! is down. Later on three bad answers in a row and a backend is down, two good ones and it is up again.
//!
//! A connection goes to the first backend that is up, byte for byte, both ways; if none is, it is closed. A backend that
//! refuses it is tried again after 1 s each, one that is silent at once; then it is closed. When a backend goes down,
//! all connections to it are closed.
//!
//! *Set by others* ([`run_set`]). Its one server is not checked, and is wherever the runtime API was told last
//! (`set server … addr`, then `shutdown sessions server`). It compares nothing: whoever tells it last is right. That is
//! kept in memory alone, and after a restart the server is where the configuration says.
//!
//! # The source
//!
//! HAProxy 3.0.11 as it was seen to run, with the configuration that Patroni ships (`extras/confd/templates/`): `inter 3s
//! fall 3 rise 2 on-marked-down shutdown-sessions`, `timeout check 5s`, `timeout connect 4s`, `retries 2`, `maxconn 100`,
//! `option httpchk`. Where it is another: of several backends that are up, the first is taken, not each in turn; who is
//! one too many is closed, and does not wait in the listener's queue. The runtime API is as its management guide has it,
//! on a port of its own; both commands are one here.
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
//! * the runtime API: [`Runtime`] (`runtime.rs`); [`Config`], [`Backend`], [`Options`] (`options.rs`)

mod node;
mod options;
mod rules;
mod runtime;

pub use node::{run, run_set, serve};
pub use options::{Backend, Config, Options};
pub use runtime::Runtime;

/// Every probe of the router: facts first, then situations that a good sweep should reach.
pub const PROBES: &[&str] = &[
    // an address, or "nowhere": where connections are led from now on
    "routes",
    "a session is tried again",
    "sessions of a backend that went down are shut",
    "sessions of a server that was set elsewhere are shut",
];
