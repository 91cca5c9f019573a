//! Elements that are in or not.

use super::super::model::{Call, Model, Waiting};
use super::{Datum, Readable, no_function};
use crate::history::Recorded;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What can be done with it.
pub(super) const FUNCTIONS: [&str; 4] = ["add", "remove", "contains", "read"];

/// A set.
#[derive(Debug, Clone)]
pub struct Set;

/// What can be asked of a set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Op {
    /// Have this in.
    Add(Datum),
    /// Have this out.
    Remove(Datum),
    /// Is this in?
    Contains(Datum),
    /// What is in?
    Read,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ret {
    /// It was done, and whether that made a difference is not told.
    Done,
    /// Whether it is in; or, of an addition or removal, whether that made a difference.
    Told(bool),
    /// All elements, in order of their hashes.
    Elements(Vec<Datum>),
}

impl Model for Set {
    type Op = Op;
    type Ret = Ret;
    /// The elements in order; shared by the states that have the same.
    type State = Arc<[Datum]>;

    fn initial(&self) -> Arc<[Datum]> {
        Arc::new([])
    }

    fn step(&self, state: &Arc<[Datum]>, op: &Op, ret: Option<&Ret>, next: &mut Vec<Arc<[Datum]>>) {
        let place = |element: &Datum| state.binary_search(element);
        let told = |truth: bool| !matches!(ret, Some(Ret::Told(told)) if *told != truth);
        match op {
            Op::Read => {
                if !matches!(ret, Some(Ret::Elements(elements)) if elements[..] != state[..]) {
                    next.push(state.clone());
                }
            }
            Op::Contains(element) => {
                if told(place(element).is_ok()) {
                    next.push(state.clone());
                }
            }
            Op::Add(element) => match place(element) {
                Ok(_) if told(false) => next.push(state.clone()),
                Err(at) if told(true) => {
                    let (before, after) = state.split_at(at);
                    next.push(before.iter().chain([element]).chain(after).copied().collect());
                }
                _ => {}
            },
            Op::Remove(element) => match place(element) {
                Err(_) if told(false) => next.push(state.clone()),
                Ok(at) if told(true) => {
                    let (before, after) = (&state[..at], &state[at + 1..]);
                    next.push(before.iter().chain(after).copied().collect());
                }
                _ => {}
            },
        }
    }

    fn observes(&self, op: &Op, ret: Option<&Ret>) -> bool {
        matches!(op, Op::Contains(_) | Op::Read) || ret == Some(&Ret::Told(false))
    }

    fn matters(&self, state: &Arc<[Datum]>, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        let element = |op: &Op| match op {
            Op::Add(element) | Op::Remove(element) | Op::Contains(element) => Some(*element),
            Op::Read => None,
        };
        let of_other = element(other.op);
        if let (Some(one), Some(two)) = (element(waiting.call.op), of_other) {
            return one == two;
        }
        // A read of everything waits for what it saw and is not in yet, or is in and it did not see.
        match (waiting.call.ret, of_other) {
            (Some(Ret::Elements(seen)), Some(other)) if !waiting.possible => {
                seen.binary_search(&other).is_ok() != state.binary_search(&other).is_ok()
            }
            (_, None) => waiting.possible,
            _ => true,
        }
    }

    fn heap_bytes(&self, state: &Arc<[Datum]>) -> usize {
        size_of_val::<[Datum]>(state)
    }
}

impl Readable for Set {
    fn op(&self, recorded: &Recorded) -> Result<Op, String> {
        let element = Datum::from(&recorded.invoked);
        match &*recorded.f {
            "read" => Ok(Op::Read),
            "add" => Ok(Op::Add(element)),
            "remove" => Ok(Op::Remove(element)),
            "contains" => Ok(Op::Contains(element)),
            f => Err(no_function("set", f, &FUNCTIONS)),
        }
    }

    fn ret(&self, op: &Op, value: &Value, _: &Recorded) -> Result<Ret, String> {
        match (op, value) {
            (Op::Read, Value::Array(elements)) => {
                let elements: BTreeSet<Datum> = elements.iter().map(Datum::from).collect();
                Ok(Ret::Elements(elements.into_iter().collect()))
            }
            (Op::Read, other) => Err(format!("`read` of a set answers with an array, not {other}")),
            (Op::Contains(_), Value::Bool(truth)) => Ok(Ret::Told(*truth)),
            (Op::Contains(_), other) => Err(format!("`contains` answers true or false, not {other}")),
            (_, Value::Bool(truth)) => Ok(Ret::Told(*truth)),
            _ => Ok(Ret::Done),
        }
    }
}
