//! Ctrl-C: the first asks a sweep to end with what is known, the second ends the program.

use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The exit code of a program that was interrupted, as shells have it.
const INTERRUPTED_TWICE: i32 = 130;

/// From now on Ctrl-C sets this flag.
pub(super) fn flag() -> &'static AtomicBool {
    // Whoever has set a handler before keeps it: then Ctrl-C does what that says.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED_TWICE);
        }
    });
    &INTERRUPTED
}
