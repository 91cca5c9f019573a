//! What goes wrong with links that are up.

use super::network::{Bandwidth, Reorder};
use super::units::Time;
use host::world::LinkFault;
use std::fmt;

/// The links that a fault strikes.
#[derive(Debug, Clone, PartialEq)]
pub enum Links {
    /// Those between machines of different groups, both ways.
    Between(Vec<Vec<String>>),
    /// Those from the first to the second.
    OneWay {
        /// The senders.
        from: Vec<String>,
        /// The receivers.
        to: Vec<String>,
    },
}

/// What is wrong with a link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LinkAction {
    /// Every packet takes longer.
    Slow {
        /// By how much.
        by: Time,
    },
    /// Packets are lost.
    Lossy {
        /// How likely each is.
        probability: f64,
    },
    /// Packets arrive twice.
    Duplicating {
        /// How likely each is.
        probability: f64,
    },
    /// Packets overtake each other.
    Reordering(Reorder),
    /// Datagrams are damaged.
    Corrupting {
        /// How likely each is.
        probability: f64,
    },
    /// Little passes.
    Thin(Bandwidth),
}

impl LinkAction {
    /// The same, for the simulated world.
    pub(crate) fn in_the_world(self) -> LinkFault {
        match self {
            LinkAction::Slow { by } => LinkFault::Slow { by: by.get() },
            LinkAction::Lossy { probability } => LinkFault::Lossy { probability },
            LinkAction::Duplicating { probability } => LinkFault::Duplicating { probability },
            LinkAction::Reordering(reorder) => LinkFault::Reordering(reorder.in_the_world()),
            LinkAction::Corrupting { probability } => LinkFault::Corrupting { probability },
            LinkAction::Thin(bandwidth) => LinkFault::Thin(bandwidth.in_the_world()),
        }
    }
}

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Links::Between(groups) => {
                let groups: Vec<String> = groups.iter().map(|group| group.join(" ")).collect();
                write!(f, "links {}", groups.join(" | "))
            }
            Links::OneWay { from, to } => write!(f, "links {} → {}", from.join(" "), to.join(" ")),
        }
    }
}

impl fmt::Display for LinkAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkAction::Slow { by } => write!(f, "are slower by {by}"),
            LinkAction::Lossy { probability } => write!(f, "lose packets ({probability})"),
            LinkAction::Duplicating { probability } => write!(f, "double packets ({probability})"),
            LinkAction::Reordering(Reorder { probability, by }) => {
                write!(f, "delay packets by up to {by} ({probability})")
            }
            LinkAction::Corrupting { probability } => write!(f, "damage datagrams ({probability})"),
            LinkAction::Thin(Bandwidth { bytes_per_second, .. }) => {
                write!(f, "pass {bytes_per_second} bytes a second")
            }
        }
    }
}
