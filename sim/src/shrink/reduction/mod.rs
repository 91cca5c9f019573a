//! What may be taken out of a plan, or made less of it: one list.
//!
//! | file | what |
//! |---|---|
//! | `cut.rs` | what follows the failure, dead time, odd times |
//! | `world.rs` | a network, clocks, disks and options without qualities |
//! | `cast.rs` | clients and nodes |
//! | here | faults and operations themselves |

mod cast;
pub(super) mod cut;
pub(super) mod world;

use crate::scenario::{Cast, Scenario};
use std::ops::Range;

/// One way to make a plan smaller.
pub(super) enum Reduction {
    /// Without some of its parts.
    Parts(Parts),
    /// What may be tried in its place, each a step smaller.
    Steps(fn(&Scenario) -> Vec<Scenario>),
}

/// Parts of a plan, in order.
pub(super) struct Parts {
    pub(super) count: fn(&Scenario) -> usize,
    pub(super) without: fn(&Scenario, Range<usize>) -> Scenario,
}

/// All reductions, in the order in which they are tried: first what makes runs alike, so that the rest is tried in a
/// world that does what it did before; then the most.
pub(super) const ALL: &[Reduction] = &[
    Reduction::Steps(world::calm_at_once),
    Reduction::Steps(world::calmer),
    Reduction::Parts(FAULTS),
    Reduction::Parts(OPERATIONS),
    Reduction::Steps(joined_faults),
    Reduction::Steps(cast::fewer_clients),
    Reduction::Steps(cast::fewer_nodes),
    Reduction::Steps(smaller_faults),
    Reduction::Steps(cut::earlier_end),
    Reduction::Steps(cut::shorter_gaps),
    Reduction::Steps(world::fewer_options),
    Reduction::Steps(cut::whole_times),
];

const FAULTS: Parts = Parts {
    count: |plan| plan.faults.len(),
    without: |plan, range| {
        let mut plan = plan.clone();
        plan.faults.drain(range);
        plan
    },
};

const OPERATIONS: Parts = Parts {
    count: |plan| plan.operations.len(),
    without: |plan, range| {
        let mut plan = plan.clone();
        plan.operations.drain(range);
        plan
    },
};

/// One fault in the place of two.
fn joined_faults(plan: &Scenario) -> Vec<Scenario> {
    let cast = Cast::of(plan);
    let pairs =
        (0..plan.faults.len()).flat_map(|one| (one + 1..plan.faults.len()).map(move |two| (one, two)));
    let joined = pairs.filter_map(|(one, two)| {
        let joined = plan.faults[one].joined(&plan.faults[two], cast)?;
        let mut plan = plan.clone();
        plan.faults[one] = joined;
        plan.faults.remove(two);
        Some(plan)
    });
    joined.collect()
}

/// One of the faults with less to it.
fn smaller_faults(plan: &Scenario) -> Vec<Scenario> {
    let cast = Cast::of(plan);
    let smaller = plan.faults.iter().enumerate().flat_map(|(index, fault)| {
        let smaller = fault.smaller(cast, plan.workload.duration);
        smaller.into_iter().map(move |fault| (index, fault))
    });
    let with = |(index, fault)| {
        let mut plan = plan.clone();
        plan.faults[index] = fault;
        plan
    };
    smaller.map(with).collect()
}
