//! Part 4: netsplits. A node tells only those that it sees; nobody tells the others once they are back.

use super::syn::{Step, Sync, inboxes, names, nodes, sets, variable};
use serde::{Deserialize, Serialize};
use sim::explore::Entry;
use sim::spec::{Each, Invariant, Queue, Set, Spec, tla};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "syn-4",
    title: "A netsplit, and nothing that mends it: violated",
    settings: &[names(5)],
    build: |values| Box::new(Syn4 { names: values.number("names") }),
};

struct Syn4 {
    names: u8,
}

const NODES: usize = 2;

#[derive(Clone, Serialize, Deserialize)]
struct State {
    inbox: Each<Queue<Sync>, NODES>,
    registered: Set,
    locally_registered: Each<Set, NODES>,
    visible_nodes: Each<Set, NODES>,
    next_val: u8,
}

impl State {
    /// Tells those that a node sees.
    fn tell(&mut self, from: usize, message: Sync) {
        for to in self.visible_nodes[from].iter() {
            self.inbox[usize::from(to)].push(message);
        }
    }
}

impl Spec for Syn4 {
    type State = State;
    type Action = Step;

    fn initial(&self) -> Vec<State> {
        let (inbox, locally_registered) = (Each::default(), Each::default());
        let visible_nodes = Each([0, 1].map(others));
        vec![State { inbox, registered: Set::EMPTY, locally_registered, visible_nodes, next_val: 0 }]
    }

    fn next(&self, state: &State, step: &mut impl FnMut(Step, State)) {
        for node in 0..NODES {
            let mut take = |name, then| step(Step { name, node }, then);
            if state.next_val < self.names {
                let mut then = state.clone();
                then.registered.insert(state.next_val);
                then.locally_registered[node].insert(state.next_val);
                then.next_val += 1;
                then.tell(node, Sync::Register(state.next_val));
                take("Register", then);
            }
            if let Some(message) = state.inbox[node].first() {
                let mut then = state.clone();
                then.inbox[node].pop();
                match message {
                    Sync::Register(name) => {
                        then.locally_registered[node].insert(name);
                        take("SyncRegister", then);
                    }
                    Sync::Unregister(name) => {
                        then.locally_registered[node].remove(name);
                        take("SyncUnregister", then);
                    }
                }
            }
            if let Some(name) = state.locally_registered[node].first() {
                let mut then = state.clone();
                then.registered.remove(name);
                then.locally_registered[node].remove(name);
                then.tell(node, Sync::Unregister(name));
                take("Unregister", then);
            }
            if state.next_val == self.names {
                take("Complete", state.clone());
            }
            if let Some(other) = state.visible_nodes[node].first() {
                let mut then = state.clone();
                then.visible_nodes[node].remove(other);
                then.visible_nodes[usize::from(other)].remove(node as u8);
                take("Disconnect", then);
            }
            if let Some(other) = others(node).minus(state.visible_nodes[node]).first() {
                let mut then = state.clone();
                then.visible_nodes[node].insert(other);
                then.visible_nodes[usize::from(other)].insert(node as u8);
                take("Reconnect", then);
            }
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, State>> {
        let holds = |s: &State| {
            (0..NODES).all(|node| {
                let is_settled = s.inbox[node].is_empty() && s.visible_nodes[node] == others(node);
                !is_settled || s.locally_registered[node] == s.registered
            })
        };
        vec![Invariant::new("AllRegistered", holds)]
    }

    fn variables(&self, s: &State) -> Vec<(String, String)> {
        vec![
            variable("next_val", s.next_val),
            variable("inbox", inboxes(&s.inbox)),
            variable("locally_registered", sets(&s.locally_registered)),
            variable("registered", tla::set(s.registered.iter())),
            variable("visible_nodes", nodes(&s.visible_nodes)),
        ]
    }
}

/// All nodes but this one.
fn others(node: usize) -> Set {
    Set::below(NODES as u8).minus(Set::only(node as u8))
}
