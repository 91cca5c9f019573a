//! What a database that runs does under its lock. Nothing writes the log here: a test says what is durable.

use super::*;
use crate::common::wal;
use crate::database::message::{Condition, Place, Repair, Start, Streamed, Sync, Write};
use crate::database::node::downstream::admit;
use crate::database::options::{Config, Options};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::watch;

const FIRST: Timeline = Timeline { number: 1, tag: 7 };
const SECOND: Timeline = Timeline { number: 2, tag: 8 };

fn begin(timeline: Timeline) -> Record {
    Record::Entry(Entry { timeline, change: Change::Begin })
}

/// Its value is its id.
fn put(id: u64, key: &str) -> Record {
    let change = Change::Put { id, key: key.to_owned(), value: id.to_string() };
    Record::Entry(Entry { timeline: FIRST, change })
}

fn any_of(required: u32, of: &[u32]) -> Sync {
    Sync { required, of: of.iter().copied().collect() }
}

/// One that starts, and has found these in its log.
fn starting(records: impl IntoIterator<Item = Record>, flaw: Option<Flaw>) -> Engine {
    let options = Options { flaw, ..Options::default() };
    let engine = Engine {
        config: Config { id: 4, address: ([10, 0, 0, 4], 7000).into(), options },
        wal: wal::Log::without_disk(),
        inner: Mutex::new(Inner::of(Log::default(), wal::Lsn(0))),
        changed: watch::Sender::new(()),
        tasks: Mutex::default(),
    };
    records.into_iter().for_each(|record| append(&engine, record));
    make_durable(&engine);
    engine
}

fn standby(records: impl IntoIterator<Item = Record>) -> Engine {
    let engine = starting(records, None);
    let start = Start::Standby { upstream: None, repair: Repair::No };
    engine.begin(&start, oneshot::channel().0).unwrap();
    engine
}

fn primary(records: impl IntoIterator<Item = Record>) -> Engine {
    primary_with(records, None)
}

fn primary_with(records: impl IntoIterator<Item = Record>, flaw: Option<Flaw>) -> Engine {
    let engine = starting(records, flaw);
    engine.begin(&Start::Primary, oneshot::channel().0).unwrap();
    engine
}

fn append(engine: &Engine, record: Record) {
    engine.append(&mut engine.lock(), record).unwrap();
}

/// Its last entry, the last that is durable, and the last that is visible.
fn places(engine: &Engine) -> (Lsn, Lsn, Lsn) {
    let inner = engine.lock();
    (inner.log.last(), inner.durable, inner.visible)
}

fn connect(engine: &Engine, id: u32) -> u64 {
    engine.lock().connected(id)
}

/// All that was appended is.
fn make_durable(engine: &Engine) {
    engine.confirm(engine.wal.last());
}

fn wait_for(engine: &Engine, sync: Sync) {
    engine.set_sync(sync, oneshot::channel().0);
    make_durable(engine);
}

fn write_if(engine: &Engine, id: u64, key: &str, condition: Condition) -> oneshot::Receiver<Reply> {
    let write = Write { id, key: key.to_owned(), value: id.to_string(), condition };
    engine.write(write).unwrap().1
}

fn write(engine: &Engine, id: u64, key: &str) -> oneshot::Receiver<Reply> {
    write_if(engine, id, key, Condition::None)
}

/// Whether a write with this condition is done, now that it is durable.
fn holds(engine: &Engine, id: u64, key: &str, condition: Condition) -> Option<Reply> {
    let mut answer = write_if(engine, id, key, condition);
    make_durable(engine);
    said(&mut answer)
}

fn is(value: &str) -> Condition {
    Condition::Is(value.to_owned())
}

/// What was answered; none as long as nothing was.
fn said<T>(answer: &mut oneshot::Receiver<T>) -> Option<T> {
    answer.try_recv().ok()
}

/// What a reader is told at once.
fn reads(engine: &Engine, key: &str) -> Option<Reply> {
    said(&mut engine.read(key.to_owned()).unwrap())
}

fn value(value: &str) -> Option<Reply> {
    Some(Reply::Value(Some(value.to_owned())))
}

