//! What is in the store.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What is published: who was promoted, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Master {
    /// The node.
    pub node: u32,
    /// Where its database listens.
    pub database: SocketAddr,
    /// When it was promoted, by its own wall clock, in ns since 1970.
    pub promoted_ns: u64,
}

/// The node that all follow.
pub(super) const MASTER: &str = "/agrajag/master";
/// Below it each orchestrator has its ephemeral one.
pub(super) const PRESENT: &str = "/agrajag/present";
/// Where the flaw publishes in parts: when the master was promoted, and which node it is.
pub(super) const PROMOTED: &str = "/agrajag/promoted";
pub(super) const NODE: &str = "/agrajag/node";

/// The ephemeral node of the orchestrator with this number.
pub(super) fn presence(id: u32) -> String {
    format!("{PRESENT}/n{id}")
}

/// The number of the orchestrator whose ephemeral node has this name.
pub(super) fn present(name: &str) -> Option<u32> {
    name.strip_prefix('n')?.parse().ok()
}

impl Master {
    /// As it is written.
    pub fn written(&self) -> String {
        serde_json::to_string(self).expect("it has only types with names")
    }

    /// As it was read; none if it is nothing of the kind.
    pub fn read(data: &str) -> Option<Master> {
        serde_json::from_str(data).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let master = Master { node: 4, database: ([10, 0, 0, 4], 7000).into(), promoted_ns: 7 };
        assert_eq!(Master::read(&master.written()), Some(master));
        assert_eq!(Master::read("n4"), None);
        assert_eq!(presence(4), "/agrajag/present/n4");
        assert_eq!((present("n4"), present("four")), (Some(4), None));
    }
}
