//! Part 1: one node, so simple that it cannot be wrong. Names are registered and taken out again; two counters say how
//! many there must be.

use super::syn::{names, variable};
use serde::{Deserialize, Serialize};
use sim::explore::Entry;
use sim::spec::{Invariant, Set, Spec, tla};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "syn-1",
    title: "One node registers names and takes them out",
    settings: &[names(5)],
    build: |values| Box::new(Syn1 { names: values.number("names") }),
};

struct Syn1 {
    names: u8,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct State {
    registered: Set,
    next_val: u8,
    added: u8,
    removed: u8,
}

impl Spec for Syn1 {
    type State = State;
    type Action = &'static str;

    fn initial(&self) -> Vec<State> {
        vec![State { registered: Set::EMPTY, next_val: 0, added: 0, removed: 0 }]
    }

    fn next(&self, state: &State, step: &mut impl FnMut(&'static str, State)) {
        if state.next_val < self.names {
            let mut then = *state;
            then.registered.insert(state.next_val);
            then.next_val += 1;
            then.added += 1;
            step("Register", then);
        }
        if let Some(name) = state.registered.first() {
            let mut then = *state;
            then.registered.remove(name);
            then.removed += 1;
            step("Unregister", then);
        }
        if state.next_val == self.names {
            step("Complete", *state);
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, State>> {
        let holds = |s: &State| s.registered.len() == s.added - s.removed;
        vec![Invariant::new("AllRegistered", holds)]
    }

    fn variables(&self, s: &State) -> Vec<(String, String)> {
        vec![
            variable("registered", tla::set(s.registered.iter())),
            variable("next_val", s.next_val),
            variable("added", s.added),
            variable("removed", s.removed),
        ]
    }
}