const NOTHING: Option<Reply> = Some(Reply::Value(None));
const DONE: Option<Reply> = Some(Reply::Written(true));
const NOT_DONE: Option<Reply> = Some(Reply::Written(false));

#[test]
fn a_write_is_visible_and_acknowledged_when_it_is_durable() {
    let engine = primary([begin(FIRST)]);
    let mut answer = write(&engine, 1, "k");
    assert_eq!((said(&mut answer), reads(&engine, "k")), (None, NOTHING));
    make_durable(&engine);
    assert_eq!((said(&mut answer), reads(&engine, "k")), (DONE, value("1")));
}

#[test]
fn a_standby_shows_what_is_durable_and_no_more() {
    let engine = standby([begin(FIRST), put(1, "k")]);
    append(&engine, put(2, "k"));
    assert_eq!(reads(&engine, "k"), value("1"));
    make_durable(&engine);
    assert_eq!((reads(&engine, "k"), places(&engine)), (value("2"), (Lsn(3), Lsn(3), Lsn(3))));
}

#[test]
fn a_write_waits_for_its_standbys_and_not_for_what_comes_after_it() {
    let engine = primary([begin(FIRST)]);
    let session = connect(&engine, 5);
    engine.lock().confirmed(&engine, 5, session, Lsn(1));
    wait_for(&engine, any_of(1, &[5]));
    let (mut first, mut second) = (write(&engine, 1, "k"), write(&engine, 2, "k"));
    make_durable(&engine);
    assert_eq!((said(&mut first), said(&mut second), reads(&engine, "k")), (None, None, NOTHING));
    engine.lock().confirmed(&engine, 5, session, Lsn(2));
    assert_eq!((said(&mut first), said(&mut second), reads(&engine, "k")), (DONE, None, value("1")));
    // Nobody is waited for any more.
    wait_for(&engine, Sync::default());
    assert_eq!((said(&mut second), reads(&engine, "k")), (DONE, value("2")));
}

#[test]
fn a_condition_sees_what_is_not_visible_yet_and_its_answer_waits_for_that() {
    let engine = primary([begin(FIRST)]);
    let mut first = write(&engine, 1, "k");
    let mut second = write_if(&engine, 2, "k", Condition::Absent);
    assert_eq!((said(&mut first), said(&mut second)), (None, None));
    make_durable(&engine);
    assert_eq!((said(&mut first), said(&mut second)), (DONE, NOT_DONE));
    assert_eq!((reads(&engine, "k"), engine.lock().log.last()), (value("1"), Lsn(2)));
    assert_eq!(holds(&engine, 3, "k", is("1")), DONE);
}

#[test]
fn a_primary_serves_nobody_before_all_that_it_found_is_visible() {
    let found = || [begin(FIRST), put(1, "k"), Record::Sync(any_of(1, &[5]))];
    let engine = primary(found());
    let (mut read, mut written) = (engine.read("k".to_owned()).unwrap(), write(&engine, 2, "other"));
    make_durable(&engine);
    let session = connect(&engine, 5);
    engine.lock().confirmed(&engine, 5, session, Lsn(1));
    assert_eq!((said(&mut read), said(&mut written)), (None, None));
    engine.lock().confirmed(&engine, 5, session, Lsn(2));
    assert_eq!((said(&mut read), said(&mut written)), (value("1"), None));
    // Its near twins: what it finds waits for nobody, or is shown all the same.
    assert_eq!(reads(&primary(found().into_iter().take(2)), "k"), value("1"));
    assert_eq!(reads(&primary_with(found(), Some(Flaw::TimedOutSyncCommit)), "k"), value("1"));
    // A standby has no such bound.
    assert_eq!(reads(&standby(found()), "k"), value("1"));
}

