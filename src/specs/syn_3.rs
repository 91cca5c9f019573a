//! Part 3: nodes that do not wait, judged by a platonic ideal: `registered` is what all of them ought to have.

use super::syn::{NODES, Step, Sync, broadcast, inboxes, names, sets, variable};
use serde::{Deserialize, Serialize};
use sim::explore::Entry;
use sim::spec::{Each, Invariant, Queue, Set, Spec, tla};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "syn-3",
    title: "Nodes that do not wait, judged by a platonic ideal",
    settings: &[names(5), NODES],
    build: |values| match (values.number("names"), values.number("nodes")) {
        (names, 2) => Box::new(Syn3::<2> { names }),
        (names, _) => Box::new(Syn3::<3> { names }),
    },
};

struct Syn3<const N: usize> {
    names: u8,
}

#[derive(Clone, Serialize, Deserialize)]
struct State<const N: usize> {
    inbox: Each<Queue<Sync>, N>,
    registered: Set,
    locally_registered: Each<Set, N>,
    next_val: u8,
}

impl<const N: usize> Spec for Syn3<N> {
    type State = State<N>;
    type Action = Step;

    fn initial(&self) -> Vec<State<N>> {
        let (inbox, locally_registered) = (Each::default(), Each::default());
        vec![State { inbox, registered: Set::EMPTY, locally_registered, next_val: 0 }]
    }

    fn next(&self, state: &State<N>, step: &mut impl FnMut(Step, State<N>)) {
        for node in 0..N {
            if state.next_val < self.names {
                let mut then = state.clone();
                then.registered.insert(state.next_val);
                then.locally_registered[node].insert(state.next_val);
                then.next_val += 1;
                broadcast(&mut then.inbox, node, Sync::Register(state.next_val));
                step(Step { name: "Register", node }, then);
            }
            if let Some(message) = state.inbox[node].first() {
                let mut then = state.clone();
                then.inbox[node].pop();
                let name = message.apply(&mut then.locally_registered[node]);
                step(Step { name, node }, then);
            }
            if let Some(name) = state.locally_registered[node].first() {
                let mut then = state.clone();
                then.registered.remove(name);
                then.locally_registered[node].remove(name);
                broadcast(&mut then.inbox, node, Sync::Unregister(name));
                step(Step { name: "Unregister", node }, then);
            }
            if state.next_val == self.names {
                step(Step { name: "Complete", node }, state.clone());
            }
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, State<N>>> {
        let holds = |s: &State<N>| {
            (0..N).all(|node| !s.inbox[node].is_empty() || s.locally_registered[node] == s.registered)
        };
        vec![Invariant::new("AllRegistered", holds)]
    }

    fn variables(&self, s: &State<N>) -> Vec<(String, String)> {
        vec![
            variable("next_val", s.next_val),
            variable("inbox", inboxes(&s.inbox)),
            variable("locally_registered", sets(&s.locally_registered)),
            variable("registered", tla::set(s.registered.iter())),
        ]
    }
}
