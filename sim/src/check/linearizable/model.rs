//! What an object does when one operation follows another: a sequential specification.

use std::fmt::Debug;
use std::hash::Hash;

/// A sequential specification: where an object begins, and what an operation does to it.
///
/// A counter that tells its value, in whole:
///
/// ```
/// use sim::check::linearizable::Model;
///
/// struct Counter;
/// #[derive(Debug, PartialEq, Eq, Hash)]
/// enum Op { Add(u64), Read }
///
/// impl Model for Counter {
///     type Op = Op;
///     type Ret = u64;
///     type State = u64;
///     fn initial(&self) -> u64 {
///         0
///     }
///     fn step(&self, count: &u64, op: &Op, ret: Option<&u64>, next: &mut Vec<u64>) {
///         let after = count + if let Op::Add(more) = op { *more } else { 0 };
///         if ret.is_none_or(|told| *told == after) {
///             next.push(after);
///         }
///     }
/// }
/// ```
///
/// Everything else has a default that is right for any object, and makes the search faster where an object knows more.
pub trait Model {
    /// What is asked of the object. Operations that are equal are interchangeable.
    type Op: Eq + Hash + Debug;
    /// What it answers.
    type Ret: Eq + Hash + Debug;
    /// The object between two operations.
    type State: Clone + Eq + Hash;

    /// The object before any operation.
    fn initial(&self) -> Self::State;

    /// Adds each state that the object may be in after `op`; none when `op` cannot happen in `state` with that answer.
    /// A deterministic object adds one state at most.
    ///
    /// An operation whose outcome is unknown has no answer. It need not be placed at all, so only what it changes counts:
    /// one that the object would refuse may as well be impossible.
    fn step(&self, state: &Self::State, op: &Self::Op, ret: Option<&Self::Ret>, next: &mut Vec<Self::State>);

    /// The key that the operation is about. Keys are judged one by one, so the object must be a collection of
    /// independent ones, each in the initial state at first. By default there is one object without a key.
    fn key(&self, op: &Self::Op) -> Option<String> {
        let _ = op;
        None
    }

    /// Whether this operation, answered so, never changes any state in which it can happen. Reads are; so is a refused
    /// compare-and-set. Such operations are placed as soon as they hold, without search, and dropped if unknown.
    fn observes(&self, op: &Self::Op, ret: Option<&Self::Ret>) -> bool {
        let _ = (op, ret);
        false
    }

    /// Whether `other`, if it came before `waiting`, could matter to it in `state`. The search tries only what matters
    /// (a stubborn set), so a model that often says no is judged faster. It may say no only in these cases:
    ///
    /// * `waiting` is possible in `state`: in every state reached from it by operations that do not matter, whenever
    ///   `other` and then `waiting` are possible, so are `waiting` and then `other`, with the same result;
    /// * it is possible, and undoes whatever `other`, whose outcome is unknown, and others like that did before;
    /// * it is not: `other` is not what makes it possible; some operation that matters must come first.
    fn matters(&self, state: &Self::State, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        let _ = (state, waiting, other);
        true
    }

    /// Whether `state` is on the way to `call`: for a read, whether it saw this state, or one that this one grows into. It
    /// decides what is tried first; and an operation of unknown outcome that leads to nothing is not tried.
    ///
    /// It may be false only if `call` does not care what the state is, or is impossible in it and in all that follow until
    /// the object is overwritten ([`Model::overwrites`]). None if the model does not know.
    fn leads(&self, state: &Self::State, call: &Call<'_, Self>) -> Option<bool> {
        let _ = (state, call);
        None
    }

    /// Whether the object is the same after this operation, whatever it was before.
    fn overwrites(&self, op: &Self::Op) -> bool {
        let _ = op;
        false
    }

    /// Whether the operation, if it changes anything, only makes the object grow, and [`Model::rules_out`] holds on.
    fn grows(&self, op: &Self::Op) -> bool {
        let _ = op;
        false
    }

    /// Whether `call` is impossible in `state`, and in whatever that grows into ([`Model::grows`]). Then a branch is
    /// dropped long before the call is due, as long as nothing else than growing is left to be done.
    fn rules_out(&self, state: &Self::State, call: &Call<'_, Self>) -> bool {
        let _ = (state, call);
        false
    }

    /// Bytes that a state holds outside of itself, for the memory limit.
    fn heap_bytes(&self, state: &Self::State) -> usize {
        let _ = state;
        0
    }
}

/// An operation and its answer; none when that is unknown.
#[derive(Debug)]
pub struct Call<'a, M: Model + ?Sized> {
    /// What was asked.
    pub op: &'a M::Op,
    /// What was answered.
    pub ret: Option<&'a M::Ret>,
}

/// An operation that is to be placed, and whether it can be placed in the state at hand.
#[derive(Debug)]
pub struct Waiting<'a, M: Model + ?Sized> {
    /// The operation.
    pub call: Call<'a, M>,
    /// Whether it is possible in the state at hand.
    pub possible: bool,
}

/// One operation of a history, as the search sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation<Op, Ret> {
    /// What was asked.
    pub op: Op,
    /// What was answered, and when in the order of events; none when the outcome is unknown.
    pub end: Option<(Ret, u64)>,
    /// When it was invoked, in the order of events.
    pub call: u64,
}

impl<Op, Ret> Operation<Op, Ret> {
    /// The answer.
    pub fn ret(&self) -> Option<&Ret> {
        self.end.as_ref().map(|(ret, _)| ret)
    }
}
