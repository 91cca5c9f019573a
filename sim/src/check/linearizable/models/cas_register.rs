//! One value, read, written, and replaced if it is what the caller believes.

use super::super::model::{Call, Model, Waiting};
use super::{Datum, Readable, is_done, no_function, parts};
use crate::history::Recorded;
use serde_json::Value;

/// What can be done with it.
pub(super) const FUNCTIONS: [&str; 3] = ["read", "write", "cas"];

/// A register with compare-and-set.
#[derive(Debug, Clone)]
pub struct CasRegister {
    /// Its value before any write.
    pub initial: Datum,
}

/// What can be asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// What is the value?
    Read,
    /// From now on it is this.
    Write(Datum),
    /// If it is the first, it is the second from now on.
    Cas(Datum, Datum),
}

/// What it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ret {
    /// The value.
    Value(Datum),
    /// It was done.
    Done,
    /// The value was another.
    Refused,
}

impl Model for CasRegister {
    type Op = Op;
    type Ret = Ret;
    type State = Datum;

    fn initial(&self) -> Datum {
        self.initial
    }

    fn step(&self, state: &Datum, op: &Op, ret: Option<&Ret>, next: &mut Vec<Datum>) {
        next.extend(after(*state, op, ret));
    }

    fn observes(&self, op: &Op, ret: Option<&Ret>) -> bool {
        *op == Op::Read || ret == Some(&Ret::Refused)
    }

    fn matters(&self, state: &Datum, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        let made = match other.op {
            _ if self.observes(other.op, other.ret) => {
                return waiting.possible && !self.observes(waiting.call.op, waiting.call.ret);
            }
            Op::Read => return false,
            Op::Write(value) | Op::Cas(_, value) => *value,
        };
        if waiting.possible {
            // One that may as well not have happened, and is overwritten.
            let is_overwritten = matches!(waiting.call.op, Op::Write(_)) && matches!(other.op, Op::Write(_));
            return !is_overwritten || other.ret.is_some();
        }
        // What the waiting operation needs to find, only an operation that leaves it can give.
        match (waiting.call.op, waiting.call.ret) {
            (Op::Read, Some(Ret::Value(needed))) | (Op::Cas(needed, _), Some(Ret::Done)) => made == *needed,
            (Op::Cas(..), Some(Ret::Refused)) => made != *state,
            _ => true,
        }
    }

    fn leads(&self, state: &Datum, call: &Call<'_, Self>) -> Option<bool> {
        match call.op {
            Op::Read => Some(call.ret == Some(&Ret::Value(*state))),
            Op::Write(_) => Some(false),
            // Another may come between, and leave what this one needs.
            Op::Cas(..) => None,
        }
    }

    fn overwrites(&self, op: &Op) -> bool {
        matches!(op, Op::Write(_))
    }
}

/// The value after an operation on a value; none when it cannot be answered so.
pub(super) fn after(state: Datum, op: &Op, ret: Option<&Ret>) -> Option<Datum> {
    match (op, ret) {
        (Op::Read, None) => Some(state),
        (Op::Read, Some(ret)) => (*ret == Ret::Value(state)).then_some(state),
        (Op::Write(value), _) => Some(*value),
        (Op::Cas(old, _), Some(Ret::Refused)) => (state != *old).then_some(state),
        (Op::Cas(old, new), _) => (state == *old).then_some(*new),
    }
}

impl Readable for CasRegister {
    fn op(&self, recorded: &Recorded) -> Result<Op, String> {
        let value = &recorded.invoked;
        match &*recorded.f {
            "read" => Ok(Op::Read),
            "write" => Ok(Op::Write(Datum::from(value))),
            "cas" => {
                let [old, new] = parts("cas", value, "[old, new]")?;
                Ok(Op::Cas(Datum::from(old), Datum::from(new)))
            }
            f => Err(no_function("cas-register", f, &FUNCTIONS)),
        }
    }

    fn ret(&self, op: &Op, value: &Value, _: &Recorded) -> Result<Ret, String> {
        Ok(match op {
            Op::Read => Ret::Value(Datum::from(value)),
            Op::Cas(..) if !is_done(value) => Ret::Refused,
            _ => Ret::Done,
        })
    }
}
