//! Limits on what is under way and on what happens, so that a run which sends without end fails with an error within
//! seconds, and not for want of memory or of patience.
//!
//! *Under way* are segments, datagrams and packets that were sent and not yet received, wherever they wait, and their
//! bytes. Counting each coming and going would cost every message; so only what is sent is counted, and when that
//! reaches a limit, what is there is counted in earnest. The next count has a head start of an eighth of the limit at
//! least, so all this costs next to nothing a message, and an overload is noticed an eighth late at the latest.
//!
//! *Events* are what the digest takes in. A run may have [`EVENTS_AT_ONCE`], and [`EVENTS_A_SECOND`] more with each
//! second of simulated time: messages that multiply among nodes, many of them in one segment, or in queues that only the
//! nodes see, are found by what they do. Neither limit depends on the machine that simulates.
//!
//! Beyond a limit the world loses datagrams and packets on purpose, until the testbed, which is woken
//! ([`overloaded`]), ends the run.

use super::packet::{Event, Freight};
use super::tcp::Side;
use super::{HostId, World, with};
use std::collections::BTreeMap;
use std::fmt;
use std::task::{Poll, Waker};

/// How many messages may be under way at once, unless [`World::set_message_limit`] says otherwise.
pub const MESSAGE_LIMIT: usize = 1_000_000;
/// How many of their bytes (256 MiB).
pub const BYTE_LIMIT: usize = 256 << 20;
/// How many events may be observed, at any time.
pub const EVENTS_AT_ONCE: u64 = 1_000_000;
/// How many more for each second of simulated time.
pub const EVENTS_A_SECOND: u64 = 100_000;

/// The bytes of a message that the evidence shows.
const SAMPLE: usize = 48;

/// A run is more than the world allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overload {
    /// When it was noticed, in ns since the run began.
    pub at_ns: u64,
    /// Of what there was too much.
    pub excess: Excess,
    /// Where most messages are under way; none if none are.
    pub busiest: Option<Busiest>,
    /// The probe that was published most often, and how often; none if none was.
    pub loudest: Option<(&'static str, u64)>,
}

/// Of what there was too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// So many messages are under way and unread.
    Messages(usize),
    /// So many bytes are.
    Bytes(usize),
    /// So many events were observed.
    Events(u64),
}

/// The link with most of what is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busiest {
    /// The sender's name and the receiver's.
    pub link: (String, String),
    /// How many messages.
    pub messages: usize,
    /// How many bytes.
    pub bytes: usize,
    /// Some of the bytes that were sent last, as text.
    pub sample: String,
}

impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.excess {
            Excess::Messages(messages) => write!(f, "{messages} messages are under way and unread")?,
            Excess::Bytes(bytes) => write!(f, "{bytes} bytes are under way and unread")?,
            Excess::Events(events) => write!(
                f,
                "{events} events within {:.1} s, more than {EVENTS_AT_ONCE} and {EVENTS_A_SECOND} a second",
                self.at_ns as f64 / 1e9
            )?,
        }
        if let Some(Busiest { link: (from, to), messages, bytes, sample }) = &self.busiest {
            write!(
                f,
                "; most go from {from} to {to}: {messages} messages, {bytes} bytes, last \"{sample}\""
            )?;
        }
        if let Some((probe, times)) = self.loudest {
            write!(f, "; `{probe}` was published {times} times")?;
        }
        Ok(())
    }
}

pub(super) struct Load {
    /// At least as many as are under way.
    messages: usize,
    bytes: usize,
    message_limit: usize,
    byte_limit: usize,
    overload: Option<Overload>,
    /// The testbed, which waits for an overload.
    alarm: Option<Waker>,
}

impl Default for Load {
    fn default() -> Self {
        let (message_limit, byte_limit) = (MESSAGE_LIMIT, BYTE_LIMIT);
        Load { messages: 0, bytes: 0, message_limit, byte_limit, overload: None, alarm: None }
    }
}

/// How many events may be observed until the next look at the clock.
pub(super) struct Quota {
    until: u64,
    exceeded: bool,
    alarm: Option<Waker>,
}

impl Default for Quota {
    fn default() -> Self {
        Quota { until: EVENTS_AT_ONCE, exceeded: false, alarm: None }
    }
}

impl Quota {
    /// So many events have been observed.
    pub(super) fn spend(&mut self, events: u64, at_ns: u64) {
        if events > self.until {
            self.extend(events, at_ns);
        }
    }

    #[cold]
    fn extend(&mut self, events: u64, at_ns: u64) {
        self.until =
            EVENTS_AT_ONCE + (u128::from(at_ns) * u128::from(EVENTS_A_SECOND) / 1_000_000_000) as u64;
        if events > self.until {
            self.until = u64::MAX;
            self.exceeded = true;
            self.alarm.take().map(Waker::wake);
        }
    }
}

