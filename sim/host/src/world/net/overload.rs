//! A limit on what is under way, so that a run which sends without end fails with an error and not for want of memory.
//!
//! What counts: segments, datagrams and packets that were sent and not yet received, wherever they wait. Counting each
//! coming and going would cost every message; so only what is sent is counted, and when that reaches the limit, what is
//! there is counted in earnest. The next count has a head start of an eighth of the limit at least, so all this costs
//! next to nothing a message, and an overload is noticed an eighth late at the latest.
//!
//! It is counted where all parts are at hand: before node code sends, and before each event of the agenda.
//!
//! Beyond the limit the world loses datagrams and packets on purpose, until the testbed looks and ends the run.

use super::wire::Way;
use super::{Event, Freight, Net};
use crate::world::{Ground, World};
use std::collections::BTreeMap;
use std::fmt;

/// How many messages may be under way at once, unless [`World::set_message_limit`] says otherwise.
pub const MESSAGE_LIMIT: usize = 1_000_000;

/// More messages are under way than the world allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overload {
    /// When it was noticed, in ns since the run began.
    pub at_ns: u64,
    /// How many messages were under way.
    pub messages: usize,
    /// The machines whose link has most of them: the sender's name and the receiver's.
    pub link: (String, String),
    /// How many it has.
    pub on_link: usize,
}

impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Overload { messages, link: (from, to), on_link, .. } = self;
        write!(f, "{messages} messages are under way and unread, {on_link} of them from {from} to {to}")
    }
}

pub(super) struct Load {
    /// At least as many as are under way.
    counted: usize,
    limit: usize,
    overload: Option<Overload>,
}

impl Default for Load {
    fn default() -> Self {
        Load { counted: 0, limit: MESSAGE_LIMIT, overload: None }
    }
}

impl World {
    /// Sets how many messages may be under way at once.
    pub fn set_message_limit(&mut self, limit: usize) {
        self.net.ip.load.limit = limit;
    }

    /// What is wrong, if more messages were under way at some time than the world allows. The run is worth nothing from
    /// then on: messages are lost.
    pub fn overload(&self) -> Option<&Overload> {
        self.net.ip.load.overload.as_ref()
    }
}

impl Load {
    /// Another message sets out. Returns false where there are too many already.
    pub(super) fn admit(&mut self) -> bool {
        self.counted += 1;
        self.overload.is_none()
    }

    /// Whether it is time to count what is there.
    pub(super) fn is_due(&self) -> bool {
        self.counted >= self.limit && self.overload.is_none()
    }
}

impl Net {
    /// Counts what is there, in earnest.
    #[cold]
    pub(super) fn count_messages(&mut self, ground: &Ground) {
        let mut by_link: BTreeMap<Way, usize> = BTreeMap::new();
        let mut count = |way, messages| *by_link.entry(way).or_default() += messages;
        self.tcp.under_way().for_each(|(way, segments)| count(way, segments));
        self.udp.under_way().for_each(|way| count(way, 1));
        for (way, waiting) in self.ip.wire.waiting() {
            // Datagrams that wait there have been counted.
            let packets = waiting.iter().filter(|freight| !matches!(freight, Freight::Datagram(_)));
            count(way, packets.count());
        }
        let packets = ground.agenda.events().filter_map(|event| match event {
            Event::Arrives(Freight::Tcp(packet)) => self.tcp.way_of(packet),
            _ => None,
        });
        packets.for_each(|way| count(way, 1));
        let messages: usize = by_link.values().sum();
        let load = &mut self.ip.load;
        let head_start = load.limit / 8;
        load.counted = messages.min(load.limit - head_start);
        if messages < load.limit {
            return;
        }
        let Some((way, &on_link)) = by_link.iter().max_by_key(|(_, messages)| **messages) else {
            return;
        };
        let name = |machine| ground.machines.name(machine).to_owned();
        let link = (name(way.from), name(way.to));
        load.overload = Some(Overload { at_ns: ground.clock.now_ns(), messages, link, on_link });
    }
}
