//! The wall clock of the machine that a node runs on.
//!
//! In the simulation every machine has its own, with an offset, a drift and jumps that the scenario chooses. For
//! intervals and timeouts use [`crate::time`], which is monotonic: it knows drift, but neither offset nor jump.

use std::time::{Duration, SystemTime};

/// What this machine believes the time is. It may be wrong, and it may step backwards.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(unix_ns())
}

/// Nanoseconds since the Unix epoch, as this machine believes.
#[cfg(madsim)]
pub fn unix_ns() -> u64 {
    crate::world::with(|world| world.wall_clock_ns())
}

/// Nanoseconds since the Unix epoch, as this machine believes.
#[cfg(not(madsim))]
#[allow(clippy::disallowed_methods)] // this is the wrapper that everyone else is sent to
pub fn unix_ns() -> u64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}
