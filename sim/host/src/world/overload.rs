//! A limit on what is under way, so that a run which sends without end fails with an error and not for want of memory.
//!
//! What counts: segments, datagrams and packets that were sent and not yet received, wherever they wait. Counting each
//! coming and going would cost every message; so only what is sent is counted, and when that reaches the limit, what is
//! there is counted in earnest. The next count has a head start of an eighth of the limit at least, so all this costs
//! next to nothing a message, and an overload is noticed an eighth late at the latest.
//!
//! Beyond the limit the world loses datagrams and packets on purpose, until the testbed looks and ends the run.

use super::packet::{Event, Freight};
use super::tcp::Side;
use super::{MachineId, World};
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
        self.load.limit = limit;
    }

    /// What is wrong, if more messages were under way at some time than the world allows. The run is worth nothing from
    /// then on: messages are lost.
    pub fn overload(&self) -> Option<&Overload> {
        self.load.overload.as_ref()
    }

    /// Another message sets out. Returns false where there are too many already.
    pub(super) fn admit_message(&mut self) -> bool {
        self.load.counted += 1;
        if self.load.counted > self.load.limit && self.load.overload.is_none() {
            self.count_messages();
        }
        self.load.overload.is_none()
    }

    #[cold]
    fn count_messages(&mut self) {
        let mut by_link: BTreeMap<(MachineId, MachineId), usize> = BTreeMap::new();
        let mut count = |link, messages| *by_link.entry(link).or_default() += messages;
        for (_, connection) in &self.connections {
            for side in [Side::Dialler, Side::Acceptor] {
                count(connection.hosts(side), connection.directions[side as usize].segments());
            }
        }
        self.datagrams.under_way().for_each(|(from, to)| count((from, to), 1));
        let machines = self.hosts.len();
        for (place, link) in self.links.iter().enumerate() {
            // Datagrams that wait there have been counted.
            let packets = link.waiting.iter().filter(|freight| !matches!(freight, Freight::Datagram(_)));
            count((MachineId::new(place / machines), MachineId::new(place % machines)), packets.count());
        }
        let packets = self.agenda.events().filter_map(|event| match event {
            Event::Arrives(Freight::Tcp(packet)) => {
                let connection = self.connections.get(packet.connection.slot as usize)?;
                Some(connection.hosts(packet.from))
            }
            _ => None,
        });
        packets.for_each(|link| count(link, 1));
        let messages: usize = by_link.values().sum();
        let head_start = self.load.limit / 8;
        self.load.counted = messages.min(self.load.limit - head_start);
        if messages < self.load.limit {
            return;
        }
        let Some((&(from, to), &on_link)) = by_link.iter().max_by_key(|(_, messages)| **messages) else {
            return;
        };
        let link = (self.name(from).to_owned(), self.name(to).to_owned());
        self.load.overload = Some(Overload { at_ns: self.now_ns(), messages, link, on_link });
    }
}
