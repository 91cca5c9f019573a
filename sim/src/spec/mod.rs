//! Specifications: what a protocol may do, as states and actions, without time, sockets or code.
//!
//! A [`Spec`] is TLA⁺'s idea in Rust: initial states, and for each state the steps that may follow. What must hold of
//! every state is an [`Invariant`], what must happen sooner or later a [`Property`]. [`explore`](crate::explore) visits
//! every reachable state; it needs nothing but this trait. A [`Traced`] one can be followed by a run, too: see
//! [`Refinement`].
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use sim::spec::{Invariant, Spec};
//!
//! /// A counter that two processes increase: read, then write one more.
//! struct Counter;
//!
//! #[derive(Clone, Serialize, Deserialize)]
//! struct State { counter: u8, read: [Option<u8>; 2], done: [bool; 2] }
//!
//! impl Spec for Counter {
//!     type State = State;
//!     type Action = &'static str;
//!
//!     fn initial(&self) -> Vec<State> {
//!         vec![State { counter: 0, read: [None; 2], done: [false; 2] }]
//!     }
//!
//!     fn next(&self, state: &State, step: &mut impl FnMut(&'static str, State)) {
//!         for p in 0..2 {
//!             let mut then = state.clone();
//!             match state.read[p] {
//!                 None => then.read[p] = Some(state.counter),
//!                 Some(read) if !state.done[p] => (then.counter, then.done[p]) = (read + 1, true),
//!                 Some(_) => continue,
//!             }
//!             step(if state.read[p].is_none() { "Read" } else { "Write" }, then);
//!         }
//!     }
//!
//!     fn invariants(&self) -> Vec<Invariant<'_, State>> {
//!         vec![Invariant::new("NothingLost", |s: &State| s.done != [true; 2] || s.counter == 2)]
//!     }
//!
//!     fn may_end(&self, state: &State) -> bool {
//!         state.done == [true; 2]
//!     }
//! }
//!
//! let explored = sim::explore::explore(&Counter, &Default::default());
//! assert_eq!(explored.violation().unwrap().property, "NothingLost");
//! ```
//!
//! **What a spec must keep to.** `next` is a function of the state alone: the search calls it again to tell how a state
//! was reached. Two states are one if they encode alike (`serde`, in postcard's format), so a state holds no map whose
//! order depends on anything but its content: arrays, [`Set`], [`Queue`], `BTreeMap` do.
//!
//! **What is given up** beside TLA⁺: no formulas (an action computes its successors), no strong fairness, no properties
//! beyond ◇P and P ⇝ Q, and no proof.

mod each;
mod queue;
mod refinement;
mod set;
pub mod tla;

pub use each::Each;
pub use queue::Queue;
pub use refinement::{HIDDEN_MAX, Refinement, Traced};
pub use set::Set;

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::{self, Display};

/// A specification: states, the steps between them, and what must hold.
pub trait Spec: Sync {
    /// All variables at one moment. A struct's fields are the variables.
    type State: Clone + Serialize + DeserializeOwned;

    /// What a step is called, with its arguments: `Register(n1)`.
    type Action: Copy + Display;

    /// Where a behaviour may begin.
    fn initial(&self) -> Vec<Self::State>;

    /// Calls `step` for every step that may follow, a step that changes nothing included; always in the same order.
    fn next(&self, state: &Self::State, step: &mut impl FnMut(Self::Action, Self::State));

    /// What holds of every reachable state.
    fn invariants(&self) -> Vec<Invariant<'_, Self::State>> {
        Vec::new()
    }

    /// What every fair behaviour does sooner or later.
    fn properties(&self) -> Vec<Property<'_, Self::State>> {
        Vec::new()
    }

    /// The group of actions, below 32, in which this one is: of each group weak fairness is assumed, that is: if some
    /// step of it that changes the state stays possible for ever, one is taken. `None`: it may be put off for ever.
    fn fairness(&self, _action: Self::Action) -> Option<u8> {
        None
    }

    /// Whether the search goes on from a state. One that is beyond this constraint is generated and judged, and
    /// neither counted as distinct nor followed.
    fn within(&self, _state: &Self::State) -> bool {
        true
    }

    /// With symmetry: the one state that stands for all that differ from this one by a permutation only. Unsound with
    /// [`properties`](Self::properties), and refused there.
    fn representative(&self, _state: &Self::State) -> Option<Self::State> {
        None
    }

    /// Whether a behaviour may end here; elsewhere a state without a successor is a deadlock.
    fn may_end(&self, _state: &Self::State) -> bool {
        false
    }

    /// The variables with their values, as a counterexample shows them.
    fn variables(&self, state: &Self::State) -> Vec<(String, String)> {
        match serde_json::to_value(state) {
            Ok(serde_json::Value::Object(fields)) => {
                fields.into_iter().map(|(name, value)| (name, value.to_string())).collect()
            }
            Ok(value) => vec![("state".to_owned(), value.to_string())],
            Err(error) => vec![("state".to_owned(), format!("cannot be shown: {error}"))],
        }
    }
}

/// A condition on states.
pub(crate) struct Condition<'s, State>(Box<dyn Fn(&State) -> bool + Sync + 's>);

impl<State> Condition<'_, State> {
    pub(crate) fn holds(&self, state: &State) -> bool {
        (self.0)(state)
    }
}

/// What holds of every reachable state.
pub struct Invariant<'s, State> {
    pub(crate) name: String,
    pub(crate) condition: Condition<'s, State>,
}

impl<'s, State> Invariant<'s, State> {
    /// An invariant with its name.
    pub fn new(name: impl Into<String>, holds: impl Fn(&State) -> bool + Sync + 's) -> Self {
        Invariant { name: name.into(), condition: Condition(Box::new(holds)) }
    }
}

impl<State> fmt::Debug for Invariant<'_, State> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "□{}", self.name)
    }
}

/// What every fair behaviour does sooner or later.
pub struct Property<'s, State> {
    pub(crate) name: String,
    /// What makes it due, at any moment; `None`: the beginning does, once.
    pub(crate) due: Option<Condition<'s, State>>,
    pub(crate) met: Condition<'s, State>,
}

impl<'s, State> Property<'s, State> {
    /// ◇P: some state of every behaviour satisfies P.
    pub fn eventually(name: impl Into<String>, p: impl Fn(&State) -> bool + Sync + 's) -> Self {
        Property { name: name.into(), due: None, met: Condition(Box::new(p)) }
    }

    /// P ⇝ Q: whenever P holds, Q holds then or later.
    pub fn leads_to(
        name: impl Into<String>,
        p: impl Fn(&State) -> bool + Sync + 's,
        q: impl Fn(&State) -> bool + Sync + 's,
    ) -> Self {
        Property { name: name.into(), due: Some(Condition(Box::new(p))), met: Condition(Box::new(q)) }
    }
}

impl<State> fmt::Debug for Property<'_, State> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.due.is_some() { "⇝" } else { "◇" }, self.name)
    }
}
