//! Whom a machine remembers to have an address, and for how long: Linux's `net/core/neighbour.c` with its defaults.
//!
//! An entry is *reachable* for a time after it was last confirmed: by an answer, or by what a connection hears of its peer.
//! Each machine draws that time, 15 to 45 s. Then the entry is *stale*: it is still used, and from its first use on it is
//! in *doubt*. After 5 s of doubt the one it names is asked; if no answer comes within 3 s more it is forgotten, and
//! everybody is asked. An announcement changes whom an entry names, and confirms nothing: it is stale at once.
//!
//! So a machine that sends all the time to one that has let go of the address finds another after 23 to 53 s.
//!
//! Gives up: the time is drawn once for each boot, where Linux draws it again every five minutes; and questions are asked by
//! whoever sends next, where Linux has a timer.

use crate::world::{Draw, MachineId};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// The least and the most that an entry is reachable: half of `base_reachable_time` (30 s), and half as much again.
const REACHABLE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(45));
/// How long a stale entry is used before anybody asks (5 s, in ns): `delay_first_probe_time`.
const DELAY: u64 = 5_000_000_000;
/// How long its owner is asked then (3 s, in ns): `ucast_solicit` questions, `retrans_time` apart.
const PROBE: u64 = 3_000_000_000;

/// The entries of one machine.
#[derive(Default)]
pub(super) struct Neighbours {
    /// How long an entry is reachable, in ns; drawn with the first.
    reachable: Option<u64>,
    entries: BTreeMap<IpAddr, Entry>,
}

struct Entry {
    host: MachineId,
    /// When it is stale, in ns.
    stale_at: u64,
    /// When it was first used after that, in ns.
    doubted_at: Option<u64>,
}

/// What an entry says to who is about to send.
#[derive(Clone, Copy)]
pub(super) enum Known {
    /// Send to this machine.
    Good(MachineId),
    /// Ask this machine; until it has failed to answer for long, send to it.
    Doubted(MachineId),
    /// Ask this machine first, then everybody.
    Failed(MachineId),
}

impl Neighbours {
    /// Looks up who has an address, in order to send.
    pub(super) fn used(&mut self, ip: IpAddr, now: u64) -> Option<Known> {
        let Entry { host, stale_at, doubted_at } = self.entries.get_mut(&ip)?;
        if now < *stale_at {
            return Some(Known::Good(*host));
        }
        let doubted = now - *doubted_at.get_or_insert(now);
        Some(match doubted {
            ..DELAY => Known::Good(*host),
            _ if doubted < DELAY + PROBE => Known::Doubted(*host),
            _ => Known::Failed(*host),
        })
    }

    /// A machine answers that it has an address.
    pub(super) fn answered(&mut self, ip: IpAddr, host: MachineId, now: u64, draw: &mut Draw) {
        let reachable =
            *self.reachable.get_or_insert_with(|| draw.duration(REACHABLE.0, REACHABLE.1).as_nanos() as u64);
        self.entries.insert(ip, Entry { host, stale_at: now + reachable, doubted_at: None });
    }

    /// A machine was heard at an address.
    pub(super) fn confirmed(&mut self, ip: IpAddr, host: MachineId, now: u64) {
        if let Some(reachable) = self.reachable
            && let Some(entry) = self.entries.get_mut(&ip).filter(|entry| entry.host == host)
        {
            (entry.stale_at, entry.doubted_at) = (now + reachable, None);
        }
    }

    /// A machine announces that it has an address. As on Linux, that changes what is remembered, and adds nothing.
    pub(super) fn announced(&mut self, ip: IpAddr, host: MachineId, now: u64) {
        if let Some(entry) = self.entries.get_mut(&ip) {
            *entry = Entry { host, stale_at: now, doubted_at: None };
        }
    }

    /// Nobody answers for an address.
    pub(super) fn forget(&mut self, ip: IpAddr) {
        self.entries.remove(&ip);
    }
}
