//! Of what is left after shrinking: what each part of it has to do with the failure.
//!
//! Each fault and each operation is taken out alone, and what remains is run in `SCHEDULES` schedules that decided
//! nothing before. What fails without it as often did not need it. Where a limit has left many operations, only faults
//! are taken out: none of so many operations tells anything alone.

use super::bench::Bench;
use super::{Limits, Robust, Shrunk};
use crate::catalog::Case;
use serde::Serialize;
use std::time::Instant;

/// In so many schedules.
const SCHEDULES: u64 = 20;
/// Of more operations than these none is taken out.
const OPERATIONS_MAX: usize = 24;
/// The first of their seeds, counted from that of the file.
const FROM: u64 = 2000;

/// What happens without a part of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counterfactual {
    /// The part, in words.
    pub without: String,
    /// Without it, so many fail
    pub fails: usize,
    /// of so many: fewer than asked for, down to none, where a limit in time ended it.
    pub of: usize,
}

impl Counterfactual {
    /// Whether it was run in all schedules that it was to be.
    pub fn is_whole(&self) -> bool {
        self.of as u64 == SCHEDULES
    }
}

/// What happens without each fault, and without each operation, of what is left of a run of this case; of the limits
/// those in time and in what is run at a time hold.
pub fn counterfactuals(case: &Case, shrunk: &Shrunk, limits: &Limits) -> Vec<Counterfactual> {
    let plan = &shrunk.plan;
    let (mut names, mut plans) = (Vec::new(), Vec::new());
    for (index, fault) in plan.faults.iter().enumerate() {
        let mut without = plan.clone();
        without.faults.remove(index);
        names.push(fault.to_string());
        plans.push(without);
    }
    let is_few = plan.operations.len() <= OPERATIONS_MAX;
    for (index, operation) in plan.operations.iter().enumerate().filter(|_| is_few) {
        let mut without = plan.clone();
        without.operations.remove(index);
        names.push(operation.to_string());
        plans.push(without);
    }
    let seeds: Vec<u64> = (FROM..FROM + SCHEDULES).map(|index| shrunk.seed.wrapping_add(index)).collect();
    let start = Instant::now();
    let until = limits.time.and_then(|time| start.checked_add(time));
    let mut bench = Bench::new(case.system, shrunk.class.clone(), shrunk.seed, seeds.len(), *limits, start);
    let fails = bench.fails_of(plans, &seeds, until);
    let told = |(without, Robust { fails, of })| Counterfactual { without, fails, of };
    names.into_iter().zip(fails).map(told).collect()
}
