//! First in, first out.

use super::super::model::{Call, Model, Waiting};
use super::{Datum, Readable, no_function};
use crate::history::Recorded;
use serde_json::Value;
use std::sync::Arc;

/// What can be done with a queue, with an order or without.
pub(super) const FUNCTIONS: [&str; 2] = ["enqueue", "dequeue"];

/// A queue.
#[derive(Debug, Clone)]
pub struct Queue;

/// What can be asked of a queue, with an order or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Put this in.
    Enqueue(Datum),
    /// Take one out.
    Dequeue,
}

impl Model for Queue {
    type Op = Op;
    /// What was dequeued; [`Datum::NULL`] if there was nothing, and of an enqueue.
    type Ret = Datum;
    type State = Arc<[Datum]>;

    fn initial(&self) -> Arc<[Datum]> {
        Arc::new([])
    }

    fn step(&self, state: &Arc<[Datum]>, op: &Op, ret: Option<&Datum>, next: &mut Vec<Arc<[Datum]>>) {
        match op {
            Op::Enqueue(element) => next.push(state.iter().copied().chain([*element]).collect()),
            Op::Dequeue => {
                let first = state.first().copied().unwrap_or(Datum::NULL);
                if ret.is_none_or(|told| *told == first) {
                    next.push(state.get(1..).map_or_else(|| state.clone(), Arc::from));
                }
            }
        }
    }

    fn observes(&self, op: &Op, ret: Option<&Datum>) -> bool {
        // Nothing was there to dequeue.
        *op == Op::Dequeue && ret == Some(&Datum::NULL)
    }

    fn matters(&self, state: &Arc<[Datum]>, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        if waiting.possible {
            return true;
        }
        // A dequeue that cannot happen yet. In an empty queue the element itself must come first; in another, whatever
        // is before it must go.
        match (waiting.call.ret, other.op) {
            (Some(element), Op::Enqueue(other)) => state.is_empty() && element == other,
            (_, Op::Enqueue(_)) => false,
            (_, Op::Dequeue) => !state.is_empty(),
        }
    }

    fn heap_bytes(&self, state: &Arc<[Datum]>) -> usize {
        size_of_val::<[Datum]>(state)
    }
}

/// What a history asked of a queue, with an order or without.
pub(super) fn read(model: &str, recorded: &Recorded) -> Result<Op, String> {
    match &*recorded.f {
        "enqueue" if recorded.invoked.is_null() => Err("`enqueue` takes a value, not null".to_owned()),
        "enqueue" => Ok(Op::Enqueue(Datum::from(&recorded.invoked))),
        "dequeue" => Ok(Op::Dequeue),
        f => Err(no_function(model, f, &FUNCTIONS)),
    }
}

impl Readable for Queue {
    fn op(&self, recorded: &Recorded) -> Result<Op, String> {
        read("queue", recorded)
    }

    fn ret(&self, op: &Op, value: &Value, _: &Recorded) -> Result<Datum, String> {
        Ok(if *op == Op::Dequeue { Datum::from(value) } else { Datum::NULL })
    }
}
