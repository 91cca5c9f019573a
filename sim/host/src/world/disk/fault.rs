//! What is wrong with a disk. Faults overlap: each is set and cleared by itself, and the strongest of a kind rules.

use super::OutOfRange;
use super::settings::LIMITS;

/// A fault that lasts from [`set`](super::super::World::set_disk_fault) to
/// [`clear`](super::super::World::clear_disk_fault). It outlives the machine's process and power.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DiskFault {
    /// A read fails with `EIO`.
    ReadError {
        /// How likely, for each read.
        probability: f64,
    },
    /// A write fails with `EIO`. Some sectors from its front may have been written.
    WriteError {
        /// How likely, for each write.
        probability: f64,
    },
    /// A sync fails with `EIO`. Some of the dirty data arrives; the rest is no longer dirty, so that the next sync
    /// succeeds without it. The changes of a directory stay pending.
    SyncError {
        /// How likely, for each sync.
        probability: f64,
        /// Readers lose sight of what did not arrive (XFS, btrfs), instead of seeing it until the next boot (ext4).
        drop_cache: bool,
    },
    /// No page is free: a write to a new page fails with `ENOSPC`, one in place succeeds.
    Full,
    /// Everything takes longer.
    Slow {
        /// How many times as long; at least 1.
        factor: f64,
    },
    /// Nothing is answered until the fault is cleared.
    Stall,
    /// What is asked or under way during the fault is never answered, also after it was cleared.
    Hang,
    /// A sector that reaches the medium has one bit flipped.
    BitFlip {
        /// How likely, for each sector.
        probability: f64,
    },
    /// A write that reaches the medium goes to the place of other data instead of its own.
    Misdirect {
        /// How likely, for each write.
        probability: f64,
    },
}

impl DiskFault {
    /// Whether there can be such a fault.
    ///
    /// # Errors
    ///
    /// The parameter that is out of its range.
    pub fn check(&self) -> Result<(), OutOfRange> {
        match *self {
            DiskFault::ReadError { probability: p } => LIMITS.probability("read_error.probability", p),
            DiskFault::WriteError { probability: p } => LIMITS.probability("write_error.probability", p),
            DiskFault::SyncError { probability: p, .. } => LIMITS.probability("sync_error.probability", p),
            DiskFault::BitFlip { probability: p } => LIMITS.probability("bit_flip.probability", p),
            DiskFault::Misdirect { probability: p } => LIMITS.probability("misdirect.probability", p),
            DiskFault::Slow { factor } => {
                let sound = factor >= 1.0 && factor.is_finite();
                LIMITS.demand(sound, "slow.factor", factor, "at least 1 and finite")
            }
            DiskFault::Full | DiskFault::Stall | DiskFault::Hang => Ok(()),
        }
    }
}

/// What becomes of a sector at rest, without anybody writing to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// One bit flips, silently.
    Flip,
    /// It cannot be read any more: `EIO`, until it is overwritten.
    Unreadable,
}

/// The faults of one disk, and what they come to.
#[derive(Default)]
pub(super) struct Faults {
    active: Vec<DiskFault>,
    effect: Effect,
}

/// The strongest of each kind.
pub(super) struct Effect {
    pub(super) read_error: f64,
    pub(super) write_error: f64,
    pub(super) sync_error: f64,
    pub(super) drop_cache: bool,
    pub(super) bit_flip: f64,
    pub(super) misdirect: f64,
    pub(super) slow: f64,
    pub(super) full: bool,
    pub(super) stall: bool,
    pub(super) hang: bool,
}

impl Default for Effect {
    fn default() -> Self {
        Effect {
            read_error: 0.0,
            write_error: 0.0,
            sync_error: 0.0,
            drop_cache: false,
            bit_flip: 0.0,
            misdirect: 0.0,
            slow: 1.0,
            full: false,
            stall: false,
            hang: false,
        }
    }
}

impl Faults {
    pub(super) fn set(&mut self, fault: DiskFault) {
        self.active.push(fault);
        self.sum_up();
    }

    /// Ends one such fault; false when there was none.
    pub(super) fn clear(&mut self, fault: DiskFault) -> bool {
        let place = self.active.iter().position(|active| *active == fault);
        place.map(|place| self.active.remove(place)).inspect(|_| self.sum_up()).is_some()
    }

    pub(super) fn clear_all(&mut self) {
        *self = Faults::default();
    }

    fn sum_up(&mut self) {
        let mut effect = Effect::default();
        for fault in &self.active {
            match *fault {
                DiskFault::ReadError { probability } => {
                    effect.read_error = effect.read_error.max(probability);
                }
                DiskFault::WriteError { probability } => {
                    effect.write_error = effect.write_error.max(probability);
                }
                DiskFault::SyncError { probability, drop_cache } => {
                    effect.sync_error = effect.sync_error.max(probability);
                    effect.drop_cache |= drop_cache;
                }
                DiskFault::BitFlip { probability } => effect.bit_flip = effect.bit_flip.max(probability),
                DiskFault::Misdirect { probability } => effect.misdirect = effect.misdirect.max(probability),
                DiskFault::Slow { factor } => effect.slow = effect.slow.max(factor),
                DiskFault::Full => effect.full = true,
                DiskFault::Stall => effect.stall = true,
                DiskFault::Hang => effect.hang = true,
            }
        }
        self.effect = effect;
    }

    pub(super) fn effect(&self) -> &Effect {
        &self.effect
    }
}
