//! Which operations a ruling speaks of, as data: for whoever draws it.

use super::linearizable::Evidence;
use super::transactions::Found;
use std::fmt;

/// What a ruling speaks of. Operations are indices into the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cited {
    /// The operations, each with its part; the one at fault last.
    pub operations: Vec<(usize, Part)>,
    /// Which comes before which, and why.
    pub links: Vec<(usize, usize, String)>,
}

/// An operation's part in what a ruling says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It has its place in an order that explains what was answered before.
    Placed,
    /// It was under way meanwhile.
    UnderWay,
    /// It cannot be placed, or stands in the cycle.
    Wrong,
}

impl Cited {
    /// What was under way where an operation could not be placed.
    pub(super) fn stuck(evidence: &Evidence) -> Self {
        let placed = evidence.tail.iter().map(|index| (*index, Part::Placed));
        let pending = evidence.pending.iter().map(|index| (*index, Part::UnderWay));
        Cited {
            operations: placed.chain(pending).chain([(evidence.operation, Part::Wrong)]).collect(),
            links: Vec::new(),
        }
    }

    /// The cycle, or the operations at fault.
    pub(super) fn anomaly(found: &Found) -> Self {
        let next = |at: usize| found.steps[(at + 1) % found.steps.len()].operation;
        let links = found.steps.iter().enumerate().filter_map(|(at, step)| {
            let (link, key) = step.link.as_ref()?;
            let key = key.as_ref().map(|key| format!(" on {key}")).unwrap_or_default();
            Some((step.operation, next(at), format!("{link}{key}")))
        });
        Cited { links: links.collect(), ..Cited::wrong(found.steps.iter().map(|step| step.operation)) }
    }

    /// Makes operations indices into a longer history: where each stands in that.
    pub(super) fn renumber(&mut self, indices: &[usize]) {
        let linked = self.links.iter_mut().flat_map(|(one, other, _)| [one, other]);
        for operation in self.operations.iter_mut().map(|(operation, _)| operation).chain(linked) {
            *operation = indices[*operation];
        }
    }

    /// Operations at fault.
    pub(super) fn wrong(operations: impl IntoIterator<Item = usize>) -> Self {
        let operations = operations.into_iter().map(|index| (index, Part::Wrong)).collect();
        Cited { operations, links: Vec::new() }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Placed => "placed",
            Part::UnderWay => "under way, not placed",
            Part::Wrong => "does not fit",
        })
    }
}
