//! What a database believes.

use super::message::{Replication, Role};
use super::timeline::{Lsn, Timeline};
use serde::Serialize;

/// What a database believes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct View {
    /// Its number.
    pub id: u32,
    /// What it does.
    pub role: Role,
    /// The timeline of the last entry.
    pub timeline: Option<Timeline>,
    /// The last entry.
    pub last: Lsn,
    /// The last entry that is durable.
    pub durable: Lsn,
    /// The last entry that is visible.
    pub visible: Lsn,
    /// How it stands with its upstream.
    pub replication: Replication,
    /// So many stream from it.
    pub standbys: u32,
    /// A hash of the contents.
    pub digest: u64,
    /// Connections that were dropped for what they sent.
    pub malformed_frames: u64,
}
