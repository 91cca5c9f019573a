//! Limits on what is under way and on what happens, so that a run which sends without end fails with an error within
//! seconds, and not for want of memory or of patience.
//!
//! *Under way* are segments, datagrams and packets that were sent and not yet received, wherever they wait, and their
//! bytes. Counting each coming and going would cost every message; so only what is sent is counted, and when that
//! reaches a limit, what is there is counted in earnest. The next count has a head start of an eighth of the limit at
//! least, so all this costs next to nothing a message, and an overload is noticed an eighth late at the latest.
//!
//! It is counted where all parts are at hand: before node code sends, and before each event of the agenda. *Events* have
//! a quota, which the record keeps.
//!
//! Beyond a limit the world loses datagrams and packets on purpose, until the testbed, which is woken
//! ([`overloaded`]), ends the run.

use super::wire::Way;
use super::{Event, Freight, Net};
use crate::world::limits::Limits;
use crate::world::{Ground, World, with};
use std::collections::BTreeMap;
use std::fmt;
use std::task::{Poll, Waker};

/// A run is more than the world allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overload {
    /// When it was noticed, in ns since the run began.
    pub at_ns: u64,
    /// Of what there was too much.
    pub excess: Excess,
    /// How much there may be.
    pub limits: Limits,
    /// Where most is under way; none if nothing is.
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
                "{events} events within {:.1} s, more than {} and {} a second",
                self.at_ns as f64 / 1e9,
                self.limits.events,
                self.limits.events_per_second
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

#[derive(Default)]
pub(super) struct Load {
    /// At least as many as are under way.
    messages: usize,
    bytes: usize,
    limits: Limits,
    overload: Option<Overload>,
    /// The testbed, which waits for an overload.
    alarm: Option<Waker>,
}

impl World {
    /// From now on the run may have so much.
    pub fn set_limits(&mut self, limits: Limits) {
        self.net.ip.load.limits = limits;
        self.ground.record.limit(limits);
    }

    /// What is wrong, if the run was more than the world allows at some time. It is worth nothing from then on: messages
    /// are lost.
    pub fn overload(&self) -> Option<&Overload> {
        self.net.ip.load.overload.as_ref()
    }
}

/// Waits until the run is more than the world allows.
pub async fn overloaded() -> Overload {
    std::future::poll_fn(|context| {
        with(|world| {
            let World { ground, net, .. } = world;
            if ground.record.is_beyond_quota(context.waker()) && net.ip.load.overload.is_none() {
                net.overload(ground, Excess::Events(ground.record.events()));
            }
            match &net.ip.load.overload {
                Some(overload) => Poll::Ready(overload.clone()),
                None => {
                    net.ip.load.alarm = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    })
    .await
}

impl Load {
    /// Another message sets out. Returns false where there are too many already.
    pub(super) fn admit(&mut self, bytes: usize) -> bool {
        self.messages += 1;
        self.bytes += bytes;
        self.overload.is_none()
    }

    /// Whether it is time to count what is there.
    pub(super) fn is_due(&self) -> bool {
        (self.messages >= self.limits.messages || self.bytes >= self.limits.bytes) && self.overload.is_none()
    }
}

/// What is under way on a link.
#[derive(Debug, Default)]
pub(super) struct OnLink {
    pub(super) messages: usize,
    pub(super) bytes: usize,
    /// Some of the bytes that were sent last.
    pub(super) sample: Vec<u8>,
}

impl OnLink {
    /// The bytes of a message that the evidence shows.
    pub(super) const SAMPLE: usize = 48;

    fn add(&mut self, more: OnLink) {
        self.messages += more.messages;
        self.bytes += more.bytes;
        if !more.sample.is_empty() {
            self.sample = more.sample;
        }
    }
}

impl Net {
    /// Counts what is there, in earnest.
    #[cold]
    pub(super) fn count_messages(&mut self, ground: &Ground) {
        let (mut messages, mut bytes) = (0, 0);
        for on_link in self.under_way(ground).values() {
            (messages, bytes) = (messages + on_link.messages, bytes + on_link.bytes);
        }
        let load = &mut self.ip.load;
        let after_head_start = |limit: usize| limit - limit / 8;
        load.messages = messages.min(after_head_start(load.limits.messages));
        load.bytes = bytes.min(after_head_start(load.limits.bytes));
        if messages >= load.limits.messages {
            self.overload(ground, Excess::Messages(messages));
        } else if bytes >= load.limits.bytes {
            self.overload(ground, Excess::Bytes(bytes));
        }
    }

    #[cold]
    fn overload(&mut self, ground: &Ground, excess: Excess) {
        let most = self.under_way(ground).into_iter().max_by_key(|(_, on_link)| match excess {
            Excess::Messages(_) => on_link.messages,
            Excess::Bytes(_) | Excess::Events(_) => on_link.bytes,
        });
        let name = |machine| ground.machines.name(machine).to_owned();
        let busiest = most.map(|(way, OnLink { messages, bytes, sample })| Busiest {
            link: (name(way.from), name(way.to)),
            messages,
            bytes,
            sample: sample.escape_ascii().to_string(),
        });
        let loudest = ground.record.loudest();
        let load = &mut self.ip.load;
        load.overload =
            Some(Overload { at_ns: ground.clock.now_ns(), excess, limits: load.limits, busiest, loudest });
        if let Some(alarm) = load.alarm.take() {
            alarm.wake();
        }
    }

    fn under_way(&self, ground: &Ground) -> BTreeMap<Way, OnLink> {
        let mut by_link: BTreeMap<Way, OnLink> = BTreeMap::new();
        let mut count = |way, more| by_link.entry(way).or_default().add(more);
        self.tcp.under_way().for_each(|(way, on_link)| count(way, on_link));
        self.udp.under_way().for_each(|(way, on_link)| count(way, on_link));
        let packets = |messages| OnLink { messages, ..OnLink::default() };
        for (way, waiting) in self.ip.wire.waiting() {
            // Datagrams that wait there have been counted.
            let others = waiting.iter().filter(|freight| !matches!(freight, Freight::Datagram(_)));
            count(way, packets(others.count()));
        }
        let travelling = ground.agenda.events().filter_map(|event| match event {
            Event::Arrives(Freight::Tcp(packet)) => self.tcp.way_of(packet),
            _ => None,
        });
        travelling.for_each(|way| count(way, packets(1)));
        by_link.retain(|_, on_link| on_link.messages > 0 || on_link.bytes > 0);
        by_link
    }
}
