//! What a node has to tell those who watch it: each change of its table and of its groups, in order.

use super::{process::Pid, table::Entry};
use serde::{Deserialize, Serialize};

/// A change, as one node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A name points at a process that it did not point at before.
    Registered {
        /// The name.
        name: String,
        /// The process.
        pid: Pid,
        /// Its metadata.
        meta: String,
    },
    /// A name points at the same process, with other metadata.
    Updated {
        /// The name.
        name: String,
        /// The process.
        pid: Pid,
        /// The metadata now.
        meta: String,
        /// The metadata before.
        before: String,
    },
    /// A name no longer points at a process: it was freed, its process died, or its node was lost.
    Unregistered {
        /// The name.
        name: String,
        /// The process that it pointed at.
        pid: Pid,
        /// Its last metadata.
        meta: String,
    },
    /// Two processes had the name, one of this node and one of another. By Syn's rules both nodes decide, and what it
    /// changes here follows; where tables converge the loser's node alone tells it, after what it changed.
    Resolved {
        /// The name.
        name: String,
        /// The process of this node.
        here: Pid,
        /// The process of the other.
        there: Pid,
        /// Who keeps the name; none: a custom resolver has freed it.
        kept: Option<Pid>,
    },
    /// A process is a member of a group.
    Joined {
        /// The group.
        group: String,
        /// The process.
        pid: Pid,
        /// Its metadata, in this group.
        meta: String,
    },
    /// A member has other metadata.
    Rejoined {
        /// The group.
        group: String,
        /// The process.
        pid: Pid,
        /// The metadata now, in this group.
        meta: String,
        /// The metadata before.
        before: String,
    },
    /// A process is no longer a member of a group.
    Left {
        /// The group.
        group: String,
        /// The process.
        pid: Pid,
    },
}

/// Collects events while somebody watches.
#[derive(Debug, Default)]
pub(super) struct Events {
    watched: bool,
    pending: Vec<Event>,
}

impl Events {
    /// From now on somebody watches, or nobody does.
    pub fn watch(&mut self, watched: bool) {
        self.watched = watched;
    }

    pub fn is_watched(&self) -> bool {
        self.watched
    }

    pub fn push(&mut self, event: Event) {
        if self.watched {
            self.pending.push(event);
        }
    }

    /// What a name pointed at, and what it points at now.
    pub fn changed(&mut self, name: &str, before: Option<Entry>, after: Option<Entry>) {
        if !self.watched {
            return;
        }
        let name = name.to_owned();
        match (before, after) {
            (Some(before), Some(after)) if before.pid == after.pid => {
                if before.meta != after.meta {
                    self.push(Event::Updated { name, pid: after.pid, meta: after.meta, before: before.meta });
                }
            }
            (before, after) => {
                if let Some(Entry { pid, meta, .. }) = before {
                    self.push(Event::Unregistered { name: name.clone(), pid, meta });
                }
                if let Some(Entry { pid, meta, .. }) = after {
                    self.push(Event::Registered { name, pid, meta });
                }
            }
        }
    }

    /// What happened since it was last asked.
    pub fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.pending)
    }
}
