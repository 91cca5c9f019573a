//! Part 6: each node keeps what it knows by owner, only the owner takes a name out, and what belonged to a node is
//! purged when that one goes *down*. Whatever comes back after a netsplit is then what the owner still has. Without the purge
//! (`purge=no`) the phantom of [part 5](super::syn_5) is back.
//!
//! Links keep order: what one node sent before a netsplit is ahead of the news of it. Each netsplit adds messages, so
//! that `splits` bounds the search.

use super::syn::{Step, Visible, is_quiet, names, variable};
use serde::{Deserialize, Serialize};
use sim::explore::{Entry, Setting};
use sim::spec::{Each, Invariant, Queue, Set, Spec, tla};
use std::fmt::{self, Display};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "syn-6",
    title: "What is known by owner, and purged when the owner goes down",
    settings: &[
        names(3),
        Setting::number("splits", 2, 0, 20, "netsplits"),
        Setting::switch("purge", true, "whether what belonged to a node that went down is forgotten"),
    ],
    build: |values| {
        let (names, splits) = (values.number("names"), values.number("splits"));
        Box::new(Syn6 { names, splits, purges: values.is_on("purge") })
    },
};

struct Syn6 {
    names: u8,
    splits: u8,
    purges: bool,
}

const NODES: usize = 2;

#[derive(Clone, Serialize, Deserialize)]
struct State {
    inbox: Each<Queue<Message>, NODES>,
    registered: Set,
    /// Of each node, what it knows of each owner.
    locally_registered: Each<Each<Set, NODES>, NODES>,
    visible_nodes: Visible,
    next_val: u8,
    splits: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Message {
    SyncRegister { owner: u8, name: u8 },
    SyncUnregister { owner: u8, name: u8 },
    Down { node: u8 },
    Discover { from: u8 },
    AckSync { from: u8, local_data: Set },
}

impl Default for Message {
    fn default() -> Self {
        Message::Down { node: 0 }
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::SyncRegister { owner, name } => {
                write!(f, "[action |-> \"sync_register\", owner |-> n{}, name |-> {name}]", owner + 1)
            }
            Message::SyncUnregister { owner, name } => {
                write!(f, "[action |-> \"sync_unregister\", owner |-> n{}, name |-> {name}]", owner + 1)
            }
            Message::Down { node } => write!(f, "[action |-> \"down\", node |-> n{}]", node + 1),
            Message::Discover { from } => write!(f, "[action |-> \"discover\", from |-> n{}]", from + 1),
            Message::AckSync { from, local_data } => {
                let local_data = tla::set(local_data.iter());
                write!(f, "[action |-> \"ack_sync\", from |-> n{}, local_data |-> {local_data}]", from + 1)
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
    fn take(&mut self, node: usize, message: Message, purges: bool) -> &'static str {
        self.inbox[node].pop();
        let local = &mut self.locally_registered[node];
        match message {
            Message::SyncRegister { owner, name } => {
                local[usize::from(owner)].insert(name);
                "SyncRegister"
            }
            Message::SyncUnregister { owner, name } => {
                local[usize::from(owner)].remove(name);
                "SyncUnregister"
            }
            Message::Down { node: down } => {
                if purges {
                    local[usize::from(down)] = Set::EMPTY;
                }
                "Down"
            }
            Message::Discover { from } => {
                // Its own names only; an answer to a node that is gone again is lost.
                let answer = Message::AckSync { from: node as u8, local_data: local[node] };
                if self.visible_nodes.is_whole(node) {
                    self.inbox[usize::from(from)].push(answer);
                }
                "Discover"
            }
            Message::AckSync { from, local_data } => {
                let known = &mut local[usize::from(from)];
                *known = known.union(local_data);
                "AckSync"
            }
        }
    }

    fn knows(&self, node: usize) -> Set {
        self.locally_registered[node].iter().fold(Set::EMPTY, |all, names| all.union(*names))
    }
}

impl Spec for Syn6 {
    type State = State;
    type Action = Step;

    fn initial(&self) -> Vec<State> {
        vec![State {
            inbox: Each::default(),
            registered: Set::EMPTY,
            locally_registered: Each::default(),
            visible_nodes: Visible::both(),
            next_val: 0,
            splits: 0,
        }]
    }

    fn next(&self, state: &State, step: &mut impl FnMut(Step, State)) {
        for node in 0..NODES {
            let mut take = |name, then| step(Step { name, node }, then);
            let owner = node as u8;
            if state.next_val < self.names {
                let mut then = state.clone();
                then.registered.insert(state.next_val);
                then.locally_registered[node][node].insert(state.next_val);
                then.next_val += 1;
                then.tell(node, Message::SyncRegister { owner, name: state.next_val });
                take("Register", then);
            }
            if let Some(message) = state.inbox[node].first() {
                let mut then = state.clone();
                let name = then.take(node, message, self.purges);
                take(name, then);
            }
            if let Some(name) = state.locally_registered[node][node].first() {
                let mut then = state.clone();
                then.registered.remove(name);
                then.locally_registered[node][node].remove(name);
                then.tell(node, Message::SyncUnregister { owner, name });
                take("Unregister", then);
            }
            if state.next_val == self.names {
                take("Complete", state.clone());
            }
            let lost = state.visible_nodes.without(node).filter(|_| state.splits < self.splits);
            if let Some((other, visible_nodes)) = lost {
                let mut then = State { visible_nodes, splits: state.splits + 1, ..state.clone() };
                then.inbox[node].push(Message::Down { node: other as u8 });
                then.inbox[other].push(Message::Down { node: owner });
                take("Disconnect", then);
            }
            if let Some((other, visible_nodes)) = state.visible_nodes.again(node) {
                let mut then = State { visible_nodes, ..state.clone() };
                then.inbox[node].push(Message::Discover { from: other as u8 });
                then.inbox[other].push(Message::Discover { from: owner });
                take("Reconnect", then);
            }
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, State>> {
        let holds = |s: &State| {
            let is_settled = |node| is_quiet(&s.inbox) && s.visible_nodes.is_whole(node);
            (0..NODES).all(|node| !is_settled(node) || s.knows(node) == s.registered)
        };
        vec![Invariant::new("AllRegistered", holds)]
    }

    fn variables(&self, s: &State) -> Vec<(String, String)> {
        let by_owner = |local: &Each<Set, NODES>| super::syn::sets(local);
        vec![
            variable("next_val", s.next_val),
            variable("inbox", super::syn::inboxes(&s.inbox)),
            variable("locally_registered", tla::function('n', s.locally_registered.iter().map(by_owner))),
            variable("registered", tla::set(s.registered.iter())),
            variable("visible_nodes", &s.visible_nodes),
            variable("splits", s.splits),
        ]
    }
}
