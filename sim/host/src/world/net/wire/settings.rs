//! What a link is like when nothing is wrong with it.

use super::Latency;
use crate::world::out_of_range::{Limits, OutOfRange};
use std::time::Duration;

/// How packets travel from one machine to another.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    /// How long a packet takes.
    pub latency: Latency,
    /// The probability that a packet is lost.
    pub loss: f64,
    /// The probability that a packet arrives twice, the copy after a latency of its own.
    pub duplicate: f64,
    /// Which packets take a detour.
    pub reorder: Option<Reorder>,
    /// The probability that one byte of a datagram arrives as another. TCP's checksum lets none of that through.
    pub corrupt: f64,
    /// How much passes at once; without it, everything does.
    pub bandwidth: Option<Bandwidth>,
}

/// Some packets are overtaken by later ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reorder {
    /// The probability that a packet takes a detour.
    pub probability: f64,
    /// How long the detour takes at most; it is uniform from nothing.
    pub by: Duration,
}

/// A link that passes so much, and a queue in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth {
    /// How much passes, headers of 40 (TCP) and 28 (UDP) bytes included, in bytes/s; at least 1.
    pub bytes_per_second: u64,
    /// How much may wait, in bytes; at least 3000, two full Ethernet frames. What finds no room is lost.
    pub queue: u64,
}

pub(super) const LIMITS: Limits = Limits { of: "link" };

impl LinkSettings {
    /// A link that has this latency, and no faults.
    pub fn new(latency: Latency) -> Self {
        LinkSettings { latency, loss: 0.0, duplicate: 0.0, reorder: None, corrupt: 0.0, bandwidth: None }
    }

    /// Whether a link can be so.
    ///
    /// # Errors
    ///
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), OutOfRange> {
        self.latency.check(&LIMITS, "latency")?;
        LIMITS.probability("loss", self.loss)?;
        LIMITS.probability("duplicate", self.duplicate)?;
        self.reorder.map_or(Ok(()), |reorder| LIMITS.probability("reorder", reorder.probability))?;
        LIMITS.probability("corrupt", self.corrupt)?;
        self.bandwidth.map_or(Ok(()), Bandwidth::check)
    }
}

impl Bandwidth {
    pub(super) fn check(self) -> Result<(), OutOfRange> {
        LIMITS.at_least_one("bandwidth", self.bytes_per_second)?;
        LIMITS.demand(self.queue >= 3000, "queue", self.queue as f64, "at least 3000, two full frames")
    }
}
