//! Who has which address, and who believes so. `arp.rs` tells how beliefs come about.

use super::neighbour::{Known, Neighbours};
use crate::world::{Config, Draw, MachineId, Stream, World};
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// Where packets for an address go.
pub(in crate::world) struct Route {
    /// The machine.
    pub(in crate::world) host: MachineId,
    /// The address from which they come, unless a socket is bound to another.
    pub(in crate::world) local: IpAddr,
    /// The address to which they go.
    pub(in crate::world) remote: SocketAddr,
}

/// The addresses of all machines.
pub(super) struct Addresses {
    seed: u64,
    hosts: Vec<Host>,
    /// Addresses that some machine has claimed at some time.
    claimed_ever: BTreeSet<IpAddr>,
    draw: Option<Draw>,
}

/// What one machine has, and what it knows of others.
struct Host {
    own: IpAddr,
    claimed: Vec<IpAddr>,
    neighbours: Neighbours,
}

impl Addresses {
    pub(super) fn new(config: &Config) -> Self {
        let hosts = config.machines.iter();
        let hosts = hosts.map(|machine| Host {
            own: machine.ip,
            claimed: Vec::new(),
            neighbours: Neighbours::default(),
        });
        Addresses { seed: config.seed, hosts: hosts.collect(), claimed_ever: BTreeSet::new(), draw: None }
    }

    /// A machine's own address.
    pub(super) fn own(&self, host: MachineId) -> IpAddr {
        self.hosts[host.index()].own
    }

    /// The machine whose own address this is.
    pub(super) fn owner(&self, ip: IpAddr) -> Option<MachineId> {
        self.hosts.iter().position(|host| host.own == ip).map(MachineId::new)
    }

    /// Whether packets for an address are for this machine.
    pub(super) fn holds(&self, host: MachineId, ip: IpAddr) -> bool {
        let host = &self.hosts[host.index()];
        host.own == ip || ip.is_loopback() || host.claimed.contains(&ip)
    }

    /// The machines that hold an address; usually one.
    pub(super) fn holders(&self, ip: IpAddr) -> impl Iterator<Item = MachineId> {
        MachineId::first(self.hosts.len()).filter(move |host| self.holds(*host, ip))
    }

    /// Sockets are bound to addresses that their machine holds, or to all of them.
    pub(super) fn must_hold(&self, host: MachineId, ip: IpAddr) -> io::Result<()> {
        if ip.is_unspecified() || self.holds(host, ip) {
            Ok(())
        } else {
            Err(io::ErrorKind::AddrNotAvailable.into())
        }
    }

    /// Whether an address may move: some machine has claimed it at some time.
    pub(super) fn is_virtual(&self, ip: IpAddr) -> bool {
        self.claimed_ever.contains(&ip)
    }

    /// What a machine has claimed, in order.
    pub(in crate::world) fn claimed(&self, host: MachineId) -> &[IpAddr] {
        &self.hosts[host.index()].claimed
    }

    pub(super) fn claim(&mut self, host: MachineId, ip: IpAddr) -> io::Result<()> {
        let claimed = &mut self.hosts[host.index()].claimed;
        if claimed.contains(&ip) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        claimed.push(ip);
        self.claimed_ever.insert(ip);
        Ok(())
    }

    pub(super) fn unclaim(&mut self, host: MachineId, ip: IpAddr) -> io::Result<()> {
        let claimed = &mut self.hosts[host.index()].claimed;
        let place =
            claimed.iter().position(|claimed| *claimed == ip).ok_or(io::ErrorKind::AddrNotAvailable)?;
        claimed.remove(place);
        Ok(())
    }

    /// Whom a machine believes to have an address to which it is about to send.
    pub(super) fn believed(&mut self, host: MachineId, ip: IpAddr, now: u64) -> Option<Known> {
        self.hosts[host.index()].neighbours.used(ip, now)
    }

    /// A machine has asked who has an address, and this is the answer.
    pub(super) fn believe(&mut self, host: MachineId, ip: IpAddr, owner: Option<MachineId>, now: u64) {
        let draw = self.draw.get_or_insert_with(|| Draw::new(self.seed, Stream::Arp));
        let neighbours = &mut self.hosts[host.index()].neighbours;
        match owner {
            Some(owner) => neighbours.answered(ip, owner, now, draw),
            None => neighbours.forget(ip),
        }
    }

    /// A machine hears another at an address, and thereby that it is there.
    pub(super) fn confirm(&mut self, host: MachineId, ip: IpAddr, owner: MachineId, now: u64) {
        self.hosts[host.index()].neighbours.confirmed(ip, owner, now);
    }

    /// A machine is told who has an address, without having asked.
    pub(super) fn correct(&mut self, host: MachineId, ip: IpAddr, owner: MachineId, now: u64) {
        self.hosts[host.index()].neighbours.announced(ip, owner, now);
    }

    /// One of several that answered.
    pub(super) fn pick(&mut self, several: &[MachineId]) -> MachineId {
        *self.draw.get_or_insert_with(|| Draw::new(self.seed, Stream::Arp)).pick(several)
    }

    /// What is drawn from now on is of another seed.
    pub(super) fn reseed(&mut self, seed: u64) {
        (self.seed, self.draw) = (seed, None);
    }

    /// A machine loses its power.
    pub(super) fn forget(&mut self, host: MachineId) {
        let host = &mut self.hosts[host.index()];
        host.claimed.clear();
        host.neighbours = Neighbours::default();
    }
}

impl World {
    /// The address of a machine.
    pub fn ip(&self, host: MachineId) -> IpAddr {
        self.net.ip.addresses.own(host)
    }

    /// The machines that hold an address; usually one.
    pub fn holders(&self, ip: IpAddr) -> impl Iterator<Item = MachineId> {
        self.net.ip.addresses.holders(ip)
    }
}
