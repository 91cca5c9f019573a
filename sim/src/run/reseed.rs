//! A run again up to an instant, and from there with other chance.
//!
//! Up to the instant the run is the same to the byte. From there on everything that it draws is of another seed:
//! how long packets take and which are lost, what disks do, what nodes draw, what clients do next and when, whom a
//! fault strikes of those that fit, in which order tasks run. The plan stays: its faults and their times were drawn
//! before. So does what has happened, and what was drawn and is still to come, such as the arrival of a packet on
//! its way.
//!
//! Many such runs from one instant show what of a failure was settled by then: see [`crate::moment`].
//!
//! Gives up: the real tokio's `select!` and the wake order of `watch` cannot be given another seed; they go on in
//! their own.

use super::Run;
use crate::system::System;
use host::world;

/// From when a run draws from another seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reseed {
    /// The instant, in ns since the run began, or up to a millisecond later; where the run is over before, nothing
    /// happens.
    pub at_ns: u64,
    /// The other seed.
    pub seed: u64,
}

impl<S: System> Run<S> {
    /// Whether it is time; then everything random is of another seed.
    pub(super) fn reseed(&mut self, now_ns: u64) {
        let Some(Reseed { seed, .. }) = self.reseed.take_if(|reseed| reseed.at_ns <= now_ns) else { return };
        world::with(|world| world.reseed(seed));
        self.nemesis.reseed(seed);
        self.shared.update(|progress| progress.reseeded = Some(seed));
    }
}
