//! One key of the store as clients see it: a register that can be missing. 0 stands for nothing.

use super::{Op, Ret};
use sim::check::linearizable::{Call, Model, Waiting};

/// Each key is judged by itself.
pub(super) struct KeyModel;

/// Leases and watches are judged while they happen.
pub(super) fn split(op: &Op, ret: Option<&Ret>) -> Vec<(Op, Option<Ret>)> {
    match op {
        Op::Lease | Op::Tenure | Op::Watch | Op::AddMember(_) | Op::RemoveMember(_) => Vec::new(),
        _ => vec![(op.clone(), ret.cloned())],
    }
}

impl Model for KeyModel {
    type Op = Op;
    type Ret = Ret;
    type State = u64;

    fn initial(&self) -> u64 {
        0
    }

    fn step(&self, value: &u64, op: &Op, ret: Option<&Ret>, next: &mut Vec<u64>) {
        let (after, told) = match *op {
            Op::Put(_, put) => (put, Ret::Done(true)),
            Op::Cas(_, from, to) if *value == from => (to, Ret::Done(true)),
            Op::Cas(..) => (*value, Ret::Done(false)),
            Op::Delete(_) => (0, Ret::Done(*value != 0)),
            _ => (*value, Ret::Value(*value)),
        };
        if ret.is_none_or(|ret| *ret == told) {
            next.push(after);
        }
    }

    fn key(&self, op: &Op) -> Option<String> {
        match op {
            Op::Get(key) | Op::Put(key, _) | Op::Cas(key, ..) | Op::Delete(key) => Some(key.to_string()),
            _ => None,
        }
    }

    fn observes(&self, op: &Op, ret: Option<&Ret>) -> bool {
        matches!((op, ret), (Op::Get(_), _) | (Op::Cas(..) | Op::Delete(_), Some(Ret::Done(false))))
    }

    fn matters(&self, _: &u64, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        // Of what is to come before a put or a delete that was told so, nothing matters: whatever was there is gone.
        let blind = matches!(waiting.call.op, Op::Put(..));
        !(blind && other.ret.is_none())
    }
}
