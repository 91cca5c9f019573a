//! A lock that goes with a lease: whoever has it writes, until its own clock says that its time is over. Patroni's agents
//! follow it.
//!
//! The store frees the lock when its time is over by the store's clock; the holder counts from when it asked, which is
//! not later, and writes no more after that. Nobody has to be told. A holder that was paused and does not look at its
//! clock (`minds=no`) writes on beside the next one; *fencing* (`fenced=yes`) makes up for that: every write carries a
//! token that grows with each holder, and what is written to refuses one that is smaller than the last it has seen.
//!
//! Time is a few ticks, all clocks' at once: how far they may be apart is not specified.

use serde::{Deserialize, Serialize};
use sim::explore::{Entry, Setting};
use sim::spec::{Invariant, Spec, Traced, tla};
use std::fmt::{self, Display};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "lock",
    title: "A lock with a lease, and who writes by it: Patroni's, and fencing",
    settings: &[
        Setting::number("nodes", 3, 2, 5, "nodes that want the lock"),
        Setting::number("ttl", 2, 1, 5, "ticks that a lease lives"),
        Setting::number("holders", 3, 2, 9, "holders, one after the other"),
        Setting::switch("minds", true, "a holder looks at its clock before it writes"),
        Setting::switch("fenced", false, "a token that is too old is refused"),
    ],
    build: |values| {
        Box::new(Lock {
            nodes: values.number("nodes").into(),
            ttl: values.number("ttl"),
            holders: values.number("holders").into(),
            minds: values.is_on("minds"),
            is_fenced: values.is_on("fenced"),
        })
    },
};

/// The lock, in sizes that are explored.
#[derive(Debug)]
pub struct Lock {
    nodes: u32,
    ttl: u8,
    holders: u32,
    minds: bool,
    is_fenced: bool,
}

impl Lock {
    /// As a run of machines with numbers up to this is held against it.
    pub fn of_a_run(nodes: u32) -> Self {
        Lock { nodes, ttl: 1, holders: u32::MAX, minds: true, is_fenced: false }
    }
}

/// A step, of nodes by their numbers from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It gets the lock, which is free.
    Acquire(u32),
    /// The holder's lease has its whole time again.
    Renew(u32),
    /// The holder gives the lock up.
    Release(u32),
    /// It writes.
    Write(u32),
    /// A tick passes.
    Tick,
}

/// The lock, and what each node knows of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    holder: Option<u32>,
    /// Ticks until the store frees it.
    left: u8,
    /// Ticks until each node's own time is over.
    own: Vec<u8>,
    /// Each node's latest token; 0 if it never had the lock.
    token: Vec<u32>,
    /// The newest token given.
    newest: u32,
    /// The token of the last write.
    written: u32,
    /// A write had a smaller one than that before it.
    went_back: bool,
}

impl State {
    /// Whether a node has it or had it.
    pub fn had(&self, node: u32) -> bool {
        self.token[node as usize] > 0
    }

    /// Who has it.
    pub fn holder(&self) -> Option<u32> {
        self.holder
    }
}

impl Spec for Lock {
    type State = State;
    type Action = Step;

    fn initial(&self) -> Vec<State> {
        let nodes = self.nodes as usize;
        vec![State {
            holder: None,
            left: 0,
            own: vec![0; nodes],
            token: vec![0; nodes],
            newest: 0,
            written: 0,
            went_back: false,
        }]
    }

    fn next(&self, state: &State, step: &mut impl FnMut(Step, State)) {
        for node in 0..self.nodes {
            let steps = [Step::Acquire(node), Step::Renew(node), Step::Release(node), Step::Write(node)];
            self.each(state, steps, step);
        }
        self.each(state, [Step::Tick], step);
    }

    fn invariants(&self) -> Vec<Invariant<'_, State>> {
        vec![Invariant::new("NoWriteGoesBack", |s: &State| !s.went_back)]
    }

    fn may_end(&self, state: &State) -> bool {
        state.newest >= self.holders
    }

    fn variables(&self, s: &State) -> Vec<(String, String)> {
        let holder = s.holder.map_or_else(|| "none".to_owned(), |node| format!("n{}", node + 1));
        vec![
            ("holder".to_owned(), holder),
            ("left".to_owned(), s.left.to_string()),
            ("own".to_owned(), tla::function('n', &s.own)),
            ("token".to_owned(), tla::function('n', &s.token)),
            ("written".to_owned(), s.written.to_string()),
        ]
    }
}

impl Traced for Lock {
    fn take(&self, state: &mut State, action: Step) -> bool {
        match action {
            Step::Acquire(node) if state.holder.is_none() && state.newest < self.holders => {
                state.newest += 1;
                (state.holder, state.left) = (Some(node), self.ttl);
                (state.own[node as usize], state.token[node as usize]) = (self.ttl, state.newest);
            }
            Step::Renew(node) if state.holder == Some(node) && state.own[node as usize] > 0 => {
                (state.left, state.own[node as usize]) = (self.ttl, self.ttl);
            }
            Step::Release(node) if state.holder == Some(node) => {
                (state.holder, state.left, state.own[node as usize]) = (None, 0, 0);
            }
            Step::Write(node) => {
                let (own, token) = (state.own[node as usize], state.token[node as usize]);
                let has_it = token > 0 && (own > 0 || !self.minds);
                if !has_it || (self.is_fenced && token < state.written) {
                    return false;
                }
                state.went_back |= token < state.written;
                state.written = token;
            }
            Step::Tick if state.holder.is_some() || state.own.iter().any(|own| *own > 0) => {
                state.left = state.left.saturating_sub(1);
                state.own.iter_mut().for_each(|own| *own = own.saturating_sub(1));
                state.holder = state.holder.filter(|_| state.left > 0);
            }
            _ => return false,
        }
        true
    }

    /// Nobody tells that time passes: it must have, where another gets the lock.
    fn hidden(&self, _: &State) -> Vec<Step> {
        vec![Step::Tick]
    }

    fn about(&self, state: &State, _: Step) -> Vec<(String, String)> {
        let mut about = self.variables(state);
        about.truncate(1);
        about
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Acquire(node) => write!(f, "Acquire(n{})", node + 1),
            Step::Renew(node) => write!(f, "Renew(n{})", node + 1),
            Step::Release(node) => write!(f, "Release(n{})", node + 1),
            Step::Write(node) => write!(f, "Write(n{})", node + 1),
            Step::Tick => f.write_str("Tick"),
        }
    }
}
