//! Judging by trying every order: no memory, no reduction, nothing shared with the search but the model.

use super::super::model::{Model, Operation};
use std::collections::HashMap;

/// How many answers the longest linearizable prefix has: all, if the history is linearizable. What was answered later
/// need not be placed, but where it is, with its answer.
pub(super) fn longest_prefix<M: Model>(model: &M, operations: &[Operation<M::Op, M::Ret>]) -> usize {
    let mut ends: Vec<u64> =
        operations.iter().filter_map(|operation| Some(operation.end.as_ref()?.1)).collect();
    ends.sort_unstable();
    let holds = |answers: &usize| {
        let last = answers.checked_sub(1).map_or(0, |last| ends[last]);
        let mut left: Vec<usize> = (0..operations.len()).collect();
        place(model, operations, last, &mut left, &mut HashMap::new())
    };
    (0..=ends.len()).rev().find(holds).expect("nothing need be placed if nothing was answered")
}

/// Whether what is left can be placed, as far as it was answered by then.
fn place<M: Model>(
    model: &M,
    operations: &[Operation<M::Op, M::Ret>],
    last: u64,
    left: &mut Vec<usize>,
    states: &mut HashMap<Option<String>, M::State>,
) -> bool {
    let answered = left.iter().filter_map(|index| Some(operations[*index].end.as_ref()?.1));
    let Some(first_end) = answered.filter(|end| *end <= last).min() else { return true };
    for at in 0..left.len() {
        let operation = &operations[left[at]];
        if operation.call > first_end {
            continue;
        }
        let key = model.key(&operation.op);
        let before = states.get(&key).cloned().unwrap_or_else(|| model.initial());
        let mut next = Vec::new();
        model.step(&before, &operation.op, operation.ret(), &mut next);
        let index = left.remove(at);
        for state in next {
            states.insert(key.clone(), state);
            if place(model, operations, last, left, states) {
                return true;
            }
        }
        states.insert(key, before);
        left.insert(at, index);
    }
    false
}
