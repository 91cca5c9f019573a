//! Listening sockets, their backlogs, and local ports.

use super::tcp::{ConnectionId, Side};
use super::{MachineId, World};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::task::{Context, Poll, Waker};

/// Connections that are established and not yet accepted; tokio asks the kernel for as many.
const BACKLOG: usize = 1024;

/// Where Linux's ephemeral ports begin.
pub(crate) const EPHEMERAL: u16 = 32768;

/// What a listening socket is bound to: a port of one address of a machine, or of all (`None`).
pub(crate) type Binding = (MachineId, u16, Option<IpAddr>);

/// A listening socket, told from a later one on the same port.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListenerId {
    pub(crate) host: MachineId,
    pub(crate) address: SocketAddr,
    generation: u32,
}

impl ListenerId {
    fn binding(&self) -> Binding {
        binding(self.host, self.address)
    }
}

pub(super) fn binding(host: MachineId, address: SocketAddr) -> Binding {
    (host, address.port(), Some(address.ip()).filter(|ip| !ip.is_unspecified()))
}

/// Every binding of a port.
pub(super) fn bindings(host: MachineId, port: u16) -> RangeInclusive<Binding> {
    // `None` is the least address, and 255.255… of version 6 the greatest.
    (host, port, None)..=(host, port, Some([u16::MAX; 8].into()))
}

/// Whether a socket with this binding and one bound to `ip`, both on one port, would receive the same packets.
pub(super) fn overlaps((_, _, bound): &Binding, ip: IpAddr) -> bool {
    bound.is_none_or(|bound| ip.is_unspecified() || bound == ip)
}

pub(crate) struct Listener {
    backlog: VecDeque<ConnectionId>,
    /// Who waits in `accept`: all are woken, the first to come is served.
    accepting: Vec<Waker>,
    generation: u32,
}

impl Listener {
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    pub(super) fn has_room(&self) -> bool {
        self.backlog.len() < BACKLOG
    }

    pub(super) fn established(&mut self, connection: ConnectionId) {
        self.backlog.push_back(connection);
        self.accepting.drain(..).for_each(Waker::wake);
    }
}

impl World {
    /// Binds a listening socket; port 0 picks a free one.
    pub(crate) fn listen(&mut self, host: MachineId, address: SocketAddr) -> io::Result<ListenerId> {
        let ip = address.ip();
        self.must_hold(host, ip)?;
        let port = if address.port() == 0 { self.ephemeral_port(host)? } else { address.port() };
        let address = SocketAddr::new(ip, port);
        if self.listeners_on(host, port).any(|(bound, _)| overlaps(bound, ip)) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        self.generations += 1;
        let id = ListenerId { host, address, generation: self.generations };
        let listener =
            Listener { backlog: VecDeque::new(), accepting: Vec::new(), generation: id.generation };
        self.listeners.insert(id.binding(), listener);
        Ok(id)
    }

    /// Sockets are bound to addresses that their machine holds, or to all of them.
    pub(super) fn must_hold(&self, host: MachineId, ip: IpAddr) -> io::Result<()> {
        if ip.is_unspecified() || self.holds(host, ip) {
            Ok(())
        } else {
            Err(io::ErrorKind::AddrNotAvailable.into())
        }
    }

    pub(crate) fn poll_accept(
        &mut self,
        id: ListenerId,
        context: &Context<'_>,
    ) -> Poll<io::Result<ConnectionId>> {
        let Some(listener) = self.listener(id) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        };
        if let Some(connection) = listener.backlog.pop_front() {
            return Poll::Ready(Ok(connection));
        }
        if !listener.accepting.iter().any(|waker| waker.will_wake(context.waker())) {
            listener.accepting.push(context.waker().clone());
        }
        Poll::Pending
    }

    /// Closes a listening socket; who waits in its backlog is reset.
    pub(crate) fn close_listener(&mut self, id: ListenerId) {
        if self.listener(id).is_none() {
            return;
        }
        let listener = self.listeners.remove(&id.binding()).expect("just seen");
        for connection in listener.backlog {
            self.abort(self.now_ns(), connection, Side::Acceptor);
        }
    }

    /// Every listening socket of a host closes; when the power fails, without a word.
    pub(super) fn drop_listeners_of(&mut self, host: MachineId, power_lost: bool) {
        let bindings: Vec<Binding> =
            self.listeners.keys().filter(|(owner, ..)| *owner == host).copied().collect();
        for binding in bindings {
            let listener = self.listeners.remove(&binding).expect("just seen");
            if !power_lost {
                for connection in listener.backlog {
                    self.abort(self.now_ns(), connection, Side::Acceptor);
                }
            }
        }
    }

    fn listener(&mut self, id: ListenerId) -> Option<&mut Listener> {
        self.listeners.get_mut(&id.binding()).filter(|listener| listener.generation == id.generation)
    }

    /// The listener that a connection to this address of a host reaches.
    pub(super) fn listener_for(&mut self, host: MachineId, address: SocketAddr) -> Option<&mut Listener> {
        let exact = binding(host, address);
        let binding = if self.listeners.contains_key(&exact) { exact } else { (host, address.port(), None) };
        self.listeners.get_mut(&binding)
    }

    fn listeners_on(&self, host: MachineId, port: u16) -> impl Iterator<Item = (&Binding, &Listener)> {
        self.listeners.range(bindings(host, port))
    }

    /// A local port that no listener of the host uses.
    pub(crate) fn ephemeral_port(&mut self, host: MachineId) -> io::Result<u16> {
        self.free_port(host, |world, port| world.listeners_on(host, port).next().is_some())
    }

    /// The next local port of the host that is not taken.
    pub(super) fn free_port(
        &mut self,
        host: MachineId,
        taken: impl Fn(&World, u16) -> bool,
    ) -> io::Result<u16> {
        for _ in EPHEMERAL..=u16::MAX {
            let port = self.hosts[host.index()].next_port;
            self.hosts[host.index()].next_port = port.checked_add(1).unwrap_or(EPHEMERAL);
            if !taken(self, port) {
                return Ok(port);
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }
}
