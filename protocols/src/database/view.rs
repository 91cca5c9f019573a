//! What a database believes.

use super::message::{Replication, Role, Status};
use super::rules::timeline::{Lsn, Timeline};
use serde::Serialize;
use std::net::SocketAddr;

/// What a database believes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct View {
    /// Its number.
    pub id: u32,
    /// What it does.
    pub role: Role,
    /// Whether a write would be taken now: it is a primary whose watchdog has not fired.
    pub writable: bool,
    /// The timeline of the last entry; none when it is stopped, or its log is empty.
    pub timeline: Option<Timeline>,
    /// The last entry that is durable.
    pub durable: Lsn,
    /// The last entry that is visible.
    pub visible: Lsn,
    /// Whom it follows.
    pub upstream: Option<SocketAddr>,
    /// How it stands with its upstream.
    pub replication: Replication,
    /// Who streams from it, by their numbers.
    pub standbys: Vec<u32>,
    /// Connections that were dropped for what they sent.
    pub malformed_frames: u64,
}

impl View {
    pub(super) fn of(id: u32, running: Option<(Status, bool)>, malformed_frames: u64) -> View {
        let Some((status, writable)) = running else {
            return View {
                id,
                role: Role::Stopped,
                writable: false,
                timeline: None,
                durable: Lsn(0),
                visible: Lsn(0),
                upstream: None,
                replication: Replication::Idle,
                standbys: Vec::new(),
                malformed_frames,
            };
        };
        View {
            id,
            role: status.role,
            writable,
            timeline: status.timeline(),
            durable: status.durable,
            visible: status.visible,
            upstream: status.upstream,
            replication: status.replication,
            standbys: status.standbys.iter().map(|standby| standby.id).collect(),
            malformed_frames,
        }
    }
}
