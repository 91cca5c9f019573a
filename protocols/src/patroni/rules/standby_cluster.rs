//! The leader of a standby cluster: it has the lock, and its database follows a primary that is elsewhere.
//!
//! To the other members it is the leader: they follow its database, and race when the lock is free. Nobody is promoted
//! until an operator lets the cluster go; then the leader is, like any that has the lock and a standby. Told to follow
//! again, it gives up what only this cluster has.

use super::{Act, Known, Others, STANDBY_OF_NOBODY, Why, follows, switchover};
use crate::database::{Repair, Role};
use std::net::SocketAddr;

/// It has the lock, and has just renewed it.
pub(super) fn with_lock(known: &Known<'_>, remote: SocketAddr, others: Option<&Others>) -> Act {
    match (known.role(), known.database) {
        (Some(Role::Primary), _) if known.paused() => Act::Wait(Why::Paused),
        (Some(Role::Primary), _) => Act::Demote(Why::StandbyCluster),
        (Some(Role::Standby), Some(database)) => match switchover::from_leader(known, others) {
            Some(act) => act,
            None if follows(database, remote) => Act::Lead,
            None => Act::Follow(remote, Repair::RewindOrClone),
        },
        (Some(Role::Stopped), _) => STANDBY_OF_NOBODY,
        _ => Act::Wait(Why::NotRunning),
    }
}
