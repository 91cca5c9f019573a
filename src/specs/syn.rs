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

impl Sync {
    /// What whoever gets it does with what it has; returns how that step is called.
    pub(super) fn apply(self, registered: &mut Set) -> &'static str {
        match self {
            Sync::Register(name) => {
                registered.insert(name);
                "SyncRegister"
            }
            Sync::Unregister(name) => {
                registered.remove(name);
                "SyncUnregister"
            }
        }
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

/// Whom each of two nodes sees: the other, or nobody during a netsplit. In both the seeds and what is printed it is the set
/// `visible_nodes` of each.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Visible(Each<Set, 2>);

impl Visible {
    /// Both see each other.
    pub(super) fn both() -> Self {
        Visible(Each([0, 1].map(|node| Set::only(other_than(node)))))
    }

    pub(super) fn is_whole(&self, node: usize) -> bool {
        !self.0[node].is_empty()
    }

    /// The other node, and what is seen once this one has lost it; none if it has.
    pub(super) fn without(&self, node: usize) -> Option<(usize, Visible)> {
        let other = usize::from(self.0[node].first()?);
        Some((other, Visible(Each::default())))
    }

    /// The other node, and what is seen once this one sees it again; none if it does.
    pub(super) fn again(&self, node: usize) -> Option<(usize, Visible)> {
        (!self.is_whole(node)).then(|| (usize::from(other_than(node)), Visible::both()))
    }

    /// Whoever a node sees gets a message.
    pub(super) fn tell<T: Copy + Default>(&self, inbox: &mut Each<Queue<T>, 2>, from: usize, message: T) {
        self.0[from].iter().for_each(|to| inbox[usize::from(to)].push(message));
    }
}

impl Display for Visible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sets = self.0.iter().map(|set| tla::set(set.iter().map(|node| format!("n{}", node + 1))));
        f.write_str(&tla::function('n', sets))
    }
}

fn other_than(node: usize) -> u8 {
    1 - node as u8
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

/// Messages for each node.
pub(super) fn inboxes<T: Display, const N: usize>(inbox: &Each<Queue<T>, N>) -> String {
    tla::function('n', inbox.iter().map(|inbox| tla::sequence(inbox.as_slice())))
}

/// A variable with its value.
pub(super) fn variable(name: &str, value: impl Display) -> (String, String) {
    (name.to_owned(), value.to_string())
}
