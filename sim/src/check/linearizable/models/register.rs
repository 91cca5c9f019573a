//! One value, read and written.

use super::super::model::{Call, Model, Waiting};
use super::{Datum, Readable, no_function};
use crate::history::Recorded;
use serde_json::Value;

/// What can be done with it.
pub(super) const FUNCTIONS: [&str; 2] = ["read", "write"];

/// A register.
#[derive(Debug, Clone)]
pub struct Register {
    /// Its value before any write.
    pub initial: Datum,
}

/// What can be asked of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// What is the value?
    Read,
    /// From now on it is this.
    Write(Datum),
}

impl Model for Register {
    type Op = Op;
    /// What was read; [`Datum::NULL`] of a write.
    type Ret = Datum;
    type State = Datum;

    fn initial(&self) -> Datum {
        self.initial
    }

    fn step(&self, state: &Datum, op: &Op, ret: Option<&Datum>, next: &mut Vec<Datum>) {
        match op {
            Op::Read if ret.is_none_or(|read| read == state) => next.push(*state),
            Op::Read => {}
            Op::Write(value) => next.push(*value),
        }
    }

    fn observes(&self, op: &Op, _: Option<&Datum>) -> bool {
        *op == Op::Read
    }

    fn matters(&self, _: &Datum, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        match (waiting.call.op, waiting.call.ret, other.op) {
            // Only a write of the value makes a read of it possible.
            (Op::Read, Some(read), Op::Write(value)) if !waiting.possible => value == read,
            (Op::Read, _, Op::Read) => false,
            // One that may as well not have happened, and is overwritten.
            (Op::Write(_), _, Op::Write(_)) if other.ret.is_none() => false,
            // Two writes of one value are as good in either order.
            (Op::Write(one), _, Op::Write(two)) => one != two,
            _ => true,
        }
    }

    fn leads(&self, state: &Datum, call: &Call<'_, Self>) -> Option<bool> {
        Some(*call.op == Op::Read && call.ret == Some(state))
    }

    fn overwrites(&self, op: &Op) -> bool {
        matches!(op, Op::Write(_))
    }
}

impl Readable for Register {
    fn op(&self, recorded: &Recorded) -> Result<Op, String> {
        match &*recorded.f {
            "read" => Ok(Op::Read),
            "write" => Ok(Op::Write(Datum::from(&recorded.invoked))),
            f => Err(no_function("register", f, &FUNCTIONS)),
        }
    }

    fn ret(&self, op: &Op, value: &Value, _: &Recorded) -> Result<Datum, String> {
        Ok(if *op == Op::Read { Datum::from(value) } else { Datum::NULL })
    }
}
