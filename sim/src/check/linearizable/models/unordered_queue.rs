//! What was put in comes out once, in any order.

use super::super::model::{Call, Model, Waiting};
use super::queue::{self, Op};
use super::{Datum, Queue, Readable};
use crate::history::Recorded;
use serde_json::Value;
use std::sync::Arc;

/// A queue without order.
#[derive(Debug, Clone)]
pub struct UnorderedQueue;

impl Model for UnorderedQueue {
    type Op = Op;
    /// What was dequeued; [`Datum::NULL`] if there was nothing, and of an enqueue.
    type Ret = Datum;
    /// The elements, sorted.
    type State = Arc<[Datum]>;

    fn initial(&self) -> Arc<[Datum]> {
        Arc::new([])
    }

    fn step(&self, state: &Arc<[Datum]>, op: &Op, ret: Option<&Datum>, next: &mut Vec<Arc<[Datum]>>) {
        let without = |at: usize| state[..at].iter().chain(&state[at + 1..]).copied().collect();
        match (op, ret) {
            (Op::Enqueue(element), _) => {
                let at = state.partition_point(|other| other < element);
                next.push(state[..at].iter().chain([element]).chain(&state[at..]).copied().collect());
            }
            (Op::Dequeue, Some(&Datum::NULL)) if state.is_empty() => next.push(state.clone()),
            (Op::Dequeue, Some(element)) => next.extend(state.binary_search(element).ok().map(without)),
            (Op::Dequeue, None) => {
                let is_first = |at: &usize| *at == 0 || state[at - 1] != state[*at];
                next.extend((0..state.len()).filter(is_first).map(without));
            }
        }
    }

    fn observes(&self, op: &Op, ret: Option<&Datum>) -> bool {
        *op == Op::Dequeue && ret == Some(&Datum::NULL)
    }

    fn matters(&self, _: &Arc<[Datum]>, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        let element = |call: &Call<'_, Self>| match (call.op, call.ret) {
            (Op::Enqueue(element), _) => Some(*element),
            (Op::Dequeue, ret) => ret.copied().filter(|element| *element != Datum::NULL),
        };
        match (element(&waiting.call), element(other)) {
            (Some(one), Some(two)) => one == two,
            // An empty queue waits for what is in it to go; something that is not there yet waits to come.
            (None, Some(_)) if !waiting.possible => *other.op == Op::Dequeue,
            (Some(_), None) if !waiting.possible => false,
            _ => true,
        }
    }

    fn heap_bytes(&self, state: &Arc<[Datum]>) -> usize {
        size_of_val::<[Datum]>(state)
    }
}

impl Readable for UnorderedQueue {
    fn op(&self, recorded: &Recorded) -> Result<Op, String> {
        queue::read("unordered-queue", recorded)
    }

    fn ret(&self, op: &Op, value: &Value, recorded: &Recorded) -> Result<Datum, String> {
        Queue.ret(op, value, recorded)
    }
}
