//! What names an address.

use crate::world::with;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// What names an address: socket addresses, pairs of address and port, and host names of the simulated cluster.
pub trait ToSocketAddrs {
    /// The address it stands for.
    ///
    /// # Errors
    ///
    /// `NotFound` for a name that no machine has, `InvalidInput` for text that is no address.
    fn resolve(&self) -> io::Result<SocketAddr>;
}

macro_rules! is_an_address {
    ($($address:ty),* $(,)?) => {
        $(impl ToSocketAddrs for $address {
            fn resolve(&self) -> io::Result<SocketAddr> {
                Ok((*self).into())
            }
        })*
    };
}

is_an_address! { SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16) }

impl ToSocketAddrs for (&str, u16) {
    fn resolve(&self) -> io::Result<SocketAddr> {
        let (name, port) = *self;
        let ip = match name.parse() {
            Ok(ip) => ip,
            Err(_) if name == "localhost" => Ipv4Addr::LOCALHOST.into(),
            Err(_) => with(|world| world.host_named(name).map(|host| world.ip(host))).ok_or_else(|| {
                io::Error::new(io::ErrorKind::NotFound, format!("no machine is named {name:?}"))
            })?,
        };
        Ok(SocketAddr::new(ip, port))
    }
}

impl ToSocketAddrs for (String, u16) {
    fn resolve(&self) -> io::Result<SocketAddr> {
        (self.0.as_str(), self.1).resolve()
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
