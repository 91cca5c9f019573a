//! Histories of many objects, each with a key: `[key, value]`, as Jepsen writes them.
//!
//! That is how a history of several keys looks to a model of one object, and it would judge pairs as values. So where a
//! history is plainly one of keys, it is judged by key; where it might be, it is refused.

use super::linearizable::models::Readable;
use super::linearizable::{Call, Model, Waiting};
use crate::history::{End, HistoryError, Recorded};
use serde_json::Value;
use std::collections::BTreeMap;

/// Many objects of a model, by key.
pub(super) struct Keyed<M>(pub M);

/// Whether a history is of keys: told so, or by its reads, which are invoked with a key and no value.
///
/// # Errors
///
/// When it looks as if it were, and there is no read to tell.
pub(super) fn is_keyed(history: &[Recorded], told: Option<bool>) -> Result<bool, HistoryError> {
    if let Some(told) = told {
        return Ok(told);
    }
    let mut reads = 0;
    let mut changes = None;
    for recorded in history {
        let Some([_, value]) = pair(&recorded.invoked) else { return Ok(false) };
        reads += usize::from(value.is_null());
        // Of one object this would replace a value by a pair.
        if &*recorded.f == "cas" && pair(value).is_some() {
            changes.get_or_insert(recorded.call.line);
        }
    }
    match changes {
        _ if reads > 0 => Ok(true),
        None => Ok(false),
        Some(line) => {
            let why = "every value is a pair: `--keyed yes` if they are [key, value], `--keyed no` if they are values";
            Err(HistoryError::Meaning { line, why: why.to_owned() })
        }
    }
}

/// A part of a history that is of one key.
pub(super) struct Part {
    pub key: String,
    /// Its operations, without the key, and which those are in the whole history.
    pub history: Vec<Recorded>,
    pub indices: Vec<usize>,
}

/// Transactions on many stores, each with a key, by key; none if they are all on one. Accesses are arrays, so a pair that
/// begins with something else is a key and what was done there.
///
/// # Errors
///
/// When they are told to be keyed, and one is not.
pub(super) fn by_key(history: &[Recorded], told: Option<bool>) -> Result<Option<Vec<Part>>, HistoryError> {
    let is_of_key = |recorded: &Recorded| pair(&recorded.invoked).is_some_and(|[key, _]| !key.is_array());
    if !told.unwrap_or_else(|| history.iter().all(is_of_key)) {
        return Ok(None);
    }
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for (index, recorded) in history.iter().enumerate() {
        let line = recorded.call.line;
        let without = inner(recorded).map_err(|why| HistoryError::Meaning { line, why })?;
        let key = recorded.invoked[0].to_string();
        let new = || Part { key: key.clone(), history: Vec::new(), indices: Vec::new() };
        let part = parts.entry(key.clone()).or_insert_with(new);
        part.history.push(without);
        part.indices.push(index);
    }
    Ok(Some(parts.into_values().collect()))
}

/// The two parts of a value that is a pair.
fn pair(value: &Value) -> Option<&[Value; 2]> {
    <&[Value; 2]>::try_from(value.as_array()?.as_slice()).ok()
}

/// The operation without its key.
fn inner(recorded: &Recorded) -> Result<Recorded, String> {
    let parts = |value: &Value| {
        let pair = pair(value).map(|[_, value]| value.clone());
        pair.ok_or_else(|| format!("`{}` takes [key, value], not {value}", recorded.f))
    };
    let end = match &recorded.end {
        // An answer may do without the key: it was asked with it.
        End::Ok(value) => End::Ok(parts(value).unwrap_or_else(|_| value.clone())),
        other => other.clone(),
    };
    Ok(Recorded { invoked: parts(&recorded.invoked)?, end, ..recorded.clone() })
}

impl<M: Model> Model for Keyed<M> {
    type Op = (String, M::Op);
    type Ret = M::Ret;
    type State = M::State;

    fn initial(&self) -> M::State {
        self.0.initial()
    }

    fn step(&self, state: &M::State, op: &Self::Op, ret: Option<&M::Ret>, next: &mut Vec<M::State>) {
        self.0.step(state, &op.1, ret, next);
    }

    fn key(&self, op: &Self::Op) -> Option<String> {
        Some(match self.0.key(&op.1) {
            Some(key) => format!("{} {key}", op.0),
            None => op.0.clone(),
        })
    }

    fn observes(&self, op: &Self::Op, ret: Option<&M::Ret>) -> bool {
        self.0.observes(&op.1, ret)
    }

    fn matters(&self, state: &M::State, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        let waiting = Waiting { call: bare(&waiting.call), possible: waiting.possible };
        self.0.matters(state, &waiting, &bare(other))
    }

    fn leads(&self, state: &M::State, call: &Call<'_, Self>) -> Option<bool> {
        self.0.leads(state, &bare(call))
    }

    fn overwrites(&self, op: &Self::Op) -> bool {
        self.0.overwrites(&op.1)
    }

    fn grows(&self, op: &Self::Op) -> bool {
        self.0.grows(&op.1)
    }

    fn rules_out(&self, state: &M::State, call: &Call<'_, Self>) -> bool {
        self.0.rules_out(state, &bare(call))
    }

    fn heap_bytes(&self, state: &M::State) -> usize {
        self.0.heap_bytes(state)
    }
}

fn bare<'a, M: Model>(call: &Call<'a, Keyed<M>>) -> Call<'a, M> {
    Call { op: &call.op.1, ret: call.ret }
}

impl<M: Readable> Readable for Keyed<M> {
    fn op(&self, recorded: &Recorded) -> Result<Self::Op, String> {
        let key = recorded.invoked.get(0).map(Value::to_string).unwrap_or_default();
        Ok((key, self.0.op(&inner(recorded)?)?))
    }

    fn ret(&self, op: &Self::Op, value: &Value, recorded: &Recorded) -> Result<M::Ret, String> {
        let recorded = inner(recorded)?;
        let value = pair(value).map_or(value, |[_, value]| value);
        self.0.ret(&op.1, value, &recorded)
    }
}
