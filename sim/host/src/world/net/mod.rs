//! The network: sockets above, the way from machine to machine below.
//!
//! | file | noun |
//! |---|---|
//! | `wire/` | links, and whether what is sent is lost, held, or travels |
//! | `address.rs`, `arp.rs`, `neighbour.rs` | who has which address, how others come to believe so, and for how long |
//! | `port.rs` | local ports |
//! | `overload.rs` | how much is under way, and how much may be |
//! | `tcp/` | listeners and connections |
//! | `udp/` | sockets and datagrams |
//! | `names.rs` | the name service |
//!
//! TCP and UDP do not know of each other. Both are lent [`Ip`] for what they send.

mod address;
mod arp;
mod names;
mod neighbour;
mod overload;
mod port;
mod tcp;
mod udp;
mod wire;

pub use overload::{Busiest, Excess, Overload, overloaded};
pub(super) use tcp::{ConnectionId, ListenerId, Side, Tcp};
pub(super) use udp::{SocketId, Udp};
pub use wire::{Bandwidth, Latency, LinkFault, LinkSettings, Reorder};

use super::{Config, Ground, MachineId, World};
use address::Addresses;
use arp::Announcement;
use names::Names;
use overload::Load;
use port::Ports;
use tcp::Packet;
use udp::DatagramId;
use wire::{Way, Wire};

/// The network of a world.
pub(super) struct Net {
    ip: Ip,
    tcp: Tcp,
    udp: Udp,
    names: Names,
}

/// The way from machine to machine.
pub(super) struct Ip {
    wire: Wire,
    addresses: Addresses,
    ports: Ports,
    load: Load,
}

/// What may wait on a held wire, and travels by the agenda.
#[derive(Debug, Clone, Copy)]
pub(super) enum Freight {
    Tcp(Packet),
    Datagram(DatagramId),
    Announcement(Announcement),
}

/// Something rare that happens at a later instant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    /// Freight reaches the other end of its link.
    Arrives(Freight),
    /// The answer of a machine that does not know a connection whose packet reached it.
    StrayReset { connection: ConnectionId, side: Side, from: MachineId },
    /// The dialler has no answer to its SYN yet.
    RetrySyn { connection: ConnectionId, attempt: u32 },
    /// The acceptor has no answer to its SYN-ACK yet.
    RetrySynAck { connection: ConnectionId, attempt: u32 },
    /// Data or its acknowledgement is missing: the sender's retransmission timer.
    Retransmit { connection: ConnectionId, side: Side, stall: u32 },
    /// An end asks whether its silent peer is there. `since` is when it last was.
    KeepAlive { connection: ConnectionId, side: Side, number: u32, unanswered: u32, since: u64 },
    /// A writer still waits for room: the sender's persist timer. `heard` is when it was last answered.
    ProbeWindow { connection: ConnectionId, side: Side, block: u32, attempt: u32, heard: u64 },
}

impl Net {
    pub(super) fn new(config: &Config) -> Self {
        let machines = config.machines.len();
        let ip = Ip {
            wire: Wire::new(config),
            addresses: Addresses::new(config),
            ports: Ports::new(machines),
            load: Load::default(),
        };
        Net { ip, tcp: Tcp::default(), udp: Udp::default(), names: Names::new(machines) }
    }

    /// What is drawn from now on is of another seed.
    pub(super) fn reseed(&mut self, seed: u64) {
        self.ip.wire.reseed(seed);
        self.ip.addresses.reseed(seed);
    }

    /// What was on the agenda happens.
    pub(super) fn handle(&mut self, ground: &mut Ground, at: u64, event: Event) {
        self.judge_load(ground);
        let Net { ip, tcp, udp, .. } = self;
        match event {
            Event::Arrives(Freight::Tcp(packet)) => tcp.packet_arrives(ground, ip, at, packet),
            Event::Arrives(Freight::Datagram(datagram)) => udp.arrives(ground, ip, datagram),
            Event::Arrives(Freight::Announcement(announcement)) => {
                ip.announcement_arrives(ground, at, announcement);
            }
            Event::StrayReset { connection, side, from } => {
                tcp.stray_reset_arrives(ground, ip, at, connection, side, from);
            }
            Event::RetrySyn { connection, attempt } => tcp.retry_syn(ground, ip, at, connection, attempt),
            Event::RetrySynAck { connection, attempt } => {
                tcp.retry_syn_ack(ground, ip, at, connection, attempt);
            }
            Event::Retransmit { connection, side, stall } => {
                tcp.retransmit(ground, ip, at, connection, side, stall);
            }
            Event::KeepAlive { connection, side, number, unanswered, since } => {
                tcp.keep_alive(ground, ip, at, connection, side, (number, unanswered, since));
            }
            Event::ProbeWindow { connection, side, block, attempt, heard } => {
                tcp.probe_window(ground, ip, at, connection, side, (block, attempt, heard));
            }
        }
    }

    /// A way is cut.
    fn cut(&mut self, ground: &mut Ground, way: Way) {
        let Some(held) = self.ip.wire.cut(way) else { return };
        for freight in held {
            if let Freight::Datagram(datagram) = freight {
                self.udp.lose(ground, datagram);
            }
        }
        self.tcp.lose_held(way);
    }

    /// A hold of a way ends.
    fn release(&mut self, ground: &mut Ground, way: Way) {
        let Some(held) = self.ip.wire.release(way) else { return };
        let Net { ip, tcp, udp, .. } = self;
        // Data first: RST does not overtake it.
        tcp.release(ground, ip, way);
        for freight in held {
            match freight {
                Freight::Tcp(packet) => tcp.forward(ground, ip, ground.clock.now_ns(), packet),
                Freight::Datagram(datagram) => udp.forward(ground, ip, datagram),
                Freight::Announcement(announcement) => {
                    ip.forward(ground, ground.clock.now_ns(), announcement);
                }
            }
        }
    }

    /// A machine loses its sockets; with its power also its addresses and what it remembers, and nobody is told.
    pub(super) fn machine_dies(&mut self, ground: &mut Ground, host: MachineId, power_lost: bool) {
        let Net { ip, tcp, udp, names } = self;
        tcp.drop_listeners_of(ground, ip, host, power_lost);
        tcp.drop_connections_of(ground, ip, host, power_lost);
        udp.drop_sockets_of(host);
        if power_lost {
            ip.addresses.forget(host);
            names.forget(host);
        }
    }

    /// Looks whether too much is under way, from time to time.
    fn judge_load(&mut self, ground: &Ground) {
        if self.ip.load.is_due() {
            self.count_messages(ground);
        }
    }
}

/// For the sockets that node code holds.
impl World {
    /// Node code is about to send.
    pub(super) fn judge_load(&mut self) {
        self.net.judge_load(&self.ground);
    }

    pub(super) fn tcp<T>(&mut self, act: impl FnOnce(&mut Tcp, &mut Ground, &mut Ip) -> T) -> T {
        act(&mut self.net.tcp, &mut self.ground, &mut self.net.ip)
    }

    pub(super) fn udp<T>(&mut self, act: impl FnOnce(&mut Udp, &mut Ground, &mut Ip) -> T) -> T {
        act(&mut self.net.udp, &mut self.ground, &mut self.net.ip)
    }

    pub(super) fn ip_layer<T>(&mut self, act: impl FnOnce(&mut Ground, &mut Ip) -> T) -> T {
        act(&mut self.ground, &mut self.net.ip)
    }

    /// Connections that an application or a backlog holds an end of.
    pub fn open_connections(&self) -> usize {
        self.net.tcp.count()
    }
}
