//! Models by the names that the command and scenarios use.

use super::super::{Budget, Judgement, Operation, check};
use super::key_value::{self, Content};
use super::{
    Bank, CasRegister, Counter, Datum, KeyValue, Lock, MultiRegister, Mutex, Queue, Readable, Register,
    Registry, Set, UnorderedQueue,
};
use super::{bank, cas_register, counter, lock, multi_register, mutex, queue, register, registry, set};
use crate::history::{End, HistoryError, Recorded};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The names of the models.
pub const NAMES: [&str; 12] = [
    "register",
    "cas-register",
    "multi-register",
    "key-value",
    "set",
    "counter",
    "queue",
    "unordered-queue",
    "lock",
    "mutex",
    "bank",
    "registry",
];

/// A model by its name, perhaps with an initial value: `register`, `bank:100`.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    name: &'static str,
    initial: Value,
}

/// There is no such model, or it has no such initial value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct UnknownModel {
    /// The name as it was given, without an initial value.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

impl FromStr for Named {
    type Err = UnknownModel;

    fn from_str(text: &str) -> Result<Self, UnknownModel> {
        let (written, initial) =
            text.split_once(':').map_or((text, None), |(name, initial)| (name, Some(initial)));
        let wrong = |why: String| UnknownModel { name: written.to_owned(), why };
        let name = NAMES.into_iter().find(|name| *name == written);
        let name = name.ok_or_else(|| wrong(format!("there is no model `{written}`")))?;
        let Some(initial) = initial else { return Ok(Named { name, initial: Value::Null }) };
        // A word that is not JSON is a text.
        let initial = serde_json::from_str(initial).unwrap_or_else(|_| Value::String(initial.to_owned()));
        match name {
            "register" | "cas-register" | "multi-register" | "key-value" => Ok(Named { name, initial }),
            "counter" if initial.is_i64() => Ok(Named { name, initial }),
            "counter" => Err(wrong(format!("a counter begins with a whole number, not {initial}"))),
            "bank" if initial.as_i64().is_some_and(|amount| amount >= 0) => Ok(Named { name, initial }),
            "bank" => Err(wrong(format!(
                "a bank begins with a whole number from 0 on every account, not {initial}"
            ))),
            _ => Err(wrong(format!("a {name} has no initial value"))),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if self.initial.is_null() { Ok(()) } else { write!(f, ":{}", self.initial) }
    }
}

impl Named {
    /// The functions that the model knows.
    pub fn functions(&self) -> &'static [&'static str] {
        match self.name {
            "register" => &register::FUNCTIONS,
            "cas-register" => &cas_register::FUNCTIONS,
            "key-value" => &key_value::FUNCTIONS,
            "set" => &set::FUNCTIONS,
            "queue" | "unordered-queue" => &queue::FUNCTIONS,
            "lock" => &lock::FUNCTIONS,
            "mutex" => &mutex::FUNCTIONS,
            "counter" => &counter::FUNCTIONS,
            "multi-register" => &multi_register::FUNCTIONS,
            "bank" => &bank::FUNCTIONS,
            _ => &registry::FUNCTIONS,
        }
    }

    /// Whether it is of one object, without keys of its own.
    pub(in super::super::super) fn is_of_one_object(&self) -> bool {
        !matches!(self.name, "key-value" | "multi-register" | "bank" | "registry" | "lock" | "mutex")
    }

    /// Judges a recorded history. The evidence's operations are indices into it.
    ///
    /// # Errors
    ///
    /// When the model does not know a function or value; with its line.
    pub fn judge(&self, history: &[Recorded], budget: Budget) -> Result<Judgement, HistoryError> {
        self.judge_by(&Plainly { history, budget })
    }

    /// Lets a model of this name be used for judging.
    pub(in super::super::super) fn judge_by(
        &self,
        judging: &impl Judging,
    ) -> Result<Judgement, HistoryError> {
        match self.name {
            "register" => judging.by(Register { initial: Datum::from(&self.initial) }),
            "cas-register" => judging.by(CasRegister { initial: Datum::from(&self.initial) }),
            "multi-register" => judging.by(MultiRegister { initial: Datum::from(&self.initial) }),
            "key-value" => judging.by(KeyValue { initial: Content::from(&self.initial) }),
            "set" => judging.by(Set),
            "counter" => judging.by(Counter { initial: self.initial.as_i64().unwrap_or(0) }),
            "queue" => judging.by(Queue),
            "unordered-queue" => judging.by(UnorderedQueue),
            "lock" => judging.by(Lock::default()),
            "mutex" => judging.by(Mutex),
            "bank" => judging.by(Bank::new(self.initial.as_i64().unwrap_or(0))),
            _ => judging.by(Registry),
        }
    }
}

/// What is done with a model, whichever it is.
pub(in super::super::super) trait Judging {
    /// Judges by it.
    fn by<M: Readable>(&self, model: M) -> Result<Judgement, HistoryError>;
}

/// Judges a history by the model as it is.
struct Plainly<'a> {
    history: &'a [Recorded],
    budget: Budget,
}

impl Judging for Plainly<'_> {
    fn by<M: Readable>(&self, model: M) -> Result<Judgement, HistoryError> {
        judge(&model, self.history, self.budget)
    }
}

/// Judges a recorded history by a model that can read it.
///
/// # Errors
///
/// When the model does not know a function or value; with its line.
pub fn judge<M: Readable>(
    model: &M,
    history: &[Recorded],
    budget: Budget,
) -> Result<Judgement, HistoryError> {
    let (operations, indices) = operations(model, history)?;
    let mut judgement = check(model, &operations, budget);
    judgement.renumber(&indices);
    Ok(judgement)
}

/// The operations that happened or may have, and where each stands in the history.
#[expect(clippy::type_complexity, reason = "a pair of lists")]
pub(in super::super) fn operations<M: Readable>(
    model: &M,
    history: &[Recorded],
) -> Result<(Vec<Operation<M::Op, M::Ret>>, Vec<usize>), HistoryError> {
    let mut operations = Vec::with_capacity(history.len());
    let mut indices = Vec::with_capacity(history.len());
    for (index, recorded) in history.iter().enumerate() {
        let meaning = |line: usize| move |why: String| HistoryError::Meaning { line, why };
        let op = model.op(recorded).map_err(meaning(recorded.call.line))?;
        let end = match (&recorded.end, recorded.done) {
            (End::Fail, _) => continue,
            (End::Ok(value), Some(done)) => {
                let ret = model.ret(&op, value, recorded).map_err(meaning(done.line))?;
                Some((ret, done.order))
            }
            _ => None,
        };
        operations.push(Operation { op, end, call: recorded.call.order });
        indices.push(index);
    }
    Ok((operations, indices))
}
