//! Virtual addresses in a real build: the operating system's, and not a node's to move.

use std::io;
use std::net::IpAddr;

/// This machine would hold an address from now on.
///
/// # Errors
///
/// Always `Unsupported`: in a real build, leave that to the operating system's own tools.
pub fn claim_address(_ip: IpAddr) -> io::Result<()> {
    Err(unsupported())
}

/// This machine would let go of an address.
///
/// # Errors
///
/// Always `Unsupported`, as [`claim_address`].
pub fn release_address(_ip: IpAddr) -> io::Result<()> {
    Err(unsupported())
}

/// This machine would tell everybody that it has an address.
///
/// # Errors
///
/// Always `Unsupported`, as [`claim_address`].
pub fn announce_address(_ip: IpAddr) -> io::Result<()> {
    Err(unsupported())
}

/// What this machine has claimed.
///
/// # Errors
///
/// Always `Unsupported`, as [`claim_address`].
pub fn claimed_addresses() -> io::Result<Vec<IpAddr>> {
    Err(unsupported())
}

fn unsupported() -> io::Error {
    let text = "virtual addresses are simulated; on a real machine the operating system moves them";
    io::Error::new(io::ErrorKind::Unsupported, text)
}
