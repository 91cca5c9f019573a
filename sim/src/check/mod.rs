//! What is judged, and when.
//!
//! * An **invariant** holds at every instant: it is evaluated right after each step in which a node published a probe,
//!   every 100 ms after the workload, and at the end. It sees the probe and every node's view.
//! * **Convergence** holds in the end: after the last fault, within `settle`, and then for a second without break. It
//!   returns the first reason why it does not hold yet; that reason is the evidence of a violation.
//!
//! Two more are judged of every system: no node may stop by itself (`node`), and nothing may panic (`panic`).

mod views;

pub use views::Views;

use crate::system::System;
use host::world::Probe;

/// The checker that a node's own end violates.
pub(crate) const NODE: &str = "node";
/// The checker that a panic violates.
pub(crate) const PANIC: &str = "panic";
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

type Invariant<V> = Box<dyn FnMut(&Seen<'_, V>) -> Result<(), String>>;
type Convergence<V> = Box<dyn Fn(&Views<V>) -> Result<(), String>>;

/// The checkers of a system, made anew for each run: they may remember.
pub struct Checkers<S: System> {
    pub(crate) invariants: Vec<(&'static str, Invariant<S::View>)>,
    pub(crate) convergence: Option<Convergence<S::View>>,
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
        Checkers { invariants: Vec::new(), convergence: None }
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

    /// Sets what must hold once all faults have ended and clients have stopped. An error is the first unmet reason.
    #[must_use]
    pub fn convergence(mut self, check: impl Fn(&Views<S::View>) -> Result<(), String> + 'static) -> Self {
        self.convergence = Some(Box::new(check));
        self
    }

    /// The names of all checkers.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        let convergence = self.convergence.is_some().then_some(CONVERGENCE);
        [NODE, PANIC].into_iter().chain(convergence).chain(self.invariants.iter().map(|(name, _)| *name))
    }
}
