//! Local ports: what sockets are bound to, and the next port that is free.

use crate::world::MachineId;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

/// Where Linux's ephemeral ports begin.
const EPHEMERAL: u16 = 32768;

/// What a socket is bound to: a port of one address of a machine, or of all (none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Binding {
    host: MachineId,
    port: u16,
    ip: Option<IpAddr>,
}

impl Binding {
    pub(super) fn new(host: MachineId, address: SocketAddr) -> Self {
        let ip = Some(address.ip()).filter(|ip| !ip.is_unspecified());
        Binding { host, port: address.port(), ip }
    }

    /// The same port of all addresses.
    pub(super) fn of_all_addresses(self) -> Self {
        Binding { ip: None, ..self }
    }

    /// Every binding of a port.
    pub(super) fn all(host: MachineId, port: u16) -> RangeInclusive<Binding> {
        // None is the least address, and 255.255… of version 6 the greatest.
        let last = Some([u16::MAX; 8].into());
        Binding { host, port, ip: None }..=Binding { host, port, ip: last }
    }

    pub(super) fn host(&self) -> MachineId {
        self.host
    }

    /// Whether a socket with this binding and one bound to `ip`, both on one port, would receive the same packets.
    pub(super) fn overlaps(&self, ip: IpAddr) -> bool {
        self.ip.is_none_or(|bound| ip.is_unspecified() || bound == ip)
    }
}

/// Each machine's next local port, for sockets of all kinds.
pub(super) struct Ports(Vec<u16>);

impl Ports {
    pub(super) fn new(machines: usize) -> Self {
        Ports(vec![EPHEMERAL; machines])
    }

    /// The next local port of a machine that is not taken.
    pub(super) fn next(&mut self, host: MachineId, taken: impl Fn(u16) -> bool) -> io::Result<u16> {
        let next = &mut self.0[host.index()];
        for _ in EPHEMERAL..=u16::MAX {
            let port = *next;
            *next = port.checked_add(1).unwrap_or(EPHEMERAL);
            if !taken(port) {
                return Ok(port);
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }
}
