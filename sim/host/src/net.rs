//! Sockets shaped like tokio's.
//!
//! In a real build these names *are* tokio's. In the simulation they are sockets of the simulated machine that calls
//! them, on a network whose links have latency, loss, cuts and holds. Codecs and third-party protocols run on both.

#[cfg(not(madsim))]
pub use tokio::net::{
    TcpListener, TcpStream, ToSocketAddrs, UdpSocket,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};

#[cfg(madsim)]
pub use crate::world::net::{
    OwnedReadHalf, OwnedWriteHalf, TcpListener, TcpStream, ToSocketAddrs, UdpSocket,
};
