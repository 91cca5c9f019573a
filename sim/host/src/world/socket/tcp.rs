//! TCP: listeners, streams and their halves.

use super::ToSocketAddrs;
use super::name::{first_that_works, no_address};
use crate::net::Keepalive;
use crate::world::net::{ConnectionId, ListenerId, Side};
use crate::world::{try_with, with};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How often the owner of an address is asked for before it is unreachable, and how long each time: as Linux does it.
const QUESTIONS: u32 = 3;
const QUESTION: Duration = Duration::from_secs(1);

/// A listening socket of the machine that bound it.
#[derive(Debug)]
pub struct TcpListener {
    id: ListenerId,
}

impl TcpListener {
    /// Binds a socket and listens; port 0 picks a free port.
    ///
    /// # Errors
    ///
    /// `AddrInUse` when the port is taken, `AddrNotAvailable` when the address is not this machine's.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
        let addresses = address.resolve()?;
        with(|world| {
            let host = world.current_host().ok_or(io::ErrorKind::Unsupported)?;
            Ok(TcpListener {
                id: first_that_works(addresses, |address| {
                    world.tcp(|tcp, _, ip| tcp.listen(ip, host, address))
                })?,
            })
        })
    }

    /// The next connection, and who dialled it. Cancel-safe; any number of tasks may wait.
    ///
    /// # Errors
    ///
    /// `ConnectionAborted` when the machine has died.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let id =
            poll_fn(|context| with(|world| world.tcp(|tcp, _, _| tcp.poll_accept(self.id, context)))).await?;
        let stream = TcpStream { end: End { id, side: Side::Acceptor } };
        let peer = with(|world| world.tcp(|tcp, _, _| tcp.peer_address(id, Side::Acceptor)))?;
        Ok((stream, peer))
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// Never; tokio's may.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.id.address)
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        try_with(|world| world.tcp(|tcp, ground, ip| tcp.close_listener(ground, ip, self.id)));
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
        try_with(|world| world.tcp(|tcp, ground, ip| tcp.close(ground, ip, self.id, self.side)));
    }
}

impl End {
    fn poll_read(&self, context: &Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        with(|world| {
            world.tcp(|tcp, ground, ip| tcp.poll_read(ground, ip, self.id, self.side, context, into))
        })
    }

    fn poll_write(&self, context: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        with(|world| {
            world.judge_load();
            world.tcp(|tcp, ground, ip| tcp.poll_write(ground, ip, self.id, self.side, context, bytes))
        })
    }

    fn shutdown(&self) -> io::Result<()> {
        with(|world| world.tcp(|tcp, ground, ip| tcp.shutdown_write(ground, ip, self.id, self.side)));
        Ok(())
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        with(|world| world.tcp(|tcp, _, _| tcp.connected_address(self.id, self.side)))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        with(|world| world.tcp(|tcp, _, _| tcp.local_address(self.id, self.side)))
    }
}

/// One end of a TCP connection.
#[derive(Debug)]
pub struct TcpStream {
    end: End,
}

impl TcpStream {
    /// Connects to the first of the addresses that answers.
    ///
    /// # Errors
    ///
    /// Those of the last address: `ConnectionRefused` when nobody listens there (after a round trip), `TimedOut` when
    /// no answer comes (after two minutes), `NetworkUnreachable` for an address that no machine has, `HostUnreachable`
    /// for a virtual one that nobody holds (after three seconds); `NotFound` for an unknown name.
    pub async fn connect(address: impl ToSocketAddrs) -> io::Result<TcpStream> {
        let mut error = no_address();
        for address in address.resolve()? {
            match Self::dial(address).await {
                Ok(stream) => return Ok(stream),
                Err(why) => error = why,
            }
        }
        Err(error)
    }

    async fn dial(address: SocketAddr) -> io::Result<TcpStream> {
        for _ in 0..QUESTIONS {
            let dialled = with(|world| {
                let host = world.current_host().ok_or(io::ErrorKind::Unsupported)?;
                world.judge_load();
                world.tcp(|tcp, ground, ip| {
                    let Some(route) = ip.route(ground, host, address)? else { return Ok(None) };
                    let local = SocketAddr::new(route.local, tcp.ephemeral_port(ip, host)?);
                    let id = tcp.dial(ground, ip, (host, local), (route.host, route.remote));
                    Ok::<_, io::Error>(Some(TcpStream { end: End { id, side: Side::Dialler } }))
                })
            })?;
            if let Some(stream) = dialled {
                poll_fn(|context| {
                    with(|world| world.tcp(|tcp, _, _| tcp.poll_connected(stream.end.id, context)))
                })
                .await?;
                return Ok(stream);
            }
            crate::time::sleep(QUESTION).await;
        }
        Err(io::ErrorKind::HostUnreachable.into())
    }

    /// Accepted for tokio's sake: every write leaves at once here.
    ///
    /// # Errors
    ///
    /// Never; tokio's may.
    pub fn set_nodelay(&self, _nodelay: bool) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn set_keepalive(&self, keepalive: Option<Keepalive>) -> io::Result<()> {
        with(|world| {
            world.tcp(|tcp, ground, _| tcp.set_keepalive(ground, self.end.id, self.end.side, keepalive))
        })
    }

    pub(crate) fn set_user_timeout(&self, timeout: Duration) -> io::Result<()> {
        with(|world| world.tcp(|tcp, _, _| tcp.set_user_timeout(self.end.id, self.end.side, timeout)))
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
        try_with(|world| {
            world.tcp(|tcp, ground, ip| tcp.shutdown_write(ground, ip, self.end.id, self.end.side));
        });
    }
}

macro_rules! addresses {
    ($($of:ty),*) => {
        $(impl $of {
            /// The address of the other end.
            ///
            /// # Errors
            ///
            /// `NotConnected` when the connection is dead.
            pub fn peer_addr(&self) -> io::Result<SocketAddr> {
                self.end.peer_addr()
            }

            /// The address of this end.
            ///
            /// # Errors
            ///
            /// `ConnectionAborted` when this machine has died.
            pub fn local_addr(&self) -> io::Result<SocketAddr> {
                self.end.local_addr()
            }
        })*
    };
}

macro_rules! reads {
    ($($what:ty),*) => {
        $(impl AsyncRead for $what {
            fn poll_read(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                into: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                self.end.poll_read(context, into)
            }
        })*
    };
}

macro_rules! writes {
    ($($what:ty),*) => {
        $(impl AsyncWrite for $what {
            fn poll_write(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.end.poll_write(context, bytes)
            }

            fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.end.shutdown())
            }
        })*
    };
}

addresses!(TcpStream, OwnedReadHalf, OwnedWriteHalf);
reads!(TcpStream, OwnedReadHalf);
writes!(TcpStream, OwnedWriteHalf);
