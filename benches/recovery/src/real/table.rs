//! SQLite: the commands in a table, and their replay.
//!
//! A row of the table is a command in columns of integers, with what a line of our log has besides: its place, its id, and
//! whether it was refused. The table is a file. What follows from it is three tables in SQLite's memory, keyed as ours
//! are: bookings by id, nights by hotel, room and day, and each client's last answer.
//!
//! The replay reads row by row, in order, and does to these tables what the row says: a booking is a row for itself and
//! one for each of its nights, whose key refuses a night that is taken; a cancellation deletes both, and is an error
//! where there is nothing; a refused command is only an answer. It cannot be one statement over all rows, since whether
//! a command can be done follows from those before it.
//!
//! The arrangement favours SQLite. One transaction, each statement prepared once, nothing synced, no journal; what it
//! replays into is not written to any disk. Prices come from a table of this program, no night is priced otherwise, no
//! takings are summed up, and nothing is checked besides keys: ours checks each line's checksum and place, and that the
//! nights are on offer, and has its log durable and open for more.

use super::state::{AnsweredRow, BOOKED, CANCELLED, CURRENCIES, REFUSED, StandingRow, State, stay_columns};
use crate::work;
use protocols::bookings::{Answer, Command, Id};
use rusqlite::{Connection, Row};
use std::error::Error;
use std::path::Path;

const COMMANDS: &str = "
    pragma journal_mode = off;
    pragma synchronous = off;
    create table commands(
        version integer primary key, client integer, number integer, is_refused integer,
        of_client integer, of_number integer,
        guest integer, hotel integer, room integer, first integer, nights integer, occupants integer, currency integer
    );
    begin";

/// A table that is being filled.
pub struct Filling {
    database: Connection,
    /// What is not in the table yet, in its columns.
    rows: Vec<[Option<i64>; 13]>,
    version: i64,
}

impl Filling {
    pub fn begin(file: &Path) -> Result<Filling, Box<dyn Error>> {
        let database = Connection::open(file)?;
        database.execute_batch(COMMANDS)?;
        Ok(Filling { database, rows: Vec::new(), version: 0 })
    }

    /// The next command.
    pub fn add(&mut self, id: Id, command: &Command, answer: &Answer) -> Result<(), Box<dyn Error>> {
        self.version += 1;
        let is_refused = matches!(answer, Answer::Refused(_));
        let mut row = [None; 13];
        let head = [self.version, id.client as i64, id.number.into(), is_refused.into()];
        row[..4].copy_from_slice(&head.map(Some));
        match command {
            Command::Cancel(of) => {
                row[4..6].copy_from_slice(&[of.client as i64, of.number.into()].map(Some));
            }
            Command::Book(stay) => row[6..].copy_from_slice(&stay_columns(stay).map(Some)),
            other => return Err(format!("{other:?} is none of the commands").into()),
        }
        self.rows.push(row);
        if self.rows.len() == ROWS_MAX { self.write() } else { Ok(()) }
    }

    pub fn end(mut self) -> Result<(), Box<dyn Error>> {
        self.write()?;
        self.database.execute_batch("commit")?;
        Ok(())
    }

    fn write(&mut self) -> Result<(), Box<dyn Error>> {
        let mut add =
            self.database.prepare("insert into commands values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        for row in self.rows.drain(..) {
            add.execute(row)?;
        }
        Ok(())
    }
}

/// So many rows are written at once.
const ROWS_MAX: usize = 10_000;

/// What a replay led to, in SQLite's memory.
pub struct Replayed {
    database: Connection,
    version: i64,
}

const TABLES: &str = "
    create table bookings(
        client integer, number integer, version integer,
        guest integer, hotel integer, room integer, first integer, nights integer, occupants integer, currency integer,
        price integer, primary key(client, number)
    ) without rowid;
    create table taken(
        hotel integer, room integer, day integer, client integer, number integer, primary key(hotel, room, day)
    ) without rowid;
    create table answered(client integer primary key, number integer, how integer, sum integer);
    begin";

