//! Who did an operation.

use std::fmt;
use std::sync::Arc;

/// A process: it does one thing at a time. Recorders number them, or call them by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Process {
    /// Number so and so.
    Number(u64),
    /// The one of that name.
    Named(Arc<str>),
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Process::Number(number) => write!(f, "{number}"),
            Process::Named(name) => f.write_str(name),
        }
    }
}
