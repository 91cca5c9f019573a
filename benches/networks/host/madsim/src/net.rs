//! madsim's own sockets.
#![expect(clippy::disallowed_types, reason = "madsim's own network is what this crate is for")]

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A listener.
pub struct TcpListener(tokio::net::TcpListener);

impl TcpListener {
    /// Listens.
    ///
    /// # Errors
    ///
    /// When the port is taken.
    pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
        tokio::net::TcpListener::bind(address).await.map(TcpListener)
    }

    /// The next connection.
    ///
    /// # Errors
    ///
    /// When the machine has died.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.accept().await.map(|(stream, from)| (TcpStream(stream), from))
    }
}

/// A connection.
#[derive(Debug)]
pub struct TcpStream(tokio::net::TcpStream);

impl TcpStream {
    /// Dials.
    ///
    /// # Errors
    ///
    /// When nobody listens, or the link is cut.
    pub async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        tokio::net::TcpStream::connect(address).await.map(TcpStream)
    }

    /// Does nothing.
    ///
    /// # Errors
    ///
    /// None.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.0.set_nodelay(nodelay)
    }

    /// Its two halves; madsim's streams have none, so they share it. It closes when both are gone.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        let (read, write) = tokio::io::split(self.0);
        (OwnedReadHalf(read), OwnedWriteHalf(write))
    }
}

/// The half of a connection that is read.
#[derive(Debug)]
pub struct OwnedReadHalf(tokio::io::ReadHalf<tokio::net::TcpStream>);

impl AsyncRead for OwnedReadHalf {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

/// The half of a connection that is written to.
#[derive(Debug)]
pub struct OwnedWriteHalf(tokio::io::WriteHalf<tokio::net::TcpStream>);

impl AsyncWrite for OwnedWriteHalf {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// How long the simulation has lasted.
pub(crate) fn now() -> Duration {
    madsim::time::TimeHandle::current().elapsed()
}
