//! What these three need of `splitbrain-protocols`' own room of this name.

#[path = "../../../../protocols/src/common/bounds.rs"]
pub(crate) mod bounds;
#[path = "../../../../protocols/src/common/tasks.rs"]
mod tasks;
#[path = "../../../../protocols/src/common/transport.rs"]
pub(crate) mod transport;
#[path = "../../../../protocols/src/common/versioned.rs"]
pub(crate) mod versioned;
#[path = "../../../../protocols/src/common/wal/mod.rs"]
pub mod wal;

pub(crate) use tasks::Tasks;
