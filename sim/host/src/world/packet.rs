//! The slow path: control packets, retries, and the one small task that serves them.
//!
//! Data segments and datagrams have timers of their own (see `transmission.rs`, `datagram.rs`). Everything rare is an [`Event`] in one heap, ordered by time
//! and then by the order in which it was scheduled, and handled by the *driver*, a task of the supervisor. Code that
//! runs inside a timer's callback cannot arm another timer (madsim holds its timer lock there), but it may schedule.

use super::address::Announcement;
use super::datagram::DatagramId;
use super::link::LinkState;
use super::tcp::{ConnectionId, Side};
use super::{MachineId, World, with};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// The headers of a TCP segment, in bytes, without options: IP's and TCP's own.
pub(crate) const TCP_HEADER: usize = 40;

/// An ARP frame, in bytes.
pub(crate) const ARP_FRAME: usize = 42;

/// What a packet without data says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PacketKind {
    Syn,
    SynAck,
    Ack,
    Rst,
    /// The receiver has room again.
    Window,
}

/// A packet without data, on its way from one side of a connection to the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packet {
    pub(crate) kind: PacketKind,
    pub(crate) connection: ConnectionId,
    /// The side that sent it.
    pub(crate) from: Side,
}

/// What the slow path carries over a link.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Freight {
    Tcp(Packet),
    Datagram(DatagramId),
    Announcement(Announcement),
}

/// Something that happens at a later instant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
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

struct Scheduled {
    at: u64,
    sequence: u64,
    event: Event,
}

impl Scheduled {
    fn key(&self) -> (u64, u64) {
        (self.at, self.sequence)
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The heap of events to come.
#[derive(Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Reverse<Scheduled>>,
    scheduled: u64,
    /// The earliest instant for which the driver has a timer; timers cannot be cancelled, so it never goes back up
    /// before that timer has fired.
    armed: Option<u64>,
    driver: Option<Waker>,
}

impl Agenda {
    /// Schedules an event. Allowed anywhere, in a timer's callback too.
    pub(crate) fn push(&mut self, at: u64, event: Event) {
        self.scheduled += 1;
        self.heap.push(Reverse(Scheduled { at, sequence: self.scheduled, event }));
        let armed_in_time = self.armed.is_some_and(|armed| armed <= at);
        if !armed_in_time && let Some(driver) = &self.driver {
            driver.wake_by_ref();
        }
    }

    fn pop_due(&mut self, now: u64) -> Option<(u64, Event)> {
        let due = self.heap.peek().is_some_and(|Reverse(next)| next.at <= now);
        if due { self.heap.pop().map(|Reverse(next)| (next.at, next.event)) } else { None }
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.heap.iter().map(|Reverse(scheduled)| &scheduled.event)
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse(next)| next.at)
    }
}

/// Serves the agenda until it is dropped.
pub(crate) async fn drive() {
    poll_fn(|context| {
        with(|world| {
            loop {
                let now = world.now_ns();
                if world.agenda.armed.is_some_and(|armed| armed <= now) {
                    world.agenda.armed = None;
                }
                while let Some((at, event)) = world.agenda.pop_due(now) {
                    world.handle(at, event);
                }
                let Some(next) = world.agenda.next_at() else { break };
                if next > now {
                    if world.agenda.armed.is_none_or(|armed| next < armed) {
                        world.agenda.armed = Some(next);
                        world.timer.arm(next, context.waker());
                    }
                    break;
                }
            }
            match &mut world.agenda.driver {
                Some(driver) => driver.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
        });
        Poll::<()>::Pending
    })
    .await;
}

impl World {
    fn handle(&mut self, at: u64, event: Event) {
        match event {
            Event::Arrives(Freight::Tcp(packet)) => self.packet_arrives(at, packet),
            Event::Arrives(Freight::Datagram(datagram)) => self.datagram_arrives(datagram),
            Event::Arrives(Freight::Announcement(announcement)) => {
                self.announcement_arrives(at, announcement);
            }
            Event::StrayReset { connection, side, from } => {
                self.stray_reset_arrives(at, connection, side, from);
            }
            Event::RetrySyn { connection, attempt } => self.retry_syn(at, connection, attempt),
            Event::RetrySynAck { connection, attempt } => self.retry_syn_ack(at, connection, attempt),
            Event::Retransmit { connection, side, stall } => self.retransmit(at, connection, side, stall),
            Event::KeepAlive { connection, side, number, unanswered, since } => {
                self.keep_alive(at, connection, side, (number, unanswered, since));
            }
            Event::ProbeWindow { connection, side, block, attempt, heard } => {
                self.probe_window(at, connection, side, (block, attempt, heard));
            }
        }
    }

    /// Sends a packet from one side of a connection to the other.
    pub(super) fn send_packet(&mut self, at: u64, id: ConnectionId, from: Side, kind: PacketKind) {
        self.travel(at, Packet { kind, connection: id, from });
    }

    /// A packet sets out, or goes on after a hold.
    pub(super) fn travel(&mut self, at: u64, packet: Packet) {
        let Some(connection) = self.connection(packet.connection) else { return };
        let (from, to) = connection.hosts(packet.from);
        // RST never overtakes the data it follows.
        let not_before =
            if packet.kind == PacketKind::Rst { connection.direction(packet.from).last_at } else { 0 };
        if from == to {
            self.agenda.push(at, Event::Arrives(Freight::Tcp(packet)));
            return;
        }
        if !self.finds_way(at, packet.connection, packet.from) || !self.admit_message() {
            return;
        }
        match self.link(from, to).state() {
            LinkState::Cut => {}
            LinkState::Held => self.link(from, to).waiting.push(Freight::Tcp(packet)),
            LinkState::Up => {
                let transit = self.transit(from, to, at, TCP_HEADER);
                for latency in [transit.latency].into_iter().filter(|_| !transit.lost).chain(transit.copy) {
                    self.agenda.push((at + latency).max(not_before), Event::Arrives(Freight::Tcp(packet)));
                }
            }
        }
    }

    fn packet_arrives(&mut self, at: u64, packet: Packet) {
        let id = packet.connection;
        let Some(connection) = self.connection(id) else { return };
        let (from, to) = connection.hosts(packet.from);
        if from != to && !self.passes(from, to, packet) {
            return;
        }
        match packet.kind {
            PacketKind::Syn => self.syn_arrives(at, id),
            PacketKind::SynAck => self.syn_ack_arrives(at, id),
            PacketKind::Ack => self.ack_arrives(at, id),
            PacketKind::Rst => self.reset_arrives(at, id, packet.from.other()),
            PacketKind::Window => self.unblock_writer(id, packet.from.other()),
        }
    }

    /// Whether a packet gets off the wire at the far end of its link.
    fn passes(&mut self, from: MachineId, to: MachineId, packet: Packet) -> bool {
        match self.link(from, to).state() {
            LinkState::Cut => false,
            LinkState::Up => self.takes(to, packet.connection, packet.from.other()),
            LinkState::Held => {
                self.link(from, to).waiting.push(Freight::Tcp(packet));
                false
            }
        }
    }
}
