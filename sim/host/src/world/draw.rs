//! All of the world's randomness: independent ChaCha8 streams addressed by purpose and entity.
//!
//! `Draw::new(seed, "network", "n1→n2")` and `Draw::new(seed, "workload", "client-2")` share nothing but the seed, so
//! taking a fault or an operation out of a plan never reshuffles the rest. Everything random that a run does goes
//! through this one type (madsim's own generator drives its scheduler only).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_128;

/// One stream of random numbers.
#[derive(Debug, Clone)]
pub struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream of `seed` for a purpose (`"network"`, `"faults"`) and an entity (`"n1→n2"`; may be empty).
    pub fn new(seed: u64, purpose: &str, entity: &str) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..24].copy_from_slice(&xxh3_128(format!("{purpose}/{entity}").as_bytes()).to_le_bytes());
        Draw(ChaCha8Rng::from_seed(key))
    }

    /// Sixty-four uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A uniform number in `0..bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Multiply-shift: the bias is below 2⁻⁶⁴ · bound, and every draw costs exactly one step of the stream.
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A uniform number in `from..=to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from).saturating_add(1))
    }

    /// A uniform number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A uniform duration in `from..=to`.
    pub fn duration(&mut self, from: Duration, to: Duration) -> Duration {
        Duration::from_nanos(self.between(from.as_nanos() as u64, to.as_nanos() as u64))
    }

    /// An exponentially distributed duration with the given mean: the gaps of a Poisson process.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-libm::log(1.0 - self.unit()))
    }

    /// One of the items, uniformly.
    ///
    /// # Panics
    ///
    /// On an empty slice: there is nothing to pick.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        assert!(!items.is_empty(), "a pick among nothing");
        &items[self.below(items.len() as u64) as usize]
    }

    /// Brings the items into a uniformly random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_different_entities_are_independent_and_repeatable() {
        let draw = |entity: &str| -> Vec<u64> {
            let mut draw = Draw::new(7, "network", entity);
            (0..4).map(|_| draw.bits()).collect()
        };
        assert_eq!(draw("n1→n2"), draw("n1→n2"));
        assert_ne!(draw("n1→n2"), draw("n2→n1"));
    }

    #[test]
    fn bounded_draws_stay_in_bounds_and_reach_both_ends() {
        let mut draw = Draw::new(1, "test", "");
        let drawn: std::collections::BTreeSet<u64> = (0..200).map(|_| draw.between(3, 6)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!(draw.below(0), 0);
    }

    #[test]
    fn exponential_gaps_have_the_mean_asked_for() {
        let mut draw = Draw::new(2, "test", "");
        let total: Duration = (0..10_000).map(|_| draw.exponential(Duration::from_millis(10))).sum();
        assert!((95..105).contains(&total.as_secs()), "{total:?} for 10,000 gaps of 10 ms");
    }
}
