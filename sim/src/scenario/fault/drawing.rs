//! What random draws are made from.

use super::target::Target;
use crate::scenario::cast::Name;
use host::world::Draw;
use std::time::Duration;

/// One random fault in the making.
pub(in crate::scenario) struct Drawing {
    /// The fault's own stream.
    pub(in crate::scenario) draw: Draw,
    /// All nodes, shuffled, as many at least as the kind needs.
    pub(in crate::scenario) nodes: Vec<Name>,
    /// How many nodes may be down at the same time.
    pub(in crate::scenario) down: u32,
    /// It waits for a probe, and if it is aimed at one node, then at the one that published it.
    pub(in crate::scenario) that: bool,
    /// How long it lasts, if it has no say in that itself.
    pub(in crate::scenario) lasts: Duration,
    /// Processes of which a fault of a machine may strike one alone.
    pub(in crate::scenario) processes: Vec<String>,
}

impl Drawing {
    /// One node, which is not among the others any more.
    pub(super) fn one(&mut self) -> Option<Name> {
        self.nodes.pop()
    }

    /// The same, as a target; or the one that the fault waits for.
    pub(super) fn target(&mut self) -> Option<Target> {
        if self.that { Some(Target::That) } else { self.one().map(Target::Node) }
    }

    /// One process of the machine in the place of all of it, where there is one to pick: half of the time.
    pub(super) fn process(&mut self) -> Option<String> {
        (!self.processes.is_empty() && self.draw.chance(0.5)).then(|| self.draw.pick(&self.processes).clone())
    }

    /// Some nodes, so many at least and no more than may be down, in the order of their numbers; none if that is too few.
    pub(super) fn some(&mut self, least: usize) -> Option<Vec<Name>> {
        let most = self.nodes.len().min(self.down as usize);
        if most < least {
            return None;
        }
        self.nodes.truncate(most);
        let mut nodes = self.some_or_all(least);
        nodes.sort_unstable();
        Some(nodes)
    }

    /// Some nodes, so many at least, or all, in any order: there are as many.
    pub(super) fn some_or_all(&mut self, least: usize) -> Vec<Name> {
        let mut nodes = std::mem::take(&mut self.nodes);
        nodes.truncate(self.draw.between(least as u64, nodes.len() as u64) as usize);
        nodes
    }

    /// Two groups, neither empty, of all nodes that are left.
    pub(super) fn groups(&mut self) -> Vec<Vec<Name>> {
        split(&mut self.draw, std::mem::take(&mut self.nodes))
    }
}

/// Two groups, neither empty, of shuffled nodes, two at least.
pub(super) fn split(draw: &mut Draw, mut nodes: Vec<Name>) -> Vec<Vec<Name>> {
    let mut others = nodes.split_off(draw.between(1, nodes.len() as u64 - 1) as usize);
    nodes.sort_unstable();
    others.sort_unstable();
    vec![nodes, others]
}

/// Random faults, and what they consist of, last this long at least.
pub(in crate::scenario) const LASTS_MIN: Duration = Duration::from_millis(50);

/// As often between 50 and 100 ms as between 5 and 10 s; whole milliseconds, which read better.
pub(in crate::scenario) fn log_uniform(draw: &mut Draw, from: Duration, to: Duration) -> Duration {
    let (low, high) = (libm::log(from.as_secs_f64()), libm::log(to.max(from).as_secs_f64()));
    let drawn = Duration::from_secs_f64(libm::exp(low + draw.unit() * (high - low)));
    whole_millis(drawn).clamp(from, to.max(from))
}

pub(in crate::scenario) fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(time.as_millis() as u64)
}
