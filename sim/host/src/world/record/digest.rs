//! A run's digest: a 128-bit hash over everything observable, in order, with its time.
//!
//! The same binary, scenario and seed give the same digest alone, in a sweep, on any thread, in any order, with
//! recording on or off. Two runs with one digest did the same things at the same instants.

use super::quota::Quota;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use xxhash_rust::xxh3::Xxh3;

/// What is hashed, so that two kinds of event never read alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Observed {
    /// Bytes reached a socket.
    Delivery = 1,
    /// A connection was established, refused, reset or timed out.
    Connection = 2,
    /// A node published a probe.
    Probe = 3,
    /// A fault struck or ended.
    Fault = 4,
    /// An operation was invoked or completed.
    Operation = 5,
    /// A phase of the run began, or its verdict fell.
    Phase = 6,
    /// A node asked its disk for something, a sync ended, or a power loss left something.
    Disk = 7,
    /// A datagram reached a socket.
    Datagram = 8,
    /// A machine claimed, released or announced an address.
    Address = 9,
}

/// The hash under way.
pub(super) struct Hasher {
    hash: Xxh3,
    events: u64,
    pub(super) quota: Quota,
    /// The time of the last event, for whoever watches from outside.
    heartbeat: Arc<AtomicU64>,
}

impl Hasher {
    pub(super) fn new(heartbeat: Arc<AtomicU64>) -> Self {
        Hasher { hash: Xxh3::new(), events: 0, quota: Quota::default(), heartbeat }
    }

    /// Takes an event's kind, time and two words in. Its bytes follow through [`Hasher::bytes`].
    pub(super) fn event(&mut self, kind: Observed, at_ns: u64, a: u64, b: u64) {
        let mut record = [0; 25];
        record[0] = kind as u8;
        record[1..9].copy_from_slice(&at_ns.to_le_bytes());
        record[9..17].copy_from_slice(&a.to_le_bytes());
        record[17..].copy_from_slice(&b.to_le_bytes());
        self.hash.update(&record);
        self.events += 1;
        self.quota.spend(self.events, at_ns);
        self.heartbeat.store(at_ns, Ordering::Relaxed);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn finish(&self) -> Digest {
        Digest(self.hash.digest128())
    }
}

/// The digest of a run, or of its first part.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(u128);

impl Digest {
    /// The digest of nothing.
    pub fn empty() -> Self {
        Digest(Xxh3::new().digest128())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Digest {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Digest)
    }
}
