//! What several protocols need: a durable log ([`wal`]), frames on a byte stream, bytes between two streams, questions
//! over HTTP, what applications are told of a master, a node's tasks, bounds of options, and changes of them.

pub(crate) mod bounds;
mod change;
mod forward;
pub(crate) mod http;
pub(crate) mod master;
mod tasks;
pub(crate) mod transport;
pub(crate) mod versioned;
pub mod wal;

pub use change::Change;
pub(crate) use forward::forward;
pub(crate) use tasks::Tasks;
