//! Part 5: after a netsplit each node asks the other what it has (`discover`), and adds the answer (`ack_sync`). What
//! was taken out on one side while it could not be told comes back from the other: a phantom.

use super::syn::{Step, Visible, inboxes, is_quiet, names, sets, variable};
use serde::{Deserialize, Serialize};
use sim::explore::Entry;
use sim::spec::{Each, Invariant, Queue, Set, Spec, tla};
use std::fmt::{self, Display};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "syn-5",
    title: "What the other has is added after a netsplit: a phantom",
    settings: &[names(5)],
    build: |values| Box::new(Syn5 { names: values.number("names") }),
};

struct Syn5 {
    names: u8,
}

const NODES: usize = 2;

#[derive(Clone, Serialize, Deserialize)]
struct State {
    inbox: Each<Queue<Message>, NODES>,
    registered: Set,
    locally_registered: Each<Set, NODES>,
    visible_nodes: Visible,
    next_val: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Message {
    SyncRegister(u8),
    SyncUnregister(u8),
    Discover { from: u8 },
    AckSync { local_data: Set },
}

impl Default for Message {
    fn default() -> Self {
        Message::SyncRegister(0)
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::SyncRegister(name) => write!(f, "[action |-> \"sync_register\", name |-> {name}]"),
            Message::SyncUnregister(name) => write!(f, "[action |-> \"sync_unregister\", name |-> {name}]"),
            Message::Discover { from } => write!(f, "[action |-> \"discover\", from |-> n{}]", from + 1),
            Message::AckSync { local_data } => {
                write!(f, "[action |-> \"ack_sync\", local_data |-> {}]", tla::set(local_data.iter()))
            }
        }
    }
}

impl State {
    /// Tells those that a node sees.
    fn tell(&mut self, from: usize, message: Message) {
        self.visible_nodes.tell(&mut self.inbox, from, message);
    }

    /// What a node does with its first message.
    fn take(&mut self, node: usize, message: Message) -> &'static str {
        self.inbox[node].pop();
        let local = self.locally_registered[node];
        match message {
            Message::SyncRegister(name) => {
                self.locally_registered[node].insert(name);
                "SyncRegister"
            }
            Message::SyncUnregister(name) => {
                self.locally_registered[node].remove(name);
                "SyncUnregister"
            }
            Message::Discover { from } => {
                self.inbox[usize::from(from)].push(Message::AckSync { local_data: local });
                "Discover"
            }
            Message::AckSync { local_data } => {
                self.locally_registered[node] = local.union(local_data);
                "AckSync"
            }
        }
    }
}

impl Spec for Syn5 {
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
                then.tell(node, Message::SyncRegister(state.next_val));
                take("Register", then);
            }
            if let Some(message) = state.inbox[node].first() {
                let mut then = state.clone();
                let name = then.take(node, message);
                take(name, then);
            }
            if let Some(name) = state.locally_registered[node].first() {
                let mut then = state.clone();
                then.registered.remove(name);
                then.locally_registered[node].remove(name);
                then.tell(node, Message::SyncUnregister(name));
                take("Unregister", then);
            }
            if state.next_val == self.names {
                take("Complete", state.clone());
            }
            if let Some((_, visible_nodes)) = state.visible_nodes.without(node) {
                take("Disconnect", State { visible_nodes, ..state.clone() });
            }
            if let Some((other, visible_nodes)) = state.visible_nodes.again(node) {
                let mut then = State { visible_nodes, ..state.clone() };
                then.inbox[node].push(Message::Discover { from: other as u8 });
                then.inbox[other].push(Message::Discover { from: node as u8 });
                take("Reconnect", then);
            }
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, State>> {
        let holds = |s: &State| {
            let is_settled = |node| is_quiet(&s.inbox) && s.visible_nodes.is_whole(node);
            (0..NODES).all(|node| !is_settled(node) || s.locally_registered[node] == s.registered)
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
