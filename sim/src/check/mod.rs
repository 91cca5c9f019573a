//! What is judged, and when.
//!
//! * An **invariant** holds at every instant: it is evaluated right after each step in which a node published a probe,
//!   every 100 ms after the workload, and at the end. It sees the probe and every node's view.
//! * What must hold **eventually** holds after the last fault, within `settle`, and then for a second without break. It
//!   returns the first reason why it does not hold yet; that reason is the evidence of a violation. Convergence is
//!   one; a system may name others, to tell apart what went wrong.
//!
//! * What clients saw must be **linearizable**, if the scenario (`[check] linearizable = "register"`) or the system
//!   ([`Checkers::linearizable`]) says so: it is judged at the end of the run, see [`linearizable`].
//!
//! Four more are judged of every system: no node may stop by itself (`node`), nothing may panic (`panic`), no node may
//! compute without ever awaiting (`spin`), and every client gets an answer or its time-out (`answered`). Where a system does not converge because faults went beyond what
//! it promises to survive ([`Checkers::recovers_if`]), that is told apart: as a violation of
//! `recoverability`.

mod explain;
mod judge;
#[cfg(test)]
mod judged_tests;
mod keyed;
pub mod linearizable;
mod tally;
pub mod transactions;
mod views;

pub(crate) use judge::at_the_end;
pub use judge::{Judge, NoJudge, Reading, Ruling};
pub use views::Views;

use crate::history::History;
use crate::system::System;
use host::world::Probe;
use linearizable::{Budget, Model};

/// The checker that a node's own end violates.
pub(crate) const NODE: &str = "node";
/// The checker that a panic violates.
pub(crate) const PANIC: &str = "panic";
/// The checker that a node which computes without awaiting violates.
pub(crate) const SPIN: &str = "spin";
/// The checker that a client without an answer violates.
pub(crate) const ANSWERED: &str = "answered";
/// The checker that a history which is not linearizable violates.
pub(crate) const LINEARIZABLE: &str = "linearizable";
/// The checker that a run violates in which more messages are under way than the world allows.
pub(crate) const OVERLOAD: &str = "overload";
/// The checker that is violated where a system need not recover: the faults were beyond what it promises to survive.
pub(crate) const RECOVERABILITY: &str = "recoverability";
/// The checker that a system which does not converge violates.
pub(crate) const CONVERGENCE: &str = "convergence";

/// What an invariant sees.
#[derive(Debug)]
pub struct Seen<'a, V> {
    /// The probe that was published; none when the invariant is evaluated without one.
    pub probe: Option<&'a Probe>,
    /// What each node believes.
    pub views: &'a Views<V>,
}

/// What was done to a node in a run, as far as it matters for whether the system can recover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Harm {
    /// It is down, and stays so.
    pub down: bool,
    /// How often it crashed.
    pub crashes: u32,
    /// All that was on its disk was lost, at least once.
    pub wiped: bool,
    /// Its disk changed or lost what was synced to it.
    pub corrupted: bool,
}

type Recoverable = Box<dyn Fn(&[Harm]) -> Result<(), String>>;
type Invariant<V> = Box<dyn FnMut(&Seen<'_, V>) -> Result<(), String>>;
type Eventually<V> = Box<dyn Fn(&Views<V>) -> Result<(), String>>;
type Linearizable<Op, Ret> = Box<dyn Fn(&History<Op, Ret>, Budget) -> Ruling>;

/// The checkers of a system, made anew for each run: they may remember.
pub struct Checkers<S: System> {
    pub(crate) invariants: Vec<(&'static str, Invariant<S::View>)>,
    pub(crate) eventually: Vec<(&'static str, Eventually<S::View>)>,
    pub(crate) linearizable: Option<Linearizable<S::Op, S::Ret>>,
    pub(crate) recoverable: Option<Recoverable>,
}

impl<S: System> std::fmt::Debug for Checkers<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl<S: System> Default for Checkers<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: System> Checkers<S> {
    /// No checkers but those that every system has.
    pub fn new() -> Self {
        Checkers { invariants: Vec::new(), eventually: Vec::new(), linearizable: None, recoverable: None }
    }

    /// Adds an invariant. An error is the evidence that it does not hold.
    #[must_use]
    pub fn invariant(
        mut self,
        name: &'static str,
        check: impl FnMut(&Seen<'_, S::View>) -> Result<(), String> + 'static,
    ) -> Self {
        self.invariants.push((name, Box::new(check)));
        self
    }

    /// Adds what must hold once all faults have ended and clients have stopped. An error is the first unmet reason.
    #[must_use]
    pub fn eventually(
        mut self,
        name: &'static str,
        check: impl Fn(&Views<S::View>) -> Result<(), String> + 'static,
    ) -> Self {
        self.eventually.push((name, Box::new(check)));
        self
    }

    /// Adds convergence: what must hold eventually, under its usual name.
    #[must_use]
    pub fn convergence(self, check: impl Fn(&Views<S::View>) -> Result<(), String> + 'static) -> Self {
        self.eventually(CONVERGENCE, check)
    }

    /// Adds linearizability: what clients saw must have an order that the model allows.
    #[must_use]
    pub fn linearizable(mut self, model: impl Model<Op = S::Op, Ret = S::Ret> + 'static) -> Self {
        self.linearizable = Some(Box::new(move |history, budget| judge::of_run(&model, history, budget)));
        self
    }

    /// Says when the system promises to recover: an error is why it need not, after what was done to its nodes. A system
    /// that does not converge then violates `recoverability`, and not what did not hold.
    #[must_use]
    pub fn recovers_if(mut self, promise: impl Fn(&[Harm]) -> Result<(), String> + 'static) -> Self {
        self.recoverable = Some(Box::new(promise));
        self
    }

    /// The same, where one operation may be about several independent objects, as a transfer is about two accounts:
    /// `split` says what a call and its answer (none if unknown) mean to each, as operations of the model. They may take
    /// effect at different instants, all between the invocation and the answer.
    #[must_use]
    pub fn linearizable_in_parts<M: Model + 'static>(
        mut self,
        model: M,
        split: impl Fn(&S::Op, Option<&S::Ret>) -> Vec<(M::Op, Option<M::Ret>)> + 'static,
    ) -> Self {
        let judge = move |history: &_, budget| judge::of_run_in_parts(&model, &split, history, budget);
        self.linearizable = Some(Box::new(judge));
        self
    }

    /// The first of what must hold eventually that does not hold now, and why.
    pub(crate) fn unmet(&self, views: &Views<S::View>) -> Option<(&'static str, String)> {
        self.eventually.iter().find_map(|(name, check)| Some((*name, check(views).err()?)))
    }

    /// The names of all checkers.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        let eventually = self.eventually.iter().map(|(name, _)| *name);
        let invariants = self.invariants.iter().map(|(name, _)| *name);
        let of_every_run = [NODE, PANIC, SPIN, OVERLOAD, ANSWERED, RECOVERABILITY];
        let linearizable = self.linearizable.as_ref().map(|_| LINEARIZABLE);
        of_every_run.into_iter().chain(eventually).chain(invariants).chain(linearizable)
    }
}
