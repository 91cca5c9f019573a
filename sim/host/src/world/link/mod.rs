//! Directed links between machines: how packets travel, and three states.
//!
//! *Up*: packets travel. *Cut*: packets are lost, those already on the wire included. *Held*: packets wait on the wire
//! and travel on when the hold ends. Faults overlap, so a link counts its cuts and holds and is up when both are zero.
//!
//! A packet that travels waits in the link's queue, then takes its latency. It may be lost by chance or because the
//! queue is full, take a detour, arrive twice, or, if it is a datagram, arrive damaged. How likely each is say the
//! link's [settings](LinkSettings) and the [faults](LinkFault) on top of them.
//!
//! **What TCP shows of it** is timing alone. Its segments are put in order again, so a detour holds up what follows;
//! copies are thrown away; nothing damaged passes its checksum, so that only datagrams are. A full queue takes as much as
//! fits, and the sender goes on when half of it has drained, as acknowledgements would tell it to.
//!
//! **Randomness.** Latency and loss take one step a packet of the stream `network/n1→n2`. Duplication, reordering and
//! corruption have streams of their own, and draw only while they are asked for: switching one on moves no other draw.
//!
//! | file | noun |
//! |---|---|
//! | `settings.rs`, `fault.rs` | what a link is like, and what makes it worse |
//! | `latency.rs`, `queue.rs` | how long a packet takes |
//! | `steer.rs` | what the testbed does to a link |

mod fault;
mod latency;
mod queue;
mod settings;
mod steer;

pub use fault::LinkFault;
pub use latency::Latency;
pub use settings::{Bandwidth, LinkSettings, Reorder};

use super::packet::Freight;
use super::{Draw, Stream};
use queue::Queue;
use std::time::Duration;

/// What a packet finds on a link right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkState {
    Up,
    Cut,
    Held,
}

pub(crate) struct Link {
    cuts: u32,
    holds: u32,
    settings: LinkSettings,
    faults: Vec<LinkFault>,
    latency: Latency,
    /// What faults add to the latency, in ns.
    late: u64,
    /// A packet is lost when its 32 bits are below.
    loss: u64,
    /// Everything else that can happen; none on most links.
    rare: Option<Box<Rare>>,
    queue: Queue,
    draws: Draws,
    /// What waits for the end of a hold.
    pub(crate) waiting: Vec<Freight>,
}

/// What only some links do.
struct Rare {
    duplicate: f64,
    corrupt: f64,
    reorder: Option<Reorder>,
    bandwidth: Option<Bandwidth>,
}

/// The streams of a link, each made when it is first drawn from.
#[derive(Default)]
struct Draws {
    transit: Option<Box<Draw>>,
    duplicate: Option<Box<Draw>>,
    reorder: Option<Box<Draw>>,
    corrupt: Option<Box<Draw>>,
}

/// One packet's fate.
#[derive(Debug)]
pub(crate) struct Transit {
    /// How long it travels, in ns.
    pub(crate) latency: u64,
    /// It is lost, by chance or to a full queue.
    pub(crate) lost: bool,
    /// How long its copy travels, if it has one.
    pub(crate) copy: Option<u64>,
}

impl Link {
    pub(crate) fn new(settings: LinkSettings) -> Self {
        let mut link = Link {
            cuts: 0,
            holds: 0,
            latency: settings.latency.clone(),
            settings,
            faults: Vec::new(),
            late: 0,
            loss: 0,
            rare: None,
            queue: Queue::default(),
            draws: Draws::default(),
            waiting: Vec::new(),
        };
        link.sum_up();
        link
    }

    pub(crate) fn state(&self) -> LinkState {
        match (self.cuts, self.holds) {
            (0, 0) => LinkState::Up,
            (0, _) => LinkState::Held,
            _ => LinkState::Cut,
        }
    }

