//! TCP: connections as two byte streams whose segments travel on links.
//!
//! A [`Connection`] is two [`End`]s and two [`Direction`]s. This file has their life: what an application does with its
//! end, and how an end dies. `handshake.rs` is how it begins, `transmission.rs` how bytes travel, `packet.rs` how
//! everything without bytes does.
//!
//! **A direction** is a ring of bytes and a queue of segments. A write appends bytes, draws a latency from its link and
//! arms one madsim timer for the instant of arrival; arrival times never go back, and segments that arrive at one
//! instant are merged and share a timer. The timer's waker carries the connection, side and epoch; when it fires,
//! [`Tcp::segment_arrives`] makes the bytes readable at exactly that instant and wakes the reader. No task, no heap
//! and no allocation of ours stands between a write and a read.
//!
//! **Every packet can be lost**, so each has a retry: SYN and SYN-ACK after 1 s, 2 s, 4 s, …; data and FIN by the
//! sender's retransmission timer; a window update by its persist timer. Whatever reaches a dead end is answered by RST,
//! again each time. RST never overtakes the data it follows. As in life, an end that only ever reads, and whose peer
//! lost its power or its RST, learns nothing.
//!
//! **An end is forgotten** when no application (and no backlog) holds either end: nobody can observe it then.
//!
//! Gives up, compared with Linux: no congestion control, no selective acknowledgement, no TIME-WAIT;
//! while a direction stalls, new data waits for the next retransmission; acknowledgements are free unless their link is
//! down.
//!
//! | file | noun |
//! |---|---|
//! | `handshake.rs`, `listener.rs` | how connections begin, and where |
//! | `direction.rs` | one way of a connection: bytes and segments, without a world |
//! | `transmission.rs` | how segments leave, and what they meet |
//! | `packet.rs` | packets without data |
//! | `stray.rs` | what goes to a machine that does not know its connection |
//! | `keepalive.rs` | how silent peers are found out |

mod direction;
mod handshake;
mod keepalive;
mod listener;
mod packet;
mod stray;
mod transmission;

pub(in crate::world) use listener::ListenerId;
pub(super) use packet::Packet;

use super::Ip;
use super::address::Addresses;
use super::overload::OnLink;
use super::port::Binding;
use super::wire::Way;
use crate::world::record::{Happening, Observed, StreamId};
use crate::world::{Ground, MachineId};
use direction::Direction;
use keepalive::Probing;
use listener::Listener;
use packet::PacketKind;
use slab::Slab;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use transmission::{USER_TIMEOUT, arrival};

/// All listeners and connections.
#[derive(Default)]
pub(in crate::world) struct Tcp {
    connections: Slab<Connection>,
    listeners: BTreeMap<Binding, Listener>,
    /// Tells listeners and connections from earlier ones in the same place.
    generations: u32,
}

/// A connection's slot and the generation of its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::world) struct ConnectionId {
    pub(in crate::world) slot: u32,
    pub(in crate::world) generation: u32,
}

impl ConnectionId {
    /// What one side sends.
    fn stream(self, side: Side) -> StreamId {
        StreamId { connection: self.generation, side: side as u8 }
    }
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::world) enum Side {
    Dialler = 0,
    Acceptor = 1,
}

impl Side {
    pub(in crate::world) fn other(self) -> Side {
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
    /// The acceptor waits for an ACK, on behalf of the listener of this generation.
    HalfOpen { listener: u32 },
    /// Established; perhaps let go of by its application, while the kernel still sends what it left.
    Open,
    /// The kernel does not know this socket, any more or yet: whatever arrives is answered by RST.
    Gone,
}

struct End {
    host: MachineId,
    address: SocketAddr,
    state: EndState,
    /// The application, or the listener's backlog, still holds it.
    held: bool,
    /// What the next call of the application is told, once.
    error: Option<io::ErrorKind>,
    keepalive: Option<Probing>,
    /// Without an acknowledgement for this long the end fails, in ns.
    user_timeout: u64,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl End {
    fn let_go(&mut self) {
        self.held = false;
        (self.reader, self.writer) = (None, None);
    }
}

struct Connection {
    generation: u32,
    ends: [End; 2],
    /// An end has an address that may move to another machine.
    virtual_ends: bool,
    /// By the side that sends.
    directions: [Direction; 2],
}

impl Connection {
    fn direction(&mut self, side: Side) -> &mut Direction {
        &mut self.directions[side as usize]
    }

    fn end(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }

    /// The way of what one side sends.
    fn way(&self, from: Side) -> Way {
        Way { from: self.ends[from as usize].host, to: self.ends[from.other() as usize].host }
    }

    /// Whether the machine at one end takes what is sent there: it has power, and holds the address.
    fn is_taken(&self, ground: &Ground, addresses: &Addresses, side: Side) -> bool {
        let End { host, address, .. } = &self.ends[side as usize];
        ground.machines.is_up(*host) && (!self.virtual_ends || addresses.holds(*host, address.ip()))
    }

