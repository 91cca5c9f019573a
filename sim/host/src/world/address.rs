//! Addresses that move between machines, and who believes that who has them.
//!
//! A machine has one address of its own for ever. It may *claim* others (virtual addresses, VIPs), as keepalived does
//! with `ip addr add`; nobody hears of it by that alone. Whoever sends to a virtual address asks by ARP who has it, and
//! remembers the answer for 30 s. Then it asks the one it remembers first, and everybody else only if that one does not
//! answer. *Announcing* an address (gratuitous ARP) is a broadcast: each machine that it reaches and that remembers an
//! owner now remembers the announcer. So after a failover
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

use super::digest::Observed;
use super::link::LinkState;
use super::packet::{ARP_FRAME, Event, Freight};
use super::tcp::{ConnectionId, Side};
use super::trace::Happening;
use super::{Draw, MachineId, Stream, World};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// How long an answer is believed (30 s): Linux's `base_reachable_time`.
const REACHABLE: u64 = 30_000_000_000;

/// Where packets for an address go.
pub(crate) struct Route {
    /// The machine.
    pub(crate) host: MachineId,
    /// The address from which they come, unless a socket is bound to another.
    pub(crate) local: IpAddr,
    /// The address to which they go.
    pub(crate) remote: SocketAddr,
}

/// What one machine knows of addresses besides its own.
#[derive(Default)]
pub(super) struct Addresses {
    /// What it has claimed.
    claimed: Vec<IpAddr>,
    /// Whom it believes to have an address, and until when, in ns.
    neighbours: BTreeMap<IpAddr, (MachineId, u64)>,
}

/// A broadcast on its way to one machine: `from` has the address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Announcement {
    from: MachineId,
    to: MachineId,
    ip: IpAddr,
}

impl World {
    /// The calling machine holds an address from now on.
    pub(crate) fn claim(&mut self, ip: IpAddr) -> io::Result<()> {
        let host = self.current_host().ok_or(io::ErrorKind::Unsupported)?;
        if let Some(owner) = self.owner(ip) {
            let text = format!("{ip} is the address of {}", self.name(owner));
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{ip} cannot be claimed")));
        }
        let claimed = &mut self.hosts[host.index()].addresses.claimed;
        if claimed.contains(&ip) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        claimed.push(ip);
        self.virtual_addresses.insert(ip);
        self.observe_address(host, ip, "claimed");
        Ok(())
    }

    /// The calling machine lets go of an address. Its sockets stay bound, and hear and say nothing.
    pub(crate) fn release_address(&mut self, ip: IpAddr) -> io::Result<()> {
        let host = self.claimant(ip)?;
        self.hosts[host.index()].addresses.claimed.retain(|claimed| *claimed != ip);
        self.observe_address(host, ip, "released");
        Ok(())
    }

    /// The calling machine tells everybody that it has an address: a gratuitous ARP to each.
    pub(crate) fn announce(&mut self, ip: IpAddr) -> io::Result<()> {
        let from = self.claimant(ip)?;
        self.observe_address(from, ip, "announced");
        let now = self.now_ns();
        for to in MachineId::first(self.hosts.len()).filter(|to| *to != from) {
            self.spread(now, Announcement { from, to, ip });
        }
        Ok(())
    }

    /// What the calling machine has claimed, in order.
    pub(crate) fn claimed(&self) -> io::Result<Vec<IpAddr>> {
        let host = self.current_host().ok_or(io::ErrorKind::Unsupported)?;
        Ok(self.hosts[host.index()].addresses.claimed.clone())
    }

    /// The calling machine, if it has claimed this address.
    fn claimant(&self, ip: IpAddr) -> io::Result<MachineId> {
        let host = self.current_host().ok_or(io::ErrorKind::Unsupported)?;
        let claimed = self.hosts[host.index()].addresses.claimed.contains(&ip);
        if claimed { Ok(host) } else { Err(io::ErrorKind::AddrNotAvailable.into()) }
    }

    /// The machines that hold an address; usually one.
    pub fn holders(&self, ip: IpAddr) -> impl Iterator<Item = MachineId> {
        MachineId::first(self.hosts.len()).filter(move |host| self.holds(*host, ip))
    }

    /// The machine whose own address this is.
    fn owner(&self, ip: IpAddr) -> Option<MachineId> {
        self.hosts.iter().position(|host| host.ip == ip).map(MachineId::new)
    }

    /// Whether packets for an address are for this machine.
    pub(super) fn holds(&self, host: MachineId, ip: IpAddr) -> bool {
        let host = &self.hosts[host.index()];
        host.ip == ip || ip.is_loopback() || host.addresses.claimed.contains(&ip)
    }

    /// An announcement sets out, or goes on after a hold.
    pub(super) fn spread(&mut self, now: u64, announcement: Announcement) {
        let Announcement { from, to, .. } = announcement;
        match self.link(from, to).state() {
            LinkState::Cut => {}
            LinkState::Held => self.link(from, to).waiting.push(Freight::Announcement(announcement)),
            LinkState::Up => {
                let transit = self.transit(from, to, now, ARP_FRAME);
                if !transit.lost {
                    self.agenda
                        .push(now + transit.latency, Event::Arrives(Freight::Announcement(announcement)));
                }
            }
        }
    }

