//! What stands behind the calls that reach the world: chance and files. Probes, views and messages reach nobody.

use crate::disk::Files;
use crate::net::now;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::cell::RefCell;
use std::fmt::Debug;

/// One run's world.
pub(crate) struct World {
    chance: ChaCha8Rng,
    pub(crate) files: Files,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Gives the calling thread a new world. A run begins with it.
pub fn begin(seed: u64) {
    WORLD.set(Some(World { chance: ChaCha8Rng::seed_from_u64(seed), files: Files::default() }));
}

/// Lends the world of this thread's run.
pub(crate) fn with<T>(f: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(|world| f(world.as_mut().expect("the run has begun")))
}

impl World {
    pub(crate) fn entropy(&mut self) -> u64 {
        self.chance.next_u64()
    }

    /// All machines have the one clock of the simulation.
    pub(crate) fn wall_clock_ns(&self) -> u64 {
        u64::try_from(now().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(crate) fn buggify(&self, _probability: f64) -> bool {
        false
    }
}

pub(crate) fn publish_probe<V>(_name: &'static str, _values: impl FnOnce() -> Vec<V>) {}

pub(crate) fn register_view<V>(_read: Box<dyn Fn() -> V + Send + Sync>) {}

pub(crate) fn is_recorded() -> bool {
    false
}

pub(crate) fn say(_bytes: &[u8], _kind: &'static str, _content: &dyn Debug) {}
