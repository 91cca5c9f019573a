//! The commands: guests book for one to three nights, and once so many bookings stand, the oldest is cancelled before
//! the next is made.
//!
//! They are a function of their number alone, and never of an answer: whoever replays them replays the same. So a few
//! in a hundred are refused, as a room is taken, and so is what would cancel those.

use protocols::bookings::{
    Answer, Command, Currency, Date, Day, Hotel, Id, Journal, JournalError, Options, Room, Stay,
};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;

/// As many bookings stand: what is known is bounded, however long the log.
const STANDING_MAX: usize = 10_000;
const CLIENTS: u32 = 1000;
const HOTELS: u32 = 50;
const ROOMS: u32 = 100;
const NIGHTS: u32 = 365;
const STAY_NIGHTS_MAX: u32 = 3;
/// So many commands are made durable at once.
const COMMIT: u32 = 1000;

/// What is on offer: 1,825,000 nights, with everything else as it is by default.
pub fn options() -> Options {
    Options { hotels: HOTELS, rooms: ROOMS, nights: NIGHTS, ..Options::default() }
}

/// The first night on offer.
pub fn first_night() -> Day {
    options().first_night.day().expect("there is such a day")
}

/// Makes commands without an end, each with its id.
pub struct Work {
    first: Day,
    made: u32,
    random: ChaCha8Rng,
    /// What was asked for and is not cancelled, whatever the answer.
    standing: VecDeque<Id>,
}

impl Work {
    pub fn new() -> Work {
        let random = ChaCha8Rng::seed_from_u64(1);
        Work { first: first_night(), made: 0, random, standing: VecDeque::new() }
    }

    fn stay(&mut self, guest: u32) -> Stay {
        let nights = self.random.random_range(1..=STAY_NIGHTS_MAX);
        let first = self.random.random_range(0..=NIGHTS - nights);
        Stay {
            guest,
            hotel: Hotel(self.random.random_range(1..=HOTELS)),
            room: Room(self.random.random_range(101..101 + ROOMS)),
            check_in: date(self.first.plus(first)),
            check_out: date(self.first.plus(first + nights)),
            occupants: self.random.random_range(1..=2),
            currency: Currency(if self.random.random_bool(0.5) { *b"EUR" } else { *b"GBP" }),
        }
    }
}

impl Iterator for Work {
    type Item = (Id, Command);

    fn next(&mut self) -> Option<(Id, Command)> {
        let client = self.made % CLIENTS;
        let id = Id { client: client.into(), number: self.made / CLIENTS + 1 };
        self.made += 1;
        if self.standing.len() >= STANDING_MAX
            && let Some(booking) = self.standing.pop_front()
        {
            return Some((id, Command::Cancel(booking)));
        }
        self.standing.push_back(id);
        Some((id, Command::Book(self.stay(client))))
    }
}

fn date(day: Day) -> Date {
    day.date().expect("it is within a year")
}

/// Writes so many commands to a log, with a snapshot after each so many, if any, and tells of each what became of it.
pub async fn fill<E: From<JournalError>>(
    journal: &mut Journal,
    commands: u32,
    snapshot: Option<u32>,
    mut tell: impl FnMut(Id, &Command, &Answer) -> Result<(), E>,
) -> Result<(), E> {
    for (made, (id, command)) in (1..=commands).zip(Work::new()) {
        let answer = journal.submit(id, &command)?;
        tell(id, &command, &answer)?;
        // None at the very end: all that a snapshot spares is told by one that is not due yet.
        let is_due = snapshot.is_some_and(|every| made % every == 0 && made < commands);
        if is_due || made % COMMIT == 0 || made == commands {
            journal.commit().await?;
        }
        if is_due {
            journal.snapshot().await?;
        }
    }
    Ok(())
}
