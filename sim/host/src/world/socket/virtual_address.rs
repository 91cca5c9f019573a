//! Addresses that move between machines.

use crate::world::net::Ip;
use crate::world::{Ground, MachineId, with};
use std::io;
use std::net::IpAddr;

/// This machine holds an address from now on, besides its own. Nobody is told: see [`announce_address`].
///
/// # Errors
///
/// `AlreadyExists` if it holds it already, `InvalidInput` for an address that is some machine's own, or none to claim;
/// `Unsupported` in a real build, where that is a matter of the operating system.
pub fn claim_address(ip: IpAddr) -> io::Result<()> {
    on_this_machine(|ground, network, host| network.claim(ground, host, ip))
}

/// This machine lets go of an address. Sockets that are bound to it stay so, and hear and say nothing any more.
///
/// # Errors
///
/// `AddrNotAvailable` if it has not claimed it; `Unsupported` in a real build.
pub fn release_address(ip: IpAddr) -> io::Result<()> {
    on_this_machine(|ground, network, host| network.unclaim(ground, host, ip))
}

/// Tells everybody on the network that this machine has an address (gratuitous ARP). Whom it does not reach goes on
/// sending to whom it believes in.
///
/// # Errors
///
/// `AddrNotAvailable` if this machine has not claimed it; `Unsupported` in a real build.
pub fn announce_address(ip: IpAddr) -> io::Result<()> {
    on_this_machine(|ground, network, host| network.announce(ground, host, ip))
}

/// What this machine has claimed. A process that crashed leaves its claims to the next one.
///
/// # Errors
///
/// `Unsupported` in a real build.
pub fn claimed_addresses() -> io::Result<Vec<IpAddr>> {
    on_this_machine(|_, network, host| Ok(network.claimed(host)))
}

fn on_this_machine<T>(act: impl FnOnce(&mut Ground, &mut Ip, MachineId) -> io::Result<T>) -> io::Result<T> {
    with(|world| {
        let host = world.current_host().ok_or(io::ErrorKind::Unsupported)?;
        world.ip_layer(|ground, ip| act(ground, ip, host))
    })
}
