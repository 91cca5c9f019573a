//! Datagrams under way: where they are kept, and how they travel.
//!
//! A datagram sits in a slot from the moment when it is sent until it is received or lost; slots and their buffers are
//! used again. Its arrival is one madsim timer, whose waker knows the slot. A slot is freed only when its timer has
//! fired, so no timer ever finds another datagram than its own. Datagrams that leave for one machine at one instant
//! and arrive at one instant share a timer and keep their order; madsim's would not.
//!
//! A datagram that nobody takes is answered by ICMP's *port unreachable*, which is the same slot on its way back.

use super::Udp;
use crate::world::net::overload::OnLink;
use crate::world::net::wire::{Passage, Way};
use crate::world::net::{Event, Freight, Ip};
use crate::world::record::{Happening, MessageStep, Observed};
use crate::world::{Ground, MachineId, lend};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// The headers of a datagram, in bytes: IP's and UDP's.
const UDP_HEADER: usize = 28;

/// A slot that keeps a larger buffer than this gives it back.
const BUFFER_KEPT: usize = 4096;

/// A datagram's slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::world) struct DatagramId(u32);

pub(super) struct Datagram {
    pub(super) from: (MachineId, SocketAddr),
    pub(super) to: (MachineId, SocketAddr),
    pub(super) bytes: Vec<u8>,
    /// It is the answer to a datagram that nobody took: from there, to its sender.
    pub(super) unreachable: bool,
    /// When it arrives, in ns.
    at: u64,
    /// Arrives at the same instant, right after this one, and has no timer.
    next: Option<DatagramId>,
    arrival: Waker,
}

impl Datagram {
    fn way(&self) -> Way {
        Way { from: self.from.0, to: self.to.0 }
    }
}

/// What becomes of a datagram that reaches its machine.
#[derive(Clone, Copy)]
enum Fate {
    Delivered = 0,
    /// The socket's buffer is full.
    Dropped = 1,
    /// There is no socket for it.
    Refused = 2,
}

/// The waker of a datagram's timer: delivers instead of waking a task.
struct Arrival(DatagramId);

impl Wake for Arrival {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The clock may go on once more when the run has ended.
        let _ = lend(|world| world.udp(|udp, ground, ip| udp.arrives(ground, ip, self.0)));
    }
}

/// Every datagram that is under way or unread.
#[derive(Default)]
pub(super) struct Datagrams {
    slots: Vec<Datagram>,
    vacant: Vec<DatagramId>,
    /// The last one that was armed: the next may share its timer.
    last: Option<DatagramId>,
}

impl Datagrams {
    fn insert(
        &mut self,
        from: (MachineId, SocketAddr),
        to: (MachineId, SocketAddr),
        bytes: &[u8],
    ) -> DatagramId {
        let id = self.vacant.pop().unwrap_or_else(|| {
            let id = DatagramId(self.slots.len() as u32);
            let arrival = Waker::from(Arc::new(Arrival(id)));
            let bytes = Vec::with_capacity(bytes.len());
            self.slots.push(Datagram { from, to, bytes, unreachable: false, at: 0, next: None, arrival });
            id
        });
        let slot = self.get_mut(id);
        (slot.from, slot.to, slot.unreachable) = (from, to, false);
        slot.bytes.extend_from_slice(bytes);
        id
    }

    /// Another one that says the same.
    fn copy(&mut self, id: DatagramId) -> DatagramId {
        let Datagram { from, to, ref bytes, unreachable, .. } = *self.get(id);
        let bytes = bytes.clone();
        let copy = self.insert(from, to, &bytes);
        self.get_mut(copy).unreachable = unreachable;
        copy
    }

    pub(super) fn get(&self, id: DatagramId) -> &Datagram {
        &self.slots[id.0 as usize]
    }

    fn get_mut(&mut self, id: DatagramId) -> &mut Datagram {
        &mut self.slots[id.0 as usize]
    }

    /// Those that are under way or unread.
    fn under_way(&self) -> impl Iterator<Item = &Datagram> {
        let vacant: BTreeSet<u32> = self.vacant.iter().map(|id| id.0).collect();
        let slots = self.slots.iter().zip(0..).filter(move |(_, slot)| !vacant.contains(slot));
        slots.map(|(datagram, _)| datagram)
    }

    /// The datagram was received or lost.
    pub(super) fn free(&mut self, id: DatagramId) {
        let slot = self.get_mut(id);
        slot.bytes.clear();
        slot.bytes.shrink_to(BUFFER_KEPT);
        self.vacant.push(id);
    }
}

impl Udp {
    /// Each datagram that is under way or unread, and the way it goes.
    pub(in crate::world::net) fn under_way(&self) -> impl Iterator<Item = (Way, OnLink)> {
        self.datagrams.under_way().map(|datagram| {
            let sample = datagram.bytes.iter().copied().take(OnLink::SAMPLE).collect();
            (datagram.way(), OnLink { messages: 1, bytes: datagram.bytes.len(), sample })
        })
    }

    /// A datagram is lost on its way.
    pub(in crate::world::net) fn lose(&mut self, ground: &mut Ground, id: DatagramId) {
        ground.record.datagram(ground.clock.now_ns(), id.0, MessageStep::Lost);
        self.datagrams.free(id);
    }

    /// Sends a datagram from a socket of one machine to an address of another.
    pub(super) fn send_datagram(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        from: (MachineId, SocketAddr),
        to: (MachineId, SocketAddr),
        bytes: &[u8],
    ) {
        if ip.load.admit(bytes.len()) {
            let (now, id) = (ground.clock.now_ns(), self.datagrams.insert(from, to, bytes));
            ground.record.sent_datagram(now, id.0, (from.0, to.0), bytes);
            self.depart(ground, ip, id, now, false);
        }
    }

