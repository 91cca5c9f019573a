//! Random numbers for node code: identifiers, jitter, elections.
//!
//! In the simulation each machine draws from its own stream of the run's seed, so that what one node draws never
//! shifts what another gets. In a real build it is the system's entropy.
//!
//! A library that takes a generator gets [`generator`], which has the traits of `rand` 0.8, 0.9 and 0.10. One that
//! takes a seed gets [`bytes`].

use std::convert::Infallible;

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

/// Fills a buffer with uniform random bytes.
pub fn fill(buffer: &mut [u8]) {
    for chunk in buffer.chunks_mut(8) {
        chunk.copy_from_slice(&u64().to_le_bytes()[..chunk.len()]);
    }
}

/// Uniform random bytes: the seed of a generator, an identifier.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// A generator over [`u64()`], for libraries that take one.
pub fn generator() -> Generator {
    Generator(())
}

/// A generator without a state of its own: each number is drawn from the stream of the machine that asks.
#[derive(Debug, Clone)]
pub struct Generator(());

impl rand_core_010::TryRng for Generator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u64() as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64())
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        fill(buffer);
        Ok(())
    }
}

impl rand_core_010::TryCryptoRng for Generator {}

impl rand_core_09::RngCore for Generator {
    fn next_u32(&mut self) -> u32 {
        u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        u64()
    }

    fn fill_bytes(&mut self, buffer: &mut [u8]) {
        fill(buffer);
    }
}

impl rand_core_09::CryptoRng for Generator {}

impl rand_core_06::RngCore for Generator {
    fn next_u32(&mut self) -> u32 {
        u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        u64()
    }

    fn fill_bytes(&mut self, buffer: &mut [u8]) {
        fill(buffer);
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), rand_core_06::Error> {
        fill(buffer);
        Ok(())
    }
}

impl rand_core_06::CryptoRng for Generator {}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(madsim)]
    fn on_a_machine<T: Send + 'static>(seed: u64, ask: impl FnOnce() -> T + Send + 'static) -> T {
        use crate::world::{Config, lab};
        lab::run(Config::new(seed, lab::machines(1)), async |lab| {
            let machine = lab.machine();
            lab.on(machine, async { ask() }).await.expect("the machine lives")
        })
    }

    #[cfg(not(madsim))]
    fn on_a_machine<T>(_: u64, ask: impl FnOnce() -> T) -> T {
        ask()
    }

    #[test]
    fn bytes_are_drawn_and_none_is_left_out() {
        let drawn = on_a_machine(1, || (0..64).map(|_| bytes::<19>()).collect::<Vec<_>>());
        assert!((0..19).all(|place| drawn.iter().any(|bytes| bytes[place] != 0)));
    }

    #[test]
    fn a_generator_serves_every_generation_of_rand() {
        let drawn = on_a_machine(1, || {
            let mut generator = generator();
            let six = rand_core_06::RngCore::next_u64(&mut generator);
            let nine = rand_core_09::RngCore::next_u64(&mut generator);
            let ten = rand_core_010::Rng::next_u64(&mut generator);
            [six, nine, ten]
        });
        assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2]);
    }

    #[cfg(madsim)]
    #[test]
    fn the_seed_decides_what_is_drawn() {
        let drawn = |seed| on_a_machine(seed, bytes::<32>);
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }
}
