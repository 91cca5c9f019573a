//! The sockets that node code holds: thin handles on the world's own.
//!
//! Every method finds the world of the run through the thread; a handle is a few integers. Dropping a handle closes
//! its socket, also when the node that held it has been killed.

mod name;
mod tcp;
mod udp;
mod virtual_address;

pub use name::{ToSocketAddrs, lookup_host};
pub use tcp::{OwnedReadHalf, OwnedWriteHalf, TcpListener, TcpStream};
pub use udp::UdpSocket;
pub use virtual_address::{announce_address, claim_address, claimed_addresses, release_address};
