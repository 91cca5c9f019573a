//! A directed link from one machine to another: how packets travel, and three states.
//!
//! *Up*: packets travel. *Cut*: packets are lost, those already on the wire included. *Held*: packets wait on the wire
//! and travel on when the hold ends. Faults overlap, so a link counts its cuts and holds and is up when both are zero.
//!
//! A packet that travels waits in the link's queue, then takes its latency. It may be lost by chance or because the
//! queue is full, take a detour, arrive twice, or, if it is a datagram, arrive damaged. How likely each is say the
//! link's [settings](LinkSettings) and the [faults](LinkFault) on top of them.
//!
//! **What TCP shows of it** is timing alone. Its segments are put in order again, so a detour holds up what follows;
//! copies are thrown away; nothing damaged passes its checksum, so that only datagrams are. A full queue takes as much
//! as fits, and the sender goes on when half of it has drained, as acknowledgements would tell it to.
//!
//! **Randomness.** Latency and loss take one step a packet of the stream `network/n1→n2`. Duplication, reordering and
//! corruption have streams of their own, and draw only while they are asked for: switching one on moves no other draw.

use super::super::Freight;
use super::queue::Queue;
use super::{Bandwidth, Latency, LinkFault, LinkSettings, Passage, Reorder, fault};
use crate::world::{Draw, Stream};
use std::time::Duration;

/// Whose streams a link draws from.
pub(super) struct Origin<'o> {
    pub(super) seed: u64,
    pub(super) from: &'o str,
    pub(super) to: &'o str,
}

impl<'o> Origin<'o> {
    fn stream(self, of: impl FnOnce(&'o str, &'o str) -> Stream<'o>) -> Box<Draw> {
        Box::new(Draw::new(self.seed, of(self.from, self.to)))
    }
}

pub(super) struct Link {
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
    waiting: Vec<Freight>,
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
pub(in crate::world::net) struct Transit {
    /// How long it travels, in ns.
    pub(in crate::world::net) latency: u64,
    /// It is lost, by chance or to a full queue.
    pub(in crate::world::net) lost: bool,
    /// How long its copy travels, if it has one.
    pub(in crate::world::net) copy: Option<u64>,
    /// It may arrive damaged, if it is a datagram.
    pub(in crate::world::net) damages: bool,
}

impl Link {
    pub(super) fn new(settings: LinkSettings) -> Self {
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

    /// What its state does to a packet.
    pub(super) fn passage(&self) -> Passage {
        match (self.cuts, self.holds) {
            (0, 0) => Passage::Travels(()),
            (0, _) => Passage::Held,
            _ => Passage::Lost,
        }
    }

    /// Keeps something until a hold ends.
    pub(super) fn hold_back(&mut self, freight: Freight) {
        self.waiting.push(freight);
    }

    pub(super) fn waiting(&self) -> &[Freight] {
        &self.waiting
    }

    pub(super) fn cut(&mut self) -> Option<Vec<Freight>> {
        let held = self.passage() == Passage::Held;
        self.cuts += 1;
        held.then(|| std::mem::take(&mut self.waiting))
    }

    pub(super) fn mend(&mut self) {
        self.cuts = self.cuts.checked_sub(1).expect("every heal follows its own cut");
    }

    pub(super) fn hold(&mut self) {
        self.holds += 1;
    }

    pub(super) fn release(&mut self) -> Option<Vec<Freight>> {
        self.holds = self.holds.checked_sub(1).expect("every release follows its own hold");
        (self.passage() == Passage::Travels(())).then(|| std::mem::take(&mut self.waiting))
    }

    /// Its streams are made again when they are next drawn from.
    pub(super) fn begin_streams_anew(&mut self) {
        self.draws = Draws::default();
    }

    pub(super) fn set(&mut self, settings: LinkSettings) {
        self.settings = settings;
        self.sum_up();
    }

    pub(super) fn begin(&mut self, fault: LinkFault) {
        self.faults.push(fault);
        self.sum_up();
    }

    /// Ends one such fault; false when there was none.
    pub(super) fn end(&mut self, fault: LinkFault) -> bool {
        let place = self.faults.iter().position(|active| *active == fault);
        place.map(|place| self.faults.remove(place)).inspect(|_| self.sum_up()).is_some()
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

    /// Draws what becomes of a packet of `size` bytes that leaves now. `origin` says whose streams it draws from.
    pub(super) fn transit<'o>(&mut self, now: u64, size: usize, origin: impl Fn() -> Origin<'o>) -> Transit {
        let bits = self
            .draws
            .transit
            .get_or_insert_with(|| origin().stream(|from, to| Stream::Transit { from, to }))
            .bits();
        let lost = u64::from(bits as u32) < self.loss;
        let latency = self.latency.sample((bits >> 32) as u32) + self.late;
        let mut transit = Transit { latency, lost, copy: None, damages: false };
        if let Some(rare) = &self.rare {
            transit.damages = rare.corrupt > 0.0;
            if rare.duplicate > 0.0 {
                let draw = self
                    .draws
                    .duplicate
                    .get_or_insert_with(|| origin().stream(|from, to| Stream::Duplicate { from, to }));
                if draw.chance(rare.duplicate) {
                    transit.copy = Some(self.latency.sample((draw.bits() >> 32) as u32) + self.late);
                }
            }
            if let Some(Reorder { probability, by }) = rare.reorder {
                let draw = self
                    .draws
                    .reorder
                    .get_or_insert_with(|| origin().stream(|from, to| Stream::Reorder { from, to }));
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
    pub(super) fn fits(&self, now: u64, header: usize, len: usize) -> Option<usize> {
        match self.rare.as_ref().and_then(|rare| rare.bandwidth) {
            None => Some(len),
            Some(bandwidth) => Some(self.queue.room(now, bandwidth).checked_sub(header)?.min(len))
                .filter(|fits| *fits > 0 || len == 0),
        }
    }

    /// When half of the queue is free again.
    pub(super) fn roomy_at(&self, now: u64) -> u64 {
        match self.rare.as_ref().and_then(|rare| rare.bandwidth) {
            None => now,
            Some(bandwidth) => self.queue.roomy_at(now, bandwidth),
        }
    }

    /// Damages a datagram, if this one's turn has come: one byte of it becomes another.
    pub(super) fn corrupt<'o>(&mut self, bytes: &mut [u8], origin: impl Fn() -> Origin<'o>) {
        let Some(rare) = self.rare.as_ref().filter(|rare| rare.corrupt > 0.0 && !bytes.is_empty()) else {
            return;
        };
        let draw = self
            .draws
            .corrupt
            .get_or_insert_with(|| origin().stream(|from, to| Stream::Corrupt { from, to }));
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
