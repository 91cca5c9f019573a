//! Probes: what protocol code tells the testbed about itself, in three small calls.
//!
//! * [`probe!`](crate::probe!) publishes a named fact with values: checkers judge it, faults trigger on it, the
//!   timeline shows it.
//! * [`sometimes!`](crate::sometimes!) marks a situation that a good sweep should reach; a sweep lists those never
//!   reached.
//! * [`buggify!`](crate::buggify!) asks whether to take a rare but legal path, with a probability.
//!
//! In a real build the first two compile to nothing and the third is always `false`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One value of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A text.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => value.fmt(f),
            Value::Int(value) => value.fmt(f),
            Value::Uint(value) => value.fmt(f),
            Value::Text(value) => f.write_str(value),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Value::$variant(value.into())
            }
        })*
    };
}

value_from! {
    bool => Bool, i32 => Int, i64 => Int, u8 => Uint, u16 => Uint, u32 => Uint, u64 => Uint, &str => Text, String => Text,
}

/// Publishes a fact about this node: `probe!("role", "primary", term)`. The name must be among those that the
/// protocol declares; values are anything that converts into a [`probe::Value`](Value).
#[macro_export]
macro_rules! probe {
    ($name:expr $(, $value:expr)* $(,)?) => {
        $crate::probe::publish($name, || vec![$($crate::probe::Value::from($value)),*])
    };
}

/// Marks a situation that a good sweep should reach: `sometimes!("conflict resolved")`.
#[macro_export]
macro_rules! sometimes {
    ($name:expr) => {
        $crate::probe::publish($name, ::std::vec::Vec::new)
    };
}

/// Whether to take a rare but legal path now: `if buggify!(0.01) { … }`. Always `false` in a real build, and in a
/// run whose scenario does not ask for it.
#[macro_export]
macro_rules! buggify {
    ($probability:expr) => {
        $crate::probe::take_rare_path($probability)
    };
}

#[doc(hidden)]
#[cfg(madsim)]
pub fn publish(name: &'static str, values: impl FnOnce() -> Vec<Value>) {
    crate::world::publish_probe(name, values);
}

#[doc(hidden)]
#[cfg(madsim)]
pub fn take_rare_path(probability: f64) -> bool {
    crate::world::with(|world| world.buggify(probability))
}

#[doc(hidden)]
#[cfg(not(madsim))]
#[inline(always)]
pub fn publish(_name: &'static str, _values: impl FnOnce() -> Vec<Value>) {}

#[doc(hidden)]
#[cfg(not(madsim))]
#[inline(always)]
pub fn take_rare_path(_probability: f64) -> bool {
    false
}
