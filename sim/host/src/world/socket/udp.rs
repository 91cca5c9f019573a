//! UDP.

use super::ToSocketAddrs;
use super::name::{first_that_works, no_address};
use crate::world::net::SocketId;
use crate::world::{try_with, with};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use tokio::io::ReadBuf;

/// A UDP socket of the machine that bound it.
///
/// Sending never waits; a datagram that finds the queue of its link full is lost. Every receive is cancel-safe, and any
/// number of tasks may wait in one.
#[derive(Debug)]
pub struct UdpSocket {
    id: SocketId,
}

impl UdpSocket {
    /// Binds a socket; port 0 picks a free port.
    ///
    /// # Errors
    ///
    /// `AddrInUse` when the port is taken, `AddrNotAvailable` when the address is not this machine's.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let addresses = address.resolve()?;
        with(|world| {
            let host = world.current_host().ok_or(io::ErrorKind::Unsupported)?;
            Ok(UdpSocket {
                id: first_that_works(addresses, |address| {
                    world.udp(|udp, _, ip| udp.bind(ip, host, address))
                })?,
            })
        })
    }

    /// Talks to one address alone from now on: it receives from there, and `send` sends there.
    ///
    /// # Errors
    ///
    /// `NetworkUnreachable` for an address that no machine has, `NotFound` for an unknown name.
    pub async fn connect(&self, address: impl ToSocketAddrs) -> io::Result<()> {
        let addresses = address.resolve()?;
        with(|world| {
            first_that_works(addresses, |address| {
                world.udp(|udp, ground, ip| udp.connect(ground, ip, self.id, address))
            })
        })
    }

    /// Sends a datagram to an address, which may be another than the one that the socket is connected to.
    ///
    /// # Errors
    ///
    /// `NetworkUnreachable` for an address that no machine has, `EMSGSIZE` for more than 65,507 bytes,
    /// `ConnectionRefused` when an earlier datagram of a connected socket found nobody; then nothing is sent.
    pub async fn send_to(&self, bytes: &[u8], address: impl ToSocketAddrs) -> io::Result<usize> {
        let address = address.resolve()?.next().ok_or_else(no_address)?;
        self.try_send_to(bytes, address)
    }

    /// Sends a datagram to the peer of a connected socket.
    ///
    /// # Errors
    ///
    /// `EDESTADDRREQ` for a socket that is not connected; otherwise as [`UdpSocket::send_to`].
    pub async fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_send(bytes)
    }

    /// Receives a datagram: how much of it fits into the buffer, and who sent it. The rest of it is lost.
    ///
    /// # Errors
    ///
    /// `ConnectionRefused` when a datagram of a connected socket found nobody, `ConnectionAborted` when the machine has
    /// died.
    pub async fn recv_from(&self, into: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        poll_fn(|context| {
            with(|world| world.udp(|udp, _, _| udp.poll_receive(self.id, context, into, false)))
        })
        .await
    }

    /// Receives a datagram. As [`UdpSocket::recv_from`], without the sender.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::recv_from`].
    pub async fn recv(&self, into: &mut [u8]) -> io::Result<usize> {
        Ok(self.recv_from(into).await?.0)
    }

    /// As [`UdpSocket::recv_from`], and the datagram stays.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::recv_from`].
    pub async fn peek_from(&self, into: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        poll_fn(|context| with(|world| world.udp(|udp, _, _| udp.poll_receive(self.id, context, into, true))))
            .await
    }

    /// Waits until there is a datagram to receive. As with tokio on Linux, a refusal does not end the wait.
    ///
    /// # Errors
    ///
    /// `ConnectionAborted` when the machine has died.
    pub async fn readable(&self) -> io::Result<()> {
        poll_fn(|context| with(|world| world.udp(|udp, _, _| udp.poll_readable(self.id, context)))).await
    }

    /// Waits until a datagram can be sent: not at all.
    ///
    /// # Errors
    ///
    /// Never; tokio's may.
    pub async fn writable(&self) -> io::Result<()> {
        Ok(())
    }

    /// Sends a datagram to an address. As [`UdpSocket::send_to`].
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::send_to`].
    pub fn try_send_to(&self, bytes: &[u8], address: SocketAddr) -> io::Result<usize> {
        self.send_out(Some(address), bytes)
    }

    /// Sends a datagram to the peer of a connected socket. As [`UdpSocket::send`].
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::send`].
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.send_out(None, bytes)
    }

    /// Receives a datagram that is there already.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is none; otherwise as [`UdpSocket::recv_from`].
    pub fn try_recv_from(&self, into: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        with(|world| world.udp(|udp, _, _| udp.try_receive(self.id, into, false)))
    }

    /// Receives a datagram that is there already. As [`UdpSocket::try_recv_from`], without the sender.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::try_recv_from`].
    pub fn try_recv(&self, into: &mut [u8]) -> io::Result<usize> {
        Ok(self.try_recv_from(into)?.0)
    }

    /// Receives a datagram into the unfilled part of a buffer. For futures written by hand.
    pub fn poll_recv_from(
        &self,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<SocketAddr>> {
        let unfilled = into.initialize_unfilled();
        let received =
            with(|world| world.udp(|udp, _, _| udp.poll_receive(self.id, context, unfilled, false)));
        received.map_ok(|(len, from)| {
            into.advance(len);
            from
        })
    }

    /// As [`UdpSocket::poll_recv_from`], without the sender.
    pub fn poll_recv(&self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_recv_from(context, into).map_ok(|_| ())
    }

    /// Sends a datagram to an address. As [`UdpSocket::send_to`]; never pending.
    pub fn poll_send_to(
        &self,
        _context: &mut Context<'_>,
        bytes: &[u8],
        address: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.try_send_to(bytes, address))
    }

    /// Sends a datagram to the peer of a connected socket. As [`UdpSocket::send`]; never pending.
    pub fn poll_send(&self, _context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.try_send(bytes))
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    ///
    /// `ConnectionAborted` when the machine has died.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        with(|world| world.udp(|udp, _, _| udp.local_address(self.id)))
    }

    /// The address that it is connected to.
    ///
    /// # Errors
    ///
    /// `NotConnected` when it is not.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        with(|world| world.udp(|udp, _, _| udp.peer_address(self.id)))
    }
}

impl UdpSocket {
    fn send_out(&self, to: Option<SocketAddr>, bytes: &[u8]) -> io::Result<usize> {
        with(|world| {
            world.judge_load();
            world.udp(|udp, ground, ip| udp.send(ground, ip, self.id, to, bytes))
        })
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        try_with(|world| world.udp(|udp, _, _| udp.close(self.id)));
    }
}
