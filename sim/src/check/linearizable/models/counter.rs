//! A number that is added to.

use super::super::model::{Call, Model, Waiting};
use super::{Readable, no_function};
use crate::history::Recorded;
use serde_json::Value;

/// What can be done with it.
pub(super) const FUNCTIONS: [&str; 5] = ["add", "increment", "decrement", "inc", "read"];

/// A counter.
#[derive(Debug, Clone)]
pub struct Counter {
    /// What it counts from.
    pub initial: i64,
}

/// What can be asked of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Add this, which may be less than nothing.
    Add(i64),
    /// How much is it?
    Read,
}

impl Model for Counter {
    type Op = Op;
    /// What was read; none of an addition.
    type Ret = Option<i64>;
    type State = i64;

    fn initial(&self) -> i64 {
        self.initial
    }

    fn step(&self, state: &i64, op: &Op, ret: Option<&Option<i64>>, next: &mut Vec<i64>) {
        match (op, ret) {
            (Op::Add(more), _) => next.extend(state.checked_add(*more)),
            (Op::Read, Some(told)) if *told != Some(*state) => {}
            (Op::Read, _) => next.push(*state),
        }
    }

    fn observes(&self, op: &Op, _: Option<&Option<i64>>) -> bool {
        *op == Op::Read
    }

    fn matters(&self, state: &i64, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        match (waiting.call.op, waiting.call.ret, other.op) {
            // Additions may come in any order.
            (Op::Add(_), _, Op::Add(_)) | (Op::Read, _, Op::Read) => false,
            // What brings it nearer to what was read.
            (Op::Read, Some(Some(told)), Op::Add(more)) if !waiting.possible => {
                more.signum() == (told.saturating_sub(*state)).signum()
            }
            _ => true,
        }
    }
}

impl Readable for Counter {
    fn op(&self, recorded: &Recorded) -> Result<Op, String> {
        let value = &recorded.invoked;
        let amount = || {
            let amount = if value.is_null() { Some(1) } else { value.as_i64() };
            amount.ok_or_else(|| format!("`{}` takes a whole number, not {value}", recorded.f))
        };
        match &*recorded.f {
            "read" => Ok(Op::Read),
            "add" | "increment" | "inc" => Ok(Op::Add(amount()?)),
            "decrement" => Ok(Op::Add(-amount()?)),
            f => Err(no_function("counter", f, &FUNCTIONS)),
        }
    }

    fn ret(&self, op: &Op, value: &Value, _: &Recorded) -> Result<Option<i64>, String> {
        match op {
            Op::Add(_) => Ok(None),
            Op::Read => {
                let told = value.as_i64().map(Some);
                told.ok_or_else(|| format!("`read` of a counter answers with a whole number, not {value}"))
            }
        }
    }
}
