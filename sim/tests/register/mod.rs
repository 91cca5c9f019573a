//! A register, for tests whose system has no network: what its clients do, and what it is.

use serde::{Deserialize, Serialize};
use sim::check::linearizable::Model;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    Read,
    Write(u64),
}

/// A register that answers a write with what it wrote.
pub struct Register;

impl Model for Register {
    type Op = Op;
    type Ret = u64;
    type State = u64;

    fn initial(&self) -> u64 {
        0
    }

    fn step(&self, state: &u64, op: &Op, ret: Option<&u64>, next: &mut Vec<u64>) {
        let after = if let Op::Write(value) = op { *value } else { *state };
        next.extend(Some(after).filter(|after| ret.is_none_or(|told| told == after)));
    }
}
