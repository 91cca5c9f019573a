//! UDP sockets: what they are bound to, whom they talk to, and what waits in their buffers.
//!
//! As on Linux: the receive buffer counts each datagram with the kernel's bookkeeping, and what finds no room is lost.
//! A connected socket receives from its peer alone, and learns by `ConnectionRefused`, once, from its next call, that
//! a datagram found nobody there. Sending never waits.

mod datagram;

pub(super) use datagram::DatagramId;

use super::Ip;
use super::port::Binding;
use crate::world::{Ground, MachineId};
use datagram::Datagrams;
use slab::Slab;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};

/// Linux's `net.core.rmem_default`, in bytes.
const RECEIVE_BUFFER: usize = 212_992;

/// What Linux counts for a datagram besides its bytes.
const BOOKKEEPING: usize = 704;

/// The longest payload of a datagram, in bytes.
const LONGEST: usize = 65_507;

/// Linux's numbers of errors that `io::ErrorKind` does not have.
const EINVAL: i32 = 22;
const EDESTADDRREQ: i32 = 89;
const EMSGSIZE: i32 = 90;

/// All sockets for datagrams, and all datagrams.
#[derive(Default)]
pub(in crate::world) struct Udp {
    sockets: Slab<Socket>,
    bound: BTreeMap<Binding, u32>,
    datagrams: Datagrams,
    /// Tells a socket from earlier ones in the same place.
    generations: u32,
}

/// A socket's slot and the generation of its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::world) struct SocketId {
    slot: u32,
    generation: u32,
}

struct Socket {
    host: MachineId,
    /// Where it is bound. Connecting one that is bound to all addresses picks one.
    address: SocketAddr,
    binding: Binding,
    peer: Option<SocketAddr>,
    unread: VecDeque<DatagramId>,
    /// What the unread datagrams take of the receive buffer, in bytes.
    buffered: usize,
    /// What the next call is told, once.
    error: Option<io::ErrorKind>,
    /// Who waits for a datagram: all are woken, the first to come is served.
    readers: Vec<Waker>,
    generation: u32,
}

impl Socket {
    fn has_room_for(&self, len: usize) -> bool {
        self.buffered + len + BOOKKEEPING <= RECEIVE_BUFFER
    }

    /// A datagram of so many bytes has arrived.
    fn take(&mut self, datagram: DatagramId, len: usize) {
        self.buffered += len + BOOKKEEPING;
        self.unread.push_back(datagram);
        self.readers.drain(..).for_each(Waker::wake);
    }

    fn wait<T>(&mut self, context: &Context<'_>) -> Poll<T> {
        if !self.readers.iter().any(|reader| reader.will_wake(context.waker())) {
            self.readers.push(context.waker().clone());
        }
        Poll::Pending
    }

