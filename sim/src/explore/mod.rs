//! Every state that a specification can reach, breadth first.
//!
//! The algorithm is TLC's (Yu, Manolios, Lamport: *Model Checking TLA⁺ Specifications*, 1999): expand the states of one
//! level, keep those whose fingerprint is new as the next level, remember of each how it was reached. Levels are
//! complete before the next begins, so a counterexample is a shortest one. What differs is how the cores share it:
//!
//! 1. **Expand.** A batch of a level, in its order, is cut into parts; each core takes parts, decodes their states,
//!    judges them, and sorts their encoded successors into bundles by the first bits of their fingerprints. All of one
//!    state are made first and looked up then, so that a core waits for several at once.
//! 2. **Absorb.** A shard holds the fingerprints that begin alike. Each core takes shards, goes through the bundles for
//!    it in the order of the parts, and keeps what is new.
//! 3. What is new gets the next numbers, in the order in which one core with one queue would have met it.
//!
//! Nothing is locked, and nothing depends on who is first: parts, shards and batches have sizes of their own, whatever
//! the number of cores. **Counts, numbers and counterexamples are the same on any machine.**
//!
//! A state that is known takes its fingerprint (64 bits in a table that is half to three quarters full) and six bytes:
//! its predecessor and which of that one's steps led here. The states themselves are kept, encoded, for two levels
//! only; a counterexample is told by taking the steps again. Properties and drawings need all states, and keep them.
//!
//! Liveness: the graph of all states, in it the strongly connected components (Tarjan) of those where what is due is
//! not met; one of them is evidence if weak fairness lets a behaviour stay there. See `liveness.rs`.
//!
//! **Counts are TLC's.** *Generated*: initial states and every successor, equal ones and steps that change nothing
//! included. *Distinct*: different fingerprints within the constraint. *Depth*: levels, the initial states' the first.
//! A state is judged when its level is expanded: where something is violated, the counts are those of the search at the
//! end of that batch.
//!
//! **What is given up.** Two states with one fingerprint are taken for one: [`Exploration::collision`] says how
//! probable that is. All is held in memory. The search of the graph for liveness runs on one core.

mod any;
mod arena;
mod codec;
mod dot;
mod entry;
mod expand;
mod graph;
mod growth;
mod liveness;
#[cfg(test)]
mod liveness_tests;
mod search;
#[cfg(test)]
mod search_tests;
mod seen;
mod trail;
mod walk;
mod work;

pub use any::AnySpec;
pub use entry::{Entry, Setting, SettingError, Values};
pub use growth::Growth;
pub use search::explore;
pub use trail::Told;
pub use walk::{Walks, walk};

use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How far to go, and what else to do.
#[derive(Clone, Copy)]
pub struct Options<'o> {
    /// So many threads; the result does not depend on it.
    pub threads: usize,
    /// Stop, unknown, when so many levels are expanded and there are more.
    pub depth_max: Option<u32>,
    /// Stop, unknown, after this long.
    pub time_max: Option<Duration>,
    /// Stop, unknown, when the search takes up so many bytes.
    pub memory_max: Option<usize>,
    /// Whether a state without successor is a violation, unless the specification says that it may be the end.
    pub is_deadlock_judged: bool,
    /// Draw the graph if it has no more than so many states.
    pub draw_max: Option<u32>,
    /// Stop, unknown, once this is set.
    pub interrupted: Option<&'o AtomicBool>,
    /// Told every five seconds.
    pub progress: Option<&'o dyn Fn(&Progress)>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            depth_max: None,
            time_max: None,
            memory_max: None,
            is_deadlock_judged: true,
            draw_max: None,
            interrupted: None,
            progress: None,
        }
    }
}

/// Where a search stands.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The level that is being expanded.
    pub depth: u32,
    /// States generated.
    pub generated: u64,
    /// Different ones among them.
    pub distinct: u64,
    /// Those not expanded yet.
    pub queue: u64,
    /// Since the beginning.
    pub elapsed: Duration,
}

/// What a search found.
#[derive(Debug)]
pub struct Exploration {
    /// States generated, as TLC counts them.
    pub generated: u64,
    /// Different ones among them.
    pub distinct: u64,
    /// Levels; of a violation, that of the last state shown.
    pub depth: u32,
    /// States that were not expanded.
    pub queue: u64,
    /// The most that the search took up, in bytes.
    pub bytes_max: usize,
    /// How long it took.
    pub wall: Duration,
    /// How it ended.
    pub ending: Ending,
    /// The graph, for Graphviz, if it was asked for and is small enough.
    pub drawing: Option<String>,
}

impl Exploration {
    /// The violation, if there is one.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        match &self.ending {
            Ending::Violated(violation) => Some(violation),
            Ending::Holds | Ending::Unknown { .. } => None,
        }
    }

    /// How probable it is that some state was taken for another: TLC's optimistic estimate.
    #[must_use]
    pub fn collision(&self) -> f64 {
        self.distinct as f64 * (self.generated - self.distinct) as f64 / 2f64.powi(64)
    }
}

/// How a search ended.
#[derive(Debug)]
pub enum Ending {
    /// Every state was seen, and everything holds.
    Holds,
    /// Something does not.
    Violated(Box<Violation>),
    /// It stopped before.
    Unknown {
        /// Why.
        limit: Limit,
        /// What was still growing, the fastest first.
        growing: Vec<Growth>,
    },
}

/// Why a search stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// So many levels were expanded.
    Depth(u32),
    /// It took so long.
    Time(Duration),
    /// It took up so many bytes.
    Memory(usize),
    /// More states than can be numbered.
    States,
    /// It was asked to.
    Interrupted,
    /// Walks at random show nothing of where they did not lead.
    Walks(u64),
}

/// Something that does not hold, with a behaviour that shows it.
#[derive(Debug)]
pub struct Violation {
    /// The invariant or property; `deadlock`, `panic`.
    pub property: String,
    /// What a panic said.
    pub message: Option<String>,
    /// The behaviour, state by state.
    pub trace: Vec<Told>,
    /// How the behaviour goes on for ever, for a property.
    pub lasso: Option<Lasso>,
}

/// How a behaviour goes on for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lasso {
    /// Nothing happens any more.
    Stuttering,
    /// With this action, back to the state of this number, the first being 1.
    Back {
        /// Its number.
        to: usize,
        /// The step that leads there.
        action: String,
    },
}
