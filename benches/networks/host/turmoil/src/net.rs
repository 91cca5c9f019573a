//! turmoil's sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
pub use turmoil::net::TcpStream;
pub use turmoil::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A listener.
pub struct TcpListener(turmoil::net::TcpListener);

impl TcpListener {
    /// Listens. turmoil takes only the unspecified address, and a machine has no other than its own.
    ///
    /// # Errors
    ///
    /// When the port is taken.
    pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
        turmoil::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await.map(TcpListener)
    }

    /// The next connection.
    ///
    /// # Errors
    ///
    /// None that turmoil is known to give.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.accept().await
    }
}

/// How long the simulation has lasted.
pub(crate) fn now() -> Duration {
    turmoil::sim_elapsed().unwrap_or_default()
}
