//! The rules: what is decided about a command, and what a line of the log does. No I/O.
//!
//! A decision changes nothing: it says which [`Record`] is to be written. [`Books::apply`] is the only way to change a
//! [`State`], when a line is new, when it is replayed and when it is shipped; so a state is the fold of a log, poison
//! included: what cannot be done is set aside by the same fold, in the same place, wherever it is done.

mod state;

pub use state::{Booking, Poison};
pub(super) use state::{Epoch, State};

use super::{
    calendar::{Date, Day},
    message::{Answer, Command, Entry, Hotel, Id, Night, Record, Room, Stay, Version},
    offer::Offer,
    options::{Flaw, Options},
    refusal::{Refusal, TakeOverRefusal},
};
use state::{Asked, Terms};
use std::ops::Range;

/// What is to be done about a command.
#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    /// Nothing happens; this is the answer.
    Answer(Answer),
    /// Write this down first.
    Write(Record),
}

/// A line that has no place behind those before it: the log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {found} stands where {expected} should")]
pub struct Misplaced {
    /// What its place should be.
    pub expected: Version,
    /// What it says.
    pub found: Version,
}

/// A state, with the rules for it.
#[derive(Debug, Clone)]
pub(super) struct Books {
    offer: Offer,
    flaw: Option<Flaw>,
    state: State,
}

impl Books {
    /// Empty books; the first node has the say.
    ///
    /// # Errors
    ///
    /// When the first night is none.
    pub fn new(options: &Options) -> Result<Books, Refusal> {
        Ok(Books { offer: Offer::of(options)?, flaw: options.flaw, state: State::default() })
    }

    /// What follows from all lines so far.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The state as bytes, for a snapshot.
    pub fn snapshot(&self) -> Vec<u8> {
        postcard::to_stdvec(&self.state).expect("a state is plain data")
    }

    /// Takes the state from a snapshot; `false` if it is none.
    pub fn restore(&mut self, snapshot: &[u8]) -> bool {
        match postcard::take_from_bytes(snapshot) {
            Ok((state, [])) => {
                self.state = state;
                true
            }
            _ => false,
        }
    }

    /// What a client asks for.
    pub fn decide(&self, id: Id, command: &Command) -> Decision {
        match self.state.asked(id.client) {
            Some(asked) if id.number < asked.number => {
                let refusal = Refusal::IdPassed { number: id.number, last: asked.number };
                return Decision::Answer(Answer::Refused(refusal));
            }
            Some(asked) if id.number == asked.number && *command != asked.command => {
                return Decision::Answer(Answer::Refused(Refusal::IdReused));
            }
            Some(asked) if id.number == asked.number => return Decision::Answer(asked.answer.clone()),
            _ => {}
        }
        // What is refused here depends on nothing that changes: it need not be written down.
        if let Err(refusal) = self.makes_sense(command) {
            return Decision::Answer(Answer::Refused(refusal));
        }
        match self.allows(command) {
            Ok(()) => Decision::Write(Record::Do { id, command: *command }),
            Err(refusal) => Decision::Write(Record::Refused { id, command: *command, refusal }),
        }
    }

    /// A standby is told to have the say.
    ///
    /// # Errors
    ///
    /// When it has it, or may lack what was promised.
    pub fn decide_take_over(&self, node: u16) -> Result<Record, Refusal> {
        let why = match self.state.epoch {
            Epoch { primary, .. } if primary == node => TakeOverRefusal::IsPrimary,
            Epoch { is_accompanied: false, .. } => TakeOverRefusal::NotAccompanying,
            Epoch { number, .. } => return Ok(Record::TakeOver { epoch: number + 1, primary: node }),
        };
        Err(Refusal::CannotTakeOver { why })
    }