    /// What the next call is told.
    fn check(&mut self) -> io::Result<()> {
        self.error.take().map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Fails for a socket whose machine has died.
fn find(sockets: &mut Slab<Socket>, id: SocketId) -> io::Result<&mut Socket> {
    let socket = sockets.get_mut(id.slot as usize);
    socket
        .filter(|socket| socket.generation == id.generation)
        .ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
}

impl Udp {
    /// Binds a socket; port 0 picks a free one.
    pub(in crate::world) fn bind(
        &mut self,
        ip: &mut Ip,
        host: MachineId,
        address: SocketAddr,
    ) -> io::Result<SocketId> {
        ip.addresses.must_hold(host, address.ip())?;
        let port = match address.port() {
            0 => ip.ports.next(host, |port| self.bound.range(Binding::all(host, port)).next().is_some())?,
            port => port,
        };
        if self.bound.range(Binding::all(host, port)).any(|(bound, _)| bound.overlaps(address.ip())) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        self.generations += 1;
        let address = SocketAddr::new(address.ip(), port);
        let binding = Binding::new(host, address);
        let slot = self.sockets.insert(Socket {
            host,
            address,
            binding,
            peer: None,
            unread: VecDeque::new(),
            buffered: 0,
            error: None,
            readers: Vec::new(),
            generation: self.generations,
        });
        let id = SocketId { slot: slot as u32, generation: self.generations };
        self.bound.insert(binding, id.slot);
        Ok(id)
    }

    fn socket(&mut self, id: SocketId) -> io::Result<&mut Socket> {
        find(&mut self.sockets, id)
    }

    pub(in crate::world) fn connect(
        &mut self,
        ground: &Ground,
        ip: &mut Ip,
        id: SocketId,
        peer: SocketAddr,
    ) -> io::Result<()> {
        let host = self.socket(id)?.host;
        let route = ip.route(ground, host, peer)?;
        let own = ip.addresses.own(host);
        let socket = self.socket(id)?;
        if socket.address.ip().is_unspecified() {
            socket.address.set_ip(route.as_ref().map_or(own, |route| route.local));
        }
        socket.peer = Some(route.map_or(peer, |route| route.remote));
        Ok(())
    }

    pub(in crate::world) fn local_address(&mut self, id: SocketId) -> io::Result<SocketAddr> {
        Ok(self.socket(id)?.address)
    }

    pub(in crate::world) fn peer_address(&mut self, id: SocketId) -> io::Result<SocketAddr> {
        self.socket(id)?.peer.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Sends a datagram, to the peer of a connected socket where no address is given.
    pub(in crate::world) fn send(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        id: SocketId,
        to: Option<SocketAddr>,
        bytes: &[u8],
    ) -> io::Result<usize> {
        let socket = self.socket(id)?;
        let Some(to) = to.or(socket.peer) else { return Err(io::Error::from_raw_os_error(EDESTADDRREQ)) };
        if to.port() == 0 {
            return Err(io::Error::from_raw_os_error(EINVAL));
        }
        if bytes.len() > LONGEST {
            return Err(io::Error::from_raw_os_error(EMSGSIZE));
        }
        socket.check()?;
        let (host, from) = (socket.host, socket.address);
        // While nobody answers for a virtual address, what is sent to it is lost.
        let Some(route) = ip.route(ground, host, to)? else { return Ok(bytes.len()) };
        // What the route begins with is the machine's own.
        let source = if from.ip().is_unspecified() { route.local } else { from.ip() };
        let is_own = source == route.local || ip.addresses.holds(host, source);
        if !is_own || source.is_loopback() && route.host != host {
            return Err(io::Error::from_raw_os_error(EINVAL));
        }
        self.send_datagram(
            ground,
            ip,
            (host, SocketAddr::new(source, from.port())),
            (route.host, route.remote),
            bytes,
        );
        Ok(bytes.len())
    }

    /// The next datagram: how much of it fits, and who sent it. What does not fit is lost, unless it only peeks.
    pub(in crate::world) fn try_receive(
        &mut self,
        id: SocketId,
        into: &mut [u8],
        peek: bool,
    ) -> io::Result<(usize, SocketAddr)> {
        let socket = find(&mut self.sockets, id)?;
        socket.check()?;
        let Some(first) = socket.unread.front().copied() else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let datagram = self.datagrams.get(first);
        let (whole, from) = (datagram.bytes.len(), datagram.from.1);
        let len = whole.min(into.len());
        into[..len].copy_from_slice(&datagram.bytes[..len]);
        if !peek {
            self.datagrams.free(first);
            socket.unread.pop_front();
            socket.buffered -= whole + BOOKKEEPING;
        }
        Ok((len, from))
    }

    pub(in crate::world) fn poll_receive(
        &mut self,
        id: SocketId,
        context: &Context<'_>,
        into: &mut [u8],
        peek: bool,
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        match self.try_receive(id, into, peek) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.sockets[id.slot as usize].wait(context)
            }
            outcome => Poll::Ready(outcome),
        }
    }

    /// Whether there is a datagram to receive. An error is none, as on Linux.
    pub(in crate::world) fn poll_readable(
        &mut self,
        id: SocketId,
        context: &Context<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = self.socket(id)?;
        if socket.unread.is_empty() { socket.wait(context) } else { Poll::Ready(Ok(())) }
    }

    /// The socket at an address of a machine that takes what comes from there.
    fn socket_for(&self, (host, to): (MachineId, SocketAddr), from: SocketAddr) -> Option<u32> {
        let binding = Binding::new(host, to);
        let exact = self.bound.get(&binding);
        let slot = *exact.or_else(|| self.bound.get(&binding.of_all_addresses()))?;
        self.sockets[slot as usize].peer.is_none_or(|peer| peer == from).then_some(slot)
    }

    /// A datagram of this socket found nobody. Only a connected one is told.
    fn refuse(&mut self, slot: u32) {
        let socket = &mut self.sockets[slot as usize];
        if socket.peer.is_some() {
            socket.error = Some(io::ErrorKind::ConnectionRefused);
            socket.readers.drain(..).for_each(Waker::wake);
        }
    }

    pub(in crate::world) fn close(&mut self, id: SocketId) {
        if self.socket(id).is_ok() {
            let socket = self.sockets.remove(id.slot as usize);
            self.bound.remove(&socket.binding);
            socket.unread.iter().for_each(|datagram| self.datagrams.free(*datagram));
        }
    }

    /// Every socket of a machine closes. What it has sent travels on.
    pub(in crate::world::net) fn drop_sockets_of(&mut self, host: MachineId) {
        let ids: Vec<SocketId> = self
            .sockets
            .iter()
            .filter(|(_, socket)| socket.host == host)
            .map(|(slot, socket)| SocketId { slot: slot as u32, generation: socket.generation })
            .collect();
        ids.into_iter().for_each(|id| self.close(id));
    }
}
