//! What is in the store.

pub(super) use crate::common::master::Master;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_presence_says_whose_it_is() {
        assert_eq!(presence(4), "/agrajag/present/n4");
        assert_eq!((present("n4"), present("four")), (Some(4), None));
    }
}
