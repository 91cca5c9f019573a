//! Mutual exclusion that does not ask who: whoever releases it, it is free.

use super::super::model::Model;
use super::{Readable, is_done, key_text, no_function};
use crate::history::Recorded;
use serde_json::Value;

/// What can be done with it.
pub(super) const FUNCTIONS: [&str; 2] = ["acquire", "release"];

/// A mutex, or many by name.
#[derive(Debug, Clone)]
pub struct Mutex;

/// What can be asked of a mutex.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Op {
    /// Its name.
    pub name: String,
    /// To have it; else, to give it up.
    pub acquire: bool,
}

impl Model for Mutex {
    type Op = Op;
    /// Whether it was done.
    type Ret = bool;
    /// Whether it is held.
    type State = bool;

    fn initial(&self) -> bool {
        false
    }

    fn step(&self, held: &bool, op: &Op, ret: Option<&bool>, next: &mut Vec<bool>) {
        let done = *held != op.acquire;
        if done == *ret.unwrap_or(&true) {
            // Refused, it is as it was.
            next.push(if done { op.acquire } else { *held });
        }
    }

    fn key(&self, op: &Op) -> Option<String> {
        Some(op.name.clone())
    }

    fn observes(&self, _: &Op, ret: Option<&bool>) -> bool {
        ret == Some(&false)
    }
}

impl Readable for Mutex {
    fn op(&self, recorded: &Recorded) -> Result<Op, String> {
        let acquire = match &*recorded.f {
            "acquire" => true,
            "release" => false,
            f => return Err(no_function("mutex", f, &FUNCTIONS)),
        };
        let name = if recorded.invoked.is_null() { "mutex".to_owned() } else { key_text(&recorded.invoked) };
        Ok(Op { name, acquire })
    }

    fn ret(&self, _: &Op, value: &Value, _: &Recorded) -> Result<bool, String> {
        Ok(is_done(value))
    }
}
