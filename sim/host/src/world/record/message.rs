//! Messages: what the bytes on the network say, in a recorded run.
//!
//! Nodes say what bytes mean when they encode them ([`say`], through [`crate::trace`]); the network tells here what
//! happens to bytes, and gets back which messages those were. A message gets its number when its last byte is written to
//! a socket, and keeps it until it arrives, also through losses and retransmissions: on a stream it is a range of bytes,
//! and arrives with the segment that completes it.
//!
//! In a run that is not recorded all of this is empty, and nothing here is called.

use super::{Happening, Record};
use crate::world::{MachineId, try_with};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::{self, Debug, Write};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// How much of a message is kept, in bytes.
const CONTENT_BYTES_MAX: usize = 2_000;
/// Messages that begin alike are told apart by their hash; by so many bytes most begin differently.
const START_BYTES: usize = 8;
/// The same bytes have seldom more than one meaning.
const MEANINGS_MAX: usize = 16;

thread_local! {
    static RECORDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether the run of this thread is recorded.
#[inline]
pub(crate) fn is_recorded() -> bool {
    RECORDED.get()
}

/// From now on the run of this thread is recorded, or is not.
pub(super) fn set_recorded(recorded: bool) {
    RECORDED.set(recorded);
}

/// See [`crate::trace::message`]. `kind` is the name of its type.
#[cold]
pub(crate) fn say(bytes: &[u8], kind: &'static str, content: &dyn Debug) {
    // Outside of the borrow: it may ask the world what it likes.
    let content = cut(content);
    try_with(|world| {
        let by = world.current_host();
        world.ground.record.messages.meanings.add(bytes, Meaning { by, kind, content });
    });
}

/// The `Debug` form of something, cut to a length that a reader can bear.
fn cut(content: &dyn Debug) -> Arc<str> {
    let mut text = Cut(String::new());
    // It fails once it is full, and what is there is enough.
    let _ = write!(text, "{content:?}");
    text.0.into()
}

struct Cut(String);

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = CONTENT_BYTES_MAX - self.0.len().min(CONTENT_BYTES_MAX);
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= room).last().unwrap_or(0);
        self.0.push_str(&text[..end]);
        self.0.push('…');
        Err(fmt::Error)
    }
}

/// A message, and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageEvent {
    /// The message's number in its run, from 1: the same from its departure to its arrival. A datagram that is doubled
    /// on its way arrives twice under one.
    pub id: u64,
    /// The sender.
    pub from: MachineId,
    /// The receiver.
    pub to: MachineId,
    /// The connection that carries it, a number of its own; none for a datagram.
    pub connection: Option<u32>,
    /// Its length.
    pub bytes: usize,
    /// What it says, in the words of whoever encoded it.
    pub content: Arc<str>,
    /// What happened to it.
    pub step: MessageStep,
}

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageStep {
    /// A socket took the last of it.
    Sent,
    /// It waits with its sender: for what was lost before it, or for room on its link.
    Waits,
    /// The wire holds it.
    Held,
    /// It is lost on its way. On a connection its sender will repeat it.
    Lost,
    /// It is on its way again.
    Resent,
    /// All of it has arrived.
    Delivered,
    /// It has arrived, and nobody takes it.
    Refused,
}

impl MessageStep {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            MessageStep::Sent => "sent",
            MessageStep::Waits => "waits",
            MessageStep::Held => "held",
            MessageStep::Lost => "lost",
            MessageStep::Resent => "resent",
            MessageStep::Delivered => "delivered",
            MessageStep::Refused => "refused",
        }
    }
}

/// One way of a connection: the connection's number, and which side sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::world) struct StreamId {
    pub(in crate::world) connection: u32,
    pub(in crate::world) side: u8,
}

/// From one machine to another.
type FromTo = (MachineId, MachineId);

/// What is known of the messages of a recorded run.
#[derive(Default)]
pub(super) struct Messages {
    meanings: Meanings,
    streams: BTreeMap<StreamId, Stream>,
    /// By slot.
    datagrams: BTreeMap<u32, Message>,
    /// Messages so far.
    count: u64,
}

#[derive(Clone)]
struct Message {
    id: u64,
    from: MachineId,
    to: MachineId,
    connection: Option<u32>,
    bytes: usize,
    content: Arc<str>,
}

