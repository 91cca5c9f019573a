//! TCP: connections as two byte streams whose segments travel on links.
//!
//! **A direction** of a connection is a ring of bytes and a queue of segments. A write appends bytes, draws a latency
//! from its link and arms one madsim timer for the instant of arrival; arrival times never go back, and segments that
//! arrive at one instant are merged and share a timer. The timer's waker carries the connection, side and epoch; when
//! it fires, [`World::segment_arrives`] makes the bytes readable at exactly that instant and wakes the reader. No
//! task, no heap and no allocation of ours stands between a write and a read.
//!
//! **Loss.** A segment lost by chance arrives late, by the sender's retransmission time-outs. On a link that is cut (at
//! the start or at the end of the journey), or when its acknowledgement cannot come back, the direction *stalls*:
//! a retransmission timer backs off from 200 ms to 2 min, everything unsent waits behind it, and after the user
//! time-out the sender's end fails with `TimedOut`. A cut of only the reverse direction times the sender out as well.
//! On a held link the direction stalls too, but flows at once when the hold ends.
//!
//! **Every control packet can be lost**, so each has a retry: SYN and SYN-ACK after 1 s, 2 s, 4 s, …; a window update by
//! the writer's persist timer; RST is sent again for each segment that reaches a dead end. FIN is a segment.
//! RST never overtakes the data it follows.
//!
//! Gives up, compared with Linux: no congestion control, no selective acknowledgement, no TIME-WAIT; while a direction
//! stalls, new data waits for the next retransmission; acknowledgements are free unless their link is down.

use super::digest::Observed;
use super::link::LinkState;
use super::packet::{Event, Packet, PacketKind};
use super::trace::Happening;
use super::{HostId, World, with};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Bytes in flight and unread, one way: the sender's and the receiver's buffers together.
const WINDOW: usize = 256 * 1024;
const FIRST_RETRANSMISSION: u64 = 200_000_000;
const LAST_RETRANSMISSION: u64 = 120_000_000_000;
/// Without an acknowledgement for this long the connection is dead (2 min).
const USER_TIMEOUT: u64 = 120_000_000_000;
const FIRST_SYN_RETRY: u64 = 1_000_000_000;
/// Linux's `tcp_syn_retries` and `tcp_synack_retries`.
const SYN_RETRIES: u32 = 6;
const SYN_ACK_RETRIES: u32 = 5;
/// The `at` of a segment that waits for a retransmission.
const WAITING: u64 = u64::MAX;

/// A connection's slot and the generation of its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Dialler = 0,
    Acceptor = 1,
}

impl Side {
    pub(crate) fn other(self) -> Side {
        match self {
            Side::Dialler => Side::Acceptor,
            Side::Acceptor => Side::Dialler,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndState {
    /// The dialler waits for a SYN-ACK.
    Connecting,
    /// The acceptor waits for an ACK.
    HalfOpen { port: u16 },
    Open,
    /// The kernel knows this socket no more: whatever arrives is answered by RST.
    Gone,
}

struct End {
    host: HostId,
    address: SocketAddr,
    state: EndState,
    /// The application, or the listener's backlog, still holds it.
    held: bool,
    error: Option<io::ErrorKind>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug)]
struct Segment {
    at: u64,
    len: usize,
    fin: bool,
}

/// Data or its acknowledgement does not get through.
#[derive(Debug, Clone, Copy)]
struct Stall {
    since: u64,
    attempt: u32,
    /// Tells the retransmission timer of this stall from those of earlier ones.
    number: u32,
}

/// What one side sends, on its way to the other.
struct Direction {
    /// Bytes that have arrived and are unread, then those in flight.
    buffer: VecDeque<u8>,
    arrived: usize,
    segments: VecDeque<Segment>,
    /// The latest arrival time given out.
    last_at: u64,
    fin_sent: bool,
    fin_arrived: bool,
    write_blocked: bool,
    stall: Option<Stall>,
    stalls: u32,
    /// Timers of earlier epochs are void.
    epoch: u32,
    timer: Waker,
}

pub(crate) struct Connection {
    generation: u32,
    ends: [End; 2],
    directions: [Direction; 2],
}

/// The waker of a segment's timer: delivers instead of waking a task.
struct Arrival {
    connection: ConnectionId,
    side: Side,
    epoch: u32,
}

impl Wake for Arrival {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        with(|world| world.segment_arrives(self.connection, self.side, self.epoch));
    }
}

impl Direction {
    fn new(connection: ConnectionId, side: Side) -> Self {
        Direction {
            buffer: VecDeque::new(),
            arrived: 0,
            segments: VecDeque::new(),
            last_at: 0,
            fin_sent: false,
            fin_arrived: false,
            write_blocked: false,
            stall: None,
            stalls: 0,
            epoch: 0,
            timer: Waker::from(Arc::new(Arrival { connection, side, epoch: 0 })),
        }
    }