    pub(super) fn announcement_arrives(&mut self, at: u64, announcement: Announcement) {
        let Announcement { from, to, ip } = announcement;
        match self.link(from, to).state() {
            LinkState::Held => self.link(from, to).waiting.push(Freight::Announcement(announcement)),
            LinkState::Up if self.hosts[to.index()].up => {
                // As on Linux, it changes what is remembered, and adds nothing.
                if let Some(entry) = self.hosts[to.index()].addresses.neighbours.get_mut(&ip) {
                    *entry = (from, at + REACHABLE);
                }
            }
            LinkState::Up | LinkState::Cut => {}
        }
    }

    /// Where packets from a machine to an address go; none while nobody answers for a virtual one.
    ///
    /// # Errors
    ///
    /// `NetworkUnreachable` for an address that no machine has, nor ever claimed.
    pub(crate) fn route(&mut self, from: MachineId, to: SocketAddr) -> io::Result<Option<Route>> {
        // As on Linux, no address at all means this machine.
        let ip = if to.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { to.ip() };
        let remote = SocketAddr::new(ip, to.port());
        if ip.is_loopback() {
            return Ok(Some(Route { host: from, local: ip, remote }));
        }
        let local = self.hosts[from.index()].ip;
        if let Some(host) = self.owner(ip) {
            return Ok(Some(Route { host, local, remote }));
        }
        if !self.virtual_addresses.contains(&ip) {
            return Err(io::ErrorKind::NetworkUnreachable.into());
        }
        if self.holds(from, ip) {
            return Ok(Some(Route { host: from, local: ip, remote }));
        }
        Ok(self.neighbour(from, ip).map(|host| Route { host, local, remote }))
    }

    /// The machine that another believes to have a virtual address; it asks if it does not know.
    fn neighbour(&mut self, from: MachineId, ip: IpAddr) -> Option<MachineId> {
        let now = self.now_ns();
        let known = self.hosts[from.index()].addresses.neighbours.get(&ip).copied();
        if let Some((host, _)) = known.filter(|(_, until)| now < *until) {
            return Some(host);
        }
        let holders: Vec<MachineId> = self.holders(ip).filter(|host| *host != from).collect();
        let mut answers = holders;
        answers.retain(|host| {
            let reached = self.hosts[host.index()].up && self.link(from, *host).state() == LinkState::Up;
            reached && self.link(*host, from).state() == LinkState::Up
        });
        let old = known.map(|(host, _)| host).filter(|host| answers.contains(host));
        let owner = match (old, &answers[..]) {
            (Some(old), _) => Some(old),
            (None, []) => None,
            (None, [one]) => Some(*one),
            (None, several) => {
                // Whose answer comes first.
                let World { config, neighbour_draw, .. } = self;
                Some(*neighbour_draw.get_or_insert_with(|| Draw::new(config.seed, Stream::Arp)).pick(several))
            }
        };
        let neighbours = &mut self.hosts[from.index()].addresses.neighbours;
        match owner {
            Some(host) => neighbours.insert(ip, (host, now + REACHABLE)),
            None => neighbours.remove(&ip),
        };
        owner
    }

    /// Whether what one side of a connection sends goes to the other's machine, as far as addresses decide that. If it
    /// goes to another machine, this answers for it.
    pub(super) fn finds_way(&mut self, at: u64, id: ConnectionId, side: Side) -> bool {
        let connection = &mut self.connections[id.slot as usize];
        let (from, to) = connection.hosts(side);
        if !connection.virtual_ends || from == to {
            return true;
        }
        let (local, remote) = (connection.end(side).address.ip(), connection.end(side.other()).address.ip());
        if !self.holds(from, local) {
            return false;
        }
        if !self.virtual_addresses.contains(&remote) {
            return true;
        }
        match self.neighbour(from, remote) {
            Some(host) if host == to => true,
            Some(stray) => {
                self.answer_stray(at, id, side, stray);
                false
            }
            None => false,
        }
    }

    /// A packet of a connection goes to a machine that does not know it. If that holds the address, RST comes back.
    fn answer_stray(&mut self, at: u64, id: ConnectionId, side: Side, stray: MachineId) {
        let connection = &mut self.connections[id.slot as usize];
        let (from, _) = connection.hosts(side);
        let remote = connection.end(side.other()).address.ip();
        let both_up = [(from, stray), (stray, from)]
            .into_iter()
            .all(|(from, to)| self.link(from, to).state() == LinkState::Up);
        if both_up && self.hosts[stray.index()].up && self.holds(stray, remote) {
            let there = self.transit(from, stray, at, ARP_FRAME);
            let back = self.transit(stray, from, at, ARP_FRAME);
            if !there.lost && !back.lost {
                let answer = Event::StrayReset { connection: id, side, from: stray };
                self.agenda.push(at + there.latency + back.latency, answer);
            }
        }
    }

    pub(super) fn stray_reset_arrives(&mut self, at: u64, id: ConnectionId, side: Side, stray: MachineId) {
        let Some(connection) = self.connection(id) else { return };
        let (host, _) = connection.hosts(side);
        if self.link(stray, host).state() == LinkState::Up && self.hosts[host.index()].up {
            self.reset_arrives(at, id, side);
        }
    }

    fn observe_address(&mut self, host: MachineId, ip: IpAddr, what: &'static str) {
        let at = self.now_ns();
        self.hasher.event(Observed::Address, at, host.index() as u64, what.len() as u64);
        self.hasher.bytes(what.as_bytes());
        self.hasher.bytes(ip.to_string().as_bytes());
        self.record(at, || Happening::Address { host, ip, what });
    }
}
