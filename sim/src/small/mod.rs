//! The real code in a small scope: every way in which little can happen, up to a bound, and no seed.
//!
//! Most defects show in a few steps of a few nodes (Jackson's *small scope hypothesis*). So the scenario's system is run
//! in a small world: links of one latency that lose nothing, clocks that agree, one client beside each of up to three
//! nodes, few keys. Nothing of it is drawn. What is left open are **choices**, and a run is a list of them, each with its
//! instant:
//!
//! * an operation of the scenario's mix, by one of the clients;
//! * a fault: a node or a pair cut off, packets held one by another, a crash with its restart; and its heal.
//!
//! A choice is made *at rest*, when everything has come to its end since the last one; or *in haste*, together with the
//! last one or right after an event that it led to: then messages are on their way, timers run, and what is chosen comes
//! before, between or behind them. Haste is what makes other orders of deliveries and other winners of ties; it is bounded, as
//! preemptions are in CHESS (Musuvathi and Qadeer, 2007).
//!
//! The search makes the runs by their **cost**, cheapest first: one for a choice at rest, two for one in haste. A run
//! that ends with its last choice is judged; the runs that follow have one choice more. So the first that fails is one
//! of the cheapest that do. Choices are data: a run is a plan, and a plan is a scenario file that fails by itself.
//!
//! What need not be run:
//!
//! * **Commuting choices.** At rest it does not matter when; in haste, instants between the same two events are one.
//! * **States that were reached before.** Where no fault is under way, what all nodes believe at rest is a state: a digest
//!   of their views, in which long numbers (time stamps, terms, random ids) are told by their order alone. Who comes to a
//!   state to which another came with no more choices, faults and haste is not followed at rest.
//! * **Likeness.** All nodes begin alike: the first choice is about the first of them.
//!
//! **What is given up.** Whatever the bound leaves out, which every search says: more choices, more faults, more haste,
//! other latencies, other arguments than some that the system draws. What clients remember and what no view shows is no
//! part of a state, so a run may be taken for known that is not. A crash is one of the process: no disk loses anything.
//!
//! | file | noun |
//! |---|---|
//! | `menu.rs` | what may be chosen |
//! | `state.rs` | what all nodes believe, as a digest |
//! | `search.rs` | runs by their cost |

mod menu;
mod search;
mod state;

pub use menu::Choice;
pub use search::explore;

use crate::scenario::Scenario;
use crate::verdict::Violation;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How small the scope is, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'b> {
    /// Choices in a run.
    pub choices: u32,
    /// Faults among them.
    pub faults: u32,
    /// Those made in haste among them.
    pub hasty: u32,
    /// Keys that operations are about.
    pub keys: u32,
    /// After this long everything has come to its end.
    pub rest: Duration,
    /// Stop after this long.
    pub time: Duration,
    /// Runs at the same time.
    pub jobs: usize,
    /// Stop once this is set.
    pub interrupted: Option<&'b AtomicBool>,
}

/// What was explored.
#[derive(Debug)]
pub struct Explored {
    /// Runs that were made.
    pub runs: u64,
    /// Different states at rest.
    pub distinct: u64,
    /// Runs that came to a state which a cheaper one had come to.
    pub known: u64,
    /// Every run up to this cost was made.
    pub cost: u32,
    /// Runs that were due when the search ended.
    pub left: u64,
    /// What may be chosen.
    pub menu: usize,
    /// How long it took.
    pub wall: Duration,
    /// The first run that fails, if one does.
    pub failure: Option<Box<Failure>>,
}

/// A run that fails.
#[derive(Debug)]
pub struct Failure {
    /// What was chosen, and when.
    pub chosen: Vec<(Duration, String)>,
    /// What is violated.
    pub violation: Violation,
    /// The run, as a scenario.
    pub plan: Scenario,
}
