//! Mutual exclusion: a lock is held by one process at most, and released by the one that holds it. A process whose
//! outcome is unknown is not heard of again, but its client goes on under another number: what that process holds may be
//! released by any other.

use super::super::model::Model;
use super::{Readable, is_done, key_text, no_function};
use crate::history::{End, Process, Recorded};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashSet;

/// What can be done with it.
pub(super) const FUNCTIONS: [&str; 2] = ["acquire", "release"];

/// A lock, or many by name.
#[derive(Debug, Clone, Default)]
pub struct Lock {
    /// The processes that ended with an unknown outcome.
    retired: RefCell<HashSet<Process>>,
}

/// What can be asked of a lock, and by which process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Op {
    /// The lock's name.
    pub name: String,
    /// The process.
    pub process: Process,
    /// To have it; else, to give it up.
    pub acquire: bool,
}

impl Model for Lock {
    type Op = Op;
    /// Whether it was done.
    type Ret = bool;
    /// The process that holds it.
    type State = Option<Process>;

    fn initial(&self) -> Option<Process> {
        None
    }

    fn step(&self, holder: &Option<Process>, op: &Op, ret: Option<&bool>, next: &mut Vec<Option<Process>>) {
        let done = match holder {
            _ if op.acquire => holder.is_none(),
            None => false,
            Some(holder) => *holder == op.process || self.retired.borrow().contains(holder),
        };
        if done == *ret.unwrap_or(&true) {
            next.push(if !done { holder.clone() } else { op.acquire.then(|| op.process.clone()) });
        }
    }

    fn key(&self, op: &Op) -> Option<String> {
        Some(op.name.clone())
    }

    fn observes(&self, _: &Op, ret: Option<&bool>) -> bool {
        ret == Some(&false)
    }
}

impl Readable for Lock {
    fn op(&self, recorded: &Recorded) -> Result<Op, String> {
        let acquire = match &*recorded.f {
            "acquire" => true,
            "release" => false,
            f => return Err(no_function("lock", f, &FUNCTIONS)),
        };
        if recorded.end == End::Unknown {
            self.retired.borrow_mut().insert(recorded.process.clone());
        }
        let name = if recorded.invoked.is_null() { "lock".to_owned() } else { key_text(&recorded.invoked) };
        Ok(Op { name, process: recorded.process.clone(), acquire })
    }

    fn ret(&self, _: &Op, value: &Value, _: &Recorded) -> Result<bool, String> {
        Ok(is_done(value))
    }
}
