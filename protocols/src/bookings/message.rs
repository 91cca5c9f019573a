//! What travels: between a client and a node, and between the nodes. And what a line of the log says.

use super::{
    calendar::{Date, Day},
    refusal::Refusal,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A hotel, by its number from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hotel(pub u32);

/// A room of a hotel, by the number on its door, from 101.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Room(pub u32);

/// A currency, by its three letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Currency(pub [u8; 3]);

/// A room for a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Night {
    /// The hotel.
    pub hotel: Hotel,
    /// Its room.
    pub room: Room,
    /// The day on which the night begins.
    pub day: Day,
}

/// A command, by the client that made it up. What an id asks for is done once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Id {
    /// The client: random, so that no two are alike. It waits for each answer before it asks for more.
    pub client: u64,
    /// Its commands, counted from 1.
    pub number: u32,
}

/// The place of a line in the log, from 1: what the log says, and never a count of what is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version(pub u64);

impl Version {
    /// The one after it.
    #[must_use]
    pub fn next(self) -> Version {
        Version(self.0 + 1)
    }
}

/// Who stays where, and from when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stay {
    /// Who pays.
    pub guest: u32,
    /// The hotel.
    pub hotel: Hotel,
    /// Its room.
    pub room: Room,
    /// The first night.
    pub check_in: Date,
    /// The day after the last night.
    pub check_out: Date,
    /// How many stay.
    pub occupants: u8,
    /// What they pay in.
    pub currency: Currency,
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Book a room.
    Book(Stay),
    /// Undo a booking, by the command that made it: a compensation, for the log takes nothing back.
    Cancel(Id),
    /// Take note of a booking that was made elsewhere. It is not validated: what is done is done. If the room is not
    /// there, the command is *poison*.
    Import(Stay),
    /// Offer a room no more for a night.
    Withdraw {
        /// The hotel.
        hotel: Hotel,
        /// Its room.
        room: Room,
        /// The night.
        night: Date,
    },
    /// Ask another price for a night.
    Reprice {
        /// The hotel.
        hotel: Hotel,
        /// Its room.
        room: Room,
        /// The night.
        night: Date,
        /// For so many.
        occupants: u8,
        /// In this currency.
        currency: Currency,
        /// So much.
        price: u32,
    },
    /// Forget a command that was set aside.
    Discard(Version),
    /// Make up for a command that was set aside: who paid elsewhere is owed the price.
    Compensate(Version),
}

/// How a command ended. The same id gets the same answer, until its client asks for something else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The room is booked.
    Booked {
        /// Where it stands in the log.
        version: Version,
        /// The price of all nights.
        price: u64,
    },
    /// The booking is undone.
    Cancelled {
        /// What is paid back.
        refund: u64,
    },
    /// It was done.
    Done,
    /// It could not be done and was set aside: a person decides.
    SetAside {
        /// Where it stands in the log.
        version: Version,
        /// Why.
        why: Refusal,
    },
    /// It was not done, and never will be.
    Refused(Refusal),
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place.
    pub version: Version,
    /// What it says.
    pub record: Record,
}

/// What a line of the log says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// A command that was validated, to be done.
    Do {
        /// Whose.
        id: Id,
        /// What.
        command: Command,
    },
    /// A command that was refused. It is written down so that a late copy of it is not done.
    Refused {
        /// Whose.
        id: Id,
        /// What.
        command: Command,
        /// Why.
        refusal: Refusal,
    },
    /// From here on another node has the say.
    TakeOver {
        /// How often that has happened.
        epoch: u64,
        /// The node, from 1.
        primary: u16,
    },
    /// From here on the primary promises nothing that its standby has not.
    Accompanied,
    /// Nobody can read what stood here: the bytes as they were.
    Unreadable(Vec<u8>),
}

/// The first frame on every connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Hello {
    Client,
    /// The other node: how far its log is.
    Peer {
        epoch: u64,
        version: Version,
    },
}

/// Client to node. The tag comes back with the reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    pub tag: u64,
    pub what: Question,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Question {
    Do { id: Id, command: Command },
    Find(Id),
    TakeOver,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub tag: u64,
    pub reply: Reply,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reply {
    Answer(Answer),
    /// What is known of a booking.
    Found(Option<super::Booking>),
    /// Nothing was done: the disk is full.
    Full,
    /// Nothing was done: another node has the say.
    NotPrimary,
}

/// Primary to standby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Shipped {
    /// Forget all: this is the state.
    Base(Vec<u8>),
    /// A line of the log, as it is on the disk.
    Line { version: Version, line: Vec<u8> },
    /// Nothing is new.
    Ping,
}

/// Standby to primary: all up to here is on its disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ack {
    pub version: Version,
}

impl FromStr for Currency {
    type Err = String;

    fn from_str(text: &str) -> Result<Currency, String> {
        let letters = <[u8; 3]>::try_from(text.as_bytes()).ok();
        let letters = letters.filter(|letters| letters.iter().all(u8::is_ascii_uppercase));
        letters.map(Currency).ok_or_else(|| format!("{text:?} is not three capital letters, as EUR"))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl fmt::Display for Hotel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Night {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "room {} of hotel {} on {}", self.room, self.hotel, self.day)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.client, self.number)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
