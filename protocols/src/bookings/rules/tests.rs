//! The rules, case by case.

use super::*;
use crate::bookings::message::Currency;

const EUR: Currency = Currency(*b"EUR");

/// The books of a service, and what was written.
struct Case {
    books: Books,
    log: Vec<Entry>,
    ids: u32,
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn stay(room: u32, check_in: &str, check_out: &str) -> Stay {
    let (check_in, check_out) = (date(check_in), date(check_out));
    Stay { guest: 1, hotel: Hotel(3), room: Room(room), check_in, check_out, occupants: 2, currency: EUR }
}

fn options(flaw: Option<Flaw>) -> Options {
    Options { flaw, ..Options::default() }
}

impl Case {
    fn new() -> Case {
        Case::with(None)
    }

    fn with(flaw: Option<Flaw>) -> Case {
        Case { books: Books::new(&options(flaw)).unwrap(), log: Vec::new(), ids: 0 }
    }

    fn id(&mut self) -> Id {
        self.ids += 1;
        Id { client: 7, number: self.ids }
    }

    fn write(&mut self, record: Record) -> Option<(Id, Answer)> {
        let entry = Entry { version: self.books.state().version.next(), record };
        self.log.push(entry.clone());
        self.books.apply(&entry).unwrap()
    }

    fn ask_as(&mut self, id: Id, command: Command) -> Answer {
        match self.books.decide(id, &command) {
            Decision::Answer(answer) => answer,
            Decision::Write(record) => self.write(record).unwrap().1,
        }
    }

    fn ask(&mut self, command: Command) -> Answer {
        let id = self.id();
        self.ask_as(id, command)
    }

    fn refused(&mut self, command: Command) -> Refusal {
        match self.ask(command) {
            Answer::Refused(refusal) => refusal,
            other => panic!("{command:?} was not refused: {other:?}"),
        }
    }