#[test]
fn what_is_cut_is_gone_for_readers_and_for_conditions() {
    let engine = standby([begin(FIRST), put(1, "k"), put(2, "k"), put(3, "new")]);
    assert_eq!((reads(&engine, "k"), reads(&engine, "new")), (value("2"), value("3")));
    append(&engine, Record::Cut(Lsn(2)));
    assert_eq!((reads(&engine, "k"), reads(&engine, "new")), (value("1"), NOTHING));
    assert_eq!(places(&engine), (Lsn(2), Lsn(2), Lsn(2)));
    assert_eq!(engine.lock().rewritten, 1, "whoever was sent what is gone is told");
    engine.lock().become_primary(&engine);
    assert_eq!(holds(&engine, 4, "k", is("2")), NOT_DONE);
    assert_eq!(holds(&engine, 5, "k", is("1")), DONE);
    assert_eq!(holds(&engine, 6, "new", Condition::Absent), DONE);
}

#[test]
fn what_is_cut_before_it_is_durable_never_is() {
    let engine = standby([begin(FIRST)]);
    append(&engine, put(1, "k"));
    let put_at = engine.wal.last();
    append(&engine, Record::Cut(Lsn(1)));
    engine.confirm(put_at);
    assert_eq!(engine.lock().durable, Lsn(1));
    append(&engine, begin(SECOND));
    make_durable(&engine);
    assert_eq!((places(&engine), reads(&engine, "k")), ((Lsn(2), Lsn(2), Lsn(2)), NOTHING));
}

#[test]
fn a_copy_takes_the_place_of_all_that_there_was() {
    let source = standby([begin(FIRST), put(1, "k"), put(2, "k")]);
    let engine = standby([begin(SECOND), put(9, "old")]);
    append(&engine, Record::Base(source.lock().copy()));
    assert_eq!(places(&engine), (Lsn(3), Lsn(0), Lsn(3)));
    make_durable(&engine);
    assert_eq!(places(&engine), (Lsn(3), Lsn(3), Lsn(3)));
    assert_eq!((reads(&engine, "k"), reads(&engine, "old")), (value("2"), NOTHING));
    engine.lock().become_primary(&engine);
    assert_eq!(holds(&engine, 4, "k", is("2")), DONE);
    assert_eq!(holds(&engine, 5, "old", Condition::Absent), DONE);
}

#[test]
fn a_copy_has_what_is_visible() {
    let engine = primary([begin(FIRST), put(1, "k")]);
    wait_for(&engine, any_of(1, &[5]));
    let _waits = write(&engine, 2, "k");
    make_durable(&engine);
    let copy = engine.lock().copy();
    assert_eq!((copy.last, copy.contents["k"].as_str()), (Lsn(2), "1"));
}

#[test]
fn who_is_promoted_is_the_primary_when_its_timeline_is_durable() {
    let engine = standby([begin(FIRST), put(1, "k")]);
    let (done, mut obeyed) = oneshot::channel();
    let told = engine.lock().told;
    engine.lock().is(Awaited::Named, 5);
    engine.lock().promote(&engine, SECOND.tag, done).unwrap();
    assert_eq!(engine.lock().log.history().last(), Some(SECOND), "it begins the next timeline");
    assert_eq!(engine.lock().told, told + 1, "whoever streams to it hears that it follows nobody");
    assert_eq!((said(&mut obeyed), engine.lock().role), (None, Role::Standby));
    // Meanwhile it does nothing else.
    assert!(matches!(engine.follow(None, Repair::RewindOrClone), Obeyed::No(_)));
    let (again, mut refused) = oneshot::channel();
    engine.promote(again);
    assert!(matches!(said(&mut refused), Some(Obeyed::No(_))));
    make_durable(&engine);
    assert_eq!((said(&mut obeyed), engine.lock().role), (Some(Obeyed::Done), Role::Primary));
    assert_eq!(engine.lock().named, Awaited::Nowhere, "it follows nobody");
    assert_eq!((reads(&engine, "k"), holds(&engine, 2, "k", is("1"))), (value("1"), DONE));
    // It is one already.
    let (again, mut obeyed) = oneshot::channel();
    engine.promote(again);
    assert_eq!((said(&mut obeyed), engine.lock().log.last()), (Some(Obeyed::Done), Lsn(4)));
}

