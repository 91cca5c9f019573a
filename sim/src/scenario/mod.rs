//! Scenarios: what a run is made of, as a TOML file with one schema.
//!
//! A [`Scenario`] names a system and says what the world around it is like, what its clients do, what goes wrong and
//! what must hold. [`Scenario::load`] reads one from a file, [`Scenario::parse`] from text; both refuse a file with
//! anything in it that could not be meant, and point at the place. With a seed, [`Scenario::resolve`] turns it into a
//! plan: the same types, with nothing left to draw. [`Scenario::to_toml`] writes either down as a file again.
//!
//! ```text
//! file ──parse──▶ Scenario ──resolve(seed)──▶ Scenario (a plan) ──to_toml──▶ file
//! ```
//!
//! - [`model`], `network`, `fault`, `random`, `disk`, `link`: the types, one struct a table of the file
//! - [`units`]: durations, rates and offsets, which are never numbers without a unit
//! - `fault_table`, `fault_forms`, `disk_table`, `link_table`: a fault as it stands in the file, flat
//! - `parse`, `write`: from text, with `--set` overrides, and back
//! - `source`: where in the text a value stands
//! - `shape`: serde's errors in words that a reader of the file knows
//! - `validate`, `validate_network`, `validate_faults`, `validate_names`: what types cannot say: that nodes exist, that
//!   groups do not overlap
//! - `expand`: a rolling restart, spelt out as one crash a node
//! - `budget`: how much may fail at the same time
//! - [`error`](ScenarioError): what is wrong, where, and what would be right
//! - `words`: a fault in a few words, for traces and failing tests
//! - `resolve`: all that a seed decides before the run
//! - [`json_schema`]: for editors
//!
//! Nothing here knows a system: what a file may name of one comes through [`Systems`].

mod budget;
mod disk;
mod disk_table;
mod error;
mod expand;
mod fault;
mod fault_forms;
mod fault_table;
mod link;
mod link_table;
pub mod model;
mod network;
mod parse;
mod random;
mod resolve;
mod schema;
mod shape;
mod source;
mod systems;
pub mod units;
mod validate;
mod validate_faults;
mod validate_names;
mod validate_network;
mod words;
mod write;

pub use disk::{Directories, Disk, DiskAction, Sector};
pub(crate) use error::nearest;
pub use error::{Place, ScenarioError};
pub use fault::{Action, Class, Death, Fault, Moment, Others, ProcessAction, Target};
pub use link::{LinkAction, Links};
pub use model::{Check, Clock, Cluster, Expect, Latency, Nodes, Scenario, Tail, Tolerated, Workload};
pub use network::{Bandwidth, Link, Network, Reorder};
pub use random::{AtMost, Kind, Random};
pub use schema::json_schema;
pub use systems::{Systems, Vocabulary};
pub use units::{Offset, Rate, Time};