impl Message {
    fn event(&self, step: MessageStep) -> Happening {
        let Message { id, from, to, connection, bytes, ref content } = *self;
        let content = Arc::clone(content);
        Happening::Message(MessageEvent { id, from, to, connection, bytes, content, step })
    }
}

/// What some bytes were said to be.
#[derive(Clone, PartialEq, Eq)]
struct Meaning {
    by: Option<MachineId>,
    /// The name of its type.
    kind: &'static str,
    content: Arc<str>,
}

/// What bytes were said to be, by their length and hash.
#[derive(Default)]
struct Meanings {
    by_bytes: BTreeMap<(usize, u128), Vec<Meaning>>,
    /// The lengths of those that begin like this.
    lengths: BTreeMap<Vec<u8>, BTreeSet<usize>>,
    longest: usize,
}

impl Meanings {
    fn add(&mut self, bytes: &[u8], meaning: Meaning) {
        if bytes.is_empty() {
            return;
        }
        self.longest = self.longest.max(bytes.len());
        let start = bytes[..bytes.len().min(START_BYTES)].to_vec();
        self.lengths.entry(start).or_default().insert(bytes.len());
        let known = self.by_bytes.entry((bytes.len(), xxh3_128(bytes))).or_default();
        // The latest is last.
        known.retain(|other| *other != meaning);
        known.push(meaning);
        if known.len() > MEANINGS_MAX {
            known.remove(0);
        }
    }

    /// The longest message that some bytes begin with, and its length.
    fn at_start(
        &self,
        bytes: &[u8],
        by: MachineId,
        kinds: &BTreeSet<&'static str>,
    ) -> Option<(usize, &Meaning)> {
        let starts =
            (1..=bytes.len().min(START_BYTES)).rev().filter_map(|len| self.lengths.get(&bytes[..len]));
        let lengths = starts.flat_map(|lengths| lengths.range(..=bytes.len()).rev());
        lengths.copied().find_map(|len| Some((len, self.of(&bytes[..len], by, kinds)?)))
    }

    /// What some bytes are, all of them.
    fn of(&self, bytes: &[u8], by: MachineId, kinds: &BTreeSet<&'static str>) -> Option<&Meaning> {
        let known = self.by_bytes.get(&(bytes.len(), xxh3_128(bytes)))?;
        known.iter().max_by_key(|meaning| (meaning.by == Some(by), kinds.contains(meaning.kind)))
    }
}

/// The messages of a stream: which are under way, and what is not yet one.
#[derive(Default)]
struct Stream {
    /// Bytes written so far.
    written: u64,
    /// Of those the last, which are no message yet.
    unknown: Vec<u8>,
    under_way: VecDeque<UnderWay>,
    /// Bytes that have arrived, or never will.
    arrived: u64,
    /// The types of those that it has carried.
    kinds: BTreeSet<&'static str>,
}

struct UnderWay {
    message: Message,
    /// Where in the stream it ends.
    end: u64,
    /// It is not on the wire.
    kept_back: bool,
}

impl Stream {
    /// Takes bytes that were written, and returns the messages that they complete.
    fn write(
        &mut self,
        bytes: &[u8],
        meanings: &Meanings,
        (from, to): FromTo,
        mut next: impl FnMut() -> u64,
        connection: u32,
    ) -> Vec<Message> {
        let before = self.unknown.len();
        self.written += bytes.len() as u64;
        self.unknown.extend_from_slice(bytes);
        let (mut at, mut found) = (0, Vec::new());
        while at < self.unknown.len() {
            let look = |at: usize| {
                meanings.at_start(&self.unknown[at..], from, &self.kinds).map(|found| (at, found))
            };
            // What came before this write was never said to be anything: this may begin anew.
            let anew = || if at < before { look(before) } else { None };
            let Some((start, (len, meaning))) = look(at).or_else(anew) else { break };
            let (kind, content) = (meaning.kind, Arc::clone(&meaning.content));
            at = start + len;
            let end = self.written - (self.unknown.len() - at) as u64;
            let message = Message { id: next(), from, to, connection: Some(connection), bytes: len, content };
            self.kinds.insert(kind);
            self.under_way.push_back(UnderWay { message: message.clone(), end, kept_back: false });
            found.push(message);
        }
        self.unknown.drain(..at);
        if self.unknown.len() > meanings.longest {
            self.unknown.clear();
        }
        found
    }

