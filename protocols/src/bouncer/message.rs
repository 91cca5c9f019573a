//! What is said at the console.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What a `PAUSE` or a `RESUME` is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// One database: `PAUSE appdb`.
    Database,
    /// All of the pooler: `PAUSE`.
    Pooler,
}

/// Whoever has the console to the pooler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Command {
    Pause(Scope),
    Resume(Scope),
    /// The file now says this address: read it.
    Reload(SocketAddr),
}

/// The pooler's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    Done,
    Error(String),
}
