//! The booking service under test.
//!
//! Clients book rooms and cancel what they booked; a back office imports bookings that were made elsewhere, withdraws
//! nights and changes prices, and settles what was set aside; an operator tells the standby to take over. A command is
//! sent again, with its id, until it is answered, and some that were answered are asked once more (`repeat`).
//!
//! Judged: **room** (no room is sold twice for a night), **offer** (none is sold for a night that is not on offer, or
//! no more), **version** (none is used twice, and no id has two), **kept** (a primary that begins to serve has every
//! booking that a client was told of, and none that it was told is cancelled), **price** (each at the price that was
//! told, and what was charged less what was paid back is what they cost), **replay** (the timer of the snapshots is due
//! again and again), **serves** (after the heal a primary serves, and has nothing open) and **standby** (after the heal
//! the standby follows and agrees).

mod heard;

use heard::Heard;
use protocols::bookings::{
    self, Answer, Client as Connection, ClientError, Command, Config, Currency, Date, Hotel, Id, Options,
    Refusal, Room, Stay, View,
};
use serde::{Deserialize, Serialize};
use sim::check::{Broken, Checkers, Harm, Views};
use sim::{Client, ClientContext, Draw, Mix, NodeContext, Operation, Outcome, System};
use std::io;

/// The booking service.
#[derive(Debug)]
pub struct Bookings;

/// What a client can be told to do. A stay is the room, by a number that runs through all hotels, the first night,
/// counted from the first on offer, and how many nights and occupants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// Book a room.
    Book(u32, u32, u32, u8),
    /// Cancel the booking that this client made last and has not cancelled.
    Cancel,
    /// Ask again for what this client asked for last, with the same id.
    Repeat,
    /// Take note of a booking that was made elsewhere.
    Import(u32, u32, u32, u8),
    /// Offer a room no more for a night.
    Withdraw(u32, u32),
    /// Another price for two, for a night.
    Reprice(u32, u32, u32),
    /// Discard what this client was told is set aside, or make up for it.
    Settle(bool),
    /// What stands of the last booking?
    Find,
    /// Tell a node to take over.
    TakeOver(u16),
}

/// What a client gets back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ret {
    /// The room is booked, for so much.
    Booked(u64),
    /// So much is paid back.
    Cancelled(u64),
    /// It was done.
    Done,
    /// It is set aside, as this line.
    SetAside(u64),
    /// It was not done.
    Refused(Refusal),
    /// Whether the booking stands.
    Found(bool),
}

impl System for Bookings {
    type Options = Options;
    type Op = Op;
    type Ret = Ret;
    type View = View;

    const NAME: &'static str = "bookings";

    fn operations() -> &'static [Operation<Op>] {
        &[
            Operation("book", |mix, draw| {
                let (room, night, nights, occupants) = stay(mix, draw);
                Op::Book(room, night, nights, occupants)
            }),
            Operation("cancel", |_, _| Op::Cancel),
            Operation("repeat", |_, _| Op::Repeat),
            Operation("import", |mix, draw| {
                let (room, night, nights, occupants) = stay(mix, draw);
                Op::Import(room, night, nights, occupants)
            }),
            Operation("withdraw", |mix, draw| Op::Withdraw(mix.key(draw), draw.below(NIGHTS) as u32)),
            Operation("reprice", |mix, draw| {
                Op::Reprice(mix.key(draw), draw.below(NIGHTS) as u32, 50 + draw.below(200) as u32)
            }),
            Operation("settle", |_, draw| Op::Settle(draw.below(2) == 0)),
            Operation("find", |_, _| Op::Find),
            Operation("take-over", |_, draw| Op::TakeOver(draw.between(1, 2) as u16)),
        ]
    }

    fn probes() -> Vec<&'static str> {
        bookings::PROBES.to_vec()
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        let (disk, first) = (node.disk(), node.options.first_night);
        host::probe!("on offer", first.to_string(), after(first, node.options.nights).to_string());
        let config = Config { id: node.id as u16, nodes: node.nodes.clone(), options: node.options };
        match bookings::run(config, disk).await {
            // Its process has ended with a message for people, and none will start it again before they have come.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                host::probe!("log corrupt", error.to_string());
                std::future::pending().await
            }
            ended => ended,
        }
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, Ret> {
        let ClientContext { id, nodes, options } = client;
        let service = Connection::new(nodes);
        Guest { number: id, options, service, last: None, booked: Vec::new(), set_aside: Vec::new() }
    }

    fn checkers(&self) -> Checkers<Op, Ret, View> {
        Checkers::new()
            .listener(Heard::default(), Heard::hear)
            .invariant("room", Heard::sold_twice)
            .invariant("offer", Heard::sold_unoffered)
            .invariant("version", Heard::used_twice)
            .invariant("kept", Heard::is_kept)
            .invariant("price", Heard::is_priced)
            .invariant("replay", Heard::is_armed)
            .eventually("serves", |_, views| serves(views))
            .eventually("standby", |_, views| follows(views))
            .recovers_if(|_, harm| intact(harm))
            .into()
    }
}