    /// So many bytes have arrived: the messages that are complete now.
    fn arrive(&mut self, bytes: usize) -> Vec<Message> {
        self.arrived += bytes as u64;
        let complete = self.under_way.partition_point(|message| message.end <= self.arrived);
        self.under_way.drain(..complete).map(|arrived| arrived.message).collect()
    }

    /// The last bytes of the stream, so many, are not on the wire: the messages of which this was not so before, or no
    /// longer is.
    fn keep_back(&mut self, bytes: usize, kept_back: bool) -> Vec<Message> {
        let on_the_wire = self.written - bytes as u64;
        let changed = self
            .under_way
            .iter_mut()
            .filter(|message| message.kept_back != kept_back && (message.end > on_the_wire) == kept_back);
        let changed = changed.map(|message| {
            message.kept_back = kept_back;
            message.message.clone()
        });
        changed.collect()
    }
}

/// What the network tells. Unless the run is recorded nothing happens, at the cost of one look each.
impl Record {
    /// Bytes were written to a stream.
    #[inline]
    pub(in crate::world) fn wrote(&mut self, at: u64, stream: StreamId, way: FromTo, bytes: &[u8]) {
        if self.recording {
            self.note(at, MessageStep::Sent, |messages| messages.wrote(stream, way, bytes));
        }
    }

    /// The next bytes of a stream have come to their end: delivered, refused, or lost for good.
    #[inline]
    pub(in crate::world) fn arrived(&mut self, at: u64, stream: StreamId, bytes: usize, step: MessageStep) {
        if self.recording {
            self.note(at, step, |messages| messages.of(stream, |stream| stream.arrive(bytes)));
        }
    }

    /// The last bytes of a stream, so many, are not on the wire now; what this is news of has taken that step.
    #[inline]
    pub(in crate::world) fn kept_back(&mut self, at: u64, stream: StreamId, bytes: usize, step: MessageStep) {
        if self.recording {
            let kept_back = step != MessageStep::Resent;
            self.note(at, step, |messages| messages.of(stream, |stream| stream.keep_back(bytes, kept_back)));
        }
    }

    /// A datagram was put into a slot.
    #[inline]
    pub(in crate::world) fn sent_datagram(&mut self, at: u64, slot: u32, way: FromTo, bytes: &[u8]) {
        if self.recording {
            self.note(at, MessageStep::Sent, |messages| messages.sent_datagram(slot, way, bytes));
        }
    }

    /// Another slot has a copy of a datagram.
    #[inline]
    pub(in crate::world) fn copied_datagram(&mut self, slot: u32, copy: u32) {
        if self.recording {
            self.messages.copied_datagram(slot, copy);
        }
    }

    /// What is in a slot now is no datagram that a node has sent.
    #[inline]
    pub(in crate::world) fn forget_datagram(&mut self, slot: u32) {
        if self.recording {
            self.messages.datagrams.remove(&slot);
        }
    }

    /// Something happened to the datagram in a slot.
    #[inline]
    pub(in crate::world) fn datagram(&mut self, at: u64, slot: u32, step: MessageStep) {
        if self.recording {
            self.note(at, step, |messages| messages.datagrams.get(&slot).cloned().into_iter().collect());
        }
    }

    #[cold]
    fn note(&mut self, at: u64, step: MessageStep, find: impl FnOnce(&mut Messages) -> Vec<Message>) {
        for message in find(&mut self.messages) {
            self.keep(at, || message.event(step));
        }
    }
}

impl Messages {
    fn wrote(&mut self, stream: StreamId, way: FromTo, bytes: &[u8]) -> Vec<Message> {
        let Messages { meanings, streams, count, .. } = self;
        let next = || {
            *count += 1;
            *count
        };
        streams.entry(stream).or_default().write(bytes, meanings, way, next, stream.connection)
    }

    /// Those of a stream that anything is known of.
    fn of(&mut self, stream: StreamId, find: impl FnOnce(&mut Stream) -> Vec<Message>) -> Vec<Message> {
        self.streams.get_mut(&stream).map_or_else(Vec::new, find)
    }

    fn sent_datagram(&mut self, slot: u32, (from, to): FromTo, bytes: &[u8]) -> Vec<Message> {
        self.datagrams.remove(&slot);
        let Some(meaning) = self.meanings.of(bytes, from, &BTreeSet::new()) else { return Vec::new() };
        self.count += 1;
        let (id, content) = (self.count, Arc::clone(&meaning.content));
        let message = Message { id, from, to, connection: None, bytes: bytes.len(), content };
        self.datagrams.insert(slot, message.clone());
        vec![message]
    }

