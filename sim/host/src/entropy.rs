//! Random numbers for node code: identifiers, jitter, elections.
//!
//! In the simulation each machine draws from its own stream of the run's seed, so that what one node draws never
//! shifts what another gets.

/// Sixty-four uniform random bits.
#[cfg(madsim)]
pub fn u64() -> u64 {
    crate::world::with(crate::world::World::entropy)
}

/// Sixty-four uniform random bits.
#[cfg(not(madsim))]
pub fn u64() -> u64 {
    use rand::TryRngCore;
    // A system without entropy cannot run a node.
    rand::rngs::OsRng.try_next_u64().expect("the operating system's entropy source")
}
