//! Linearizability: whether some order of the operations explains every answer.
//!
//! An operation takes effect at one instant between its invocation and its answer. A history is linearizable when such
//! instants can be chosen so that the operations, one after the other, do what a sequential specification ([`Model`])
//! says. An operation whose outcome is unknown may have taken effect at any later time, or never.
//!
//! # The algorithm
//!
//! Wing and Gong (1993) search for the order by trying; Lowe (2017) remembers the configurations that were tried: which
//! operations have been placed, and the state that they led to. Horn and Kroening (2015) judge independent keys one by
//! one. That is Porcupine's algorithm too. This one adds what keeps the number of configurations small:
//!
//! 1. **Just in time** (also Lowe's). Answers are taken in order. An operation is placed when it was answered, or when
//!    that lets another one be placed: so a configuration is told by the few operations under way at one answer.
//! 2. **Observations are free.** A read that holds now is placed now. It changes nothing, so nothing is lost; there is
//!    no choice to come back to. A read without an answer is no constraint at all.
//! 3. **Only what matters is tried.** When the operation that was answered cannot be placed, the model says which
//!    others could make it possible ([`Model::matters`]), and which could matter to those: a *stubborn set* in the
//!    sense of Valmari (1990). For a read of 3 that is the writes of 3, not the fifty others under way.
//! 4. **Unknown operations are used for a reason.** Of all orders that explain the answers, one with the fewest unknown
//!    operations is enough. So the search drops a branch where one of them is overwritten before anything could have
//!    seen it ([`Model::leads`]), or the state would be the same without it. Equal ones are interchangeable.
//! 5. **A configuration is 16 bytes**: a hash over the set of placed operations and the state. See `memo.rs` for the
//!    odds.
//!
//! The path lives in a vector: its depth is the number of operations, and no recursion follows it. Visited
//! configurations and the path are counted in bytes; at the limit, or when time is up, the verdict is *unknown*.
//!
//! Keys take turns (see `docket.rs`), and one that is hard does not hide the violation of another.
//!
//! Answers are taken in order, so the first answer that no configuration gets past ends the longest linearizable prefix
//! of the history. The operation that it answers is the evidence: it cannot be placed.
//!
//! # Sources
//!
//! J. Wing, C. Gong: *Testing and Verifying Concurrent Objects*, 1993. G. Lowe: *Testing for Linearizability*, 2017.
//! A. Horn, D. Kroening: *Faster Linearizability Checking via P-Compositionality*, 2015. A. Valmari: *Stubborn Sets for
//! Reduced State Space Generation*, 1990.

mod choice;
mod docket;
mod memo;
mod model;
pub mod models;
mod pending;
mod search;
#[cfg(test)]
mod tests;

pub use crate::budget::{Budget, OutOf};
pub use model::{Call, Model, Operation, Waiting};

use docket::Docket;

/// What was found of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Some order explains every answer.
    Linearizable,
    /// No order does.
    Violation(Evidence),
    /// The search ended before it could tell.
    Unknown(OutOf),
}

/// A verdict on a history, and how far it is linearizable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub finding: Finding,
    /// How many operations were answered before the first answer that cannot be explained; as far as was seen, if the
    /// verdict is unknown, or if a key was too hard beside the violation of another.
    pub longest_prefix: usize,
    /// Of each key that has one, the key and its operations in an order that explains every answer. Those that may as well
    /// not have happened are left out.
    pub orders: Vec<(Option<String>, Vec<usize>)>,
}

/// Why a history is not linearizable. Operations are indices into the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The key; none if the model has none.
    pub key: Option<String>,
    /// The operation that cannot be placed.
    pub operation: usize,
    /// The last operations of a linearisation of everything that was answered before.
    pub tail: Vec<usize>,
    /// Operations under way meanwhile that are not in that linearisation.
    pub pending: Vec<usize>,
}

impl Judgement {
    /// Makes the evidence's operations indices into a longer history: where each operation judged stands in that.
    pub(super) fn renumber(&mut self, indices: &[usize]) {
        for operation in self.orders.iter_mut().flat_map(|(_, order)| order) {
            *operation = indices[*operation];
        }
        if let Finding::Violation(evidence) = &mut self.finding {
            let all = evidence.tail.iter_mut().chain(&mut evidence.pending);
            for operation in all.chain([&mut evidence.operation]) {
                *operation = indices[*operation];
            }
        }
    }
}

/// Judges operations, which must be in order of their invocations.
pub fn check<M: Model>(model: &M, operations: &[Operation<M::Op, M::Ret>], budget: Budget) -> Judgement {
    Docket::new(model, operations, budget).judge()
}
