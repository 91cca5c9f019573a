//! What several protocols need: a durable log ([`wal`]), frames on a byte stream, bytes between two streams, questions
//! over HTTP, what applications are told of a master, a node's tasks, and bounds of options.

pub(crate) mod bounds;
mod forward;
pub(crate) mod http;
pub(crate) mod master;
mod tasks;
pub(crate) mod transport;
pub(crate) mod versioned;
pub mod wal;

pub(crate) use forward::forward;
pub(crate) use tasks::Tasks;
