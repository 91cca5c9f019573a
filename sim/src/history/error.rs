//! Why a recorded history cannot be read. Nothing was judged.

use super::Process;
use thiserror::Error;

/// A mistake in a recorded history, with the line it stands on.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// The file could not be read.
    #[error("line {line}: {why}")]
    Unreadable {
        /// The line, from 1.
        line: usize,
        /// The operating system's reason; part of the message, so no `source` of its own.
        why: std::io::Error,
    },
    /// The line is neither JSON nor EDN, or ends too early.
    #[error("line {line}: this is not {format}: {why}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What the file is written in.
        format: &'static str,
        /// What the parser says.
        why: String,
    },
    /// It is JSON or EDN, but not an event.
    #[error("line {line}: {why}")]
    Shape {
        /// The line, from 1.
        line: usize,
        /// What is missing, or of the wrong type.
        why: String,
    },
    /// A process began an operation before its last one ended.
    #[error("line {line}: process {process} invokes `{f}` while its operation of line {open} is under way")]
    Overlap {
        /// The line, from 1.
        line: usize,
        /// The process.
        process: Process,
        /// The function invoked.
        f: String,
        /// Where its open invocation stands.
        open: usize,
    },
    /// A process ended an operation that it had not begun.
    #[error("line {line}: process {process} completes `{f}`, which it has not invoked")]
    NotInvoked {
        /// The line, from 1.
        line: usize,
        /// The process.
        process: Process,
        /// The function completed.
        f: String,
    },
    /// The model does not know the function, or not such a value.
    #[error("line {line}: {why}")]
    Meaning {
        /// The line, from 1.
        line: usize,
        /// What the model says, and what it would have taken.
        why: String,
    },
    /// There is nothing in the file.
    #[error("line 1: there is no operation in this history")]
    Empty,
}

impl HistoryError {
    /// The line that is wrong, from 1.
    pub fn line(&self) -> usize {
        match self {
            HistoryError::Unreadable { line, .. }
            | HistoryError::Syntax { line, .. }
            | HistoryError::Shape { line, .. }
            | HistoryError::Overlap { line, .. }
            | HistoryError::NotInvoked { line, .. }
            | HistoryError::Meaning { line, .. } => *line,
            HistoryError::Empty => 1,
        }
    }
}
