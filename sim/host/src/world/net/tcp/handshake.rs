//! How connections begin: SYN, SYN-ACK, ACK, and their retries.
//!
//! A dialler repeats its SYN after 1, 2, 4, … s and gives up after 127 s with `TimedOut`; RST means
//! `ConnectionRefused`. An acceptor whose SYN-ACK is not answered repeats it, and forgets after 63 s. Data completes a
//! handshake whose ACK was lost. Once complete, the connection waits in its listener's backlog.

use super::packet::PacketKind;
use super::{ConnectionId, EndState, Side, Tcp, observe, wake};
use crate::world::net::wire::Way;
use crate::world::net::{Event, Ip};
use crate::world::{Ground, MachineId};
use std::io;
use std::net::SocketAddr;

const FIRST_RETRY: u64 = 1_000_000_000;
/// Linux's `tcp_syn_retries` and `tcp_synack_retries`.
const SYN_RETRIES: u32 = 6;
const SYN_ACK_RETRIES: u32 = 5;

impl Tcp {
    /// Starts connecting: the dialler's SYN leaves.
    pub(in crate::world) fn dial(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        from: (MachineId, SocketAddr),
        to: (MachineId, SocketAddr),
    ) -> ConnectionId {
        let id = self.new_connection(ip, from, to);
        let now = ground.clock.now_ns();
        self.send_packet(ground, ip, now, id, Side::Dialler, PacketKind::Syn);
        ground.agenda.push(now + FIRST_RETRY, Event::RetrySyn { connection: id, attempt: 1 });
        id
    }

    pub(super) fn syn_arrives(&mut self, ground: &mut Ground, ip: &mut Ip, at: u64, id: ConnectionId) {
        let connection = &mut self.connections[id.slot as usize];
        if connection.end(Side::Dialler).state != EndState::Connecting {
            // A late copy of a SYN that was answered long ago.
            return;
        }
        let acceptor = connection.end(Side::Acceptor);
        let (host, address) = (acceptor.host, acceptor.address);
        match acceptor.state {
            EndState::HalfOpen { .. } => {
                return self.send_packet(ground, ip, at, id, Side::Acceptor, PacketKind::SynAck);
            }
            EndState::Open => return,
            EndState::Connecting | EndState::Gone => {}
        }
        let Some(listener) = self.listener_for(host, address) else {
            return self.send_packet(ground, ip, at, id, Side::Acceptor, PacketKind::Rst);
        };
        if !listener.has_room() {
            // Linux drops the SYN of a full backlog; the dialler tries again.
            return;
        }
        let listener = listener.generation();
        let acceptor = self.connections[id.slot as usize].end(Side::Acceptor);
        acceptor.state = EndState::HalfOpen { listener };
        acceptor.held = true;
        self.send_packet(ground, ip, at, id, Side::Acceptor, PacketKind::SynAck);
        ground.agenda.push(at + FIRST_RETRY, Event::RetrySynAck { connection: id, attempt: 1 });
    }

    pub(super) fn syn_ack_arrives(&mut self, ground: &mut Ground, ip: &mut Ip, at: u64, id: ConnectionId) {
        let connection = &mut self.connections[id.slot as usize];
        let way = connection.way(Side::Dialler);
        let dialler = connection.end(Side::Dialler);
        match dialler.state {
            EndState::Connecting => {
                dialler.state = EndState::Open;
                wake(&mut dialler.writer);
                observe(ground, at, way, "connected");
                self.confirm_owner(ip, at, id, Side::Dialler);
                self.send_packet(ground, ip, at, id, Side::Dialler, PacketKind::Ack);
            }
            EndState::Open => self.send_packet(ground, ip, at, id, Side::Dialler, PacketKind::Ack),
            EndState::Gone | EndState::HalfOpen { .. } => {
                self.send_packet(ground, ip, at, id, Side::Dialler, PacketKind::Rst);
            }
        }
    }

    /// The answer to a SYN-ACK. A machine that has forgotten the handshake answers with RST.
    pub(super) fn ack_arrives(&mut self, ground: &mut Ground, ip: &mut Ip, at: u64, id: ConnectionId) {
        match self.connections[id.slot as usize].end(Side::Acceptor).state {
            EndState::Gone => self.send_packet(ground, ip, at, id, Side::Acceptor, PacketKind::Rst),
            _ => self.establish_acceptor(ground, ip, at, id),
        }
    }

    /// If the acceptor waits for it: the handshake is complete, and the connection waits to be accepted.
    pub(super) fn establish_acceptor(&mut self, ground: &mut Ground, ip: &mut Ip, at: u64, id: ConnectionId) {
        let acceptor = self.connections[id.slot as usize].end(Side::Acceptor);
        let EndState::HalfOpen { listener: generation } = acceptor.state else { return };
        let (host, address) = (acceptor.host, acceptor.address);
        acceptor.state = EndState::Open;
        match self.listener_for(host, address).filter(|listener| listener.generation() == generation) {
            Some(listener) => listener.established(id),
            None => self.abort(ground, ip, at, id, Side::Acceptor),
        }
    }

    pub(in crate::world::net) fn retry_syn(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        at: u64,
        id: ConnectionId,
        attempt: u32,
    ) {
        let Some(connection) = self.connection(id) else { return };
        if connection.end(Side::Dialler).state != EndState::Connecting {
            return;
        }
        if attempt > SYN_RETRIES {
            let way = connection.way(Side::Dialler);
            connection.fail(Side::Dialler, io::ErrorKind::TimedOut);
            observe(ground, at, way, "connecting timed out");
            return;
        }
        self.redirect(ground, ip, id);
        self.send_packet(ground, ip, at, id, Side::Dialler, PacketKind::Syn);
        let next = Event::RetrySyn { connection: id, attempt: attempt + 1 };
        ground.agenda.push(at + (FIRST_RETRY << attempt), next);
    }

    /// A virtual address may have moved since the last SYN, which nobody has answered: the next goes to its new owner.
    fn redirect(&mut self, ground: &mut Ground, ip: &mut Ip, id: ConnectionId) {
        let connection = &mut self.connections[id.slot as usize];
        let Way { from, .. } = connection.way(Side::Dialler);
        let acceptor = connection.end(Side::Acceptor);
        let address = acceptor.address;
        if acceptor.state == EndState::Gone && connection.virtual_ends {
            // An address without an owner loses the SYN, whoever had it last.
            if let Ok(Some(route)) = ip.route(ground, from, address) {
                self.connections[id.slot as usize].end(Side::Acceptor).host = route.host;
            }
        }
    }

    pub(in crate::world::net) fn retry_syn_ack(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        at: u64,
        id: ConnectionId,
        attempt: u32,
    ) {
        let Some(connection) = self.connection(id) else { return };
        let acceptor = connection.end(Side::Acceptor);
        if !matches!(acceptor.state, EndState::HalfOpen { .. }) {
            return;
        }
        if attempt > SYN_ACK_RETRIES {
            acceptor.state = EndState::Gone;
            acceptor.held = false;
            self.forget_if_unheld(id);
            return;
        }
        self.send_packet(ground, ip, at, id, Side::Acceptor, PacketKind::SynAck);
        let next = Event::RetrySynAck { connection: id, attempt: attempt + 1 };
        ground.agenda.push(at + (FIRST_RETRY << attempt), next);
    }
}
