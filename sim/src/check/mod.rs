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
//! A checker owns what it remembers. What several need to know of the same probes is heard once, by a **listener**
//! ([`Checkers::listener`]): whatever is evaluated, it has heard the probe before, and checkers read what it keeps.
//!
//! More is judged of every system: no node may stop by itself (`node`), nothing may panic (`panic`), no node may compute
//! without ever awaiting (`spin`) or use what is not simulated (`substrate`), no run may be more than the world allows
//! (`overload`), and every client gets an answer or its time-out (`answered`). Where a system does not converge because
//! faults went beyond what it promises to survive ([`Checkers::recovers_if`]), that is told apart: as a violation of
//! `recoverability`.
//!
//! What was not judged at all is told too: see [`crate::verdict::Vacuity`].

mod broken;
mod cited;
mod explain;
mod judge;
#[cfg(test)]
mod judged_tests;
pub(crate) mod judging;
mod keyed;
pub mod linearizable;
mod listening;
mod tally;
pub mod transactions;
mod vacuity;
mod views;

pub use broken::Broken;
pub use cited::{Cited, Part};
pub(crate) use judge::at_the_end;
pub use judge::{Judge, NoJudge, Reading, Ruling};
pub use listening::Listening;
pub(crate) use vacuity::{Judged, of_run as lacks_of_run};
pub use views::Views;

use crate::history::History;
use host::world::Probe;
use linearizable::{Budget, Model};
use serde::Serialize;
use std::cell::Cell;

/// The checker that a node's own end violates.
pub(crate) const NODE: &str = "node";
/// The checker that a panic violates.
pub(crate) const PANIC: &str = "panic";
/// The checker that a node which computes without awaiting violates.
pub(crate) const SPIN: &str = "spin";
/// The checker that a node violates which uses something that is not simulated.
pub(crate) const SUBSTRATE: &str = "substrate";
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
    /// Whether that is as of this probe. Where several were published before anything was looked at, it is as of the last.
    pub is_latest: bool,
    /// Whether only some probe was asked for, and whether it was this one.
    asked: Cell<Option<bool>>,
}

impl<'a, V> Seen<'a, V> {
    /// What an invariant sees that looks as soon as a probe was published.
    pub fn new(probe: Option<&'a Probe>, views: &'a Views<V>) -> Self {
        Seen { probe, views, is_latest: true, asked: Cell::new(None) }
    }

    /// The probe, if it has this name. A checker that asks for nothing else has something to judge only then: if that
    /// never happens, a sweep says so.
    pub fn on(&self, name: &str) -> Option<&'a Probe> {
        let found = self.probe.filter(|probe| probe.name == name);
        self.asked.set(Some(found.is_some() || self.asked.get().unwrap_or(false)));
        found
    }

    /// Whether there was something to judge.
    pub(crate) fn was_judged(&self) -> bool {
        self.asked.get().unwrap_or_else(|| self.probe.is_some() || self.views.up().next().is_some())
    }
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

impl Harm {
    /// What it has lost of what it may have promised to keep; none if nothing.
    pub fn loss(&self) -> Option<&'static str> {
        if self.down {
            Some("is down for good")
        } else if self.wiped || self.corrupted {
            Some("has lost what its disk had synced")
        } else {
            None
        }
    }
}