    fn room(&self) -> usize {
        WINDOW.saturating_sub(self.buffer.len())
    }

    /// Voids the timers under way; their segments wait for a retransmission.
    fn recall(&mut self, connection: ConnectionId, side: Side) {
        self.epoch += 1;
        self.timer = Waker::from(Arc::new(Arrival { connection, side, epoch: self.epoch }));
        for segment in &mut self.segments {
            segment.at = WAITING;
        }
    }

    /// Everything that waits becomes one segment that arrives at `at`. Returns whether there was anything.
    fn resend(&mut self, at: u64) -> bool {
        let mut merged = Segment { at, len: 0, fin: false };
        let mut any = false;
        while self.segments.back().is_some_and(|last| last.at == WAITING) {
            let segment = self.segments.pop_back().expect("just seen");
            merged.len += segment.len;
            merged.fin |= segment.fin;
            any = true;
        }
        if any {
            self.last_at = at;
            self.segments.push_back(merged);
        }
        any
    }
}

impl Connection {
    fn direction(&mut self, side: Side) -> &mut Direction {
        &mut self.directions[side as usize]
    }

    fn end(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }

    fn hosts(&self, from: Side) -> (HostId, HostId) {
        (self.ends[from as usize].host, self.ends[from.other() as usize].host)
    }

    fn fail(&mut self, side: Side, error: io::ErrorKind) {
        let end = self.end(side);
        end.state = EndState::Gone;
        end.error = Some(error);
        wake(&mut end.reader);
        wake(&mut end.writer);
        // What a dead end had not sent is never sent.
        let direction = self.direction(side);
        direction.stall = None;
        while direction.segments.back().is_some_and(|last| last.at == WAITING) {
            direction.segments.pop_back();
        }
    }
}

fn wake(slot: &mut Option<Waker>) {
    if let Some(waker) = slot.take() {
        waker.wake();
    }
}

fn remember(slot: &mut Option<Waker>, context: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(context.waker()),
        none => *none = Some(context.waker().clone()),
    }
}

impl World {
    fn connection(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections.get_mut(id.slot as usize).filter(|connection| connection.generation == id.generation)
    }

    /// Starts connecting: the dialler's SYN leaves.
    pub(crate) fn dial(&mut self, from: (HostId, SocketAddr), to: (HostId, SocketAddr)) -> ConnectionId {
        self.generations += 1;
        let entry = self.connections.vacant_entry();
        let id = ConnectionId { slot: entry.key() as u32, generation: self.generations };
        let end = |(host, address), state, held| End {
            host,
            address,
            state,
            held,
            error: None,
            reader: None,
            writer: None,
        };
        entry.insert(Connection {
            generation: id.generation,
            ends: [end(from, EndState::Connecting, true), end(to, EndState::Gone, false)],
            directions: [Direction::new(id, Side::Dialler), Direction::new(id, Side::Acceptor)],
        });
        self.send_packet(self.now_ns(), id, Side::Dialler, PacketKind::Syn);
        self.agenda.push(self.now_ns() + FIRST_SYN_RETRY, Event::RetrySyn { connection: id, attempt: 1 });
        id
    }

    pub(crate) fn poll_connected(&mut self, id: ConnectionId, context: &Context<'_>) -> Poll<io::Result<()>> {
        let Some(connection) = self.connection(id) else { return Poll::Ready(Err(died())) };
        let end = connection.end(Side::Dialler);
        match end.state {
            EndState::Connecting => {
                remember(&mut end.writer, context);
                Poll::Pending
            }
            EndState::Gone => Poll::Ready(Err(end.error.take().map_or_else(died, io::Error::from))),
            _ => Poll::Ready(Ok(())),
        }
    }

