//! What follows from a log. All of it is in a snapshot.

use crate::bookings::{
    message::{Answer, Command, Currency, Id, Night, Stay, Version},
    refusal::Refusal,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, btree_map};

/// A booking that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// Where its command stands in the log.
    pub version: Version,
    /// Who stays where, and when.
    pub stay: Stay,
    /// What was told to the guest.
    pub price: u64,
}

/// A command that could not be done when its turn came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Poison {
    /// The rules said no.
    Failed {
        /// Whose it is.
        id: Id,
        /// What was to be done.
        command: Command,
        /// Why it was not.
        why: Refusal,
    },
    /// Nobody can read it: the bytes as they were.
    Unreadable(Vec<u8>),
}

/// Who has the say, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::bookings) struct Epoch {
    /// How often another took over, and 1.
    pub number: u64,
    /// The node that has the say.
    pub primary: u16,
    /// Whether it promises nothing that its standby has not.
    pub is_accompanied: bool,
}

/// What a client asked for last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::bookings) struct Asked {
    pub number: u32,
    pub command: Command,
    pub answer: Answer,
}

/// What commands have changed about a night.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::bookings) struct Terms {
    pub is_withdrawn: bool,
    pub prices: BTreeMap<(Currency, u8), u32>,
}

/// What follows from a log. It grows with what is booked, not with what was ever asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::bookings) struct State {
    /// The last line.
    pub version: Version,
    pub epoch: Epoch,
    /// The first line of each epoch but the first.
    forks: Vec<(Version, u64)>,
    pub bookings: BTreeMap<Id, Booking>,
    /// Nights that are booked, and by what.
    pub taken: BTreeMap<Night, Id>,
    pub terms: BTreeMap<Night, Terms>,
    pub clients: BTreeMap<u64, Asked>,
    pub poison: BTreeMap<Version, Poison>,
    /// What is owed to guests for what could not be done.
    pub owed: BTreeMap<(u32, Currency), u64>,
    /// What was charged less what was paid back.
    pub takings: BTreeMap<Currency, u64>,
}

impl Default for State {
    fn default() -> Self {
        State {
            version: Version(0),
            epoch: Epoch { number: 1, primary: 1, is_accompanied: false },
            forks: Vec::new(),
            bookings: BTreeMap::new(),
            taken: BTreeMap::new(),
            terms: BTreeMap::new(),
            clients: BTreeMap::new(),
            poison: BTreeMap::new(),
            owed: BTreeMap::new(),
            takings: BTreeMap::new(),
        }
    }
}

impl State {
    pub fn asked(&self, client: u64) -> Option<&Asked> {
        self.clients.get(&client)
    }

    pub fn begin_epoch(&mut self, number: u64, primary: u16) {
        self.epoch = Epoch { number, primary, is_accompanied: false };
        self.forks.push((self.version, number));
    }

    /// The epoch in which a line was written.
    pub fn epoch_of(&self, version: Version) -> u64 {
        let began = self.forks.iter().rev().find(|(first, _)| *first <= version);
        began.map_or(1, |(_, number)| *number)
    }

    /// Enters a booking whose nights have been looked at.
    pub fn book(&mut self, id: Id, booking: Booking) -> Result<(), Refusal> {
        for night in nights(&booking.stay)? {
            self.taken.insert(night, id);
        }
        *self.takings.entry(booking.stay.currency).or_default() += booking.price;
        self.bookings.insert(id, booking);
        Ok(())
    }

    /// Takes a booking out, and returns what was paid for it.
    pub fn cancel(&mut self, id: Id) -> Result<u64, Refusal> {
        let booking = self.bookings.remove(&id).ok_or(Refusal::NotBooked { booking: id })?;
        for night in nights(&booking.stay)? {
            // Under a flaw it may be another's by now.
            if let btree_map::Entry::Occupied(taken) = self.taken.entry(night)
                && *taken.get() == id
            {
                taken.remove();
            }
        }
        *self.takings.entry(booking.stay.currency).or_default() -= booking.price;
        Ok(booking.price)
    }
}

/// The nights of a stay.
fn nights(stay: &Stay) -> Result<impl Iterator<Item = Night> + use<>, Refusal> {
    let (first, end) = (stay.check_in.day()?, stay.check_out.day()?);
    let (hotel, room) = (stay.hotel, stay.room);
    Ok(first.up_to(end).map(move |day| Night { hotel, room, day }))
}
