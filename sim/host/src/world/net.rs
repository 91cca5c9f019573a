//! The sockets that node code holds: thin handles on the world's connections.
//!
//! Every method finds the world of the run through the thread; a handle is a few integers. Dropping a handle closes
//! its socket, also when the node that held it has been killed.

use super::tcp::{ConnectionId, Side};
use super::{HostId, with};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What names an address: socket addresses, pairs of address and port, and host names of the simulated cluster.
pub trait ToSocketAddrs {
    /// The address it stands for.
    ///
    /// # Errors
    ///
    /// `NotFound` for a name that no machine has, `InvalidInput` for text that is no address.
    fn resolve(&self) -> io::Result<SocketAddr>;
}

impl ToSocketAddrs for SocketAddr {
    fn resolve(&self) -> io::Result<SocketAddr> {
        Ok(*self)
    }
}

impl ToSocketAddrs for (IpAddr, u16) {
    fn resolve(&self) -> io::Result<SocketAddr> {
        Ok((*self).into())
    }
}

impl ToSocketAddrs for (&str, u16) {
    fn resolve(&self) -> io::Result<SocketAddr> {
        let ip = match self.0.parse() {
            Ok(ip) => ip,
            Err(_) => with(|world| world.host_named(self.0).map(|host| world.ip(host)))
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no machine is named {:?}", self.0)))?,
        };
        Ok(SocketAddr::new(ip, self.1))
    }
}

impl ToSocketAddrs for str {
    fn resolve(&self) -> io::Result<SocketAddr> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, format!("{self:?} is not host:port"));
        let (host, port) = self.rsplit_once(':').ok_or_else(invalid)?;
        (host.trim_matches(['[', ']']), port.parse().map_err(|_| invalid())?).resolve()
    }
}

impl ToSocketAddrs for String {
    fn resolve(&self) -> io::Result<SocketAddr> {
        self.as_str().resolve()
    }
}

impl<A: ToSocketAddrs + ?Sized> ToSocketAddrs for &A {
    fn resolve(&self) -> io::Result<SocketAddr> {
        (*self).resolve()
    }
}

/// A listening socket of the machine that bound it.
#[derive(Debug)]
pub struct TcpListener {
    host: HostId,
    address: SocketAddr,
    generation: u32,
}

impl TcpListener {
    /// Binds a socket and listens; port 0 picks a free port.
    ///
    /// # Errors
    ///
    /// `AddrInUse` when the port is taken, `AddrNotAvailable` when the address is not this machine's.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
        let address = address.resolve()?;
        with(|world| {
            let host = world.current_host().ok_or(io::ErrorKind::Unsupported)?;
            let (address, generation) = world.listen(host, address)?;
            Ok(TcpListener { host, address, generation })
        })
    }

    /// The next connection, and who dialled it. Cancel-safe.
    ///
    /// # Errors
    ///
    /// `ConnectionAborted` when the machine has died.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let id = poll_fn(|context| {
            with(|world| world.poll_accept(self.host, self.address.port(), self.generation, context))
        })
        .await?;
        let stream = TcpStream { end: End { id, side: Side::Acceptor } };
        let peer = stream.peer_addr()?;
        Ok((stream, peer))
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// Never; tokio's may.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        super::try_with(|world| world.close_listener(self.host, self.address.port(), self.generation));
    }
}

/// One end of a connection; closes it when dropped.
#[derive(Debug)]
struct End {
    id: ConnectionId,
    side: Side,
}

impl Drop for End {
    fn drop(&mut self) {
        super::try_with(|world| world.close(self.id, self.side));
    }
}

impl End {
    fn poll_read(&self, context: &Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        with(|world| world.poll_read(self.id, self.side, context, into))
    }

    fn poll_write(&self, context: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        with(|world| world.poll_write(self.id, self.side, context, bytes))
    }

    fn shutdown(&self) -> io::Result<()> {
        with(|world| world.shutdown_write(self.id, self.side))
    }
}

/// One end of a TCP connection.
#[derive(Debug)]
pub struct TcpStream {
    end: End,
}

impl TcpStream {
    /// Connects.
    ///
    /// # Errors
    ///
    /// `ConnectionRefused` when nobody listens there (after a round trip), `TimedOut` when no answer comes (after two
    /// minutes), `NetworkUnreachable` for an address that no machine has, `NotFound` for an unknown name.
    pub async fn connect(address: impl ToSocketAddrs) -> io::Result<TcpStream> {
        let address = address.resolve()?;
        let stream = with(|world| {
            let host = world.current_host().ok_or(io::ErrorKind::Unsupported)?;
            let to = world.host_at(address.ip(), host).ok_or(io::ErrorKind::NetworkUnreachable)?;
            let local = if to == host { address.ip() } else { world.ip(host) };
            let local = SocketAddr::new(local, world.ephemeral_port(host));
            let id = world.dial((host, local), (to, address));
            Ok::<_, io::Error>(TcpStream { end: End { id, side: Side::Dialler } })
        })?;
        poll_fn(|context| with(|world| world.poll_connected(stream.end.id, context))).await?;
        Ok(stream)
    }

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// `ConnectionAborted` when this machine has died.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        with(|world| world.addresses(self.end.id, self.end.side)).map(|(_, peer)| peer)
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// `ConnectionAborted` when this machine has died.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        with(|world| world.addresses(self.end.id, self.end.side)).map(|(local, _)| local)
    }

    /// Accepted for tokio's sake: every write leaves at once here.
    ///
    /// # Errors
    ///
    /// Never; tokio's may.
    pub fn set_nodelay(&self, _nodelay: bool) -> io::Result<()> {
        Ok(())
    }

    /// Two halves that can live in different tasks. Dropping the write half ends the stream, as in tokio.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        let end = Arc::new(self.end);
        (OwnedReadHalf { end: end.clone() }, OwnedWriteHalf { end })
    }
}

/// The reading half of a [`TcpStream`].
#[derive(Debug)]
pub struct OwnedReadHalf {
    end: Arc<End>,
}

/// The writing half of a [`TcpStream`]; dropping it ends the stream.
#[derive(Debug)]
pub struct OwnedWriteHalf {
    end: Arc<End>,
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        super::try_with(|world| {
            // The connection may have failed before; there is nothing left to end then.
            let _ = world.shutdown_write(self.end.id, self.end.side);
        });
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.end.poll_read(context, into)
    }
}

impl AsyncRead for OwnedReadHalf {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.end.poll_read(context, into)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.end.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.end.shutdown())
    }
}

impl AsyncWrite for OwnedWriteHalf {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.end.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.end.shutdown())
    }
}
