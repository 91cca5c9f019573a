//! Why a command is not done: the rules say no, and nothing has happened.

use super::{
    calendar::Date,
    message::{Currency, Hotel, Id, Night, Room, Version},
};
use serde::{Deserialize, Serialize};

/// A definite no.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// There is no such day.
    #[error("date: there is no {date}")]
    NoSuchDate {
        /// What was asked for.
        date: Date,
    },
    /// It is not written as a date.
    #[error("date: {text:?} is not written as 2023-12-01")]
    UnreadableDate {
        /// What was asked for.
        text: String,
    },
    /// A stay has at least one night.
    #[error("check_out: {check_out} is not after {check_in}")]
    CheckOutBeforeCheckIn {
        /// The first night.
        check_in: Date,
        /// The day after the last.
        check_out: Date,
    },
    /// A stay has so many nights at most.
    #[error("check_out: {nights} nights are more than {max}")]
    TooLong {
        /// What was asked for.
        nights: u32,
        /// What is possible.
        max: u32,
    },
    /// There is no such room.
    #[error("room: hotel {hotel} has no room {room}")]
    UnknownRoom {
        /// The hotel.
        hotel: Hotel,
        /// The room.
        room: Room,
    },
    /// The hotel does not offer it that night.
    #[error("{night} is not on offer")]
    NotOnOffer {
        /// The night.
        night: Night,
    },
    /// There is no price for so many, or not in that currency.
    #[error("occupants: there is no price for {occupants} in {currency}")]
    NoPrice {
        /// How many stay.
        occupants: u8,
        /// What they pay in.
        currency: Currency,
    },
    /// Somebody has booked it.
    #[error("{night} is taken")]
    Taken {
        /// The first night that is.
        night: Night,
    },
    /// There is no such booking, or there is none any more.
    #[error("booking: there is no {booking}")]
    NotBooked {
        /// The command that was to have booked.
        booking: Id,
    },
    /// No command of this version is set aside.
    #[error("version: {version} is not set aside")]
    NotSetAside {
        /// What was asked for.
        version: Version,
    },
    /// The id was used for something else.
    #[error("id: it was used for another command")]
    IdReused,
    /// The client has had an answer to a later one.
    #[error("id: {number} is before {last}, which was answered")]
    IdPassed {
        /// The number of the command.
        number: u32,
        /// The last that was answered.
        last: u32,
    },
    /// Only a standby that has all that was promised can take over.
    #[error("this one cannot take over: {why}")]
    CannotTakeOver {
        /// Why.
        why: TakeOverRefusal,
    },
}

/// Why a node cannot take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum TakeOverRefusal {
    /// It has the say.
    #[error("it is the primary")]
    IsPrimary,
    /// Nobody has told it yet that it has everything.
    #[error("the primary did not wait for it")]
    NotAccompanying,
}
