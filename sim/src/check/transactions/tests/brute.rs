//! Judging by trying everything: transactions one after the other, or start by start and commit by commit. Nothing is
//! shared with the judge but the recorded history.

use super::super::Level;
use crate::history::{End, Recorded};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// What an object is to transactions: what a step does to it, or none if the step cannot be answered so.
pub(super) trait Object {
    type State: Clone + Default + std::hash::Hash + Eq;
    /// Applies a transaction; with what it was answered, if that is known. None if it cannot be answered so.
    fn apply(&self, state: &Self::State, operation: &Recorded) -> Option<Self::State>;
    /// The keys that a transaction writes.
    fn writes(&self, operation: &Recorded) -> Vec<String>;
}

/// Lists and registers, by key.
#[derive(Clone, Copy)]
pub(super) enum Keys {
    Lists,
    Registers,
}

/// The value that tells what a transaction did.
fn steps(operation: &Recorded) -> &Value {
    match &operation.end {
        End::Ok(value) => value,
        _ => &operation.invoked,
    }
}

impl Object for Keys {
    type State = BTreeMap<String, Vec<Value>>;

    fn apply(&self, state: &Self::State, operation: &Recorded) -> Option<Self::State> {
        let mut state = state.clone();
        let is_known = matches!(operation.end, End::Ok(_));
        for step in steps(operation).as_array().expect("accesses") {
            let (f, key) = (step[0].as_str().expect("a name"), step[1].to_string());
            let now = state.entry(key).or_default();
            match (f, self) {
                ("r", Keys::Lists) if is_known && step[2] != Value::Array(now.clone()) => return None,
                ("r", Keys::Registers)
                    if is_known && step[2] != now.last().cloned().unwrap_or(Value::Null) =>
                {
                    return None;
                }
                ("r", _) => {}
                (_, Keys::Lists) => now.push(step[2].clone()),
                (_, Keys::Registers) => *now = vec![step[2].clone()],
            }
        }
        Some(state)
    }

    fn writes(&self, operation: &Recorded) -> Vec<String> {
        let steps = steps(operation).as_array().expect("accesses");
        steps.iter().filter(|step| step[0] != "r").map(|step| step[1].to_string()).collect()
    }
}

/// Balances: none until an audit tells them.
pub(super) struct Balances;

impl Object for Balances {
    type State = Option<BTreeMap<String, i64>>;

    fn apply(&self, state: &Self::State, operation: &Recorded) -> Option<Self::State> {
        if let (End::Ok(told), "read") = (&operation.end, &*operation.f) {
            let told = told.as_object().expect("balances");
            let told: BTreeMap<String, i64> =
                told.iter().map(|(name, told)| (name.clone(), told.as_i64().expect("a number"))).collect();
            return state.as_ref().is_none_or(|state| *state == told).then_some(Some(told));
        }
        let mut state = state.clone();
        if let (Some(state), "transfer") = (&mut state, &*operation.f) {
            let part = |at: usize| operation.invoked[at].as_str().expect("an account").to_owned();
            let amount = operation.invoked[2].as_i64().expect("an amount");
            *state.get_mut(&part(0)).expect("known") -= amount;
            *state.get_mut(&part(1)).expect("known") += amount;
        }
        Some(state)
    }

    fn writes(&self, operation: &Recorded) -> Vec<String> {
        if &*operation.f == "read" {
            return Vec::new();
        }
        [0, 1].map(|at| operation.invoked[at].as_str().expect("an account").to_owned()).into()
    }
}

/// Whether a history is one of the level.
pub(super) fn allows<O: Object>(object: &O, level: Level, history: &[Recorded]) -> bool {
    let history: Vec<&Recorded> = history.iter().filter(|operation| operation.end != End::Fail).collect();
    let snapshots = level < Level::Serializable;
    let mut search = Search { object, level, history, tried: HashSet::new(), snapshots };
    search.go(&At { started: 0, committed: 0, state: O::State::default() })
}

struct Search<'a, O: Object> {
    object: &'a O,
    level: Level,
    history: Vec<&'a Recorded>,
    tried: HashSet<At<O::State>>,
    snapshots: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct At<S> {
    started: u32,
    committed: u32,
    state: S,
}

impl<O: Object> Search<'_, O> {
    fn go(&mut self, at: &At<O::State>) -> bool {
        let is_in = |set: u32, one: usize| set >> one & 1 == 1;
        let all = (0..self.history.len())
            .all(|one| is_in(at.committed, one) || !matches!(self.history[one].end, End::Ok(_)));
        if all {
            return true;
        }
        if !self.tried.insert(at.clone()) {
            return false;
        }
        for one in 0..self.history.len() {
            let operation = self.history[one];
            if !is_in(at.started, one) && self.may_start(at.committed, one) {
                // Reads are answered as of now; what is written is there from the commit on.
                let Some(after) = self.object.apply(&at.state, operation) else { continue };
                let started = at.started | 1 << one;
                let next = if self.snapshots {
                    // An audit that reads tells what the balances are.
                    let is_read = self.object.writes(operation).is_empty();
                    At {
                        started,
                        committed: at.committed,
                        state: if is_read { after } else { at.state.clone() },
                    }
                } else {
                    At { started, committed: at.committed | 1 << one, state: after }
                };
                if self.go(&next) {
                    return true;
                }
            } else if is_in(at.started, one) && !is_in(at.committed, one) {
                // Nothing that one under way writes may change: then it could not commit any more.
                let writes = self.object.writes(operation);
                let under_way = (0..self.history.len()).filter(|other| {
                    is_in(at.started, *other) && !is_in(at.committed, *other) && *other != one
                });
                let overlaps = |other: usize| {
                    self.object.writes(self.history[other]).iter().any(|key| writes.contains(key))
                };
                if under_way.into_iter().any(overlaps) {
                    continue;
                }
                let blind =
                    Recorded { end: End::Unknown, invoked: steps(operation).clone(), ..operation.clone() };
                let after = if writes.is_empty() { None } else { self.object.apply(&at.state, &blind) };
                let state = after.unwrap_or_else(|| at.state.clone());
                if self.go(&At { started: at.started, committed: at.committed | 1 << one, state }) {
                    return true;
                }
            }
        }
        false
    }

    fn may_start(&self, committed: u32, one: usize) -> bool {
        let after = self.history[one];
        (0..self.history.len()).all(|before| {
            let Recorded { end: End::Ok(_), done: Some(done), process, .. } = self.history[before] else {
                return true;
            };
            let ends_before = done.order < after.call.order;
            let waits = match self.level {
                Level::SessionSerializable | Level::SessionSnapshotIsolation => {
                    ends_before && *process == after.process
                }
                Level::StrictSerializable | Level::StrongSnapshotIsolation => ends_before,
                _ => false,
            };
            !waits || committed >> before & 1 == 1
        })
    }
}