/// Replays the commands of a file.
pub fn replay(file: &Path) -> Result<Replayed, Box<dyn Error>> {
    let database = Connection::open_in_memory()?;
    let path = file.to_str().ok_or("the path is not UTF-8")?;
    database.execute("attach ? as log", [path])?;
    database.execute_batch(TABLES)?;
    let mut last = 0;
    {
        let prices = prices()?;
        let mut commands = database.prepare("select * from log.commands order by version")?;
        let mut book = database.prepare("insert into bookings values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        let mut take = database.prepare("insert into taken values(?, ?, ?, ?, ?)")?;
        let mut cancel = database.prepare(
            "delete from bookings where client = ? and number = ? returning hotel, room, first, nights, price",
        )?;
        let mut give =
            database.prepare("delete from taken where hotel = ? and room = ? and day >= ? and day < ?")?;
        let mut answer = database.prepare("replace into answered values(?, ?, ?, ?)")?;
        let mut rows = commands.query([])?;
        while let Some(row) = rows.next()? {
            let at = |index| row.get::<_, i64>(index);
            let (version, client, number, is_refused) = (at(0)?, at(1)?, at(2)?, at(3)?);
            last = version;
            let (how, sum) = if is_refused != 0 {
                (REFUSED, 0)
            } else if let Some(of_client) = row.get::<_, Option<i64>>(4)? {
                let [hotel, room, first, nights, price] =
                    cancel.query_row([of_client, at(5)?], columns::<5>)?;
                give.execute([hotel, room, first, first + nights])?;
                (CANCELLED, price)
            } else {
                let (guest, hotel, room, first, nights) = (at(6)?, at(7)?, at(8)?, at(9)?, at(10)?);
                let (occupants, currency) = (at(11)?, at(12)?);
                for day in first..first + nights {
                    take.execute([hotel, room, day, client, number])?;
                }
                let price = nights * prices[currency as usize][occupants as usize - 1];
                book.execute([
                    client, number, version, guest, hotel, room, first, nights, occupants, currency, price,
                ])?;
                (BOOKED, price)
            };
            answer.execute([client, number, how, sum])?;
        }
    }
    database.execute_batch("commit")?;
    Ok(Replayed { database, version: last })
}

impl Replayed {
    pub fn state(&self) -> Result<State, Box<dyn Error>> {
        let mut bookings = self.database.prepare("select * from bookings order by client, number")?;
        let standing = bookings.query_map([], |row| columns(row).map(StandingRow))?;
        let standing: Vec<StandingRow> = standing.collect::<Result<_, _>>()?;
        let mut clients = self.database.prepare("select * from answered order by client")?;
        let answered = clients.query_map([], |row| columns(row).map(AnsweredRow))?;
        let answered: Vec<AnsweredRow> = answered.collect::<Result<_, _>>()?;
        let nights = self.database.query_row("select count(*) from taken", [], |row| row.get(0))?;
        Ok(State::new(self.version as u64, nights, &standing, &answered))
    }
}

/// The first columns of a row, all of them integers.
fn columns<const N: usize>(row: &Row<'_>) -> rusqlite::Result<[i64; N]> {
    let mut columns = [0; N];
    for (index, column) in columns.iter_mut().enumerate() {
        *column = row.get(index)?;
    }
    Ok(columns)
}

/// What a night costs, by currency, for one and for two.
fn prices() -> Result<[[i64; 2]; 2], Box<dyn Error>> {
    let options = work::options();
    let mut prices = [[0; 2]; 2];
    for (name, of_currency) in CURRENCIES.iter().zip(&mut prices) {
        let offered = options.prices.get(std::str::from_utf8(*name)?).ok_or("a currency has no prices")?;
        for (price, offered) in of_currency.iter_mut().zip(offered) {
            *price = i64::from(*offered);
        }
    }
    Ok(prices)
}