    fn copied_datagram(&mut self, slot: u32, copy: u32) {
        match self.datagrams.get(&slot).cloned() {
            Some(message) => drop(self.datagrams.insert(copy, message)),
            None => drop(self.datagrams.remove(&copy)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAY: FromTo = (MachineId::numbered(1), MachineId::numbered(2));

    fn meanings(said: &[(&[u8], &'static str, &str)]) -> Meanings {
        let mut meanings = Meanings::default();
        for (bytes, kind, content) in said {
            meanings.add(bytes, Meaning { by: Some(WAY.0), kind, content: (*content).into() });
        }
        meanings
    }

    /// What a stream is seen to carry when these are written to it, one after the other.
    fn seen(meanings: &Meanings, writes: &[&[u8]]) -> Vec<String> {
        let (mut stream, mut count) = (Stream::default(), 0);
        let mut next = || {
            count += 1;
            count
        };
        let mut write = |bytes: &&[u8]| stream.write(bytes, meanings, WAY, &mut next, 7);
        writes.iter().flat_map(&mut write).map(|message| message.content.to_string()).collect()
    }

    #[test]
    fn messages_are_recognised_however_they_are_joined_and_split() {
        let meanings = meanings(&[(b"\x02ab", "M", "ab"), (b"\x03abc", "M", "abc")]);
        assert_eq!(seen(&meanings, &[b"\x02ab\x03abc\x02ab"]), ["ab", "abc", "ab"]);
        assert_eq!(seen(&meanings, &[b"\x02a", b"b\x03", b"abc"]), ["ab", "abc"]);
    }

    #[test]
    fn a_message_that_begins_a_write_is_recognised_after_what_nobody_described() {
        let meanings = meanings(&[(b"\x02ab", "M", "ab")]);
        assert_eq!(seen(&meanings, &[b"what is this", b"\x02ab"]), ["ab"]);
        assert!(seen(&meanings, &[b"what is this\x02ab"]).is_empty(), "it could begin anywhere");
    }

    #[test]
    fn of_messages_that_begin_alike_it_is_the_longest() {
        let meanings = meanings(&[(b"ab", "M", "short"), (b"abcd", "M", "long")]);
        assert_eq!(seen(&meanings, &[b"abcdab"]), ["long", "short"]);
    }

    #[test]
    fn the_same_bytes_are_what_the_stream_carries() {
        let both = [(b"h".as_slice(), "Hello", "hello"), (b"1", "Hello", "Yes"), (b"1", "Count", "One")];
        assert_eq!(seen(&meanings(&both), &[b"1"]), ["One"], "the latest");
        assert_eq!(seen(&meanings(&both), &[b"h1"]), ["hello", "Yes"]);
        let of_another = Meaning { by: Some(WAY.1), kind: "Other", content: "Other".into() };
        let mut three = meanings(&both);
        three.add(b"1", of_another);
        assert_eq!(seen(&three, &[b"1"]), ["One"], "its own before another machine's");
    }

    #[test]
    fn a_message_arrives_with_its_last_byte_and_is_kept_back_and_let_go_once() {
        let meanings = meanings(&[(b"ab", "M", "ab"), (b"cd", "M", "cd")]);
        let (mut stream, mut count) = (Stream::default(), 0);
        let next = || {
            count += 1;
            count
        };
        assert_eq!(stream.write(b"abcd", &meanings, WAY, next, 7).len(), 2);
        let ids = |messages: Vec<Message>| messages.iter().map(|message| message.id).collect::<Vec<_>>();
        assert_eq!(ids(stream.keep_back(1, true)), [2]);
        assert_eq!(ids(stream.keep_back(4, true)), [1], "of the other it is known");
        assert_eq!(ids(stream.keep_back(2, false)), [1]);
        assert!(ids(stream.arrive(1)).is_empty());
        assert_eq!(ids(stream.arrive(2)), [1]);
        assert_eq!(ids(stream.arrive(1)), [2]);
    }

    #[test]
    fn what_a_message_says_is_cut_between_letters() {
        let content = cut(&"ü".repeat(1_000_000));
        assert!(content.len() <= CONTENT_BYTES_MAX + '…'.len_utf8() && content.ends_with("ü…"));
        assert_eq!(&*cut(&(1, "a")), "(1, \"a\")");
    }
}
