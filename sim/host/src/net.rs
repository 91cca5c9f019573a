//! Sockets shaped like tokio's.
//!
//! In a real build these names *are* tokio's. In the simulation they are sockets of the simulated machine that calls
//! them, on a network whose links have latency, loss, cuts and holds. Codecs and third-party protocols run on both.
//!
//! Names are looked up by the system in a real build; in the simulation by a name service that the testbed steers, with
//! a memory on each machine. Virtual addresses ([`claim_address`] and its like) exist in the simulation alone: on a
//! real machine they are a matter of the operating system, and these functions answer `Unsupported`.

mod keepalive;

pub use keepalive::{Keepalive, set_keepalive, set_user_timeout};

#[cfg(not(madsim))]
pub use tokio::net::{
    TcpListener, TcpStream, ToSocketAddrs, UdpSocket, lookup_host,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};

#[cfg(madsim)]
pub use crate::world::socket::{
    OwnedReadHalf, OwnedWriteHalf, TcpListener, TcpStream, ToSocketAddrs, UdpSocket, announce_address,
    claim_address, claimed_addresses, lookup_host, release_address,
};

#[cfg(not(madsim))]
mod virtual_address;
#[cfg(not(madsim))]
pub use virtual_address::{announce_address, claim_address, claimed_addresses, release_address};
