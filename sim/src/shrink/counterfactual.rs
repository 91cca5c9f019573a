//! Of what is left after shrinking: what each part of it has to do with the failure.
//!
//! Each fault and each operation is taken out alone, and what remains is run in `SCHEDULES` schedules that decided
//! nothing before. What fails without it as often did not need it. Where a limit has left many operations, only faults
//! are taken out: none of so many operations tells anything alone.

use super::bench::Bench;
use super::{Limits, Shrunk};
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
    /// of so many.
    pub of: usize,
}

/// What happens without each fault, and without each operation, of what is left of a run of this case.
pub fn counterfactuals(case: &Case, shrunk: &Shrunk, jobs: usize) -> Vec<Counterfactual> {
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
    let limits = Limits { jobs, ..Limits::default() };
    let mut bench =
        Bench::new(case.system, shrunk.class.clone(), shrunk.seed, seeds.len(), limits, Instant::now());
    let fails = bench.fails_of(plans, &seeds);
    let told = |(without, fails)| Counterfactual { without, fails, of: seeds.len() };
    names.into_iter().zip(fails).map(told).collect()
}
