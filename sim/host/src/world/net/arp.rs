//! Addresses that move between machines, and who believes that who has them.
//!
//! A machine has one address of its own for ever. It may *claim* others (virtual addresses, VIPs), as keepalived does
//! with `ip addr add`; nobody hears of it by that alone. Whoever sends to a virtual address asks by ARP who has it, and
//! remembers the answer for a while (`neighbour.rs`). Then it asks the one it remembers first, and everybody else only if
//! that one does not answer. *Announcing* an address (gratuitous ARP) is a broadcast: each machine that it reaches and that
//! remembers an owner now remembers the announcer. So after a failover
//!
//! - without an announcement, traffic goes to the old owner until the sender's entry expires;
//! - where the announcement was lost, the same, machine by machine: two senders believe in two owners;
//! - an old owner that holds on to the address, and answers, keeps whom it has.
//!
//! A machine drops what is sent to an address that it does not hold, without a word. If it holds the address and does
//! not know the connection, it answers by RST: that is how connections learn of a failover. A machine cannot send from
//! an address that it has released.
//!
//! The process may crash: its kernel keeps what it claimed. A loss of power ends that.
//!
//! Gives up: the exchange of question and answer takes no time, and is decided by the links as they are; a lost
//! question is asked again by whoever sends next.

use super::address::Route;
use super::neighbour::Known;
use super::wire::{Passage, Way};
use super::{Event, Freight, Ip};
use crate::world::record::{Happening, Observed};
use crate::world::{Ground, MachineId};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// An ARP frame, in bytes.
pub(super) const ARP_FRAME: usize = 42;

/// A broadcast on its way to one machine, which is told who has the address.
#[derive(Debug, Clone, Copy)]
pub(in crate::world) struct Announcement {
    way: Way,
    ip: IpAddr,
}

impl Ip {
    /// A machine holds an address from now on.
    pub(in crate::world) fn claim(
        &mut self,
        ground: &mut Ground,
        host: MachineId,
        ip: IpAddr,
    ) -> io::Result<()> {
        if let Some(owner) = self.addresses.owner(ip) {
            let text = format!("{ip} is the address of {}", ground.machines.name(owner));
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{ip} cannot be claimed")));
        }
        self.addresses.claim(host, ip)?;
        observe(ground, host, ip, "claimed");
        Ok(())
    }

    /// A machine lets go of an address. Its sockets stay bound, and hear and say nothing.
    pub(in crate::world) fn unclaim(
        &mut self,
        ground: &mut Ground,
        host: MachineId,
        ip: IpAddr,
    ) -> io::Result<()> {
        self.addresses.unclaim(host, ip)?;
        observe(ground, host, ip, "released");
        Ok(())
    }

    /// What a machine has claimed, in order.
    pub(in crate::world) fn claimed(&self, host: MachineId) -> Vec<IpAddr> {
        self.addresses.claimed(host).to_vec()
    }

    /// A machine tells everybody that it has an address: a gratuitous ARP to each.
    pub(in crate::world) fn announce(
        &mut self,
        ground: &mut Ground,
        from: MachineId,
        ip: IpAddr,
    ) -> io::Result<()> {
        if !self.addresses.claimed(from).contains(&ip) {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        observe(ground, from, ip, "announced");
        let now = ground.clock.now_ns();
        for to in MachineId::first(ground.machines.count()).filter(|to| *to != from) {
            self.forward(ground, now, Announcement { way: Way { from, to }, ip });
        }
        Ok(())
    }

    /// An announcement sets out, or goes on after a hold.
    pub(super) fn forward(&mut self, ground: &mut Ground, now: u64, announcement: Announcement) {
        let freight = Freight::Announcement(announcement);
        if let Passage::Travels(transit) = self.wire.depart(now, announcement.way, ARP_FRAME, freight)
            && !transit.lost
        {
            ground.agenda.push(now + transit.latency, Event::Arrives(freight));
        }
    }

    pub(super) fn announcement_arrives(&mut self, ground: &Ground, at: u64, announcement: Announcement) {
        let Announcement { way, ip } = announcement;
        let taken = || ground.machines.is_up(way.to);
        if self.wire.arrive(way, Freight::Announcement(announcement), taken) == Passage::Travels(()) {
            self.addresses.correct(way.to, ip, way.from, at);
        }
    }

    /// Where packets from a machine to an address go; none while nobody answers for a virtual one.
    ///
    /// # Errors
    ///
    /// `NetworkUnreachable` for an address that no machine has, nor ever claimed.
    pub(in crate::world) fn route(
        &mut self,
        ground: &Ground,
        from: MachineId,
        to: SocketAddr,
    ) -> io::Result<Option<Route>> {
        // As on Linux, no address at all means this machine.
        let ip = if to.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { to.ip() };
        let remote = SocketAddr::new(ip, to.port());
        if ip.is_loopback() {
            return Ok(Some(Route { host: from, local: ip, remote }));
        }
        let local = self.addresses.own(from);
        if let Some(host) = self.addresses.owner(ip) {
            return Ok(Some(Route { host, local, remote }));
        }
        if !self.addresses.is_virtual(ip) {
            return Err(io::ErrorKind::NetworkUnreachable.into());
        }
        if self.addresses.holds(from, ip) {
            return Ok(Some(Route { host: from, local: ip, remote }));
        }
        Ok(self.neighbour(ground, from, ip).map(|host| Route { host, local, remote }))
    }

    /// The machine that another believes to have a virtual address; it asks if it does not know.
    pub(super) fn neighbour(&mut self, ground: &Ground, from: MachineId, ip: IpAddr) -> Option<MachineId> {
        let now = ground.clock.now_ns();
        let known = self.addresses.believed(from, ip, now);
        if let Some(Known::Good(host)) = known {
            return Some(host);
        }
        let answers: Vec<MachineId> = self
            .addresses
            .holders(ip)
            .filter(|host| *host != from && self.exchange(ground, Way { from, to: *host }))
            .collect();
        let owner = match (known, &answers[..]) {
            (Some(Known::Doubted(old) | Known::Failed(old)), _) if answers.contains(&old) => Some(old),
            // It is asked again.
            (Some(Known::Doubted(old)), _) => return Some(old),
            (_, []) => None,
            (_, [one]) => Some(*one),
            // Whose answer comes first.
            (_, several) => Some(self.addresses.pick(several)),
        };
        self.addresses.believe(from, ip, owner, now);
        owner
    }

    /// Whether a question gets to the end of a way, and its answer back. It takes no time.
    pub(super) fn exchange(&self, ground: &Ground, way: Way) -> bool {
        ground.machines.is_up(way.to) && self.wire.is_open(way) && self.wire.is_open(way.back())
    }
}

fn observe(ground: &mut Ground, host: MachineId, ip: IpAddr, what: &'static str) {
    let (at, record) = (ground.clock.now_ns(), &mut ground.record);
    record.event(Observed::Address, at, host.index() as u64, what.len() as u64);
    record.bytes(what.as_bytes());
    record.bytes(ip.to_string().as_bytes());
    record.keep(at, || Happening::Address { host, ip, what });
}
