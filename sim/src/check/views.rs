//! What every node believes, at one instant.
//!
//! A view is copied out of its node when somebody first asks for it: most checkers look at most probes without one, and
//! copying them all each time would cost more, the more nodes there are and the more each knows. Whoever is lent the
//! views asks before the run goes on, so that they are all of the same instant.

use host::world::{self, MachineId};
use std::cell::OnceCell;

/// The views of all nodes, in order of their numbers; none for a node that is down or has not registered one.
#[derive(Debug, Clone)]
pub struct Views<V> {
    views: Vec<OnceCell<Option<V>>>,
    /// Reads one that nobody has asked for yet.
    read: fn(MachineId) -> Option<V>,
}

impl<V: 'static> Views<V> {
    /// The views of the first `nodes` machines.
    pub(crate) fn read(nodes: u32) -> Self {
        Views { views: (0..nodes).map(|_| OnceCell::new()).collect(), read: world::view }
    }
}

impl<V> Views<V> {
    /// Views given one by one, for tests of checkers.
    pub fn new(views: Vec<Option<V>>) -> Self {
        Views { views: views.into_iter().map(OnceCell::from).collect(), read: |_| None }
    }

    /// How many nodes there are, up or down.
    pub fn nodes(&self) -> u32 {
        self.views.len() as u32
    }

    /// The view of a node, by its number from 1; none when it is down.
    pub fn get(&self, node: u32) -> Option<&V> {
        let index = (node as usize).checked_sub(1)?;
        let read = || (self.read)(MachineId::numbered(node));
        self.views.get(index)?.get_or_init(read).as_ref()
    }

    /// The number and view of each node that is up.
    pub fn up(&self) -> impl Iterator<Item = (u32, &V)> {
        (1..=self.nodes()).filter_map(|node| Some((node, self.get(node)?)))
    }
}
