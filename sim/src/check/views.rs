//! What every node believes, at one instant.

use host::world::{self, MachineId};

/// The views of all nodes, in order of their numbers; none for a node that is down or has not registered one.
#[derive(Debug, Clone, PartialEq)]
pub struct Views<V>(Vec<Option<V>>);

impl<V: 'static> Views<V> {
    /// Reads the views of the first `nodes` machines.
    pub(crate) fn read(nodes: u32) -> Self {
        Views(MachineId::first(nodes as usize).map(world::view).collect())
    }
}

impl<V> Views<V> {
    /// Views given one by one, for tests of checkers.
    pub fn new(views: Vec<Option<V>>) -> Self {
        Views(views)
    }

    /// The view of a node, by its number from 1; none when it is down.
    pub fn get(&self, node: u32) -> Option<&V> {
        self.0.get((node as usize).checked_sub(1)?)?.as_ref()
    }

    /// The number and view of each node that is up.
    pub fn up(&self) -> impl Iterator<Item = (u32, &V)> {
        self.0.iter().enumerate().filter_map(|(index, view)| Some((index as u32 + 1, view.as_ref()?)))
    }
}
