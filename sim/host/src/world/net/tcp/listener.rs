//! Listening sockets and their backlogs.

use super::{ConnectionId, Side, Tcp};
use crate::world::net::Ip;
use crate::world::net::port::Binding;
use crate::world::{Ground, MachineId};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};

/// Connections that are established and not yet accepted; tokio asks the kernel for as many.
const BACKLOG: usize = 1024;

/// A listening socket, told from a later one on the same port.
#[derive(Debug, Clone, Copy)]
pub(in crate::world) struct ListenerId {
    pub(in crate::world) host: MachineId,
    pub(in crate::world) address: SocketAddr,
    generation: u32,
}

impl ListenerId {
    fn binding(&self) -> Binding {
        Binding::new(self.host, self.address)
    }
}

pub(super) struct Listener {
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

impl Tcp {
    /// Binds a listening socket; port 0 picks a free one.
    pub(in crate::world) fn listen(
        &mut self,
        ip: &mut Ip,
        host: MachineId,
        address: SocketAddr,
    ) -> io::Result<ListenerId> {
        ip.addresses.must_hold(host, address.ip())?;
        let port = if address.port() == 0 { self.ephemeral_port(ip, host)? } else { address.port() };
        let address = SocketAddr::new(address.ip(), port);
        if self.listeners_on(host, port).any(|(bound, _)| bound.overlaps(address.ip())) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        self.generations += 1;
        let id = ListenerId { host, address, generation: self.generations };
        let listener =
            Listener { backlog: VecDeque::new(), accepting: Vec::new(), generation: id.generation };
        self.listeners.insert(id.binding(), listener);
        Ok(id)
    }

    pub(in crate::world) fn poll_accept(
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
    pub(in crate::world) fn close_listener(&mut self, ground: &mut Ground, ip: &mut Ip, id: ListenerId) {
        if self.listener(id).is_none() {
            return;
        }
        let listener = self.listeners.remove(&id.binding()).expect("just seen");
        for connection in listener.backlog {
            self.abort(ground, ip, ground.clock.now_ns(), connection, Side::Acceptor);
        }
    }

    /// Every listening socket of a host closes; when the power fails, without a word.
    pub(in crate::world::net) fn drop_listeners_of(
        &mut self,
        ground: &mut Ground,
        ip: &mut Ip,
        host: MachineId,
        power_lost: bool,
    ) {
        let bindings: Vec<Binding> =
            self.listeners.keys().filter(|binding| binding.host() == host).copied().collect();
        for binding in bindings {
            let listener = self.listeners.remove(&binding).expect("just seen");
            if !power_lost {
                for connection in listener.backlog {
                    self.abort(ground, ip, ground.clock.now_ns(), connection, Side::Acceptor);
                }
            }
        }
    }

    fn listener(&mut self, id: ListenerId) -> Option<&mut Listener> {
        self.listeners.get_mut(&id.binding()).filter(|listener| listener.generation == id.generation)
    }

    /// The listener that a connection to this address of a host reaches.
    pub(super) fn listener_for(&mut self, host: MachineId, address: SocketAddr) -> Option<&mut Listener> {
        let exact = Binding::new(host, address);
        let binding = if self.listeners.contains_key(&exact) { exact } else { exact.of_all_addresses() };
        self.listeners.get_mut(&binding)
    }

    fn listeners_on(&self, host: MachineId, port: u16) -> impl Iterator<Item = (&Binding, &Listener)> {
        self.listeners.range(Binding::all(host, port))
    }

    /// A local port that no listener of the host uses.
    pub(in crate::world) fn ephemeral_port(&self, ip: &mut Ip, host: MachineId) -> io::Result<u16> {
        ip.ports.next(host, |port| self.listeners_on(host, port).next().is_some())
    }
}