    /// The end is dead, and its application is told.
    fn fail(&mut self, side: Side, error: io::ErrorKind) {
        self.give_up(side);
        let end = self.end(side);
        end.error = Some(error);
        wake(&mut end.reader);
        wake(&mut end.writer);
    }

    /// The end is dead: what it had not sent is never sent.
    fn give_up(&mut self, side: Side) {
        self.end(side).state = EndState::Gone;
        self.direction(side).abandon();
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

impl Tcp {
    fn connection(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections.get_mut(id.slot as usize).filter(|connection| connection.generation == id.generation)
    }

    /// How many connections there are.
    pub(in crate::world::net) fn count(&self) -> usize {
        self.connections.len()
    }

    /// What is under way or unread, by connection and side.
    pub(in crate::world::net) fn under_way(&self) -> impl Iterator<Item = (Way, OnLink)> {
        self.ends().map(|(connection, (_, side))| {
            let direction = &connection.directions[side as usize];
            let (messages, bytes) = (direction.segments(), direction.buffered());
            let sample = direction.last_bytes(OnLink::SAMPLE);
            (connection.way(side), OnLink { messages, bytes, sample })
        })
    }

    /// Every end there is, with its connection.
    fn ends(&self) -> impl Iterator<Item = (&Connection, (ConnectionId, Side))> {
        self.connections.iter().flat_map(|(slot, connection)| {
            let id = ConnectionId { slot: slot as u32, generation: connection.generation };
            [(connection, (id, Side::Dialler)), (connection, (id, Side::Acceptor))]
        })
    }

    fn new_connection(
        &mut self,
        ip: &mut Ip,
        from: (MachineId, SocketAddr),
        to: (MachineId, SocketAddr),
    ) -> ConnectionId {
        self.generations += 1;
        let virtual_ends = [from, to].iter().any(|(_, address)| ip.addresses.is_virtual(address.ip()));
        let entry = self.connections.vacant_entry();
        let id = ConnectionId { slot: entry.key() as u32, generation: self.generations };
        let end = |(host, address), state, held| End {
            host,
            address,
            state,
            held,
            error: None,
            keepalive: None,
            user_timeout: USER_TIMEOUT,
            reader: None,
            writer: None,
        };
        entry.insert(Connection {
            generation: id.generation,
            virtual_ends,
            ends: [end(from, EndState::Connecting, true), end(to, EndState::Gone, false)],
            directions: [Side::Dialler, Side::Acceptor].map(|side| Direction::new(arrival(id, side, 0))),
        });
        id
    }

    pub(in crate::world) fn poll_connected(
        &mut self,
        id: ConnectionId,
        context: &Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(connection) = self.connection(id) else { return Poll::Ready(Err(died())) };
        let end = connection.end(Side::Dialler);
        match end.state {
            EndState::Connecting => {
                remember(&mut end.writer, context);
                Poll::Pending
            }
            EndState::Gone => Poll::Ready(Err(end.error.take().map_or_else(died, io::Error::from))),
            EndState::HalfOpen { .. } | EndState::Open => Poll::Ready(Ok(())),
        }
    }

    pub(in crate::world) fn local_address(&mut self, id: ConnectionId, side: Side) -> io::Result<SocketAddr> {
        Ok(self.connection(id).ok_or_else(died)?.end(side).address)
    }

    /// The other end's address, also of a connection that is dead.
    pub(in crate::world) fn peer_address(&mut self, id: ConnectionId, side: Side) -> io::Result<SocketAddr> {
        Ok(self.connection(id).ok_or_else(died)?.end(side.other()).address)
    }

    /// The other end's address; a dead connection has none.
    pub(in crate::world) fn connected_address(
        &mut self,
        id: ConnectionId,
        side: Side,
    ) -> io::Result<SocketAddr> {
        let connection = self.connection(id).ok_or_else(died)?;
        if connection.end(side).state == EndState::Gone {
            return Err(io::ErrorKind::NotConnected.into());
        }
        Ok(connection.end(side.other()).address)
    }

    pub(in crate::world) fn set_user_timeout(
        &mut self,
        id: ConnectionId,
        side: Side,
        timeout: Duration,
    ) -> io::Result<()> {
        let end = self.connection(id).ok_or_else(died)?.end(side);
        end.user_timeout = timeout.as_nanos() as u64;
        Ok(())
    }

    pub(in crate::world) fn poll_read(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        id: ConnectionId,
        side: Side,
        context: &Context<'_>,
        into: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(connection) = self.connection(id) else { return Poll::Ready(Err(died())) };
        let direction = &mut connection.directions[side.other() as usize];
        let end = &mut connection.ends[side as usize];
        if direction.unread() > 0 {
            direction.read(into);
            if direction.blocked.is_some() {
                self.announce_room(ground, ip, id, side.other());
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

    pub(in crate::world) fn poll_write(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
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
        if direction.blocked.is_some() || direction.room() == 0 {
            remember(&mut end.writer, context);
            self.block_writer(ground, id, side);
            return Poll::Pending;
        }
        let len = direction.accept(bytes);
        if ground.record.is_recording() {
            let Way { from, to } = connection.way(side);
            ground.record.wrote(ground.clock.now_ns(), id.stream(side), (from, to), &bytes[..len]);
        }
        self.send_segment(ground, ip, id, side, len, false);
        Poll::Ready(Ok(len))
    }

    /// Ends what this side sends; reading goes on. As in tokio, a dead connection is no error.
    pub(in crate::world) fn shutdown_write(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        id: ConnectionId,
        side: Side,
    ) {
        let Some(connection) = self.connection(id) else { return };
        let open = connection.end(side).state == EndState::Open;
        let direction = connection.direction(side);
        if open && !direction.fin_sent {
            direction.fin_sent = true;
            self.send_segment(ground, ip, id, side, 0, true);
        }
    }

    /// The application lets go of its end, or dies: unread data is answered by RST, everything else by FIN.
    pub(in crate::world) fn close(&mut self, ground: &mut Ground, ip: &mut Ip, id: ConnectionId, side: Side) {
        let Some(connection) = self.connection(id) else { return };
        let unread = connection.direction(side.other()).unread() > 0;
        let end = connection.end(side);
        if !end.held {
            return;
        }
        match end.state {
            EndState::Open if unread => return self.abort(ground, ip, ground.clock.now_ns(), id, side),
            EndState::Open => {
                end.let_go();
                self.shutdown_write(ground, ip, id, side);
            }
            EndState::Connecting | EndState::HalfOpen { .. } | EndState::Gone => {
                end.let_go();
                end.state = EndState::Gone;
            }
        }
        self.forget_if_unheld(id);
    }

    /// Nobody holds this end any more, and its peer is told by RST.
    fn abort(&mut self, ground: &mut Ground, ip: &mut Ip, at: u64, id: ConnectionId, side: Side) {
        self.send_packet(ground, ip, at, id, side, PacketKind::Rst);
        let connection = &mut self.connections[id.slot as usize];
        connection.end(side).let_go();
        connection.give_up(side);
        self.forget_if_unheld(id);
    }

    fn reset_arrives(&mut self, ground: &mut Ground, at: u64, id: ConnectionId, side: Side) {
        let connection = &mut self.connections[id.slot as usize];
        let way = connection.way(side);
        let stream_ended = connection.direction(side.other()).fin_arrived;
        let end = connection.end(side);
        let (error, what) = match end.state {
            EndState::Gone => return,
            EndState::Connecting => (io::ErrorKind::ConnectionRefused, "refused"),
            EndState::HalfOpen { .. } => {
                end.held = false;
                (io::ErrorKind::ConnectionReset, "reset")
            }
            // Linux: an end that has seen FIN knows that nobody listens any more.
            EndState::Open if stream_ended => (io::ErrorKind::BrokenPipe, "reset"),
            EndState::Open => (io::ErrorKind::ConnectionReset, "reset"),
        };
        connection.fail(side, error);
        observe(ground, at, way, what);
        self.forget_if_unheld(id);
    }

    /// Nobody can observe a connection without holders.
    fn forget_if_unheld(&mut self, id: ConnectionId) {
        let unheld =
            self.connection(id).is_some_and(|connection| connection.ends.iter().all(|end| !end.held));
        if unheld {
            self.connections.remove(id.slot as usize);
        }
    }

    /// Every connection that ends on this host loses that end.
    pub(in crate::world::net) fn drop_connections_of(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        host: MachineId,
        power_lost: bool,
    ) {
        let lost: Vec<(ConnectionId, Side)> = self
            .ends()
            .filter(|(connection, (_, side))| connection.way(*side).from == host)
            .map(|(_, end)| end)
            .collect();
        for (id, side) in lost {
            if !power_lost {
                self.close(ground, ip, id, side);
            } else if let Some(connection) = self.connection(id) {
                connection.give_up(side);
                connection.end(side).let_go();
                self.forget_if_unheld(id);
            }
        }
    }
}

/// Something happened to a connection, as the machine at the beginning of `way` sees it.
fn observe(ground: &mut Ground, at: u64, way: Way, what: &'static str) {
    ground.record.event(Observed::Connection, at, way.word(), what.len() as u64);
    ground.record.bytes(what.as_bytes());
    ground.record.keep(at, || Happening::Connection { from: way.from, to: way.to, what });
}

/// The kernel of this machine is gone, and with it the socket.
fn died() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}