type Recoverable = Box<dyn Fn(&[Harm]) -> Result<(), Broken>>;
type Listener<V> = Box<dyn FnMut(&Seen<'_, V>)>;
type Holds<V> = Box<dyn FnMut(&Seen<'_, V>) -> Result<(), Broken>>;
type Eventually<V> = Box<dyn Fn(&Views<V>) -> Result<(), Broken>>;
pub(crate) type Linearizable<Op, Ret> = Box<dyn Fn(&History<Op, Ret>, Budget) -> Ruling>;

struct Invariant<V> {
    name: &'static str,
    check: Holds<V>,
    /// It had something to judge.
    judged: bool,
}

/// The checkers of a system, made anew for each run: they may remember.
pub struct Checkers<Op, Ret, View> {
    listeners: Vec<Listener<View>>,
    invariants: Vec<Invariant<View>>,
    eventually: Vec<(&'static str, Eventually<View>)>,
    linearizable: Option<Linearizable<Op, Ret>>,
    recoverable: Option<Recoverable>,
}

impl<Op, Ret, View: 'static> std::fmt::Debug for Checkers<Op, Ret, View> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl<Op, Ret, View: 'static> Default for Checkers<Op, Ret, View> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Op, Ret, View: 'static> Checkers<Op, Ret, View> {
    /// No checkers but those that every system has.
    pub fn new() -> Self {
        Checkers {
            listeners: Vec::new(),
            invariants: Vec::new(),
            eventually: Vec::new(),
            linearizable: None,
            recoverable: None,
        }
    }

    /// Adds a listener, which keeps something of what it hears. It hears whatever invariants are evaluated for, each
    /// time before any of them, in whichever order they were added. The checkers that follow read what it keeps.
    pub fn listener<T: 'static>(
        self,
        state: T,
        hear: impl FnMut(&mut T, &Seen<'_, View>) + 'static,
    ) -> Listening<Op, Ret, View, T> {
        Listening::new(self, state, hear)
    }

    /// Adds an invariant. An error is the evidence that it does not hold: a sentence, or a [`Broken`].
    #[must_use]
    pub fn invariant<E: Into<Broken>>(
        mut self,
        name: &'static str,
        mut check: impl FnMut(&Seen<'_, View>) -> Result<(), E> + 'static,
    ) -> Self {
        let check = Box::new(move |seen: &Seen<'_, View>| check(seen).map_err(Into::into));
        self.invariants.push(Invariant { name, check, judged: false });
        self
    }

    /// Adds what must hold once all faults have ended and clients have stopped. An error is the first unmet reason.
    #[must_use]
    pub fn eventually<E: Into<Broken>>(
        mut self,
        name: &'static str,
        check: impl Fn(&Views<View>) -> Result<(), E> + 'static,
    ) -> Self {
        self.eventually.push((name, Box::new(move |views| check(views).map_err(Into::into))));
        self
    }

    /// Adds convergence: what must hold eventually, under its usual name.
    #[must_use]
    pub fn convergence<E: Into<Broken>>(
        self,
        check: impl Fn(&Views<View>) -> Result<(), E> + 'static,
    ) -> Self {
        self.eventually(CONVERGENCE, check)
    }

    /// Adds linearizability: what clients saw must have an order that the model allows.
    #[must_use]
    pub fn linearizable(mut self, model: impl Model<Op = Op, Ret = Ret> + 'static) -> Self
    where
        Op: Clone + Serialize,
        Ret: Clone + Serialize,
    {
        self.linearizable = Some(Box::new(move |history, budget| judge::of_run(&model, history, budget)));
        self
    }

    /// Says when the system promises to recover: an error is why it need not, after what was done to its nodes. A
    /// system that does not converge then violates `recoverability`, and not what did not hold.
    #[must_use]
    pub fn recovers_if<E: Into<Broken>>(
        mut self,
        promise: impl Fn(&[Harm]) -> Result<(), E> + 'static,
    ) -> Self {
        self.recoverable = Some(Box::new(move |harm| promise(harm).map_err(Into::into)));
        self
    }

    /// As [`Checkers::linearizable`], where one operation may be about several independent objects, as a transfer is about two accounts:
    /// `split` says what a call and its answer (none if unknown) mean to each, as operations of the model. They may
    /// take effect at different instants, all between the invocation and the answer.
    #[must_use]
    pub fn linearizable_in_parts<M: Model + 'static>(
        mut self,
        model: M,
        split: impl Fn(&Op, Option<&Ret>) -> Vec<(M::Op, Option<M::Ret>)> + 'static,
    ) -> Self
    where
        Op: Serialize,
        Ret: Serialize,
    {
        let judge = move |history: &_, budget| judge::of_run_in_parts(&model, &split, history, budget);
        self.linearizable = Some(Box::new(judge));
        self
    }

    /// Whether probes matter.
    pub(crate) fn listen(&self) -> bool {
        !self.listeners.is_empty() || !self.invariants.is_empty()
    }

    /// Lets all listeners hear, and then evaluates the invariants: those that do not hold, each with the
    /// evidence. The views are as of the latest probe, which is this one if none came later.
    pub(crate) fn broken(
        &mut self,
        probe: Option<&Probe>,
        later: &[Probe],
        views: &Views<View>,
    ) -> impl Iterator<Item = (&'static str, Broken)> {
        let is_latest = later.is_empty();
        let seen = Seen { is_latest, ..Seen::new(probe, views) };
        self.listeners.iter_mut().for_each(|hear| judging::by("listener", || hear(&seen)));
        self.invariants.iter_mut().filter_map(move |Invariant { name, check, judged }| {
            let seen = Seen { is_latest, ..Seen::new(probe, views) };
            let holds = judging::by(name, || check(&seen));
            *judged |= seen.was_judged();
            Some((*name, holds.err()?))
        })
    }

    /// The first of what must hold eventually that does not hold now, and why.
    pub(crate) fn unmet(&self, views: &Views<View>) -> Option<(&'static str, Broken)> {
        self.eventually
            .iter()
            .find_map(|(name, check)| Some((*name, judging::by(name, || check(views)).err()?)))
    }

    /// Why the system need not recover from what was done to its nodes.
    pub(crate) fn beyond_recovery(&self, harm: &[Harm]) -> Option<Broken> {
        let recoverable = self.recoverable.as_ref()?;
        judging::by(RECOVERABILITY, || recoverable(harm).err())
    }

    /// Whether views are read.
    fn read_views(&self) -> bool {
        self.listen() || !self.eventually.is_empty()
    }

    /// The invariants that had nothing to judge so far.
    fn never_judged(&self) -> impl Iterator<Item = &'static str> {
        self.invariants.iter().filter(|invariant| !invariant.judged).map(|invariant| invariant.name)
    }

    /// What judges the history, if something does.
    pub(crate) fn into_linearizable(self) -> Option<Linearizable<Op, Ret>> {
        self.linearizable
    }

    /// The names of all checkers.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        let eventually = self.eventually.iter().map(|(name, _)| *name);
        let invariants = self.invariants.iter().map(|invariant| invariant.name);
        let of_every_run = [NODE, PANIC, SPIN, SUBSTRATE, OVERLOAD, ANSWERED, RECOVERABILITY];
        let linearizable = self.linearizable.as_ref().map(|_| LINEARIZABLE);
        of_every_run.into_iter().chain(eventually).chain(invariants).chain(linearizable)
    }
}
