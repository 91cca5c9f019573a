//! One direction of a connection: a ring of bytes, the segments that carry them, and what stands in their way.
//!
//! Plain data without a world: `transmission.rs` decides when segments leave and what they meet.
//!
//! The bytes of a direction are, in order: arrived and unread, in flight, held on the wire, waiting for a
//! retransmission. Its segments describe all but the first, in the same order.

use crate::world::record::MessageStep;
use std::collections::VecDeque;
use std::task::Waker;

/// Bytes in flight and unread, one way: the sender's and the receiver's buffers together.
const WINDOW: usize = 256 * 1024;

/// The `at` of a segment that a held link keeps on the wire.
const HELD: u64 = u64::MAX - 1;
/// The `at` of a segment that only its sender has: it waits for a retransmission.
const WAITING: u64 = u64::MAX;

/// Some bytes on their way, or the end of the stream, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// When it arrives, in ns; [`HELD`] and [`WAITING`] are later than any instant.
    pub(super) at: u64,
    pub(super) len: usize,
    pub(super) fin: bool,
}

/// Where segments go that are not on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shelf {
    /// They stay on the wire of a held link, whatever becomes of their sender.
    Wire,
    /// They are lost; their sender has a copy.
    Sender,
}

impl Shelf {
    /// What happens to the messages in them.
    pub(super) fn step(self) -> MessageStep {
        match self {
            Shelf::Wire => MessageStep::Held,
            Shelf::Sender => MessageStep::Lost,
        }
    }
}

/// Data or its acknowledgement does not get through: the retransmission timer runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stall {
    pub(super) since: u64,
    pub(super) attempt: u32,
    /// Tells its timer from earlier ones.
    pub(super) number: u32,
}

/// The writer waits for room: the persist timer runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocked {
    /// A window update is under way; when it is lost, the persist timer finds out.
    pub(super) announced: bool,
    /// Tells its timer from earlier ones.
    pub(super) number: u32,
}

/// What one side sends, on its way to the other.
pub(super) struct Direction {
    buffer: VecDeque<u8>,
    arrived: usize,
    segments: VecDeque<Segment>,
    /// The latest arrival time given out: nothing overtakes.
    pub(super) last_at: u64,
    pub(super) fin_sent: bool,
    pub(super) fin_arrived: bool,
    pub(super) stall: Option<Stall>,
    pub(super) blocked: Option<Blocked>,
    /// Stalls and blocks so far.
    timers: u32,
    /// Arrivals of earlier epochs are void.
    pub(super) epoch: u32,
    arrival: Waker,
}

impl Direction {
    /// `arrival` is the waker for the timers of its first epoch.
    pub(super) fn new(arrival: Waker) -> Self {
        Direction {
            buffer: VecDeque::new(),
            arrived: 0,
            segments: VecDeque::new(),
            last_at: 0,
            fin_sent: false,
            fin_arrived: false,
            stall: None,
            blocked: None,
            timers: 0,
            epoch: 0,
            arrival,
        }
    }

    /// Bytes that have arrived and are unread.
    pub(super) fn unread(&self) -> usize {
        self.arrived
    }

    pub(super) fn room(&self) -> usize {
        WINDOW.saturating_sub(self.buffer.len())
    }

    /// Half of the window is free: worth telling a blocked writer.
    pub(super) fn is_roomy(&self) -> bool {
        self.buffer.len() <= WINDOW / 2
    }

    /// A number for a new timer.
    pub(super) fn next_timer(&mut self) -> u32 {
        self.timers += 1;
        self.timers
    }

    /// The waker for the timer of a segment that leaves now.
    pub(super) fn arrival(&self) -> &Waker {
        &self.arrival
    }

    /// Takes what fits into the buffer, without a segment yet. Returns how much.
    pub(super) fn accept(&mut self, bytes: &[u8]) -> usize {
        let len = bytes.len().min(self.room());
        self.buffer.extend(&bytes[..len]);
        len
    }

