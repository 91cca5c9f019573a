//! Which checker is judging on this thread: one that panics is named by it.

use std::cell::Cell;

thread_local! {
    static CHECKER: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Calls a checker.
pub(super) fn by<T>(checker: &'static str, judge: impl FnOnce() -> T) -> T {
    CHECKER.set(Some(checker));
    let judged = judge();
    CHECKER.set(None);
    judged
}

/// The checker that was judging when something went wrong.
pub(crate) fn take() -> Option<&'static str> {
    CHECKER.take()
}
