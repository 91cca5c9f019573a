//! Part 2: several nodes tell each other what they register. As long as a message is on its way nobody registers, which
//! is not how it is, and [part 3](super::syn_3_counters) drops.
//!
//! The seed's property is ◇(the inbox is empty), which the first state has already. What it is meant to say is said
//! beside it: a message ⇝ none, and none lost. That needs fairness (`fair=no`: the nodes may stand still for ever) and
//! links that lose nothing (`lossy=yes`).

use super::syn::{NODES, Step, Sync, broadcast, inboxes, is_quiet, names, sets, variable};
use serde::{Deserialize, Serialize};
use sim::explore::{Entry, Setting};
use sim::spec::{Each, Invariant, Property, Queue, Set, Spec};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "syn-2",
    title: "Nodes that wait for empty inboxes",
    settings: &[
        names(10),
        NODES,
        Setting::switch("fair", true, "whether the nodes go on as long as they can (weak fairness)"),
        Setting::switch("lossy", false, "whether a message may be lost"),
    ],
    build: |values| {
        let (names, is_fair, is_lossy) =
            (values.number("names"), values.is_on("fair"), values.is_on("lossy"));
        let (waits, has_property) = (true, true);
        match values.number("nodes") {
            2 => Box::new(Syn2::<2> { names, waits, is_fair, is_lossy, has_property }),
            _ => Box::new(Syn2::<3> { names, waits, is_fair, is_lossy, has_property }),
        }
    },
};

pub(super) struct Syn2<const N: usize> {
    pub(super) names: u8,
    /// Whether nobody acts before all messages have arrived.
    pub(super) waits: bool,
    pub(super) is_fair: bool,
    pub(super) is_lossy: bool,
    pub(super) has_property: bool,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State<const N: usize> {
    inbox: Each<Queue<Sync>, N>,
    registered: Each<Set, N>,
    next_val: u8,
    added: u8,
    removed: u8,
    lost: u8,
}

impl<const N: usize> Spec for Syn2<N> {
    type State = State<N>;
    type Action = Step;

    fn initial(&self) -> Vec<State<N>> {
        let (inbox, registered) = (Each::default(), Each::default());
        vec![State { inbox, registered, next_val: 0, added: 0, removed: 0, lost: 0 }]
    }

    fn next(&self, state: &State<N>, step: &mut impl FnMut(Step, State<N>)) {
        let may_act = !self.waits || is_quiet(&state.inbox);
        for node in 0..N {
            if may_act && state.next_val < self.names {
                let mut then = state.clone();
                then.registered[node].insert(state.next_val);
                then.next_val += 1;
                then.added += 1;
                broadcast(&mut then.inbox, node, Sync::Register(state.next_val));
                step(Step { name: "Register", node }, then);
            }
            if let Some(message) = state.inbox[node].first() {
                let mut then = state.clone();
                then.inbox[node].pop();
                let name = message.apply(&mut then.registered[node]);
                step(Step { name, node }, then);
                if self.is_lossy {
                    let mut then = state.clone();
                    then.inbox[node].pop();
                    then.lost += 1;
                    step(Step { name: "Lose", node }, then);
                }
            }
            if let Some(name) = state.registered[node].first().filter(|_| may_act) {
                let mut then = state.clone();
                then.registered[node].remove(name);
                then.removed += 1;
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
            let expected = i16::from(s.added) - i16::from(s.removed);
            (0..N).all(|node| !s.inbox[node].is_empty() || i16::from(s.registered[node].len()) == expected)
        };
        // What a lost message does to the counters is no news.
        if self.is_lossy { Vec::new() } else { vec![Invariant::new("AllRegistered", holds)] }
    }

    fn properties(&self) -> Vec<Property<'_, State<N>>> {
        if !self.has_property {
            return Vec::new();
        }
        let seeds = (0..N).map(|node| {
            let name = format!("AllMessagesProcessed(n{})", node + 1);
            Property::eventually(name, move |s: &State<N>| s.inbox[node].is_empty())
        });
        let meant = (0..N).map(|node| {
            let name = format!("EveryMessageProcessed(n{})", node + 1);
            let is_waiting = move |s: &State<N>| !s.inbox[node].is_empty();
            Property::leads_to(name, is_waiting, move |s: &State<N>| s.inbox[node].is_empty() && s.lost == 0)
        });
        seeds.chain(meant).collect()
    }

    fn fairness(&self, _: Step) -> Option<u8> {
        self.is_fair.then_some(0)
    }

    fn variables(&self, s: &State<N>) -> Vec<(String, String)> {
        let mut variables = vec![
            variable("next_val", s.next_val),
            variable("inbox", inboxes(&s.inbox)),
            variable("added", s.added),
            variable("removed", s.removed),
            variable("registered", sets(&s.registered)),
        ];
        variables.extend(self.is_lossy.then(|| variable("lost", s.lost)));
        variables
    }
}
