//! Faults: what a file may say of them, and what a plan holds. One file a kind, one line a kind in [`KINDS`].
//!
//! ```text
//! [[fault]] ──read──▶ Fault { moment, action } ──plan(seed)──▶ Stroke { when, effect } ──▶ the nemesis
//! [random]  ──draw──▶   as a file would say it        │
//!                       written down again  ◀─────────┘ said
//! ```
//!
//! There are two types. A [`Fault`] is what a file says: machines by name, an [`Action`] of some kind, a moment. A
//! `Stroke` is what a plan holds: machines by number, one of the few `Effect`s that the world can suffer, nothing
//! left to draw. Every fault can be planned (`Said::plan`): it is one stroke, or it is short for several faults (a
//! flapping link is a partition again and again) that are planned in its place. A stroke also knows how a file would say
//! it, so that a plan is a scenario file again, and plans to itself.
//!
//! A kind's file has, from top to bottom:
//!
//! - in prose what it does, and what a file writes; what it stands for is told in `docs/faults.md`
//! - `KIND`: its key, the keys beside it, what the seed may draw of it
//! - the type with what a file says, and, where this is not the type itself, its form in the file; which keys go together
//!   (`TryFrom<Form>`)
//! - `Said`: by which key it ends, whom it is aimed at, what is out of bounds (`Said::check`), what a plan makes of it
//! - what may be tried in its place, when a failing plan is made smaller (`Said::smaller`)
//! - its random draw
//! - its words for people, as the trace and failing tests show them
//!
//! What it does to the world, how that ends and what it needs of the budget follows from its effects: it cannot say one
//! thing and do another. The reader of files, the JSON schema, the names in errors, the random kinds and the tests of
//! `docs/faults.md` and `docs/scenarios.md` ask the list.
//!
//! | file | noun |
//! |---|---|
//! | `kind.rs` | what a kind's file says of it, and the same without its types |
//! | `table.rs` | a fault as it stands in a file: read, written, described to editors |
//! | `target.rs`, `groups.rs` | whom a fault is aimed at; machines that do not hear each other |
//! | `plan.rs`, `effect.rs` | what a plan holds |
//! | `budget.rs` | how much may fail at the same time |
//! | `drawing.rs` | what random draws are made from |
//! | `smaller.rs`, `joined.rs` | a fault with less to it; one in the place of two |
//! | all others | a kind each |

pub(crate) mod budget;
mod drawing;
mod effect;
mod groups;
mod joined;
mod kind;
mod plan;
mod smaller;
mod table;
mod target;

mod blackout;
mod bridge;
mod brownout;
mod clock;
mod crash;
mod crash_loop;
mod disk;
mod flap;
mod halves;
mod hold;
mod isolate;
mod link;
mod one_way;
mod partition;
mod pause;
mod relay;
mod ring;
mod rolling_partition;
mod rolling_restart;
mod slow;
mod swizzle;

pub use crash::Death;
pub(super) use drawing::{Drawing, LASTS_MIN, log_uniform, whole_millis};
pub(crate) use effect::{Effect, LinkEffect, MachineEffect, Need};
pub(crate) use groups::links;
pub use kind::{Action, Drawn, Kind};
pub(super) use plan::Planner;
pub(crate) use plan::{Stroke, When};
pub(super) use table::{FaultError, ReadError};
pub(crate) use target::Aim;
pub use target::{Target, Whose};

// What a kind's file is written with.
use super::cast::{Cast, Name};
use super::error::Problem;
use super::source::Path;
use super::units::{Offset, Time};
use super::validate::{Checked, Checks, LATENCY_MAX, YEAR, above_zero, at_most, bounded};
use super::validate_faults::TIMES_MAX;
use kind::{Ends, Said};
use plan::{Plan, Round, Stage};
use std::fmt;
use table::{HEAL_AFTER, RESTART_AFTER, RESUME_AFTER, wrong};

/// All kinds, as errors and documents list them. A new one is a file and a line here.
pub static KINDS: &[&Kind] = &[
    &partition::KIND,
    &halves::KIND,
    &bridge::KIND,
    &ring::KIND,
    &flap::KIND,
    &isolate::KIND,
    &swizzle::KIND,
    &rolling_partition::KIND,
    &one_way::KIND,
    &hold::KIND,
    &link::KIND,
    &crash::KIND,
    &crash_loop::KIND,
    &rolling_restart::KIND,
    &relay::KIND,
    &blackout::KIND,
    &pause::KIND,
    &slow::KIND,
    &clock::KIND,
    &disk::KIND,
    &brownout::KIND,
];

/// One scripted fault: a moment, an action, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// When it strikes.
    pub moment: Moment,
    /// What it does.
    pub action: Action,
    /// How long it lasts; without it, until the heal phase.
    pub lasts: Option<Time>,
    /// It stays through the heal phase.
    pub permanent: bool,
}

/// When a fault strikes.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// At a time, counted from the start of the workload.
    At {
        /// The time.
        at: Time,
        /// Once more after each such period, while the workload lasts.
        every: Option<Time>,
        /// So many times in all; without it, as often as the period allows.
        times: Option<u32>,
    },
    /// Each time that a node publishes a probe, and a delay after it.
    Probe {
        /// The node that must publish it; none for any.
        node: Option<Name>,
        /// The probe's name.
        probe: String,
        /// What its first value must be, as a text; none for anything.
        is: Option<String>,
        /// Those before this time do not count, nor do then those of clients; at zero, all do.
        from: Time,
        /// The delay.
        after: Time,
        /// The first so many times.
        times: u32,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.moment, self.action)?;
        match (self.lasts, self.permanent) {
            (_, true) => f.write_str(", for ever"),
            (Some(lasts), _) => write!(f, ", for {lasts}"),
            (None, _) if self.action.duration_key().is_none() => Ok(()),
            (None, _) => f.write_str(", until the heal phase"),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::At { at, every, times } => {
                write!(f, "{at}")?;
                every.map_or(Ok(()), |every| write!(f, " and every {every}"))?;
                times.map_or(Ok(()), |times| write!(f, ", {times} times"))
            }
            Moment::Probe { node, probe, is, from, after, times } => {
                let node = node.map_or_else(|| "any node".to_owned(), |node| node.to_string());
                write!(f, "{after} after {node} publishes {probe:?}")?;
                is.as_ref().map_or(Ok(()), |is| write!(f, " as {is:?}"))?;
                if *from > Time::ZERO {
                    write!(f, " from {from} on")?;
                }
                if *times == 1 { Ok(()) } else { write!(f, ", {times} times") }
            }
        }
    }
}
