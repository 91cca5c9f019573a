//! Whether writes wait for a standby, as far as it knows: its upstream says so with what it sends.
//!
//! PostgreSQL's standbys are not told; whoever looks at the primary (`pg_stat_replication`) knows. Here the word comes with
//! the next entries, or a quarter of `stream_timeout` later, and costs no message of its own: it is there to be published.
//! A standby that is cut off knows what it was told last.

use super::Inner;
use crate::database::message::Role;
use host::probe;

/// Whether writes wait for a database, as it was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database::node) enum Awaited {
    /// It follows nobody, or was told nothing yet.
    Nowhere,
    /// It streams, and no write waits for it.
    Other,
    /// It is one of those that writes wait for.
    Named,
}

impl Awaited {
    fn name(self) -> &'static str {
        match self {
            Awaited::Nowhere => "nowhere",
            Awaited::Other => "other",
            Awaited::Named => "named",
        }
    }

    /// No database runs here, and so none is told.
    pub fn publish_nowhere() {
        probe!("sync", Awaited::Nowhere.name(), 0_u32);
    }
}

impl Inner {
    /// Whether writes here wait for this standby: it is one of the list, and the list counts.
    pub fn awaits(&self, id: u32) -> bool {
        let sync = self.log.sync();
        self.role == Role::Primary && sync.required > 0 && sync.of.contains(&id)
    }

    /// It was told so by the database with this number, 0 for none; published when it changes.
    pub fn is(&mut self, named: Awaited, by: u32) {
        if self.named != named {
            self.named = named;
            probe!("sync", named.name(), by);
        }
    }
}
