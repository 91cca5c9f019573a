//! Listening sockets and their backlogs.

use super::tcp::{ConnectionId, Side};
use super::{HostId, World};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll, Waker};

/// Connections that are established and not yet accepted; tokio asks the kernel for as many.
const BACKLOG: usize = 1024;

/// Where Linux's ephemeral ports begin.
pub(crate) const EPHEMERAL: u16 = 32768;

pub(crate) struct Listener {
    backlog: VecDeque<ConnectionId>,
    waker: Option<Waker>,
    /// Tells a listener from a later one on the same port.
    generation: u32,
}

impl Listener {
    pub(crate) fn has_room(&self) -> bool {
        self.backlog.len() < BACKLOG
    }

    pub(crate) fn established(&mut self, connection: ConnectionId) {
        self.backlog.push_back(connection);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl World {
    /// Binds a listening socket; port 0 picks a free one. Returns its address and generation.
    pub(crate) fn listen(&mut self, host: HostId, address: SocketAddr) -> io::Result<(SocketAddr, u32)> {
        let ip = if address.ip().is_unspecified() { self.hosts[host].ip } else { address.ip() };
        if ip != self.hosts[host].ip && !ip.is_loopback() {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        let port = if address.port() == 0 { self.ephemeral_port(host) } else { address.port() };
        if self.listeners.contains_key(&(host, port)) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        self.generations += 1;
        let generation = self.generations;
        self.listeners.insert((host, port), Listener { backlog: VecDeque::new(), waker: None, generation });
        Ok((SocketAddr::new(ip, port), generation))
    }

    pub(crate) fn poll_accept(
        &mut self,
        host: HostId,
        port: u16,
        generation: u32,
        context: &Context<'_>,
    ) -> Poll<io::Result<ConnectionId>> {
        let listener = self.listeners.get_mut(&(host, port)).filter(|listener| listener.generation == generation);
        let Some(listener) = listener else { return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())) };
        if let Some(connection) = listener.backlog.pop_front() {
            return Poll::Ready(Ok(connection));
        }
        listener.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// Closes a listening socket; who waits in its backlog is reset or sees the end of the stream.
    pub(crate) fn close_listener(&mut self, host: HostId, port: u16, generation: u32) {
        if self.listeners.get(&(host, port)).is_some_and(|listener| listener.generation == generation) {
            let listener = self.listeners.remove(&(host, port)).expect("just seen");
            for connection in listener.backlog {
                self.close(connection, Side::Acceptor);
            }
        }
    }

    /// Every listening socket of a host is gone.
    pub(crate) fn drop_listeners_of(&mut self, host: HostId) {
        self.listeners.retain(|(owner, _), _| *owner != host);
    }

    /// A local port that no listener of the host uses.
    pub(crate) fn ephemeral_port(&mut self, host: HostId) -> u16 {
        loop {
            let port = self.hosts[host].next_port;
            self.hosts[host].next_port = port.checked_add(1).unwrap_or(EPHEMERAL);
            if !self.listeners.contains_key(&(host, port)) {
                return port;
            }
        }
    }

    /// The host that an address belongs to, as one host sees it.
    pub(crate) fn host_at(&self, ip: IpAddr, seen_from: HostId) -> Option<HostId> {
        if ip.is_loopback() || ip.is_unspecified() {
            return Some(seen_from);
        }
        self.hosts.iter().position(|host| host.ip == ip)
    }
}