    /// The books of another who reads the same log.
    fn replay(&self) -> Books {
        let mut books = Books::new(&options(None)).unwrap();
        for entry in &self.log {
            books.apply(entry).unwrap();
        }
        books
    }
}

#[test]
fn a_room_is_sold_once_a_night_and_again_when_it_is_free() {
    let mut case = Case::new();
    let first = case.id();
    let booked = case.ask_as(first, Command::Book(stay(101, "2023-12-01", "2023-12-04")));
    assert_eq!(booked, Answer::Booked { version: Version(1), price: 3 * 140 });
    for (check_in, check_out, taken) in [
        ("2023-12-01", "2023-12-04", "2023-12-01"),
        ("2023-12-02", "2023-12-03", "2023-12-02"),
        ("2023-12-03", "2023-12-06", "2023-12-03"),
    ] {
        let refusal = case.refused(Command::Book(stay(101, check_in, check_out)));
        let day = date(taken).day().unwrap();
        assert_eq!(refusal, Refusal::Taken { night: Night { hotel: Hotel(3), room: Room(101), day } });
    }
    // Who leaves makes room the same day, and the room beside it is another.
    assert!(matches!(case.ask(Command::Book(stay(101, "2023-12-04", "2023-12-05"))), Answer::Booked { .. }));
    assert!(matches!(case.ask(Command::Book(stay(102, "2023-12-02", "2023-12-03"))), Answer::Booked { .. }));
    assert_eq!(case.ask(Command::Cancel(first)), Answer::Cancelled { refund: 420 });
    assert_eq!(case.refused(Command::Cancel(first)), Refusal::NotBooked { booking: first });
    assert!(matches!(case.ask(Command::Book(stay(101, "2023-12-02", "2023-12-04"))), Answer::Booked { .. }));
    assert_eq!(case.replay().state(), case.books.state());
}

#[test]
fn what_makes_no_sense_is_refused_by_name_and_not_written() {
    let mut case = Case::new();
    let none = Date { year: 2023, month: 12, day: 32 };
    let of = |stay: Stay| Command::Book(stay);
    let good = stay(101, "2023-12-01", "2023-12-02");
    assert_eq!(case.refused(of(Stay { check_in: none, ..good })), Refusal::NoSuchDate { date: none });
    let (check_in, check_out) = (good.check_out, good.check_in);
    let backwards = Refusal::CheckOutBeforeCheckIn { check_in, check_out };
    assert_eq!(case.refused(of(Stay { check_in, check_out, ..good })), backwards);
    let empty = Refusal::CheckOutBeforeCheckIn { check_in: good.check_in, check_out: good.check_in };
    assert_eq!(case.refused(of(Stay { check_out: good.check_in, ..good })), empty);
    assert_eq!(
        case.refused(of(stay(101, "2023-12-01", "2023-12-16"))),
        Refusal::TooLong { nights: 15, max: 14 }
    );
    for (hotel, room) in [(0, 101), (4, 101), (3, 100), (3, 105), (u32::MAX, u32::MAX)] {
        let (hotel, room) = (Hotel(hotel), Room(room));
        assert_eq!(case.refused(of(Stay { hotel, room, ..good })), Refusal::UnknownRoom { hotel, room });
    }
    assert!(case.log.is_empty(), "{:?}", case.log);
}

#[test]
fn what_is_not_on_offer_is_refused() {
    let mut case = Case::new();
    let good = stay(101, "2023-12-01", "2023-12-02");
    for (check_in, check_out) in [("2023-11-30", "2023-12-02"), ("2023-12-31", "2024-01-02")] {
        let refusal = case.refused(Command::Book(stay(101, check_in, check_out)));
        assert!(matches!(refusal, Refusal::NotOnOffer { .. }), "{refusal}");
    }
    for occupants in [0, 3] {
        let refusal = Refusal::NoPrice { occupants, currency: EUR };
        assert_eq!(case.refused(Command::Book(Stay { occupants, ..good })), refusal);
    }
    let currency = Currency(*b"USD");
    let refusal = Refusal::NoPrice { occupants: 2, currency };
    assert_eq!(case.refused(Command::Book(Stay { currency, ..good })), refusal);
    let (hotel, room, night) = (good.hotel, good.room, good.check_in);
    assert_eq!(case.ask(Command::Withdraw { hotel, room, night }), Answer::Done);
    assert!(matches!(case.refused(Command::Book(good)), Refusal::NotOnOffer { .. }));
    assert!(matches!(case.refused(Command::Withdraw { hotel, room, night }), Refusal::NotOnOffer { .. }));
}

#[test]
fn a_price_is_that_of_the_day_of_the_command() {
    let mut case = Case::new();
    let booked = stay(101, "2023-12-01", "2023-12-03");
    let (hotel, room, night, currency) = (booked.hotel, booked.room, booked.check_in, booked.currency);
    let first = case.id();
    assert_eq!(case.ask_as(first, Command::Book(booked)), Answer::Booked { version: Version(1), price: 280 });
    let reprice = Command::Reprice { hotel, room, night, occupants: 2, currency, price: 500 };
    assert_eq!(case.ask(reprice), Answer::Done);
    assert_eq!(case.ask(Command::Cancel(first)), Answer::Cancelled { refund: 280 });
    let again = case.ask(Command::Book(booked));
    assert_eq!(again, Answer::Booked { version: Version(4), price: 640 });
    // One alone pays what one alone pays.
    let alone = Stay { occupants: 1, ..stay(102, "2023-12-01", "2023-12-02") };
    assert_eq!(case.ask(Command::Book(alone)), Answer::Booked { version: Version(5), price: 109 });
    assert_eq!(case.books.state().takings[&EUR], 640 + 109);
}

#[test]
fn an_id_is_done_once_and_answered_alike() {
    let mut case = Case::new();
    let (id, book) = (case.id(), Command::Book(stay(101, "2023-12-01", "2023-12-02")));
    let answer = case.ask_as(id, book);
    assert_eq!(case.ask_as(id, book), answer);
    let other = Command::Book(stay(102, "2023-12-01", "2023-12-02"));
    assert_eq!(case.ask_as(id, other), Answer::Refused(Refusal::IdReused));
    // A refusal stays one, whatever becomes free.
    let late = case.id();
    let refused = case.ask_as(late, book);
    assert!(matches!(refused, Answer::Refused(Refusal::Taken { .. })));
    case.books.state.cancel(id).unwrap();
    assert_eq!(case.ask_as(late, book), refused);
    let passed = Refusal::IdPassed { number: 1, last: 2 };
    assert_eq!(case.ask_as(id, book), Answer::Refused(passed));
}

#[test]
fn poison_is_set_aside_and_can_be_discarded_or_made_up_for() {
    let mut case = Case::new();
    case.ask(Command::Book(stay(101, "2023-12-01", "2023-12-03")));
    let import = |case: &mut Case| case.ask(Command::Import(stay(101, "2023-12-02", "2023-12-04")));
    let Answer::SetAside { version, why: Refusal::Taken { .. } } = import(&mut case) else {
        panic!("it cannot be done")
    };
    assert_eq!(version, Version(2));
    assert!(matches!(import(&mut case), Answer::SetAside { version: Version(3), .. }));
    case.write(Record::Unreadable(vec![1, 2, 3]));
    assert_eq!(case.books.state().poison.len(), 3);
    // What comes after it is done.
    assert!(matches!(case.ask(Command::Book(stay(102, "2023-12-02", "2023-12-04"))), Answer::Booked { .. }));
    assert_eq!(case.ask(Command::Discard(version)), Answer::Done);
    assert_eq!(case.refused(Command::Discard(version)), Refusal::NotSetAside { version });
    assert_eq!(case.ask(Command::Compensate(Version(3))), Answer::Done);
    assert_eq!(case.books.state().owed, [((1, EUR), 280)].into());
    assert_eq!(case.ask(Command::Discard(Version(4))), Answer::Done);
    assert!(case.books.state().poison.is_empty());
    assert_eq!(case.replay().state(), case.books.state());
    // An import that can be done is.
    assert!(matches!(
        case.ask(Command::Import(stay(103, "2023-12-02", "2023-12-04"))),
        Answer::Booked { .. }
    ));
}

#[test]
fn an_import_of_a_day_that_is_not_there_is_poison_and_not_the_end() {
    let mut case = Case::new();
    let none = Date { year: 2023, month: 2, day: 29 };
    let import = Command::Import(Stay { check_in: none, ..stay(101, "2023-12-01", "2023-12-02") });
    let why = Refusal::NoSuchDate { date: none };
    assert_eq!(case.ask(import), Answer::SetAside { version: Version(1), why });
    assert_eq!(case.ask(Command::Compensate(Version(1))), Answer::Done);
    assert!(case.books.state().owed.is_empty(), "nobody can tell what it costs");
}

#[test]
fn a_line_that_is_not_the_next_one_is_an_error_and_changes_nothing() {
    let mut case = Case::new();
    case.ask(Command::Book(stay(101, "2023-12-01", "2023-12-03")));
    let before = case.books.state().clone();
    for found in [0, 1, 3].map(Version) {
        let entry = Entry { version: found, record: Record::Accompanied };
        assert_eq!(case.books.apply(&entry), Err(Misplaced { expected: Version(2), found }));
    }
    assert_eq!(*case.books.state(), before);
}

#[test]
fn a_state_is_the_same_from_a_snapshot_and_from_the_log() {
    let mut case = Case::new();
    case.ask(Command::Book(stay(101, "2023-12-01", "2023-12-03")));
    case.ask(Command::Import(stay(101, "2023-12-01", "2023-12-03")));
    case.write(Record::TakeOver { epoch: 2, primary: 2 });
    let bytes = case.books.snapshot();
    let mut restored = Books::new(&options(None)).unwrap();
    assert!(restored.restore(&bytes));
    assert_eq!(restored.state(), case.books.state());
    assert!(!restored.restore(&bytes[..bytes.len() - 1]), "it is cut short");
    assert!(!restored.restore(&[&bytes[..], &[0]].concat()), "something is behind it");
}

#[test]
fn only_a_standby_that_has_everything_takes_over() {
    let mut case = Case::new();
    let no = |why| Err(Refusal::CannotTakeOver { why });
    assert_eq!(case.books.decide_take_over(1), no(TakeOverRefusal::IsPrimary));
    assert_eq!(case.books.decide_take_over(2), no(TakeOverRefusal::NotAccompanying));
    case.write(Record::Accompanied);
    let record = case.books.decide_take_over(2).unwrap();
    assert_eq!(record, Record::TakeOver { epoch: 2, primary: 2 });
    case.write(record);
    // The one before has to catch up first.
    assert_eq!(case.books.decide_take_over(1), no(TakeOverRefusal::NotAccompanying));
    assert_eq!([1, 2, 3].map(|version| case.books.state().epoch_of(Version(version))), [1, 2, 2]);
}

/// Two stays of which the second begins within the first, and one that begins with it.
fn oversold(flaw: Option<Flaw>) -> [bool; 2] {
    [("2023-12-01", "2023-12-03"), ("2023-12-01", "2023-12-04")].map(|(check_in, check_out)| {
        let mut case = Case::with(flaw);
        case.ask(Command::Book(stay(101, "2023-12-02", "2023-12-04")));
        if check_out == "2023-12-03" {
            return matches!(case.ask(Command::Book(stay(101, check_in, check_out))), Answer::Booked { .. });
        }
        matches!(case.ask(Command::Book(stay(101, "2023-12-02", check_out))), Answer::Booked { .. })
    })
}

#[test]
fn each_flaw_of_availability_sells_what_the_rule_beside_it_does_not() {
    assert_eq!(oversold(None), [false, false]);
    assert_eq!(oversold(Some(Flaw::CheckInNightOnly)), [true, false]);
    assert_eq!(oversold(Some(Flaw::DoubleBooking)), [true, true]);
}

#[test]
fn a_table_by_version_forgets_the_first_of_two() {
    let entry = |number: u32| Entry {
        version: Version(1),
        record: Record::Do {
            id: Id { client: 7, number },
            command: Command::Cancel(Id { client: 7, number: 9 }),
        },
    };
    let lines = || vec![(1, entry(1)), (2, entry(2))];
    assert_eq!(replayed(Some(Flaw::VersionFromSnapshot), lines()), [(2, entry(2))]);
    assert_eq!(replayed(None, lines()), lines());
}

#[test]
fn a_replay_that_asks_what_a_night_costs_today_has_all_prices_first() {
    let good = stay(101, "2023-12-01", "2023-12-02");
    let Stay { hotel, room, check_in: night, occupants, currency, .. } = good;
    let reprice = Command::Reprice { hotel, room, night, occupants, currency, price: 500 };
    let mut case = Case::new();
    for command in [Command::Book(good), reprice, Command::Withdraw { hotel, room: Room(102), night }] {
        case.ask(command);
    }
    let lines = || (1..).zip(case.log.clone()).collect::<Vec<(u64, Entry)>>();
    let order = |flaw| replayed(flaw, lines()).into_iter().map(|(lsn, _)| lsn).collect::<Vec<_>>();
    assert_eq!(order(Some(Flaw::PriceOfToday)), [2, 1, 3]);
    assert_eq!(order(None), [1, 2, 3]);
}
