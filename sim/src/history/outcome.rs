//! How an operation ended, as its client tells it.

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<Ret> {
    /// It happened, and this is the answer.
    Ok(Ret),
    /// It did not happen, and never will.
    Fail(String),
    /// It may have happened, or happen later, or never.
    Unknown(String),
}
