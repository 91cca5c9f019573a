//! Part 4: netsplits. A node tells only those that it sees; nobody tells the others once they are back.

use super::syn::{Step, Sync, Visible, inboxes, names, sets, variable};
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
    visible_nodes: Visible,
    next_val: u8,
}

impl State {
    /// Tells those that a node sees.
    fn tell(&mut self, from: usize, message: Sync) {
        self.visible_nodes.tell(&mut self.inbox, from, message);
    }
}

impl Spec for Syn4 {
    type State = State;
    type Action = Step;

    fn initial(&self) -> Vec<State> {
        let (inbox, locally_registered) = (Each::default(), Each::default());
        let visible_nodes = Visible::both();
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
                let name = message.apply(&mut then.locally_registered[node]);
                take(name, then);
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
            if let Some((_, visible_nodes)) = state.visible_nodes.without(node) {
                take("Disconnect", State { visible_nodes, ..state.clone() });
            }
            if let Some((_, visible_nodes)) = state.visible_nodes.again(node) {
                take("Reconnect", State { visible_nodes, ..state.clone() });
            }
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, State>> {
        let holds = |s: &State| {
            (0..NODES).all(|node| {
                let is_settled = s.inbox[node].is_empty() && s.visible_nodes.is_whole(node);
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
            variable("visible_nodes", &s.visible_nodes),
        ]
    }
}
