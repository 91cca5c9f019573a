//! Datagrams under way: where they are kept, and how they travel.
//!
//! A datagram sits in a slot from the moment when it is sent until it is received or lost; slots and their buffers are
//! used again. Its arrival is one madsim timer, whose waker knows the slot. A slot is freed only when its timer has
//! fired, so no timer ever finds another datagram than its own. Datagrams that leave for one machine at one instant
//! and arrive at one instant share a timer and keep their order; madsim's would not.
//!
//! A datagram that nobody takes is answered by ICMP's *port unreachable*, which is the same slot on its way back.

use super::digest::{Observed, way};
use super::link::LinkState;
use super::packet::{Event, Freight};
use super::trace::Happening;
use super::{MachineId, World, with};
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
pub(crate) struct DatagramId(u32);

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
        with(|world| world.datagram_arrives(self.0));
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

    pub(super) fn get(&self, id: DatagramId) -> &Datagram {
        &self.slots[id.0 as usize]
    }

    fn get_mut(&mut self, id: DatagramId) -> &mut Datagram {
        &mut self.slots[id.0 as usize]
    }

    /// The machines between which each goes that is under way or unread.
    pub(super) fn under_way(&self) -> impl Iterator<Item = (MachineId, MachineId)> {
        let vacant: BTreeSet<u32> = self.vacant.iter().map(|id| id.0).collect();
        let slots = self.slots.iter().zip(0..).filter(move |(_, slot)| !vacant.contains(slot));
        slots.map(|(datagram, _)| (datagram.from.0, datagram.to.0))
    }

    /// The datagram was received or lost.
    pub(super) fn free(&mut self, id: DatagramId) {
        let slot = self.get_mut(id);
        slot.bytes.clear();
        slot.bytes.shrink_to(BUFFER_KEPT);
        self.vacant.push(id);
    }
}

impl World {
    /// Sends a datagram from a socket of one machine to an address of another.
    pub(super) fn send_datagram(
        &mut self,
        from: (MachineId, SocketAddr),
        to: (MachineId, SocketAddr),
        bytes: &[u8],
    ) {
        if self.admit_message() {
            let id = self.datagrams.insert(from, to, bytes);
            let now = self.now_ns();
            self.forward(now, id);
        }
    }

    /// A datagram sets out, or goes on after a hold. Not to be called from a timer's callback.
    pub(super) fn forward(&mut self, now: u64, id: DatagramId) {
        let datagram = self.datagrams.get_mut(id);
        let ((from, _), (to, _)) = (datagram.from, datagram.to);
        datagram.next = None;
        datagram.at = now;
        if from == to {
            return self.datagram_arrives(id);
        }
        match self.link(from, to).state() {
            LinkState::Cut => return self.datagrams.free(id),
            LinkState::Held => return self.link(from, to).waiting.push(Freight::Datagram(id)),
            LinkState::Up => {}
        }
        let size = UDP_HEADER + self.datagrams.get(id).bytes.len();
        let transit = self.transit(from, to, now, size);
        if let Some(latency) = transit.copy {
            let original = self.datagrams.get(id);
            let (from, to, bytes) = (original.from, original.to, original.bytes.clone());
            let unreachable = original.unreachable;
            let copy = self.datagrams.insert(from, to, &bytes);
            self.datagrams.get_mut(copy).unreachable = unreachable;
            self.launch_datagram(now, copy, latency);
        }
        if transit.lost {
            return self.datagrams.free(id);
        }
        self.launch_datagram(now, id, transit.latency);
    }

    fn launch_datagram(&mut self, now: u64, id: DatagramId, latency: u64) {
        let at = now + latency;
        let mut bytes = std::mem::take(&mut self.datagrams.get_mut(id).bytes);
        let datagram = self.datagrams.get(id);
        let ends = (datagram.from.0, datagram.to.0);
        self.corrupt(ends.0, ends.1, &mut bytes);
        let datagram = self.datagrams.get_mut(id);
        (datagram.bytes, datagram.at) = (bytes, at);
        let last = self.datagrams.last.replace(id);
        // What arrives later than now has not arrived, so the last one still has its timer, or shares one.
        if let Some(last) = last.filter(|last| *last != id && at > now) {
            let last = self.datagrams.get_mut(last);
            if last.at == at && (last.from.0, last.to.0) == ends {
                last.next = Some(id);
                return;
            }
        }
        if !self.timer.arm(at, &self.datagrams.get(id).arrival) {
            self.datagram_arrives(id);
        }
    }

    /// A datagram reaches its destination, and those that share its timer. Runs in a timer's callback: arms nothing.
    pub(super) fn datagram_arrives(&mut self, first: DatagramId) {
        let mut next = Some(first);
        while let Some(id) = next {
            next = self.datagrams.get_mut(id).next.take();
            let datagram = self.datagrams.get(id);
            let ((from, _), (to, address)) = (datagram.from, datagram.to);
            let state = if from == to { LinkState::Up } else { self.link(from, to).state() };
            match state {
                LinkState::Held => self.link(from, to).waiting.push(Freight::Datagram(id)),
                LinkState::Up if self.hosts[to.index()].up && self.holds(to, address.ip()) => {
                    self.meet_socket(id);
                }
                LinkState::Up | LinkState::Cut => self.datagrams.free(id),
            }
        }
    }

    /// A datagram has reached its machine.
    fn meet_socket(&mut self, id: DatagramId) {
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
        let way = way(from.0, to.0);
        self.hasher.event(Observed::Datagram, at, way, (fate as u64) << 32 | len as u64);
        self.hasher.bytes(bytes);
        self.record(at, || {
            let what = ["delivered", "dropped", "refused"][fate as usize];
            Happening::Datagram { from: from.0, to: to.0, bytes: len, what }
        });
        match (fate, socket) {
            (Fate::Delivered, Some(socket)) => {
                self.messages += 1;
                self.bytes += len as u64;
                self.sockets[socket as usize].take(id, len);
            }
            (Fate::Refused, _) => self.return_to_sender(at, id),
            _ => self.datagrams.free(id),
        }
    }

    /// Nobody takes a datagram: its sender's machine is told. Runs in a timer's callback, so on the slow path.
    fn return_to_sender(&mut self, at: u64, id: DatagramId) {
        let datagram = self.datagrams.get_mut(id);
        (datagram.from, datagram.to) = (datagram.to, datagram.from);
        datagram.unreachable = true;
        datagram.bytes.clear();
        datagram.at = at;
        let ((from, _), (to, _)) = (datagram.from, datagram.to);
        if from == to {
            return self.meet_socket(id);
        }
        match self.link(from, to).state() {
            LinkState::Cut => self.datagrams.free(id),
            LinkState::Held => self.link(from, to).waiting.push(Freight::Datagram(id)),
            LinkState::Up => {
                let transit = self.transit(from, to, at, 2 * UDP_HEADER);
                if transit.lost {
                    return self.datagrams.free(id);
                }
                let at = at + transit.latency;
                self.datagrams.get_mut(id).at = at;
                self.agenda.push(at, Event::Arrives(Freight::Datagram(id)));
            }
        }
    }
}
