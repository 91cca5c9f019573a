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
//! - [`model`], `network`, `random`, `disk`, `overload`: the types, one struct a table of the file
//! - `operation`, `order`: operations that are listed, not drawn, and those of an operator
//! - [`fault`]: the wing for faults, one file a kind: what a file says of them, and what a plan holds
//! - `cast`: machines, by name and by number
//! - [`units`]: durations, rates and offsets, which are never numbers without a unit
//! - `parse`, `write`: from text, with `--set` overrides, and back
//! - `source`: where in the text a value stands
//! - `shape`: serde's errors in words that a reader of the file knows
//! - `validate`, `validate_network`, `validate_faults`, `validate_names`: what types cannot say: that nodes exist, that
//!   groups do not overlap
//! - [`error`](ScenarioError): what is wrong, where, and what would be right
//! - `resolve`, `sizes`: all that a seed decides before the run
//! - [`json_schema`]: for editors
//!
//! Nothing here knows a system: what a file may name of one comes through [`Systems`].

mod cast;
mod disk;
mod error;
pub mod fault;
pub mod model;
mod network;
mod operation;
mod order;
mod overload;
mod parse;
mod random;
mod resolve;
mod schema;
mod shape;
mod sizes;
mod source;
mod systems;
pub mod units;
mod validate;
mod validate_faults;
mod validate_names;
mod validate_network;
mod write;

pub(crate) use cast::Cast;
pub use cast::{Name, NoName};
pub use disk::{Directories, Disk, Sector};
pub(crate) use error::nearest;
pub use error::{Place, ScenarioError};
pub use fault::{Action, Death, Fault, Moment, Target, Whose};
pub use model::{Bursts, Check, Clock, Cluster, Expect, Latency, Nodes, Scenario, Tail, Tolerated, Workload};
pub use network::{Bandwidth, Link, Network, Reorder};
pub use operation::ListedOperation;
pub use order::Order;
pub use overload::Overload;
pub use random::{AtMost, Choice, Lasts, Random, RandomKind};
pub use schema::json_schema;
pub use systems::{Systems, Vocabulary};
pub use units::{Offset, Rate, Time};
