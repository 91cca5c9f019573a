//! Which variables grow without end.

use super::arena::Arena;
use super::codec::decode;
use crate::spec::Spec;
use std::collections::BTreeMap;

/// So many states of a level are looked at.
const SAMPLE: usize = 64;

/// A variable that was still growing when a search stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// Its name.
    pub variable: String,
    /// The greatest seen at an earlier level: a number's value, or the length of anything else, written out.
    pub before: u64,
    /// That level.
    pub before_depth: u32,
    /// The greatest seen where the search stopped.
    pub now: u64,
}

/// Some states of the levels 1, 2, 4, 8, and so on.
#[derive(Debug, Default)]
pub(super) struct Samples(Vec<(u32, Arena)>);

impl Samples {
    pub(super) fn take(&mut self, depth: u32, level: &Arena) {
        if depth.is_power_of_two() {
            let mut some = Arena::default();
            level.sample(SAMPLE).for_each(|state| some.push(state));
            self.0.push((depth, some));
        }
    }

    /// What has grown since the search was half as deep, the fastest first.
    pub(super) fn growing<S: Spec>(&self, spec: &S, depth: u32, newest: &Arena) -> Vec<Growth> {
        let Some((before_depth, before)) =
            self.0.iter().rev().find(|(sampled, _)| *sampled <= depth.div_ceil(2))
        else {
            return Vec::new();
        };
        let (before, now) = (sizes(spec, before), sizes(spec, newest));
        let mut growing: Vec<Growth> = now
            .into_iter()
            .map(|(variable, now)| {
                let before = before.get(&variable).copied().unwrap_or_default();
                Growth { variable, before, before_depth: *before_depth, now }
            })
            .filter(|growth| growth.now > growth.before)
            .collect();
        growing.sort_by_key(|growth| std::cmp::Reverse((growth.now * 1_000) / (growth.before + 1)));
        growing
    }
}

/// The greatest size of each variable.
fn sizes<S: Spec>(spec: &S, states: &Arena) -> BTreeMap<String, u64> {
    let mut sizes = BTreeMap::new();
    for state in states.sample(SAMPLE) {
        for (name, value) in spec.variables(&decode(state)) {
            let size = value.parse::<i64>().map_or(value.chars().count() as u64, i64::unsigned_abs);
            let greatest = sizes.entry(name).or_default();
            *greatest = size.max(*greatest);
        }
    }
    sizes
}
