//! The objects that histories are about, and how their operations are recorded.
//!
//! | model | functions | state |
//! |---|---|---|
//! | `register` | `read`, `write` v | the last value written |
//! | `cas-register` | `read`, `write` v, `cas` \[old, new\] | the last value written |
//! | `key-value` | `get` k, `put` \[k, v\], `append` \[k, v\], `cas` \[k, \[old, new\]\], `delete` k | a value a key |
//! | `set` | `add` v, `remove` v, `contains` v, `read` | the elements |
//! | `queue` | `enqueue` v, `dequeue` | the elements, in order |
//! | `unordered-queue` | `enqueue` v, `dequeue` | the elements |
//! | `counter` | `add` n, `increment`, `decrement`, `read` | the sum |
//! | `multi-register` | any, with `\[\["r", k, null\], \["w", k, v\], …\]` | the last value written, a key |
//! | `lock` | `acquire` l, `release` l | the process that holds it |
//! | `mutex` | `acquire` l, `release` l | whether it is held |
//! | `bank` | `deposit` \[a, n\], `withdraw` \[a, n\], `transfer` \[from, to, n\], `balance` a, `read`, `open` a, `close` a | all balances |
//! | `registry` | `register` \[name, pid\], `unregister` name, `lookup` name | the process a name |
//!
//! An object that has an initial value takes it after a colon: `register:0`, `bank:100` (of every account). An answer of
//! `false` means that the object refused: the condition did not hold. A completion of type `fail` did not happen, and is
//! left out.

pub mod bank;
pub mod cas_register;
pub mod counter;
mod datum;
pub mod key_value;
pub mod lock;
pub mod multi_register;
pub mod mutex;
mod named;
pub mod queue;
pub mod register;
pub mod registry;
pub mod set;
pub mod unordered_queue;

pub use bank::Bank;
pub use cas_register::CasRegister;
pub use counter::Counter;
pub use datum::Datum;
pub use key_value::KeyValue;
pub use lock::Lock;
pub use multi_register::MultiRegister;
pub use mutex::Mutex;
pub(in super::super) use named::Judging;
pub use named::{NAMES, Named, UnknownModel, judge};
pub use queue::Queue;
pub use register::Register;
pub use registry::Registry;
pub use set::Set;
pub use unordered_queue::UnorderedQueue;

use super::model::Model;
use crate::history::{End, Recorded};
use serde_json::Value;

/// A model whose operations can be read from a recorded history.
pub trait Readable: Model {
    /// What was asked.
    ///
    /// # Errors
    ///
    /// When there is no such function, or none with such a value.
    fn op(&self, recorded: &Recorded) -> Result<Self::Op, String>;

    /// What was answered.
    ///
    /// # Errors
    ///
    /// When the function has no such answer.
    fn ret(&self, op: &Self::Op, value: &Value, recorded: &Recorded) -> Result<Self::Ret, String>;
}

/// Whether the object did what was asked: every answer but `false` says so.
fn is_done(value: &Value) -> bool {
    *value != Value::Bool(false)
}

fn no_function(model: &str, f: &str, functions: &[&str]) -> String {
    format!("{model} has no function `{f}`: {}", functions.join(", "))
}

/// The parts of a value that is an array of so many.
fn parts<'v, const N: usize>(f: &str, value: &'v Value, shape: &str) -> Result<&'v [Value; N], String> {
    value
        .as_array()
        .and_then(|parts| parts.as_slice().try_into().ok())
        .ok_or_else(|| format!("`{f}` takes {shape}, not {value}"))
}

/// A value as the text of a key: a string is its own.
fn key_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The value that an operation ended with, if it happened for sure.
fn answer(recorded: &Recorded) -> Option<&Value> {
    match &recorded.end {
        End::Ok(value) => Some(value),
        End::Fail | End::Unknown => None,
    }
}
