//! Packets that go to a machine which does not know their connection, since an address has moved.

use super::{ConnectionId, Side, Tcp};
use crate::world::net::arp::ARP_FRAME;
use crate::world::net::wire::{Passage, Way};
use crate::world::net::{Event, Ip};
use crate::world::{Ground, MachineId};

impl Tcp {
    /// Whether what one side of a connection sends goes to the other's machine, as far as addresses decide that. If it
    /// goes to another machine, this answers for it.
    #[inline]
    pub(super) fn finds_way(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        at: u64,
        id: ConnectionId,
        side: Side,
    ) -> bool {
        // Few connections have an end that moves: what those need is apart, so that the others pass quickly.
        !self.connections[id.slot as usize].virtual_ends || self.finds_owner(ground, ip, at, id, side)
    }

    fn finds_owner(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        at: u64,
        id: ConnectionId,
        side: Side,
    ) -> bool {
        let connection = &mut self.connections[id.slot as usize];
        let way = connection.way(side);
        let (local, remote) = (connection.end(side).address.ip(), connection.end(side.other()).address.ip());
        if !ip.addresses.holds(way.from, local) {
            return false;
        }
        if way.is_loopback() {
            // Whoever has let go of an address does not find itself there any more.
            return ip.addresses.holds(way.to, remote);
        }
        if !ip.addresses.is_virtual(remote) {
            return true;
        }
        match ip.neighbour(ground, way.from, remote) {
            Some(host) if host == way.to => true,
            Some(stray) => {
                // It does not know the connection. If it holds the address, RST comes back.
                let there = Way { from: way.from, to: stray };
                if ip.exchange(ground, there) && ip.addresses.holds(stray, remote) {
                    let out = ip.wire.transit(at, there, ARP_FRAME);
                    let back = ip.wire.transit(at, there.back(), ARP_FRAME);
                    if !out.lost && !back.lost {
                        let answer = Event::StrayReset { connection: id, side, from: stray };
                        ground.agenda.push(at + out.latency + back.latency, answer);
                    }
                }
                false
            }
            None => false,
        }
    }

    /// One side hears of the other what it waited for: it believes in the address that it sends to for longer.
    #[inline]
    pub(super) fn confirm_owner(&mut self, ip: &mut Ip, at: u64, id: ConnectionId, side: Side) {
        let connection = &mut self.connections[id.slot as usize];
        if connection.virtual_ends {
            let Way { from, to } = connection.way(side);
            ip.addresses.confirm(from, connection.end(side.other()).address.ip(), to, at);
        }
    }

    pub(in crate::world::net) fn stray_reset_arrives(
        &mut self,
        ground: &mut Ground,
        ip: &Ip,
        at: u64,
        id: ConnectionId,
        side: Side,
        stray: MachineId,
    ) {
        let Some(connection) = self.connection(id) else { return };
        let way = Way { from: stray, to: connection.way(side).from };
        // A hold does not keep it: the answer to the next packet does as well.
        if ip.wire.arrives(way, || ground.machines.is_up(way.to)) == Passage::Travels(()) {
            self.reset_arrives(ground, at, id, side);
        }
    }
}