/// Waits until the run is more than the world allows.
pub async fn overloaded() -> Overload {
    std::future::poll_fn(|context| {
        with(|world| {
            if world.hasher.quota.exceeded && world.load.overload.is_none() {
                world.judge_load(Some(Excess::Events(world.hasher.events())));
            }
            match world.overload() {
                Some(overload) => Poll::Ready(overload.clone()),
                None => {
                    world.load.alarm = Some(context.waker().clone());
                    world.hasher.quota.alarm = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    })
    .await
}

impl World {
    /// Sets how many messages may be under way at once.
    pub fn set_message_limit(&mut self, limit: usize) {
        self.load.message_limit = limit;
    }

    /// Sets how many bytes may be under way at once.
    pub fn set_byte_limit(&mut self, limit: usize) {
        self.load.byte_limit = limit;
    }

    /// What is wrong, if the run was more than the world allows at some time. It is worth nothing from then on: messages
    /// are lost.
    pub fn overload(&self) -> Option<&Overload> {
        self.load.overload.as_ref()
    }

    /// Another message sets out. Returns false where there are too many already.
    pub(super) fn admit_message(&mut self, bytes: usize) -> bool {
        self.load.messages += 1;
        self.load.bytes += bytes;
        let is_much = self.load.messages > self.load.message_limit || self.load.bytes > self.load.byte_limit;
        if is_much && self.load.overload.is_none() {
            self.judge_load(None);
        }
        self.load.overload.is_none()
    }

    /// Counts what is under way. It is an overload if it is too much, or if there is too much of something else.
    #[cold]
    fn judge_load(&mut self, excess: Option<Excess>) {
        let by_link = self.under_way();
        let (messages, bytes) = by_link
            .values()
            .fold((0, 0), |(messages, bytes), on_link| (messages + on_link.messages, bytes + on_link.bytes));
        let head_start = |limit: usize| limit - limit / 8;
        self.load.messages = messages.min(head_start(self.load.message_limit));
        self.load.bytes = bytes.min(head_start(self.load.byte_limit));
        let excess = match excess {
            Some(excess) => excess,
            None if messages >= self.load.message_limit => Excess::Messages(messages),
            None if bytes >= self.load.byte_limit => Excess::Bytes(bytes),
            None => return,
        };
        let most = by_link.into_iter().max_by_key(|(_, on_link)| match excess {
            Excess::Messages(_) => on_link.messages,
            Excess::Bytes(_) | Excess::Events(_) => on_link.bytes,
        });
        let busiest = most.map(|((from, to), on_link)| Busiest {
            link: (self.name(from).to_owned(), self.name(to).to_owned()),
            messages: on_link.messages,
            bytes: on_link.bytes,
            sample: on_link.sample.escape_ascii().to_string(),
        });
        let loudest =
            self.probe_hits.iter().max_by_key(|(_, hits)| **hits).map(|(probe, hits)| (*probe, *hits));
        self.load.overload = Some(Overload { at_ns: self.now_ns(), excess, busiest, loudest });
        self.load.alarm.take().map(Waker::wake);
    }

    fn under_way(&self) -> BTreeMap<(HostId, HostId), OnLink> {
        let mut by_link: BTreeMap<(HostId, HostId), OnLink> = BTreeMap::new();
        let mut count = |link, messages, bytes, sample: Vec<u8>| {
            let on_link = by_link.entry(link).or_default();
            on_link.messages += messages;
            on_link.bytes += bytes;
            if !sample.is_empty() {
                on_link.sample = sample;
            }
        };
        for (_, connection) in &self.connections {
            for side in [Side::Dialler, Side::Acceptor] {
                let direction = &connection.directions[side as usize];
                let link = connection.hosts(side);
                count(link, direction.segments(), direction.buffered(), direction.last_bytes(SAMPLE));
            }
        }
        for datagram in self.datagrams.under_way() {
            let sample = datagram.bytes.iter().copied().take(SAMPLE).collect();
            count((datagram.from.0, datagram.to.0), 1, datagram.bytes.len(), sample);
        }
        let machines = self.hosts.len();
        for (place, link) in self.links.iter().enumerate() {
            // Datagrams that wait there have been counted.
            let packets = link.waiting.iter().filter(|freight| !matches!(freight, Freight::Datagram(_)));
            count((place / machines, place % machines), packets.count(), 0, Vec::new());
        }
        let packets = self.agenda.events().filter_map(|event| match event {
            Event::Arrives(Freight::Tcp(packet)) => {
                let connection = self.connections.get(packet.connection.slot as usize)?;
                Some(connection.hosts(packet.from))
            }
            _ => None,
        });
        packets.for_each(|link| count(link, 1, 0, Vec::new()));
        by_link.retain(|_, on_link| on_link.messages > 0 || on_link.bytes > 0);
        by_link
    }
}

/// What is under way on a link.
#[derive(Default)]
struct OnLink {
    messages: usize,
    bytes: usize,
    sample: Vec<u8>,
}
