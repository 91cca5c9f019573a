//! What several protocols need: a durable log ([`wal`]), frames on a byte stream, and a node's tasks.

mod tasks;
pub(crate) mod transport;
pub mod wal;

pub(crate) use tasks::Tasks;