    pub(crate) fn addresses(&mut self, id: ConnectionId, side: Side) -> io::Result<(SocketAddr, SocketAddr)> {
        let connection = self.connection(id).ok_or_else(died)?;
        Ok((connection.end(side).address, connection.end(side.other()).address))
    }

    pub(crate) fn poll_read(
        &mut self,
        id: ConnectionId,
        side: Side,
        context: &Context<'_>,
        into: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(connection) = self.connection(id) else { return Poll::Ready(Err(died())) };
        let direction = &mut connection.directions[side.other() as usize];
        let end = &mut connection.ends[side as usize];
        if direction.arrived > 0 {
            let wanted = direction.arrived.min(into.remaining());
            let (first, second) = direction.buffer.as_slices();
            let from_first = wanted.min(first.len());
            into.put_slice(&first[..from_first]);
            into.put_slice(&second[..wanted - from_first]);
            direction.buffer.drain(..wanted);
            direction.arrived -= wanted;
            if direction.write_blocked && direction.buffer.len() <= WINDOW / 2 {
                self.send_packet(self.now_ns(), id, side, PacketKind::Window);
            }
            return Poll::Ready(Ok(()));
        }
        if direction.fin_arrived {
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = end.error.take() {
            return Poll::Ready(Err(error.into()));
        }
        if end.state == EndState::Gone {
            return Poll::Ready(Ok(()));
        }
        remember(&mut end.reader, context);
        Poll::Pending
    }

    pub(crate) fn poll_write(
        &mut self,
        id: ConnectionId,
        side: Side,
        context: &Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(connection) = self.connection(id) else { return Poll::Ready(Err(died())) };
        let direction = &mut connection.directions[side as usize];
        let end = &mut connection.ends[side as usize];
        if let Some(error) = end.error.take() {
            return Poll::Ready(Err(error.into()));
        }
        if end.state == EndState::Gone || direction.fin_sent {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if direction.write_blocked || direction.room() == 0 {
            remember(&mut end.writer, context);
            if !direction.write_blocked {
                direction.write_blocked = true;
                let at = self.now_ns() + FIRST_RETRANSMISSION;
                self.agenda.push(at, Event::ProbeWindow { connection: id, side, attempt: 0 });
            }
            return Poll::Pending;
        }
        let len = bytes.len().min(direction.room());
        direction.buffer.extend(&bytes[..len]);
        self.send_segment(id, side, len, false);
        Poll::Ready(Ok(len))
    }

    /// Ends what this side sends; reading goes on.
    pub(crate) fn shutdown_write(&mut self, id: ConnectionId, side: Side) -> io::Result<()> {
        let connection = self.connection(id).ok_or_else(died)?;
        if connection.end(side).state == EndState::Gone {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let direction = connection.direction(side);
        if !direction.fin_sent {
            direction.fin_sent = true;
            self.send_segment(id, side, 0, true);
        }
        Ok(())
    }

    /// The application lets go of its end, or dies: unread data is answered by RST, everything else by FIN.
    pub(crate) fn close(&mut self, id: ConnectionId, side: Side) {
        let Some(connection) = self.connection(id) else { return };
        let unread = connection.direction(side.other()).arrived > 0;
        let end = connection.end(side);
        if !end.held {
            return;
        }
        end.held = false;
        (end.reader, end.writer) = (None, None);
        let state = end.state;
        if unread || state == EndState::Connecting {
            end.state = EndState::Gone;
        }
        let direction = connection.direction(side);
        if state == EndState::Open && unread {
            self.send_packet(self.now_ns(), id, side, PacketKind::Rst);
        } else if state == EndState::Open && !direction.fin_sent {
            direction.fin_sent = true;
            self.send_segment(id, side, 0, true);
        }
        self.forget_if_unheld(id);
    }

    /// Nobody can observe a connection without holders.
    fn forget_if_unheld(&mut self, id: ConnectionId) {
        let unheld = self.connection(id).is_some_and(|connection| connection.ends.iter().all(|end| !end.held));
        if unheld {
            self.connections.remove(id.slot as usize);
        }
    }

    /// Every connection that ends on this host loses that end.
    pub(crate) fn drop_connections_of(&mut self, host: HostId, power_lost: bool) {
        let ids: Vec<(ConnectionId, Side)> = self
            .connections
            .iter()
            .flat_map(|(slot, connection)| {
                let id = ConnectionId { slot: slot as u32, generation: connection.generation };
                [(id, Side::Dialler), (id, Side::Acceptor)]
                    .into_iter()
                    .filter(move |(_, side)| connection.ends[*side as usize].host == host)
            })
            .collect();
        for (id, side) in ids {
            if power_lost {
                let Some(connection) = self.connection(id) else { continue };
                connection.fail(side, io::ErrorKind::ConnectionAborted);
                connection.end(side).held = false;
                self.forget_if_unheld(id);
            } else {
                self.close(id, side);
            }
        }
    }

    fn send_segment(&mut self, id: ConnectionId, side: Side, len: usize, fin: bool) {
        let now = self.now_ns();
        let connection = &mut self.connections[id.slot as usize];
        let (from, to) = connection.hosts(side);
        let direction = connection.direction(side);
        if direction.stall.is_some() {
            direction.segments.push_back(Segment { at: WAITING, len, fin });
            return;
        }
        if from == to {
            direction.segments.push_back(Segment { at: now, len, fin });
            let epoch = direction.epoch;
            self.segment_arrives(id, side, epoch);
            return;
        }
        if self.link(from, to).state() != LinkState::Up {
            self.connections[id.slot as usize].direction(side).segments.push_back(Segment { at: WAITING, len, fin });
            self.stall(now, id, side);
            return;
        }
        let mut transit = self.transit(from, to);
        let mut delay = transit.latency;
        let mut attempt = 0;
        while transit.lost {
            delay += retransmission_delay(attempt);
            attempt += 1;
            transit = self.transit(from, to);
        }
        let direction = self.connections[id.slot as usize].direction(side);
        let at = (now + delay).max(direction.last_at);
        if let Some(last) = direction.segments.back_mut().filter(|last| last.at == at) {
            last.len += len;
            last.fin |= fin;
            return;
        }
        direction.last_at = at;
        direction.segments.push_back(Segment { at, len, fin });
        self.arm_segment(id, side, at);
    }

    fn arm_segment(&mut self, id: ConnectionId, side: Side, at: u64) {
        let direction = &self.connections[id.slot as usize].directions[side as usize];
        let (timer, epoch) = (direction.timer.clone(), direction.epoch);
        if !self.arm(at, &timer) {
            self.segment_arrives(id, side, epoch);
        }
    }

    /// The head of a direction's queue reaches its destination. Runs in a timer's callback: arms nothing.
    fn segment_arrives(&mut self, id: ConnectionId, side: Side, epoch: u32) {
        let Some(connection) = self.connection(id) else { return };
        let (from, to) = connection.hosts(side);
        let direction = connection.direction(side);
        if direction.epoch != epoch {
            return;
        }
        let Some(segment) = direction.segments.pop_front() else { return };
        let at = segment.at;
        if from != to && (self.link(from, to).state() != LinkState::Up || !self.hosts[to].up) {
            let direction = self.connections[id.slot as usize].direction(side);
            direction.segments.push_front(segment);
            direction.recall(id, side);
            self.stall(at, id, side);
            return;
        }
        let acknowledged = from == to || self.link(to, from).state() == LinkState::Up;
        let connection = &mut self.connections[id.slot as usize];
        if let EndState::HalfOpen { .. } = connection.end(side.other()).state {
            self.establish_acceptor(at, id);
        }
        let connection = &mut self.connections[id.slot as usize];
        let receiver = connection.end(side.other());
        if receiver.state != EndState::Open || !receiver.held {
            // Nobody reads here any more. A lone FIN is owed no answer.
            if segment.len > 0 {
                let direction = connection.direction(side);
                let unread = direction.arrived;
                direction.buffer.drain(unread..unread + segment.len);
                self.send_packet(at, id, side.other(), PacketKind::Rst);
            }
            return;
        }
        wake(&mut receiver.reader);
        let direction = connection.direction(side);
        let start = direction.arrived;
        direction.arrived += segment.len;
        direction.fin_arrived |= segment.fin;
        self.messages += 1;
        self.hasher.event(Observed::Delivery, at, (from as u64) << 32 | to as u64, segment.len as u64);
        let (first, second) = self.connections[id.slot as usize].directions[side as usize].buffer.as_slices();
        let end = start + segment.len;
        self.hasher.bytes(&first[start.min(first.len())..end.min(first.len())]);
        self.hasher.bytes(&second[start.saturating_sub(first.len())..end.saturating_sub(first.len())]);
        self.record(at, || Happening::Delivered { from, to, bytes: segment.len, fin: segment.fin });
        if !acknowledged {
            self.stall(at, id, side);
        }
    }

    /// Starts the retransmission timer of a direction, unless it runs already.
    fn stall(&mut self, at: u64, id: ConnectionId, side: Side) {
        let direction = self.connections[id.slot as usize].direction(side);
        if direction.stall.is_none() {
            direction.stalls += 1;
            let number = direction.stalls;
            direction.stall = Some(Stall { since: at, attempt: 0, number });
            self.agenda.push(at + FIRST_RETRANSMISSION, Event::Retransmit { connection: id, side, stall: number });
        }
    }

    pub(crate) fn retransmit(&mut self, at: u64, id: ConnectionId, side: Side, number: u32) {
        let Some(connection) = self.connection(id) else { return };
        let (from, to) = connection.hosts(side);
        let direction = connection.direction(side);
        let Some(stall) = direction.stall.as_mut().filter(|stall| stall.number == number) else { return };
        if at - stall.since >= USER_TIMEOUT {
            connection.fail(side, io::ErrorKind::TimedOut);
            self.observe_connection(at, from, to, "timed out");
            return;
        }
        stall.attempt += 1;
        let next = at + retransmission_delay(stall.attempt);
        if !self.flow(at, id, side) {
            self.agenda.push(next, Event::Retransmit { connection: id, side, stall: number });
        }
    }

    /// Sends what waits if its link is up. Returns whether the stall is over.
    fn flow(&mut self, at: u64, id: ConnectionId, side: Side) -> bool {
        let (from, to) = self.connections[id.slot as usize].hosts(side);
        if self.link(from, to).state() != LinkState::Up || !self.hosts[to].up {
            return false;
        }
        let transit = self.transit(from, to);
        if transit.lost {
            return false;
        }
        let acknowledged = self.link(to, from).state() == LinkState::Up;
        let direction = self.connections[id.slot as usize].direction(side);
        if acknowledged {
            direction.stall = None;
        }
        let arrival = (at + transit.latency).max(direction.last_at);
        if direction.resend(arrival) {
            self.arm_segment(id, side, arrival);
        }
        acknowledged
    }

    /// A hold has ended on a link: what waited on it travels on.
    pub(crate) fn release_link(&mut self, from: HostId, to: HostId) {
        let now = self.now_ns();
        for packet in std::mem::take(&mut self.link(from, to).waiting) {
            self.travel(now, from, to, packet);
        }
        let stalled: Vec<(ConnectionId, Side)> = self
            .connections
            .iter()
            .flat_map(|(slot, connection)| {
                let id = ConnectionId { slot: slot as u32, generation: connection.generation };
                [(id, Side::Dialler), (id, Side::Acceptor)].into_iter().filter(move |(_, side)| {
                    connection.hosts(*side) == (from, to) && connection.directions[*side as usize].stall.is_some()
                })
            })
            .collect();
        for (id, side) in stalled {
            self.flow(now, id, side);
        }
    }

    /// Sends a control packet from one side to the other.
    fn send_packet(&mut self, at: u64, id: ConnectionId, from: Side, kind: PacketKind) {
        let connection = &mut self.connections[id.slot as usize];
        let (from_host, to_host) = connection.hosts(from);
        let last_at = connection.direction(from).last_at;
        let packet = Packet { kind, connection: id, from };
        if kind == PacketKind::Rst {
            // RST never overtakes the data it follows.
            self.travel_after(at, from_host, to_host, packet, last_at);
        } else {
            self.travel(at, from_host, to_host, packet);
        }
    }

    fn travel(&mut self, at: u64, from: HostId, to: HostId, packet: Packet) {
        self.travel_after(at, from, to, packet, 0);
    }

    fn travel_after(&mut self, at: u64, from: HostId, to: HostId, packet: Packet, not_before: u64) {
        if from == to {
            self.agenda.push(at, Event::Arrives(packet));
            return;
        }
        match self.link(from, to).state() {
            LinkState::Cut => {}
            LinkState::Held => self.link(from, to).waiting.push(packet),
            LinkState::Up => {
                let transit = self.transit(from, to);
                if !transit.lost {
                    self.agenda.push((at + transit.latency).max(not_before), Event::Arrives(packet));
                }
            }
        }
    }

    pub(crate) fn packet_arrives(&mut self, at: u64, packet: Packet) {
        let Some(connection) = self.connection(packet.connection) else { return };
        let (from, to) = connection.hosts(packet.from);
        if from != to {
            match self.link(from, to).state() {
                LinkState::Cut => return,
                LinkState::Held => {
                    self.link(from, to).waiting.push(packet);
                    return;
                }
                LinkState::Up => {}
            }
        }
        if !self.hosts[to].up {
            return;
        }
        let id = packet.connection;
        match packet.kind {
            PacketKind::Syn => self.syn_arrives(at, id),
            PacketKind::SynAck => self.syn_ack_arrives(at, id),
            PacketKind::Ack => self.establish_acceptor(at, id),
            PacketKind::Rst => self.reset_arrives(at, id, packet.from.other()),
            PacketKind::Window => self.unblock_writer(id, packet.from.other()),
        }
    }

    fn syn_arrives(&mut self, at: u64, id: ConnectionId) {
        let connection = &mut self.connections[id.slot as usize];
        if connection.end(Side::Dialler).state != EndState::Connecting {
            // A late copy of a SYN that was answered long ago.
            return;
        }
        let address = connection.end(Side::Acceptor).address;
        let host = connection.end(Side::Acceptor).host;
        match connection.end(Side::Acceptor).state {
            EndState::HalfOpen { .. } => {
                self.send_packet(at, id, Side::Acceptor, PacketKind::SynAck);
                return;
            }
            EndState::Open => return,
            EndState::Connecting | EndState::Gone => {}
        }
        let Some(listener) = self.listeners.get(&(host, address.port())) else {
            self.send_packet(at, id, Side::Acceptor, PacketKind::Rst);
            return;
        };
        if !listener.has_room() {
            // Linux drops the SYN of a full backlog; the dialler tries again.
            return;
        }
        let end = self.connections[id.slot as usize].end(Side::Acceptor);
        end.state = EndState::HalfOpen { port: address.port() };
        end.held = true;
        self.send_packet(at, id, Side::Acceptor, PacketKind::SynAck);
        self.agenda.push(at + FIRST_SYN_RETRY, Event::RetrySynAck { connection: id, attempt: 1 });
    }

    fn syn_ack_arrives(&mut self, at: u64, id: ConnectionId) {
        let end = self.connections[id.slot as usize].end(Side::Dialler);
        match end.state {
            EndState::Connecting => {
                end.state = EndState::Open;
                wake(&mut end.writer);
                let (from, to) = self.connections[id.slot as usize].hosts(Side::Dialler);
                self.observe_connection(at, from, to, "connected");
                self.send_packet(at, id, Side::Dialler, PacketKind::Ack);
            }
            EndState::Open => self.send_packet(at, id, Side::Dialler, PacketKind::Ack),
            EndState::Gone | EndState::HalfOpen { .. } => self.send_packet(at, id, Side::Dialler, PacketKind::Rst),
        }
    }

    /// The handshake is complete: the connection waits to be accepted.
    fn establish_acceptor(&mut self, at: u64, id: ConnectionId) {
        let end = self.connections[id.slot as usize].end(Side::Acceptor);
        let EndState::HalfOpen { port } = end.state else { return };
        let host = end.host;
        end.state = EndState::Open;
        if let Some(listener) = self.listeners.get_mut(&(host, port)) {
            listener.established(id);
        } else {
            end.state = EndState::Gone;
            end.held = false;
            self.send_packet(at, id, Side::Acceptor, PacketKind::Rst);
            self.forget_if_unheld(id);
        }
    }

    fn reset_arrives(&mut self, at: u64, id: ConnectionId, side: Side) {
        let connection = &mut self.connections[id.slot as usize];
        let (host, peer) = connection.hosts(side);
        let end = connection.end(side);
        let (error, what) = match end.state {
            EndState::Gone => return,
            EndState::Connecting => (io::ErrorKind::ConnectionRefused, "refused"),
            EndState::HalfOpen { .. } => {
                end.held = false;
                (io::ErrorKind::ConnectionReset, "reset")
            }
            EndState::Open => (io::ErrorKind::ConnectionReset, "reset"),
        };
        connection.fail(side, error);
        self.observe_connection(at, host, peer, what);
        self.forget_if_unheld(id);
    }

    pub(crate) fn retry_syn(&mut self, at: u64, id: ConnectionId, attempt: u32) {
        let Some(connection) = self.connection(id) else { return };
        if connection.end(Side::Dialler).state != EndState::Connecting {
            return;
        }
        if attempt > SYN_RETRIES {
            let (from, to) = connection.hosts(Side::Dialler);
            connection.fail(Side::Dialler, io::ErrorKind::TimedOut);
            self.observe_connection(at, from, to, "connecting timed out");
            return;
        }
        self.send_packet(at, id, Side::Dialler, PacketKind::Syn);
        self.agenda.push(
            at + (FIRST_SYN_RETRY << attempt),
            Event::RetrySyn { connection: id, attempt: attempt + 1 },
        );
    }

    pub(crate) fn retry_syn_ack(&mut self, at: u64, id: ConnectionId, attempt: u32) {
        let Some(connection) = self.connection(id) else { return };
        let end = connection.end(Side::Acceptor);
        if !matches!(end.state, EndState::HalfOpen { .. }) {
            return;
        }
        if attempt > SYN_ACK_RETRIES {
            end.state = EndState::Gone;
            end.held = false;
            self.forget_if_unheld(id);
            return;
        }
        self.send_packet(at, id, Side::Acceptor, PacketKind::SynAck);
        self.agenda.push(
            at + (FIRST_SYN_RETRY << attempt),
            Event::RetrySynAck { connection: id, attempt: attempt + 1 },
        );
    }

    fn unblock_writer(&mut self, id: ConnectionId, side: Side) {
        let connection = &mut self.connections[id.slot as usize];
        if connection.direction(side).room() > 0 {
            connection.direction(side).write_blocked = false;
            wake(&mut connection.end(side).writer);
        }
    }

    pub(crate) fn probe_window(&mut self, at: u64, id: ConnectionId, side: Side, attempt: u32) {
        let Some(connection) = self.connection(id) else { return };
        if !connection.direction(side).write_blocked || connection.end(side).state == EndState::Gone {
            return;
        }
        let (from, to) = connection.hosts(side);
        let reaches = from == to
            || (self.link(from, to).state() == LinkState::Up
                && self.link(to, from).state() == LinkState::Up
                && self.hosts[to].up);
        if reaches {
            self.unblock_writer(id, side);
        }
        if self.connections[id.slot as usize].direction(side).write_blocked {
            let next = at + retransmission_delay(attempt + 1);
            self.agenda.push(next, Event::ProbeWindow { connection: id, side, attempt: attempt + 1 });
        }
    }

    fn observe_connection(&mut self, at: u64, from: HostId, to: HostId, what: &'static str) {
        self.hasher.event(Observed::Connection, at, (from as u64) << 32 | to as u64, what.len() as u64);
        self.hasher.bytes(what.as_bytes());
        self.record(at, || Happening::Connection { from, to, what });
    }
}

/// The kernel of this machine is gone, and with it the socket.
fn died() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

/// 200 ms, doubled by each attempt, at most 2 min.
fn retransmission_delay(attempt: u32) -> u64 {
    (FIRST_RETRANSMISSION << attempt.min(16)).min(LAST_RETRANSMISSION)
}
