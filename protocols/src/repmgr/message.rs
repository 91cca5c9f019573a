//! What nodes ask each other besides their databases, and the table that those replicate.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Asked of the shared memory of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ask {
    /// What its daemon has left there.
    State,
    /// Its daemon is to follow this node.
    Follow(u32),
    /// Its daemon is to fail nothing over, or to do so again.
    Pause(bool),
}

/// What is in the shared memory of a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// A daemon has run since the database began.
    pub daemon: bool,
    /// Whom it monitors.
    pub upstream: Option<u32>,
    /// How long ago it saw that one last, in ms; none if it has not.
    pub seen_ms: Option<u64>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Primary,
    Standby,
    Witness,
}

/// A row of `repmgr.nodes`, as far as it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub kind: Kind,
    pub upstream: Option<u32>,
    pub active: bool,
}

/// `repmgr.nodes`, by the numbers of the nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Nodes(pub BTreeMap<u32, Record>);

impl Nodes {
    /// The key that it has in the database.
    pub const KEY: &'static str = "repmgr.nodes";

    /// The active nodes with a database, in the order in which a primary is looked for: whoever is written down as one
    /// comes first.
    pub fn in_order(&self) -> Vec<u32> {
        let active = |kind| {
            let is_one = move |(_, record): &(&u32, &Record)| record.active && record.kind == kind;
            self.0.iter().filter(is_one).map(|(id, _)| *id)
        };
        active(Kind::Primary).chain(active(Kind::Standby)).collect()
    }

    /// The active others that have the same upstream, witnesses among them, the lowest number first.
    pub fn siblings(&self, own: u32, upstream: u32) -> Vec<u32> {
        let is_one = |(id, record): &(&u32, &Record)| {
            **id != own && record.active && record.upstream == Some(upstream)
        };
        self.0.iter().filter(is_one).map(|(id, _)| *id).collect()
    }

    /// A node is the primary now. Whoever was is no longer active.
    pub fn promoted(&mut self, id: u32) {
        for record in self.0.values_mut().filter(|record| record.kind == Kind::Primary) {
            record.active = false;
        }
        self.0.insert(id, Record { kind: Kind::Primary, upstream: None, active: true });
    }

    /// A node follows another one now.
    pub fn follows(&mut self, id: u32, kind: Kind, upstream: u32) {
        self.0.insert(id, Record { kind, upstream: Some(upstream), active: true });
    }
}

/// A node became the primary: a row of `repmgr.events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// When, by its own wall clock, in ns since 1970.
    pub at_ns: u64,
    /// Which.
    pub node: u32,
}

/// `repmgr.events`, as far as it is asked for: who was promoted, or registered as a primary, with success.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Events(pub Vec<Event>);

impl Events {
    /// The key that it has in the database.
    pub const KEY: &'static str = "repmgr.events";
    /// So many are kept: one value has all of them.
    const KEPT: usize = 16;

    /// One more. Of too many the one that happened first goes.
    pub fn add(&mut self, event: Event) {
        self.0.push(event);
        if self.0.len() > Self::KEPT {
            self.0.sort_unstable();
            self.0.remove(0);
        }
    }

    /// The latest, by the clocks of those that wrote them.
    pub fn latest(&self) -> Option<Event> {
        self.0.iter().max().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Nodes {
        let mut nodes = Nodes::default();
        nodes.promoted(1);
        nodes.follows(2, Kind::Standby, 1);
        nodes.follows(3, Kind::Standby, 1);
        nodes.follows(4, Kind::Witness, 1);
        nodes
    }

    #[test]
    fn siblings_are_active_and_have_the_same_upstream() {
        assert_eq!(nodes().siblings(2, 1), [3, 4]);
        let mut other = nodes();
        other.follows(3, Kind::Standby, 2);
        other.0.get_mut(&4).unwrap().active = false;
        assert_eq!(other.siblings(2, 1), [0; 0]);
    }

    #[test]
    fn the_latest_promotion_is_the_one_with_the_latest_stamp_not_the_last_that_was_written() {
        let mut events = Events::default();
        assert_eq!(events.latest(), None);
        let (first, later) = (Event { at_ns: 7, node: 1 }, Event { at_ns: 9, node: 2 });
        events.add(later);
        events.add(first);
        assert_eq!(events.latest(), Some(later));
        for at_ns in 10..40 {
            events.add(Event { at_ns, node: 3 });
        }
        assert_eq!((events.0.len(), events.latest()), (16, Some(Event { at_ns: 39, node: 3 })));
    }

    #[test]
    fn whoever_is_promoted_replaces_the_primary() {
        let mut nodes = nodes();
        assert_eq!(nodes.in_order(), [1, 2, 3]);
        nodes.promoted(3);
        assert_eq!(nodes.in_order(), [3, 2], "who was the primary is not active");
        nodes.promoted(2);
        assert_eq!(nodes.0[&1], Record { kind: Kind::Primary, upstream: None, active: false });
        assert_eq!(nodes.siblings(2, 1), [4], "it has not followed yet");
    }
}