    /// Settings and faults together: the worst of each.
    fn sum_up(&mut self) {
        let worst = fault::worst(&self.settings, &self.faults);
        self.latency = self.settings.latency.clone();
        self.late = worst.slow_by.as_nanos() as u64;
        self.loss = if worst.loss < 1.0 { (worst.loss * f64::from(u32::MAX)) as u64 } else { 1 << 32 };
        let rare = Rare {
            duplicate: worst.duplicate,
            corrupt: worst.corrupt,
            reorder: worst.reorder,
            bandwidth: worst.bandwidth,
        };
        self.rare = rare.is_any().then(|| Box::new(rare));
    }

    /// Draws what becomes of a packet of `size` bytes that leaves now. `stream` makes the link's stream for a purpose.
    pub(crate) fn transit(
        &mut self,
        now: u64,
        size: usize,
        stream: impl Fn(for<'a> fn(&'a str, &'a str) -> Stream<'a>) -> Draw,
    ) -> Transit {
        let bits = self
            .draws
            .transit
            .get_or_insert_with(|| Box::new(stream(|from, to| Stream::Transit { from, to })))
            .bits();
        let lost = u64::from(bits as u32) < self.loss;
        let latency = self.latency.sample((bits >> 32) as u32) + self.late;
        let mut transit = Transit { latency, lost, copy: None };
        if let Some(rare) = &self.rare {
            if rare.duplicate > 0.0 {
                let draw = self
                    .draws
                    .duplicate
                    .get_or_insert_with(|| Box::new(stream(|from, to| Stream::Duplicate { from, to })));
                if draw.chance(rare.duplicate) {
                    transit.copy = Some(self.latency.sample((draw.bits() >> 32) as u32) + self.late);
                }
            }
            if let Some(Reorder { probability, by }) = rare.reorder {
                let draw = self
                    .draws
                    .reorder
                    .get_or_insert_with(|| Box::new(stream(|from, to| Stream::Reorder { from, to })));
                if draw.chance(probability) {
                    transit.latency += draw.duration(Duration::ZERO, by).as_nanos() as u64;
                }
            }
            if let Some(bandwidth) = rare.bandwidth {
                match self.queue.pass(now, size, bandwidth) {
                    Some(waits) => {
                        transit.latency += waits;
                        transit.copy = transit.copy.map(|latency| latency + waits);
                    }
                    None => transit.lost = true,
                }
            }
        }
        transit
    }

    /// How much of a packet of `len` bytes and a header fits into the queue; none when not even the header does.
    pub(crate) fn fits(&self, now: u64, header: usize, len: usize) -> Option<usize> {
        match self.rare.as_ref().and_then(|rare| rare.bandwidth) {
            None => Some(len),
            Some(bandwidth) => Some(self.queue.room(now, bandwidth).checked_sub(header)?.min(len))
                .filter(|fits| *fits > 0 || len == 0),
        }
    }

    /// When half of the queue is free again.
    pub(crate) fn roomy_at(&self, now: u64) -> u64 {
        match self.rare.as_ref().and_then(|rare| rare.bandwidth) {
            None => now,
            Some(bandwidth) => self.queue.roomy_at(now, bandwidth),
        }
    }

    /// Damages a datagram, if this one's turn has come: one byte of it becomes another.
    pub(crate) fn corrupt(
        &mut self,
        bytes: &mut [u8],
        stream: impl Fn(for<'a> fn(&'a str, &'a str) -> Stream<'a>) -> Draw,
    ) {
        let Some(rare) = self.rare.as_ref().filter(|rare| rare.corrupt > 0.0 && !bytes.is_empty()) else {
            return;
        };
        let draw = self
            .draws
            .corrupt
            .get_or_insert_with(|| Box::new(stream(|from, to| Stream::Corrupt { from, to })));
        if draw.chance(rare.corrupt) {
            let place = draw.below(bytes.len() as u64) as usize;
            bytes[place] ^= draw.between(1, 255) as u8;
        }
    }
}

impl Rare {
    fn is_any(&self) -> bool {
        self.duplicate > 0.0 || self.corrupt > 0.0 || self.reorder.is_some() || self.bandwidth.is_some()
    }
}
