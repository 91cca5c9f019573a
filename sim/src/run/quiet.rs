//! Keeps madsim's own words about a panic off the terminal.
//!
//! When a task panics madsim prints a line ("context: node=…") to standard error before anybody can catch the panic. The
//! run tells the same as a violation, with machine, place and message. So from the panic hook until the run has caught
//! the panic, or has ended, standard error leads nowhere. It is the whole process' standard error: whatever else is said
//! there meanwhile, such as a frame of a sweep's progress bar, is lost.

use rustix::io::dup;
use rustix::stdio::{dup2_stderr, stderr};
use std::cell::Cell;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

struct Held {
    by: u32,
    stderr: Option<OwnedFd>,
}

static HELD: Mutex<Held> = Mutex::new(Held { by: 0, stderr: None });

thread_local! {
    static HOLDS: Cell<bool> = const { Cell::new(false) };
}

/// Standard error leads nowhere, until this thread calls [`release`].
pub(super) fn hold() {
    if HOLDS.replace(true) {
        return;
    }
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.by += 1;
    if held.by == 1 {
        // Where that cannot be done, madsim is heard.
        held.stderr = dup(stderr()).ok();
        let _ = File::options().write(true).open("/dev/null").map(dup2_stderr);
    }
}

/// Standard error leads where it did, unless another thread holds it.
pub(super) fn release() {
    if !HOLDS.replace(false) {
        return;
    }
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.by -= 1;
    if held.by == 0
        && let Some(before) = held.stderr.take()
    {
        let _ = dup2_stderr(before);
    }
}