#[test]
fn a_primary_whose_watchdog_has_fired_takes_and_acknowledges_nothing() {
    let engine = primary([begin(FIRST)]);
    assert_eq!(engine.pet(Some(Duration::from_secs(60))), Obeyed::Done);
    assert!(engine.lock().is_writable());
    let mut answer = write(&engine, 1, "k");
    assert_eq!(engine.pet(Some(Duration::ZERO)), Obeyed::Done);
    assert!(!engine.lock().is_writable());
    make_durable(&engine);
    assert_eq!((said(&mut answer), engine.lock().visible), (None, Lsn(1)));
    let refused = Write { id: 2, key: "k".to_owned(), value: String::new(), condition: Condition::None };
    assert_eq!(engine.write(refused).err(), Some(Refusal::NotRunning));
    assert_eq!(engine.read("k".to_owned()).err(), Some(Refusal::NotRunning));
    assert!(matches!(engine.pet(None), Obeyed::No(_)), "it is too late");
    // Its near twin was disarmed in time.
    let engine = primary([begin(FIRST)]);
    engine.pet(Some(Duration::from_secs(60)));
    assert_eq!(engine.pet(None), Obeyed::Done);
    assert!(engine.lock().is_writable());
}

#[test]
fn only_a_primary_takes_writes() {
    let refusal = |engine: &Engine| {
        let write = Write { id: 1, key: "k".to_owned(), value: String::new(), condition: Condition::None };
        (engine.write(write).err(), engine.lock().is_writable())
    };
    assert_eq!(refusal(&standby([begin(FIRST)])), (Some(Refusal::ReadOnly), false));
    assert_eq!(refusal(&starting([begin(FIRST)], None)), (Some(Refusal::NotRunning), false));
    assert_eq!(refusal(&primary([begin(FIRST)])), (None, true));
}

#[test]
fn what_a_standby_has_confirmed_is_the_most_of_its_connections() {
    let engine = primary([begin(FIRST), put(1, "k")]);
    let (old, new) = (connect(&engine, 5), connect(&engine, 5));
    engine.lock().confirmed(&engine, 5, old, Lsn(2));
    engine.lock().confirmed(&engine, 5, new, Lsn(1));
    engine.lock().confirmed(&engine, 5, old, Lsn(1));
    assert_eq!(engine.lock().confirmed_by(), BTreeMap::from([(5, Lsn(2))]), "nothing is taken back");
    engine.lock().disconnected(5, old);
    assert_eq!(engine.lock().confirmed_by(), BTreeMap::from([(5, Lsn(1))]));
    engine.lock().confirmed(&engine, 5, old, Lsn(2));
    assert_eq!(engine.lock().confirmed_by(), BTreeMap::from([(5, Lsn(1))]), "that one has ended");
}

/// What a standby is told that has these in its log.
fn admitted(engine: &Engine, records: impl IntoIterator<Item = Record>) -> Result<Lsn, Streamed> {
    let theirs = starting(records, None);
    let theirs = theirs.lock();
    let place = Place { id: 5, history: theirs.log.history().clone(), last: theirs.log.last() };
    admit(&engine.lock(), &place, None)
}

#[test]
fn a_standby_that_was_promoted_where_the_primary_stands_has_diverged_from_it() {
    let engine = primary([begin(FIRST), put(1, "k")]);
    let promoted = [begin(FIRST), put(1, "k"), begin(SECOND)];
    assert_eq!(admitted(&engine, promoted), Err(Streamed::Diverged { common: Lsn(2) }));
}

#[test]
fn a_standby_is_ahead_that_has_more_of_its_primarys_timeline() {
    let engine = primary([begin(FIRST)]);
    assert_eq!(admitted(&engine, [begin(FIRST), put(1, "k")]), Err(Streamed::NotNow));
}

#[test]
fn a_standby_is_ahead_that_has_the_next_timeline_before_the_one_it_follows_which_follows_another() {
    let engine = standby([begin(FIRST), put(1, "k")]);
    assert_eq!(admitted(&engine, [begin(FIRST), put(1, "k"), begin(SECOND)]), Err(Streamed::NotNow));
}
