//! Mutual exclusion: a lock is held by one process at most, and released by the one that holds it.

use super::super::model::Model;
use super::{Readable, is_done, key_text, no_function};
use crate::history::Recorded;
use serde_json::Value;

/// What can be done with it.
pub(super) const FUNCTIONS: [&str; 2] = ["acquire", "release"];

/// A lock, or many by name.
#[derive(Debug, Clone)]
pub struct Lock;

/// What can be asked of a lock, and by which process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Op {
    /// The lock's name.
    pub name: String,
    /// The process.
    pub process: u64,
    /// To have it; else, to give it up.
    pub acquire: bool,
}

impl Model for Lock {
    type Op = Op;
    /// Whether it was done.
    type Ret = bool;
    /// The process that holds it.
    type State = Option<u64>;

    fn initial(&self) -> Option<u64> {
        None
    }

    fn step(&self, holder: &Option<u64>, op: &Op, ret: Option<&bool>, next: &mut Vec<Option<u64>>) {
        let (needed, after) = if op.acquire { (None, Some(op.process)) } else { (Some(op.process), None) };
        let done = *holder == needed;
        if done == *ret.unwrap_or(&true) {
            next.push(if done { after } else { *holder });
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
        let acquire = match recorded.f.as_str() {
            "acquire" => true,
            "release" => false,
            f => return Err(no_function("lock", f, &FUNCTIONS)),
        };
        let name = if recorded.invoked.is_null() { "lock".to_owned() } else { key_text(&recorded.invoked) };
        Ok(Op { name, process: recorded.process, acquire })
    }

    fn ret(&self, _: &Op, value: &Value, _: &Recorded) -> Result<bool, String> {
        Ok(is_done(value))
    }
}