    /// Whether a command means anything, whatever is booked.
    fn makes_sense(&self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Book(stay) => self.stay_makes_sense(stay).map(drop),
            Command::Withdraw { hotel, room, night } | Command::Reprice { hotel, room, night, .. } => {
                self.night(*hotel, *room, *night).map(drop)
            }
            Command::Import(_) | Command::Cancel(_) | Command::Discard(_) | Command::Compensate(_) => Ok(()),
        }
    }

    /// The first night of a stay, and the day after its last.
    fn stay_makes_sense(&self, stay: &Stay) -> Result<(Day, Day), Refusal> {
        let (first, end) = (stay.check_in.day()?, stay.check_out.day()?);
        let nights = first.days_to(end);
        if nights == 0 {
            let (check_in, check_out) = (stay.check_in, stay.check_out);
            return Err(Refusal::CheckOutBeforeCheckIn { check_in, check_out });
        }
        if nights > self.offer.stay_nights_max {
            return Err(Refusal::TooLong { nights, max: self.offer.stay_nights_max });
        }
        self.offer.has_room(stay.hotel, stay.room)?;
        Ok((first, end))
    }

    fn night(&self, hotel: Hotel, room: Room, date: Date) -> Result<Night, Refusal> {
        let day = date.day()?;
        self.offer.has_room(hotel, room)?;
        Ok(Night { hotel, room, day })
    }

    /// Whether it can be done now.
    fn allows(&self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Book(stay) => self.price(stay).map(drop),
            // It has happened already, elsewhere.
            Command::Import(_) => Ok(()),
            Command::Cancel(booking) => match self.state.bookings.contains_key(booking) {
                true => Ok(()),
                false => Err(Refusal::NotBooked { booking: *booking }),
            },
            Command::Withdraw { hotel, room, night } => self.is_free(self.night(*hotel, *room, *night)?),
            Command::Reprice { hotel, room, night, .. } => {
                self.is_offered(self.night(*hotel, *room, *night)?)
            }
            Command::Discard(version) | Command::Compensate(version) => {
                match self.state.poison.contains_key(version) {
                    true => Ok(()),
                    false => Err(Refusal::NotSetAside { version: *version }),
                }
            }
        }
    }

    /// What a stay costs that can be had.
    fn price(&self, stay: &Stay) -> Result<u64, Refusal> {
        let (first, end) = self.stay_makes_sense(stay)?;
        let looked_at = if self.flaw == Some(Flaw::CheckInNightOnly) { first.plus(1) } else { end };
        let at = |day| Night { hotel: stay.hotel, room: stay.room, day };
        // One search for all of them: the nights of a room stand side by side.
        let taken = self.first_taken(at(first)..at(looked_at));
        let mut price = 0;
        for night in first.up_to(end).map(at) {
            if night.day < looked_at {
                self.is_offered(night)?;
            }
            if taken == Some(night) {
                return Err(Refusal::Taken { night });
            }
            price += u64::from(self.price_of_night(night, stay)?);
        }
        Ok(price)
    }

    fn price_of_night(&self, night: Night, stay: &Stay) -> Result<u32, Refusal> {
        let changed = self.state.terms.get(&night);
        let changed = changed.and_then(|terms| terms.prices.get(&(stay.currency, stay.occupants)));
        // Who did not offer this before cannot by a price alone: the offer says for how many, and in what.
        self.offer.price(stay.occupants, stay.currency).map(|price| changed.copied().unwrap_or(price))
    }

    fn is_offered(&self, night: Night) -> Result<(), Refusal> {
        self.offer.has_night(night)?;
        match self.state.terms.get(&night) {
            Some(Terms { is_withdrawn: true, .. }) => Err(Refusal::NotOnOffer { night }),
            _ => Ok(()),
        }
    }

    fn is_free(&self, night: Night) -> Result<(), Refusal> {
        self.is_offered(night)?;
        let is_taken = self.first_taken(night..Night { day: night.day.plus(1), ..night }).is_some();
        if is_taken { Err(Refusal::Taken { night }) } else { Ok(()) }
    }

    /// The first of some nights of a room that cannot be had because it is booked.
    fn first_taken(&self, nights: Range<Night>) -> Option<Night> {
        match self.flaw {
            Some(Flaw::DoubleBooking) => None,
            _ => self.state.taken.range(nights).next().map(|(night, _)| *night),
        }
    }

    /// What a line does. What it cannot do is set aside, and that is its answer.
    ///
    /// # Errors
    ///
    /// When it is not the next line; nothing has changed then.
    pub fn apply(&mut self, entry: &Entry) -> Result<Option<(Id, Answer)>, Misplaced> {
        let expected = self.state.version.next();
        if entry.version != expected {
            return Err(Misplaced { expected, found: entry.version });
        }
        Ok(self.apply_anywhere(entry))
    }

    /// The same, wherever it says that it stands.
    pub fn apply_anywhere(&mut self, entry: &Entry) -> Option<(Id, Answer)> {
        let version = entry.version;
        self.state.version = version;
        match &entry.record {
            Record::Do { id, command } => {
                let answer = self.answer_to(version, *id, command);
                self.remember(*id, *command, answer.clone());
                Some((*id, answer))
            }
            Record::Refused { id, command, refusal } => {
                let answer = Answer::Refused(refusal.clone());
                self.remember(*id, *command, answer.clone());
                Some((*id, answer))
            }
            Record::TakeOver { epoch, primary } => {
                self.state.begin_epoch(*epoch, *primary);
                None
            }
            Record::Accompanied => {
                self.state.epoch.is_accompanied = true;
                None
            }
            Record::Unreadable(bytes) => {
                self.state.poison.insert(version, Poison::Unreadable(bytes.clone()));
                None
            }
        }
    }

    /// Says where a state stands that does not know it: what flaws do.
    pub fn stand_at(&mut self, version: Version) {
        self.state.version = version;
    }

    fn remember(&mut self, id: Id, command: Command, answer: Answer) {
        self.state.clients.insert(id.client, Asked { number: id.number, command, answer });
    }

    /// Does a command, or sets it aside.
    fn answer_to(&mut self, version: Version, id: Id, command: &Command) -> Answer {
        match self.do_it(version, id, command) {
            Ok(answer) => answer,
            Err(why) => {
                let poison = Poison::Failed { id, command: *command, why: why.clone() };
                self.state.poison.insert(version, poison);
                Answer::SetAside { version, why }
            }
        }
    }

    fn do_it(&mut self, version: Version, id: Id, command: &Command) -> Result<Answer, Refusal> {
        match command {
            // These are asked as they are done.
            Command::Book(_) | Command::Import(_) | Command::Cancel(_) => {}
            other => self.allows(other)?,
        }
        match command {
            Command::Book(stay) | Command::Import(stay) => {
                let price = self.price(stay)?;
                self.state.book(id, Booking { version, stay: *stay, price })?;
                Ok(Answer::Booked { version, price })
            }
            Command::Cancel(booking) => {
                let refund = self.state.cancel(*booking)?;
                Ok(Answer::Cancelled { refund })
            }
            Command::Withdraw { hotel, room, night } => {
                let night = self.night(*hotel, *room, *night)?;
                self.state.terms.entry(night).or_default().is_withdrawn = true;
                Ok(Answer::Done)
            }
            Command::Reprice { hotel, room, night, occupants, currency, price } => {
                let night = self.night(*hotel, *room, *night)?;
                let terms = self.state.terms.entry(night).or_default();
                terms.prices.insert((*currency, *occupants), *price);
                Ok(Answer::Done)
            }
            Command::Discard(poison) => {
                self.state.poison.remove(poison);
                Ok(Answer::Done)
            }
            Command::Compensate(poison) => {
                self.compensate(*poison);
                Ok(Answer::Done)
            }
        }
    }

    /// Who paid for what could not be had is owed what it costs.
    fn compensate(&mut self, version: Version) {
        let Some(Poison::Failed { command, .. }) = self.state.poison.remove(&version) else { return };
        let (Command::Book(stay) | Command::Import(stay)) = command else { return };
        let Ok((first, end)) = self.stay_makes_sense(&stay) else { return };
        let nights = first.up_to(end).map(|day| Night { hotel: stay.hotel, room: stay.room, day });
        let price: u64 =
            nights.filter_map(|night| self.price_of_night(night, &stay).ok()).map(u64::from).sum();
        *self.state.owed.entry((stay.guest, stay.currency)).or_default() += price;
    }

    /// Whether a line would be set aside: what the flaw [`Flaw::PoisonLoop`] dies of.
    pub fn is_poison(&self, entry: &Entry) -> bool {
        match &entry.record {
            Record::Do { command, .. } => match command {
                Command::Book(stay) | Command::Import(stay) => self.price(stay).is_err(),
                other => self.allows(other).is_err(),
            },
            Record::Unreadable(_) => true,
            _ => false,
        }
    }
}

/// The order in which lines are replayed: that of the log, unless a flaw has another.
pub(super) fn replayed(flaw: Option<Flaw>, lines: Vec<(u64, Entry)>) -> Vec<(u64, Entry)> {
    match flaw {
        // A table keyed by version has one row of each: the latest.
        Some(Flaw::VersionFromSnapshot) => {
            let by_version: std::collections::BTreeMap<Version, (u64, Entry)> =
                lines.into_iter().map(|(lsn, entry)| (entry.version, (lsn, entry))).collect();
            by_version.into_values().collect()
        }
        // Prices are elsewhere, as they are today.
        Some(Flaw::PriceOfToday) => {
            let is_price =
                |entry: &Entry| matches!(&entry.record, Record::Do { command: Command::Reprice { .. }, .. });
            let (prices, others): (Vec<_>, Vec<_>) =
                lines.into_iter().partition(|(_, entry)| is_price(entry));
            prices.into_iter().chain(others).collect()
        }
        _ => lines,
    }
}

#[cfg(test)]
mod tests;
