//! What the rungs about the registry share: names, messages, and how both are shown.

use serde::{Deserialize, Serialize};
use sim::explore::Setting;
use sim::spec::{Each, Queue, Set, tla};
use std::fmt::{self, Display};

/// How many names may be registered, one after the other.
pub(super) const fn names(default: u8) -> Setting {
    Setting::number("names", default, 1, 40, "names that may be registered, one after the other")
}

/// How many nodes there are.
pub(super) const NODES: Setting = Setting::number("nodes", 2, 2, 3, "nodes");

/// A step of one node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) node: usize,
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(n{})", self.name, self.node + 1)
    }
}

/// What a node tells the others. In a state's encoding it is one byte: most of a state is messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u8", into = "u8")]
pub(super) enum Sync {
    Register(u8),
    Unregister(u8),
}

impl Default for Sync {
    fn default() -> Self {
        Sync::Register(0)
    }
}

impl From<Sync> for u8 {
    fn from(sync: Sync) -> u8 {
        match sync {
            Sync::Register(name) => name << 1,
            Sync::Unregister(name) => name << 1 | 1,
        }
    }
}

impl From<u8> for Sync {
    fn from(byte: u8) -> Sync {
        if byte & 1 == 0 { Sync::Register(byte >> 1) } else { Sync::Unregister(byte >> 1) }
    }
}

impl Display for Sync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sync::Register(name) => write!(f, "[action |-> \"sync_register\", name |-> {name}]"),
            Sync::Unregister(name) => write!(f, "[action |-> \"sync_unregister\", name |-> {name}]"),
        }
    }
}

/// Every inbox but the sender's gets a message.
pub(super) fn broadcast<T: Copy + Default, const N: usize>(
    inbox: &mut Each<Queue<T>, N>,
    from: usize,
    message: T,
) {
    for (node, inbox) in inbox.iter_mut().enumerate() {
        if node != from {
            inbox.push(message);
        }
    }
}

/// Whether no message is on its way.
pub(super) fn is_quiet<T, const N: usize>(inbox: &Each<Queue<T>, N>) -> bool {
    inbox.iter().all(Queue::is_empty)
}

/// A set of names for each node.
pub(super) fn sets<const N: usize>(sets: &Each<Set, N>) -> String {
    tla::function('n', sets.iter().map(|set| tla::set(set.iter())))
}

/// The nodes that each node sees.
pub(super) fn nodes<const N: usize>(sets: &Each<Set, N>) -> String {
    tla::function('n', sets.iter().map(|set| tla::set(set.iter().map(|node| format!("n{}", node + 1)))))
}

/// Messages for each node.
pub(super) fn inboxes<T: Display, const N: usize>(inbox: &Each<Queue<T>, N>) -> String {
    tla::function('n', inbox.iter().map(|inbox| tla::sequence(inbox.as_slice())))
}

/// A variable with its value.
pub(super) fn variable(name: &str, value: impl Display) -> (String, String) {
    (name.to_owned(), value.to_string())
}
