//! Packets without data: how they travel, and what they do where they arrive. Each can be lost, and its sender repeats
//! it.

use super::{ConnectionId, Side, Tcp};
use crate::world::Ground;
use crate::world::net::wire::{Passage, Way};
use crate::world::net::{Event, Freight, Ip};

/// The headers of a TCP segment, in bytes, without options: IP's and TCP's own.
pub(super) const TCP_HEADER: usize = 40;

/// What a packet without data says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PacketKind {
    Syn,
    SynAck,
    Ack,
    Rst,
    /// The receiver has room again.
    Window,
}

/// A packet without data, on its way from one side of a connection to the other.
#[derive(Debug, Clone, Copy)]
pub(in crate::world) struct Packet {
    kind: PacketKind,
    connection: ConnectionId,
    /// The side that sent it.
    from: Side,
}

impl Tcp {
    /// Sends a packet from one side of a connection to the other.
    pub(super) fn send_packet(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        at: u64,
        id: ConnectionId,
        from: Side,
        kind: PacketKind,
    ) {
        self.forward(ground, ip, at, Packet { kind, connection: id, from });
    }

    /// A packet sets out, or goes on after a hold.
    pub(in crate::world::net) fn forward(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        at: u64,
        packet: Packet,
    ) {
        let Some(connection) = self.connection(packet.connection) else { return };
        let way = connection.way(packet.from);
        // RST never overtakes the data it follows.
        let not_before =
            if packet.kind == PacketKind::Rst { connection.direction(packet.from).last_at } else { 0 };
        let arrives = Event::Arrives(Freight::Tcp(packet));
        if !self.finds_way(ground, ip, at, packet.connection, packet.from) {
            return;
        }
        if way.is_loopback() {
            ground.agenda.push(at, arrives);
            return;
        }
        if !ip.load.admit(0) {
            return;
        }
        if let Passage::Travels(transit) = ip.wire.depart(at, way, TCP_HEADER, Freight::Tcp(packet)) {
            for latency in [transit.latency].into_iter().filter(|_| !transit.lost).chain(transit.copy) {
                ground.agenda.push((at + latency).max(not_before), arrives);
            }
        }
    }

    pub(in crate::world::net) fn packet_arrives(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        at: u64,
        packet: Packet,
    ) {
        let (id, to) = (packet.connection, packet.from.other());
        let Some(connection) = self.connection(id) else { return };
        let way = connection.way(packet.from);
        let taken = || connection.is_taken(ground, &ip.addresses, to);
        if ip.wire.arrive(way, Freight::Tcp(packet), taken) != Passage::Travels(()) {
            return;
        }
        match packet.kind {
            PacketKind::Syn => self.syn_arrives(ground, ip, at, id),
            PacketKind::SynAck => self.syn_ack_arrives(ground, ip, at, id),
            PacketKind::Ack => self.ack_arrives(ground, ip, at, id),
            PacketKind::Rst => self.reset_arrives(ground, at, id, to),
            PacketKind::Window => self.unblock_writer(id, to),
        }
    }

    /// The way of a packet; none if nobody knows its connection any more.
    pub(in crate::world::net) fn way_of(&self, packet: &Packet) -> Option<Way> {
        let connection = self.connections.get(packet.connection.slot as usize)?;
        Some(connection.way(packet.from))
    }
}
