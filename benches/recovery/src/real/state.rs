//! What a replay led to, in a form that two can be compared by.

use crate::work::{self, Work};
use protocols::bookings::{Answer, Booking, Currency, Id, Journal, Stay};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;
use xxhash_rust::xxh3::Xxh3Default;

/// A state. Two that are the same have the same bookings, at the same prices, and the same answers for every client.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The place of the last command.
    pub commands: u64,
    bookings: usize,
    /// The nights that are taken.
    nights: i64,
    clients: usize,
    /// Of all bookings and answers.
    digest: u64,
}

/// A booking by its id: client and number, the place of its command, the columns of its stay, the price.
pub struct StandingRow(pub [i64; 11]);

/// A client's last command: client, number, how it ended and the sum that it was about.
pub struct AnsweredRow(pub [i64; 4]);

impl State {
    /// Of rows in the order of their ids.
    pub fn new(commands: u64, nights: i64, standing: &[StandingRow], answered: &[AnsweredRow]) -> State {
        let mut digest = Xxh3Default::new();
        let rows = standing.iter().map(|row| &row.0[..]).chain(answered.iter().map(|row| &row.0[..]));
        rows.flatten().for_each(|value| digest.update(&value.to_le_bytes()));
        State { commands, bookings: standing.len(), nights, clients: answered.len(), digest: digest.digest() }
    }

    /// Of a journal, by what it says: its bookings, and its answer to the last command of each client, when it is asked
    /// again.
    pub fn of_journal(journal: &mut Journal, commands: u32) -> Result<State, Box<dyn Error>> {
        let version = journal.version();
        let standing: Vec<StandingRow> =
            journal.bookings().map(|(id, booking)| standing_row(id, booking)).collect();
        let nights = standing.iter().map(|row| row.0[NIGHTS]).sum();
        let last: BTreeMap<u64, _> =
            Work::new().take(commands as usize).map(|(id, command)| (id.client, (id, command))).collect();
        let mut answered = Vec::new();
        for (id, command) in last.into_values() {
            let (how, sum) = outcome(&journal.submit(id, &command)?)?;
            answered.push(AnsweredRow([id.client as i64, id.number.into(), how, sum]));
        }
        assert_eq!(journal.version(), version, "nothing is done twice");
        Ok(State::new(version.0, nights, &standing, &answered))
    }
}

/// Where a [`StandingRow`] has its nights.
const NIGHTS: usize = 7;

pub const BOOKED: i64 = 0;
pub const CANCELLED: i64 = 1;
pub const REFUSED: i64 = 2;

/// How a command ended, and the sum that it was about.
fn outcome(answer: &Answer) -> Result<(i64, i64), String> {
    match answer {
        Answer::Booked { price, .. } => Ok((BOOKED, *price as i64)),
        Answer::Cancelled { refund } => Ok((CANCELLED, *refund as i64)),
        Answer::Refused(_) => Ok((REFUSED, 0)),
        other => Err(format!("{other:?} answers no command of these")),
    }
}

fn standing_row(id: Id, booking: &Booking) -> StandingRow {
    let [guest, hotel, room, first, nights, occupants, currency] = stay_columns(&booking.stay);
    let (client, number) = (id.client as i64, i64::from(id.number));
    let (version, price) = (booking.version.0 as i64, booking.price as i64);
    StandingRow([client, number, version, guest, hotel, room, first, nights, occupants, currency, price])
}

/// Guest, hotel, room, first night, nights, occupants, currency: a night by how far it is from the first on offer, a
/// currency by its place among [`CURRENCIES`].
pub fn stay_columns(stay: &Stay) -> [i64; 7] {
    let day = |date: protocols::bookings::Date| date.day().expect("work makes days that there are");
    let (begin, end) = (day(stay.check_in), day(stay.check_out));
    let currency = CURRENCIES.iter().position(|currency| Currency(**currency) == stay.currency);
    [
        stay.guest.into(),
        stay.hotel.0.into(),
        stay.room.0.into(),
        work::first_night().days_to(begin).into(),
        begin.days_to(end).into(),
        stay.occupants.into(),
        currency.expect("work has no other currencies") as i64,
    ]
}

/// By their places.
pub const CURRENCIES: [&[u8; 3]; 2] = [b"EUR", b"GBP"];
