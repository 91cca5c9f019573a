//! Directed links between machines: latency, loss, and three states.
//!
//! *Up*: packets travel. *Cut*: packets are lost, those already on the wire included. *Held*: packets wait on the wire
//! and travel on when the hold ends. Faults overlap, so a link counts its cuts and holds and is up when both are zero.

use super::Draw;
use super::latency::Latency;
use super::packet::Packet;

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
    /// This link's own stream, made when the first packet travels.
    draw: Option<Box<Draw>>,
    /// Control packets that wait for the end of a hold.
    pub(crate) waiting: Vec<Packet>,
}

/// One packet's fate.
pub(crate) struct Transit {
    /// How long it travels, in ns.
    pub(crate) latency: u64,
    /// It is lost by chance.
    pub(crate) lost: bool,
}

impl Link {
    pub(crate) fn new() -> Self {
        Link { cuts: 0, holds: 0, draw: None, waiting: Vec::new() }
    }

    pub(crate) fn state(&self) -> LinkState {
        match (self.cuts, self.holds) {
            (0, 0) => LinkState::Up,
            (0, _) => LinkState::Held,
            _ => LinkState::Cut,
        }
    }

    pub(crate) fn cut(&mut self) {
        self.cuts += 1;
    }

    pub(crate) fn hold(&mut self) {
        self.holds += 1;
    }

    pub(crate) fn mend(&mut self) {
        self.cuts = self.cuts.checked_sub(1).expect("every heal follows its own cut");
    }

    pub(crate) fn release(&mut self) {
        self.holds = self.holds.checked_sub(1).expect("every release follows its own hold");
    }

    /// Draws what becomes of one packet: one step of the link's stream, latency and loss together.
    pub(crate) fn transit(&mut self, latency: &Latency, loss: f64, stream: impl FnOnce() -> Draw) -> Transit {
        let bits = self.draw.get_or_insert_with(|| Box::new(stream())).bits();
        let lost = loss > 0.0 && (bits as u32) < (loss * f64::from(u32::MAX)) as u32;
        Transit { latency: latency.sample((bits >> 32) as u32), lost }
    }
}