    /// Moves what has arrived to the reader.
    pub(super) fn read(&mut self, into: &mut tokio::io::ReadBuf<'_>) {
        let len = self.arrived.min(into.remaining());
        let (first, second) = self.buffer.as_slices();
        let from_first = len.min(first.len());
        into.put_slice(&first[..from_first]);
        into.put_slice(&second[..len - from_first]);
        self.buffer.drain(..len);
        self.arrived -= len;
    }

    /// Puts a segment on its way. Returns whether it needs a timer: one that arrives together with the last shares its.
    pub(super) fn send(&mut self, at: u64, len: usize, fin: bool) -> bool {
        self.last_at = at;
        match self.segments.back_mut().filter(|last| last.at == at) {
            Some(last) => {
                last.len += len;
                last.fin |= fin;
                false
            }
            None => {
                self.segments.push_back(Segment { at, len, fin });
                true
            }
        }
    }

    /// Keeps a segment back.
    pub(super) fn shelve(&mut self, shelf: Shelf, len: usize, fin: bool) {
        let at = if shelf == Shelf::Wire { HELD } else { WAITING };
        match self.segments.back_mut().filter(|last| last.at == at) {
            Some(last) => {
                last.len += len;
                last.fin |= fin;
            }
            None => self.segments.push_back(Segment { at, len, fin }),
        }
    }

    /// The next segment to arrive.
    pub(super) fn head(&self) -> Option<Segment> {
        self.segments.front().copied()
    }

    /// The head has arrived. Returns its bytes, in two pieces, for the digest.
    pub(super) fn deliver_head(&mut self) -> (&[u8], &[u8]) {
        let segment = self.segments.pop_front().expect("a timer has fired for it");
        let (start, end) = (self.arrived, self.arrived + segment.len);
        self.arrived = end;
        self.fin_arrived |= segment.fin;
        let (first, second) = self.buffer.as_slices();
        let split = first.len();
        (
            &first[start.min(split)..end.min(split)],
            &second[start.saturating_sub(split)..end.saturating_sub(split)],
        )
    }

    /// The head is gone, and its bytes with it. Returns how many.
    pub(super) fn lose_head(&mut self) -> usize {
        let segment = self.segments.pop_front().expect("a timer has fired for it");
        self.buffer.drain(self.arrived..self.arrived + segment.len);
        segment.len
    }

    /// Voids the arrivals under way; their segments are shelved. `arrival` makes the waker for the timers of an epoch.
    pub(super) fn recall(&mut self, shelf: Shelf, arrival: impl FnOnce(u32) -> Waker) {
        self.epoch += 1;
        self.arrival = arrival(self.epoch);
        let at = if shelf == Shelf::Wire { HELD } else { WAITING };
        for segment in &mut self.segments {
            segment.at = segment.at.max(at);
        }
    }

    /// Whether anything is shelved.
    pub(super) fn has_shelved(&self) -> bool {
        self.segments.back().is_some_and(|last| last.at >= HELD)
    }

    /// Segments that have not arrived.
    pub(super) fn segments(&self) -> usize {
        self.segments.len()
    }

    /// Bytes that were sent and not yet read.
    pub(super) fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Of those, the last, up to so many.
    pub(super) fn last_bytes(&self, most: usize) -> Vec<u8> {
        self.buffer.iter().copied().skip(self.buffer.len().saturating_sub(most)).collect()
    }

    /// Bytes that are shelved.
    pub(super) fn shelved(&self) -> usize {
        self.segments.iter().rev().take_while(|segment| segment.at >= HELD).map(|segment| segment.len).sum()
    }

    /// So many of the shelved bytes become one segment that arrives at `at`, after all that is in flight. The rest goes
    /// on waiting with its sender.
    pub(super) fn resend(&mut self, at: u64, len: usize) {
        let mut rest = Segment { at: WAITING, len: 0, fin: false };
        while let Some(segment) = self.pop_last(HELD) {
            rest.len += segment.len;
            rest.fin |= segment.fin;
        }
        rest.len -= len;
        self.last_at = at;
        self.segments.push_back(Segment { at, len, fin: rest.fin && rest.len == 0 });
        if rest.len > 0 {
            self.segments.push_back(rest);
        }
    }

