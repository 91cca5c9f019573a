//! What several protocols need: a durable log ([`wal`]), frames on a byte stream, questions over HTTP, and a node's
//! tasks.

pub(crate) mod http;
mod tasks;
pub(crate) mod transport;
pub mod wal;

pub(crate) use tasks::Tasks;
