//! What nodes believe at an instant of a run, for whoever explains it.
//!
//! The run is made again, and is the same up to the instant; that it is looked at then may let tasks run in another order
//! afterwards. A view is read by a function that the node has registered, without a message: see [`host::world`].

use super::ending::Ending;
use host::world::{self, MachineId};
use serde_json::Value;

/// The views of the nodes, none for one that is down.
pub(super) fn views(nodes: u32) -> Vec<Option<Value>> {
    MachineId::first(nodes as usize).map(world::view_json).collect()
}

/// When to look, and what was seen then.
pub(super) struct Look {
    at_ns: Option<u64>,
    seen: Option<Vec<Option<Value>>>,
}

impl Look {
    /// At an instant, in ns since the run began; none: never.
    pub(super) fn at(at_ns: Option<u64>) -> Self {
        Look { at_ns, seen: None }
    }

    /// When it is still to be taken.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.at_ns
    }

    /// Takes it, if it is time.
    pub(super) fn take(&mut self, now_ns: u64, nodes: u32) {
        if self.at_ns.take_if(|at_ns| *at_ns <= now_ns).is_some() {
            self.seen = Some(views(nodes));
        }
    }

    /// An ending with what was seen in the place of what is believed in the end.
    pub(super) fn of(self, ending: Ending) -> Ending {
        match self.seen {
            Some(views) => Ending { views, ..ending },
            None => ending,
        }
    }
}