    /// The sender is dead: what only it had is never sent, and its timers are void.
    pub(super) fn abandon(&mut self) {
        (self.stall, self.blocked) = (None, None);
        while let Some(segment) = self.pop_last(WAITING) {
            self.buffer.truncate(self.buffer.len() - segment.len);
        }
    }

    /// The wire that held some of it is cut.
    pub(super) fn lose_held(&mut self) {
        for segment in self.segments.iter_mut().filter(|segment| segment.at == HELD) {
            segment.at = WAITING;
        }
    }

    fn pop_last(&mut self, at_least: u64) -> Option<Segment> {
        let last = self.segments.back().is_some_and(|last| last.at >= at_least);
        if last { self.segments.pop_back() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direction(bytes: &[u8]) -> Direction {
        let mut direction = Direction::new(Waker::noop().clone());
        assert_eq!(direction.accept(bytes), bytes.len());
        direction
    }

    fn read(direction: &mut Direction) -> Vec<u8> {
        let mut bytes = [0; 64];
        let mut into = tokio::io::ReadBuf::new(&mut bytes);
        direction.read(&mut into);
        into.filled().to_vec()
    }

    #[test]
    fn segments_that_arrive_together_share_a_timer() {
        let mut direction = direction(b"abc");
        assert!(direction.send(10, 1, false));
        assert!(!direction.send(10, 1, false));
        assert!(direction.send(11, 1, true));
        assert_eq!(direction.head(), Some(Segment { at: 10, len: 2, fin: false }));
    }

    #[test]
    fn only_what_has_arrived_is_readable() {
        let mut direction = direction(b"abc");
        direction.send(10, 2, false);
        direction.send(11, 1, false);
        assert_eq!(read(&mut direction), b"");
        assert_eq!(direction.deliver_head().0, b"ab");
        assert_eq!((read(&mut direction).as_slice(), direction.unread()), (b"ab".as_slice(), 0));
    }

    #[test]
    fn a_recall_merges_what_was_in_flight_into_one_retransmission() {
        let mut direction = direction(b"abc");
        direction.send(10, 1, false);
        direction.send(11, 1, false);
        direction.shelve(Shelf::Sender, 1, true);
        direction.recall(Shelf::Sender, |_| Waker::noop().clone());
        assert_eq!((direction.epoch, direction.has_shelved()), (1, true));
        direction.resend(20, 3);
        assert_eq!(direction.head(), Some(Segment { at: 20, len: 3, fin: true }));
        assert!(!direction.has_shelved());
    }

    #[test]
    fn what_does_not_fit_into_a_retransmission_waits_on_with_the_end_of_the_stream() {
        let mut direction = direction(b"abc");
        direction.shelve(Shelf::Sender, 2, false);
        direction.shelve(Shelf::Sender, 1, true);
        assert_eq!((direction.shelved(), direction.segments()), (3, 1));
        direction.resend(20, 2);
        assert_eq!(direction.head(), Some(Segment { at: 20, len: 2, fin: false }));
        assert_eq!((direction.shelved(), direction.has_shelved()), (1, true));
        direction.resend(30, 1);
        direction.deliver_head();
        direction.deliver_head();
        assert_eq!((read(&mut direction).as_slice(), direction.fin_arrived), (b"abc".as_slice(), true));
    }

    #[test]
    fn a_dead_sender_loses_what_only_it_had_and_keeps_what_is_on_the_wire() {
        let mut direction = direction(b"abcd");
        direction.send(10, 1, false);
        direction.shelve(Shelf::Wire, 1, false);
        direction.shelve(Shelf::Sender, 2, true);
        direction.abandon();
        direction.deliver_head();
        direction.resend(20, 1);
        direction.deliver_head();
        assert_eq!((read(&mut direction).as_slice(), direction.fin_arrived), (b"ab".as_slice(), false));
    }

    #[test]
    fn a_full_window_takes_a_part_and_then_nothing() {
        let mut direction = direction(&vec![7; WINDOW - 1]);
        assert_eq!((direction.accept(b"ab"), direction.accept(b"c")), (1, 0));
        assert!(!direction.is_roomy());
    }
}
