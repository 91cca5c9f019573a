//! Keys are judged in turns: each looks at so many configurations, those that are not done sixteen times as many in the
//! next round, so a key that is hard does not hide the violation of one that is easy. A violation bounds what is left to
//! do: of the other keys only what was answered before it is judged any more.

use super::model::{Model, Operation};
use super::search::{Found, Search, Stuck, TAIL};
use super::{Budget, Evidence, Finding, Judgement};
use crate::budget::{Meter, OutOf};
use std::collections::BTreeMap;

/// Configurations of a key's first turn.
const FIRST_TURN: usize = 1 << 12;
/// How many times longer each turn is than the one before.
const LONGER: usize = 16;
/// The longest turn once another key has a violation.
const TURN_MAX_BESIDE_VIOLATION: usize = 1 << 20;

/// What was found of one key after another.
pub(super) struct Docket<'a, M: Model> {
    model: &'a M,
    operations: &'a [Operation<M::Op, M::Ret>],
    meter: Meter,
    violation: Option<Evidence>,
    /// The orders of the keys that have one.
    orders: Vec<(Option<String>, Vec<usize>)>,
    /// What ran out, and the operation that could not be placed until then.
    gave_up: Option<(OutOf, usize)>,
}

impl<'a, M: Model> Docket<'a, M> {
    pub(super) fn new(model: &'a M, operations: &'a [Operation<M::Op, M::Ret>], budget: Budget) -> Self {
        Docket {
            model,
            operations,
            meter: Meter::new(budget),
            violation: None,
            orders: Vec::new(),
            gave_up: None,
        }
    }

    pub(super) fn judge(mut self) -> Judgement {
        let mut keys: BTreeMap<Option<String>, Vec<usize>> = BTreeMap::new();
        for (index, operation) in self.operations.iter().enumerate() {
            let tells_nothing = operation.end.is_none() && self.model.observes(&operation.op, None);
            if !tells_nothing {
                keys.entry(self.model.key(&operation.op)).or_default().push(index);
            }
        }
        let mut turn = if keys.len() == 1 { usize::MAX } else { FIRST_TURN };
        while !keys.is_empty() && (self.violation.is_none() || turn <= TURN_MAX_BESIDE_VIOLATION) {
            keys.retain(|key, indices| !self.is_done(key, indices, turn));
            turn = turn.saturating_mul(LONGER);
        }
        self.judgement()
    }

    /// Judges a key within so many configurations. Returns whether there is nothing left to do.
    fn is_done(&mut self, key: &Option<String>, indices: &[usize], turn: usize) -> bool {
        let until = self.violation.as_ref().map_or(u64::MAX, |evidence| self.end(evidence.operation));
        let called = indices.partition_point(|index| self.operations[*index].call < until);
        let indices = &indices[..called];
        let of_key: Vec<_> = indices.iter().map(|index| &self.operations[*index]).collect();
        let in_history = |of_key: &[u32]| of_key.iter().map(|index| indices[*index as usize]).collect();
        match Search::new(self.model, &of_key, until).run(&mut self.meter, turn) {
            Found::Linearization(placed) => {
                self.orders.push((key.clone(), in_history(&placed)));
                true
            }
            Found::TooMany => false,
            Found::Stuck { stuck, looked_ahead } => {
                let first = if looked_ahead { self.first_stuck(&of_key) } else { None };
                let stuck = first.unwrap_or(stuck);
                let operation = indices[stuck.operation as usize];
                let (tail, pending) = (in_history(&stuck.tail), in_history(&stuck.pending));
                self.violation = Some(Evidence { key: key.clone(), operation, tail, pending });
                true
            }
            Found::GaveUp(out_of, reached) => {
                self.gave_up.get_or_insert((out_of, indices[reached as usize]));
                true
            }
        }
    }

    /// A search that looks ahead ends before the answer that it foresees. The first answer that no order explains is the
    /// last of the shortest prefix of answers that has none; none if that cannot be told in time.
    fn first_stuck(&mut self, of_key: &[&Operation<M::Op, M::Ret>]) -> Option<Stuck> {
        let mut ends: Vec<u64> =
            of_key.iter().filter_map(|operation| Some(operation.end.as_ref()?.1)).collect();
        ends.sort_unstable();
        // Of the first so many answers there is an order, of so many there is none.
        let (mut has, mut has_not) = (0, ends.len());
        let mut placed = Vec::new();
        while has + 1 < has_not {
            let middle = has.midpoint(has_not);
            match Search::new(self.model, of_key, ends[middle]).run(&mut self.meter, usize::MAX) {
                Found::Linearization(order) => (has, placed) = (middle, order),
                Found::Stuck { .. } => has_not = middle,
                Found::TooMany | Found::GaveUp(..) => return None,
            }
        }
        let end = *ends.get(has)?;
        let ends_then = |operation: &&Operation<M::Op, M::Ret>| {
            operation.end.as_ref().is_some_and(|(_, ended)| *ended == end)
        };
        let operation = of_key.iter().position(ends_then)? as u32;
        let under_way = |index: &u32| {
            of_key[*index as usize].call < end && *index != operation && !placed.contains(index)
        };
        let pending = (0..of_key.len() as u32).filter(under_way).take(TAIL).collect();
        let tail = placed[placed.len().saturating_sub(TAIL)..].to_vec();
        Some(Stuck { operation, tail, pending })
    }

    /// When an operation was answered.
    fn end(&self, operation: usize) -> u64 {
        self.operations[operation].end.as_ref().map_or(u64::MAX, |(_, end)| *end)
    }

    fn judgement(mut self) -> Judgement {
        let orders = std::mem::take(&mut self.orders);
        let answered_before =
            |until: u64| (0..self.operations.len()).filter(|operation| self.end(*operation) < until).count();
        let (longest_prefix, finding) = match (&self.violation, self.gave_up) {
            (Some(evidence), _) => {
                (answered_before(self.end(evidence.operation)), Finding::Violation(evidence.clone()))
            }
            (None, Some((out_of, reached))) => (answered_before(self.end(reached)), Finding::Unknown(out_of)),
            (None, None) => (answered_before(u64::MAX), Finding::Linearizable),
        };
        Judgement { finding, longest_prefix, orders }
    }
}
