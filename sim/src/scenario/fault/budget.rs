//! How much may fail at the same time: one law, which the reader of files, the seed and the nemesis ask alike.
//!
//! What counts is how many nodes do without something at one instant: their process, because they are crashed or paused,
//! or their disk, because it fails or has changed what was on it. Who does so, each of the three knows in its own way:
//! the reader of files by the moments of the script, the seed by whatever overlaps what it draws (the others need not
//! overlap each other, so that it may leave out one that would just fit), the nemesis by what is so.

use super::effect::{Effect, Need};
use super::plan::{Stroke, When};
use super::target::Aim;
use crate::scenario::random::AtMost;
use host::world::MachineId;
use std::collections::BTreeSet;
use std::time::Duration;

impl AtMost {
    /// Whether a machine may do without something while these do.
    pub(crate) fn allows(
        self,
        need: Need,
        machine: MachineId,
        without: &BTreeSet<MachineId>,
    ) -> Result<(), Beyond> {
        let others = without.iter().filter(|other| **other != machine).count() as u32;
        let most = match need {
            Need::Process => self.down,
            Need::Disk => self.disk,
        };
        if others < most { Ok(()) } else { Err(Beyond { need, others, most }) }
    }
}

/// Why the budget has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beyond {
    pub(crate) need: Need,
    /// So many others do without it.
    pub(crate) others: u32,
    /// So many may, in all.
    pub(crate) most: u32,
}

/// Something that a node does without, from one time to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::scenario) struct Taken {
    pub(in crate::scenario) need: Need,
    pub(in crate::scenario) machine: MachineId,
    pub(in crate::scenario) from: Duration,
    pub(in crate::scenario) to: Duration,
}

impl Taken {
    /// What a stroke takes, if it is known before the run when and from whom.
    pub(in crate::scenario) fn by(stroke: &Stroke) -> Option<Self> {
        let (When::At(from), Effect::Machine(Aim::Machine(machine), effect)) = (&stroke.when, &stroke.effect)
        else {
            return None;
        };
        // What was corrupted stays so after the fault.
        let lasts = stroke.said.lasts.filter(|_| !effect.corrupts());
        let to = lasts.map_or(Duration::MAX, |lasts| from.saturating_add(lasts.get()));
        Some(Taken { need: effect.takes()?, machine: *machine, from: *from, to })
    }

    /// Whether it takes this at this time; at the instant when it ends it no longer does.
    pub(in crate::scenario) fn holds_at(&self, need: Need, at: Duration) -> bool {
        self.need == need && self.from <= at && at < self.to
    }

    /// Whether both take the same from the same node: nobody can take a process twice.
    pub(in crate::scenario) fn is_of_what(&self, other: &Self) -> bool {
        self.need == other.need && self.machine == other.machine
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.need == other.need && self.from <= other.to && other.from <= self.to
    }
}

/// What the timed strokes known so far take.
pub(in crate::scenario) struct Taking {
    at_most: AtMost,
    taken: Vec<Taken>,
}

impl Taking {
    pub(in crate::scenario) fn new(at_most: AtMost, strokes: &[Stroke]) -> Self {
        Taking { at_most, taken: strokes.iter().filter_map(Taken::by).collect() }
    }

    /// Takes what these strokes need, all or nothing.
    pub(in crate::scenario) fn take(&mut self, strokes: &[Stroke]) -> bool {
        let before = self.taken.len();
        for next in strokes.iter().filter_map(Taken::by) {
            if !self.has_room(&next) {
                self.taken.truncate(before);
                return false;
            }
            self.taken.push(next);
        }
        true
    }

    fn has_room(&self, next: &Taken) -> bool {
        let overlapping = || self.taken.iter().filter(|other| other.overlaps(next));
        let twice = next.need == Need::Process && overlapping().any(|other| other.is_of_what(next));
        let without = overlapping().map(|other| other.machine).collect();
        !twice && self.at_most.allows(next.need, next.machine, &without).is_ok()
    }
}
