//! Several registers that an operation reads and writes at once.

use super::super::model::Model;
use super::{Datum, Readable, answer, key_text};
use crate::history::Recorded;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What can be done with them; any other name will do, for the accesses say what is done.
pub(super) const FUNCTIONS: [&str; 3] = ["txn", "read", "write"];

/// Registers by key.
#[derive(Debug, Clone)]
pub struct MultiRegister {
    /// What each has before any write.
    pub initial: Datum,
}

/// Accesses that happen at once, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Op(Box<[Access]>);

/// One access.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Access {
    Read(String),
    Write(String, Datum),
}

impl Model for MultiRegister {
    type Op = Op;
    /// What the reads saw, in order.
    type Ret = Box<[Datum]>;
    /// What was written.
    type State = Arc<BTreeMap<String, Datum>>;

    fn initial(&self) -> Self::State {
        Arc::default()
    }

    fn step(&self, state: &Self::State, op: &Op, ret: Option<&Box<[Datum]>>, next: &mut Vec<Self::State>) {
        let mut after = state.clone();
        let mut told = ret.map(|told| told.iter());
        for access in &op.0 {
            match access {
                Access::Read(key) => {
                    let now = after.get(key).unwrap_or(&self.initial);
                    if told.as_mut().and_then(Iterator::next).is_some_and(|told| told != now) {
                        return;
                    }
                }
                Access::Write(key, value) => _ = Arc::make_mut(&mut after).insert(key.clone(), *value),
            }
        }
        next.push(after);
    }

    fn observes(&self, op: &Op, _: Option<&Box<[Datum]>>) -> bool {
        op.0.iter().all(|access| matches!(access, Access::Read(_)))
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.keys().map(|key| size_of::<(String, Datum)>() * 2 + key.len()).sum()
    }
}

impl Readable for MultiRegister {
    fn op(&self, recorded: &Recorded) -> Result<Op, String> {
        // A read of everything may be asked without saying what.
        let told = answer(recorded).unwrap_or(&recorded.invoked);
        let value = if recorded.invoked.is_null() { told } else { &recorded.invoked };
        let access = |step: (bool, &Value, &Value)| match step {
            (true, key, _) => Access::Read(key_text(key)),
            (false, key, value) => Access::Write(key_text(key), Datum::from(value)),
        };
        Ok(Op(steps(&recorded.f, value)?.into_iter().map(access).collect()))
    }

    fn ret(&self, op: &Op, value: &Value, recorded: &Recorded) -> Result<Box<[Datum]>, String> {
        let told: Vec<Datum> = steps(&recorded.f, value)?
            .into_iter()
            .filter(|(is_read, ..)| *is_read)
            .map(|(_, _, value)| Datum::from(value))
            .collect();
        let reads = op.0.iter().filter(|access| matches!(access, Access::Read(_))).count();
        let why = || format!("`{}` has {reads} reads, and {value} tells of {}", recorded.f, told.len());
        if told.len() == reads { Ok(told.into()) } else { Err(why()) }
    }
}

/// The accesses of a value: whether it is a read, the key, and what was written or read.
fn steps<'v>(f: &str, value: &'v Value) -> Result<Vec<(bool, &'v Value, &'v Value)>, String> {
    let shape = || format!("`{f}` takes [[\"r\", key, null], [\"w\", key, value], …], not {value}");
    let step = |step: &'v Value| {
        let [f, key, value] = <&[Value; 3]>::try_from(step.as_array()?.as_slice()).ok()?;
        match f.as_str()? {
            "r" | "read" => Some((true, key, value)),
            "w" | "write" => Some((false, key, value)),
            _ => None,
        }
    };
    value.as_array().and_then(|steps| steps.iter().map(step).collect()).ok_or_else(shape)
}
