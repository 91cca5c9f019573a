//! What names an address.

use crate::world::with;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// What names one or more addresses: socket addresses, pairs of address and port, and names with a port, of machines or
/// of the name service.
pub trait ToSocketAddrs {
    /// The addresses, in the order in which they are to be tried.
    type Iter: Iterator<Item = SocketAddr> + Send;

    /// The addresses it stands for; at least one.
    ///
    /// # Errors
    ///
    /// `NotFound` for a name that nobody knows, `InvalidInput` for text that is no address.
    fn resolve(&self) -> io::Result<Self::Iter>;
}

macro_rules! is_an_address {
    ($($address:ty),* $(,)?) => {
        $(impl ToSocketAddrs for $address {
            type Iter = std::option::IntoIter<SocketAddr>;

            fn resolve(&self) -> io::Result<Self::Iter> {
                Ok(Some((*self).into()).into_iter())
            }
        })*
    };
}

is_an_address! { SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16) }

impl ToSocketAddrs for [SocketAddr] {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn resolve(&self) -> io::Result<Self::Iter> {
        Ok(Vec::from(self).into_iter())
    }
}

impl ToSocketAddrs for (&str, u16) {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn resolve(&self) -> io::Result<Self::Iter> {
        let (name, port) = *self;
        let ips = match name.parse() {
            Ok(ip) => vec![ip],
            Err(_) => with(|world| world.look_up(name))?,
        };
        let addresses: Vec<SocketAddr> = ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
        Ok(addresses.into_iter())
    }
}

impl ToSocketAddrs for (String, u16) {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn resolve(&self) -> io::Result<Self::Iter> {
        (self.0.as_str(), self.1).resolve()
    }
}

impl ToSocketAddrs for str {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn resolve(&self) -> io::Result<Self::Iter> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, format!("{self:?} is not host:port"));
        let (host, port) = self.rsplit_once(':').ok_or_else(invalid)?;
        (host.trim_matches(['[', ']']), port.parse().map_err(|_| invalid())?).resolve()
    }
}

impl ToSocketAddrs for String {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn resolve(&self) -> io::Result<Self::Iter> {
        self.as_str().resolve()
    }
}

impl<A: ToSocketAddrs + ?Sized> ToSocketAddrs for &A {
    type Iter = A::Iter;

    fn resolve(&self) -> io::Result<Self::Iter> {
        (*self).resolve()
    }
}

/// What a name stands for, as this machine sees it: at least one address.
///
/// # Errors
///
/// `NotFound` for a name that nobody knows, `InvalidInput` for text that is no address.
pub async fn lookup_host(name: impl ToSocketAddrs) -> io::Result<impl Iterator<Item = SocketAddr>> {
    name.resolve()
}

/// The outcome for the first of the addresses that works, or the last error.
pub(super) fn first_that_works<T>(
    addresses: impl Iterator<Item = SocketAddr>,
    mut attempt: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut error = no_address();
    for address in addresses {
        match attempt(address) {
            Ok(outcome) => return Ok(outcome),
            Err(why) => error = why,
        }
    }
    Err(error)
}

pub(super) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any address")
}
