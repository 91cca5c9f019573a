//! The rules: histories and what two of them have in common, a log and its fold, when a write is visible. Plain
//! functions.

pub(super) mod commit;
pub(super) mod log;
pub(super) mod timeline;