    /// A datagram goes on after a hold. Not to be called from a timer's callback.
    pub(in crate::world::net) fn forward(&mut self, ground: &mut Ground, ip: &mut Ip, id: DatagramId) {
        self.depart(ground, ip, id, ground.clock.now_ns(), true);
    }

    /// A datagram sets out, or goes on after a hold. Not to be called from a timer's callback.
    fn depart(&mut self, ground: &mut Ground, ip: &mut Ip, id: DatagramId, now: u64, again: bool) {
        let datagram = self.datagrams.get_mut(id);
        datagram.next = None;
        datagram.at = now;
        let (way, size) = (datagram.way(), UDP_HEADER + datagram.bytes.len());
        if way.is_loopback() {
            return self.arrives(ground, ip, id);
        }
        let transit = match ip.wire.depart(now, way, size, Freight::Datagram(id)) {
            Passage::Travels(transit) => transit,
            Passage::Held => return ground.record.datagram(now, id.0, MessageStep::Held),
            Passage::Lost => return self.lose(ground, id),
        };
        if again {
            ground.record.datagram(now, id.0, MessageStep::Resent);
        }
        if let Some(latency) = transit.copy {
            let copy = self.datagrams.copy(id);
            ground.record.copied_datagram(id.0, copy.0);
            self.launch(ground, ip, copy, (now, now + latency), transit.damages);
        }
        if transit.lost {
            return self.lose(ground, id);
        }
        self.launch(ground, ip, id, (now, now + transit.latency), transit.damages);
    }

    fn launch(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        id: DatagramId,
        (now, at): (u64, u64),
        damages: bool,
    ) {
        let datagram = self.datagrams.get_mut(id);
        let way = datagram.way();
        if damages {
            ip.wire.corrupt(way, &mut datagram.bytes);
        }
        datagram.at = at;
        let last = self.datagrams.last.replace(id);
        // What arrives later than now has not arrived, so the last one still has its timer, or shares one.
        if let Some(last) = last.filter(|last| *last != id && at > now) {
            let last = self.datagrams.get_mut(last);
            if last.at == at && last.way() == way {
                last.next = Some(id);
                return;
            }
        }
        if !ground.clock.arm(at, &self.datagrams.get(id).arrival) {
            self.arrives(ground, ip, id);
        }
    }

    /// A datagram reaches its destination, and those that share its timer. Runs in a timer's callback: arms nothing.
    pub(in crate::world::net) fn arrives(&mut self, ground: &mut Ground, ip: &mut Ip, first: DatagramId) {
        let mut next = Some(first);
        while let Some(id) = next {
            let datagram = self.datagrams.get_mut(id);
            next = datagram.next.take();
            let (way, address) = (datagram.way(), datagram.to.1.ip());
            let taken = || ground.machines.is_up(way.to) && ip.addresses.holds(way.to, address);
            match ip.wire.arrive(way, Freight::Datagram(id), taken) {
                Passage::Travels(()) => self.meet_socket(ground, ip, id),
                Passage::Held => ground.record.datagram(ground.clock.now_ns(), id.0, MessageStep::Held),
                Passage::Lost => self.lose(ground, id),
            }
        }
    }

    /// A datagram has reached its machine.
    fn meet_socket(&mut self, ground: &mut Ground, ip: &mut Ip, id: DatagramId) {
        let Datagram { from, to, at, unreachable, .. } = *self.datagrams.get(id);
        let socket = self.socket_for(to, from.1);
        if unreachable {
            if let Some(socket) = socket {
                self.refuse(socket);
            }
            return self.datagrams.free(id);
        }
        let bytes = &self.datagrams.get(id).bytes;
        let len = bytes.len();
        let fate = match socket {
            None => Fate::Refused,
            Some(socket) if self.sockets[socket as usize].has_room_for(len) => Fate::Delivered,
            Some(_) => Fate::Dropped,
        };
        let (way, record) = (Way { from: from.0, to: to.0 }, &mut ground.record);
        record.event(Observed::Datagram, at, way.word(), (fate as u64) << 32 | len as u64);
        record.bytes(bytes);
        record.keep(at, || {
            let what = ["delivered", "dropped", "refused"][fate as usize];
            Happening::Datagram { from: way.from, to: way.to, bytes: len, what }
        });
        let step = [MessageStep::Delivered, MessageStep::Lost, MessageStep::Refused][fate as usize];
        record.datagram(at, id.0, step);
        match (fate, socket) {
            (Fate::Delivered, Some(socket)) => {
                record.count_message(len);
                self.sockets[socket as usize].take(id, len);
            }
            (Fate::Refused, _) => self.return_to_sender(ground, ip, at, id),
            _ => self.datagrams.free(id),
        }
    }

    /// Nobody takes a datagram: its sender's machine is told. Runs in a timer's callback, so on the slow path.
    fn return_to_sender(&mut self, ground: &mut Ground, ip: &mut Ip, at: u64, id: DatagramId) {
        let datagram = self.datagrams.get_mut(id);
        (datagram.from, datagram.to) = (datagram.to, datagram.from);
        datagram.unreachable = true;
        ground.record.forget_datagram(id.0);
        datagram.bytes.clear();
        datagram.at = at;
        let way = datagram.way();
        if way.is_loopback() {
            return self.meet_socket(ground, ip, id);
        }
        match ip.wire.depart(at, way, 2 * UDP_HEADER, Freight::Datagram(id)) {
            Passage::Travels(transit) if !transit.lost => {
                let at = at + transit.latency;
                self.datagrams.get_mut(id).at = at;
                ground.agenda.push(at, Event::Arrives(Freight::Datagram(id)));
            }
            Passage::Held => {}
            Passage::Travels(_) | Passage::Lost => self.datagrams.free(id),
        }
    }
}
