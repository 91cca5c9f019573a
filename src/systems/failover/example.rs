//! A database's view, for tests of what is made of views.

use protocols::database::{Lsn, Replication, Role, View};

/// Of a database that has one entry, follows nobody, and takes writes if it is a primary.
pub(super) fn view(id: u32, role: Role) -> View {
    View {
        id,
        role,
        writable: role == Role::Primary,
        timeline: None,
        durable: Lsn(1),
        visible: Lsn(1),
        upstream: None,
        replication: Replication::Idle,
        standbys: Vec::new(),
        malformed_frames: 0,
    }
}