/// How many nights operations are about: few, so that guests meet.
const NIGHTS: u64 = 12;

/// So many days later.
fn after(first: Date, days: u32) -> Date {
    let day = first.day().ok().map(|first| first.plus(days));
    day.and_then(bookings::Day::date).unwrap_or(Date { year: 0, month: 0, day: 0 })
}

fn stay(mix: &Mix, draw: &mut Draw) -> (u32, u32, u32, u8) {
    let (room, night) = (mix.key(draw), draw.below(NIGHTS) as u32);
    (room, night, draw.between(1, 3) as u32, draw.between(1, 2) as u8)
}

/// A client, and what it remembers.
struct Guest {
    number: u32,
    options: Options,
    service: Connection,
    last: Option<(Id, Command, Answer)>,
    booked: Vec<Id>,
    set_aside: Vec<bookings::Version>,
}

impl Client<Op, Ret> for Guest {
    async fn call(&mut self, op: &Op) -> Outcome<Ret> {
        let result = match *op {
            Op::Book(room, night, nights, occupants) => {
                self.request(Command::Book(self.stay(room, night, nights, occupants))).await
            }
            Op::Import(room, night, nights, occupants) => {
                self.request(Command::Import(self.stay(room, night, nights, occupants))).await
            }
            Op::Cancel => match self.booked.pop() {
                Some(booking) => self.request(Command::Cancel(booking)).await,
                None => return Outcome::Fail("nothing to cancel".to_owned()),
            },
            Op::Repeat => match self.last.clone() {
                Some((id, command, answer)) => self.service.request(id, command).await.map(|again| {
                    if again != answer {
                        host::probe!("answer changed", id.to_string());
                    }
                    ret(again)
                }),
                None => return Outcome::Fail("nothing to repeat".to_owned()),
            },
            Op::Withdraw(room, night) => {
                let Stay { hotel, room, check_in: night, .. } = self.stay(room, night, 1, 1);
                self.request(Command::Withdraw { hotel, room, night }).await
            }
            Op::Reprice(room, night, price) => {
                let Stay { hotel, room, check_in: night, currency, .. } = self.stay(room, night, 1, 1);
                let reprice = Command::Reprice { hotel, room, night, occupants: 2, currency, price };
                self.request(reprice).await
            }
            Op::Settle(discard) => match self.set_aside.pop() {
                Some(version) if discard => self.request(Command::Discard(version)).await,
                Some(version) => self.request(Command::Compensate(version)).await,
                None => return Outcome::Fail("nothing to settle".to_owned()),
            },
            Op::Find => match self.booked.last() {
                Some(booking) => self.service.find(*booking).await.map(|found| Ret::Found(found.is_some())),
                None => return Outcome::Fail("nothing to find".to_owned()),
            },
            Op::TakeOver(node) => self.service.take_over(node).await.map(ret),
        };
        match result {
            Ok(ret) => Outcome::Ok(ret),
            Err(error) if error.is_definite() => Outcome::Fail(error.to_string()),
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }
}

impl Guest {
    /// The stay that an operation's numbers stand for.
    fn stay(&self, room: u32, night: u32, nights: u32, occupants: u8) -> Stay {
        let Options { hotels, rooms, first_night, .. } = self.options;
        let room = room % (hotels * rooms);
        let date = |night| after(first_night, night);
        Stay {
            guest: self.number,
            hotel: Hotel(room / rooms + 1),
            room: Room(room % rooms + 101),
            check_in: date(night),
            check_out: date(night + nights),
            occupants,
            currency: Currency(*b"EUR"),
        }
    }

