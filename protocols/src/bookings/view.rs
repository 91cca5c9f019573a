//! What a node knows, for checkers and debuggers.

use super::{
    message::{Currency, Id, Version},
    node::{Inner, Node},
    rules::{Booking, State},
};
use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, sync::Arc};

/// A node's state, as it is when it is looked at. Nothing is copied: checkers look after every step.
///
/// As JSON it is a [`Summary`].
#[derive(Clone)]
pub struct View(Arc<Node>);

/// A view in plain data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Summary {
    /// Whether it has the say, as far as it knows.
    pub is_primary: bool,
    /// How often another took over, and 1.
    pub epoch: u64,
    /// Whether the primary promises nothing that its standby has not.
    pub is_accompanied: bool,
    /// The last line that is done.
    pub version: Version,
    /// Lines that are written and not promised.
    pub open: usize,
    /// Bookings that stand.
    pub bookings: usize,
    /// Nights that are taken.
    pub nights: usize,
    /// Commands that are set aside.
    pub poison: usize,
}

impl View {
    pub(super) fn of(node: &Arc<Node>) -> View {
        View(Arc::clone(node))
    }

    fn read<T>(&self, read: impl FnOnce(&Inner) -> T) -> T {
        read(&self.0.lock())
    }

    fn done<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        self.read(|inner| read(inner.done.state()))
    }

    /// How many nodes the service has.
    pub fn nodes(&self) -> usize {
        self.0.config.nodes.len()
    }

    /// Whether it has the say, as far as it knows.
    pub fn is_primary(&self) -> bool {
        self.read(Inner::is_primary)
    }

    /// Whether somebody follows it, or is followed by it.
    pub fn is_connected(&self) -> bool {
        self.read(Inner::is_connected)
    }

    /// How many lines it has written and not promised.
    pub fn open(&self) -> usize {
        self.read(Inner::open_lines)
    }

    /// The last line that is done.
    pub fn version(&self) -> Version {
        self.done(|state| state.version)
    }

    /// A booking that stands.
    pub fn booking(&self, id: Id) -> Option<Booking> {
        self.done(|state| state.bookings.get(&id).copied())
    }

    /// Whether two nodes know the same.
    pub fn agrees_with(&self, other: &View) -> bool {
        let own = self.done(State::clone);
        other.done(|state| *state == own)
    }

    /// What was charged less what was paid back, and what the bookings cost that stand: of each currency.
    pub fn takings(&self) -> BTreeMap<Currency, (u64, u64)> {
        self.done(|state| {
            let mut takings: BTreeMap<Currency, (u64, u64)> = BTreeMap::new();
            for (currency, sum) in &state.takings {
                takings.entry(*currency).or_default().0 = *sum;
            }
            for booking in state.bookings.values() {
                takings.entry(booking.stay.currency).or_default().1 += booking.price;
            }
            takings
        })
    }

    /// The same as plain data.
    pub fn summary(&self) -> Summary {
        self.read(|inner| {
            let state = inner.done.state();
            Summary {
                is_primary: inner.is_primary(),
                epoch: state.epoch.number,
                is_accompanied: state.epoch.is_accompanied,
                version: state.version,
                open: inner.open_lines(),
                bookings: state.bookings.len(),
                nights: state.taken.len(),
                poison: state.poison.len(),
            }
        })
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.summary().fmt(f)
    }
}

impl Serialize for View {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.summary().serialize(serializer)
    }
}