    async fn request(&mut self, command: Command) -> Result<Ret, ClientError> {
        let id = self.service.new_id();
        if let Command::Cancel(booking) = command {
            host::probe!("asks to cancel", booking.to_string());
        }
        let answer = self.service.request(id, command).await?;
        match (&answer, command) {
            (Answer::Booked { price, .. }, _) => {
                host::probe!("told booked", id.client, id.number, *price);
                self.booked.push(id);
            }
            (Answer::Cancelled { .. }, Command::Cancel(booking)) => {
                host::probe!("told cancelled", booking.client, booking.number);
            }
            (Answer::Done, Command::Withdraw { hotel, room, night }) => {
                host::probe!("told withdrawn", format!("{hotel}/{room}"), night.to_string());
            }
            (Answer::SetAside { version, .. }, _) => self.set_aside.push(*version),
            _ => {}
        }
        // What had no answer is not asked for again: it would be done now.
        self.last = Some((id, command, answer.clone()));
        Ok(ret(answer))
    }
}

fn ret(answer: Answer) -> Ret {
    match answer {
        Answer::Booked { price, .. } => Ret::Booked(price),
        Answer::Cancelled { refund } => Ret::Cancelled(refund),
        Answer::Done => Ret::Done,
        Answer::SetAside { version, .. } => Ret::SetAside(version.0),
        Answer::Refused(refusal) => Ret::Refused(refusal),
    }
}

/// One primary is up, and has nothing open.
fn serves(views: &Views<View>) -> Result<(), Broken> {
    let mut primaries = views.up().filter(|(_, view)| view.is_primary());
    let Some((id, view)) = primaries.next() else {
        return Err(Broken::new("no node that is up has the say"));
    };
    if let Some((other, _)) = primaries.next() {
        return Err(Broken::new(format!("n{id} and n{other} both have the say")).node(other));
    }
    match view.open() {
        0 => Ok(()),
        open => Err(Broken::new(format!("n{id} has written {open} lines and not promised them")).node(id)),
    }
}

/// Every node is up, follows or is followed, and knows what the others know.
fn follows(views: &Views<View>) -> Result<(), Broken> {
    let up: Vec<(u32, &View)> = views.up().collect();
    let Some((first, view)) = up.first() else { return Err(Broken::new("no node is up")) };
    if up.len() < view.nodes() {
        return Err(format!("{} nodes are up, of {}", up.len(), view.nodes()).into());
    }
    let alone = up.iter().find(|(_, view)| view.nodes() > 1 && !view.is_connected());
    if let Some((id, _)) = alone {
        return Err(Broken::new(format!("n{id} has no other node")).node(*id));
    }
    match up.iter().skip(1).find(|(_, other)| !view.agrees_with(other)) {
        Some((id, other)) => {
            let (own, others) = (view.version(), other.version());
            Err(Broken::new(format!("n{first} is at line {own}, and n{id} at {others}: they differ"))
                .node(*id))
        }
        None => Ok(()),
    }
}

/// Each node has one disk, and what was promised may be on one of them alone.
fn intact(harm: &[Harm]) -> Result<(), Broken> {
    match (1..).zip(harm).find_map(|(number, harm)| Some((number, harm.loss()?))) {
        Some((number, loss)) => Err(Broken::new(format!("n{number} {loss}")).node(number)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
