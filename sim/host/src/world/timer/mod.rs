//! What nodes sleep on: the tasks to wake, by when, and the faces of [`crate::time`] on them.
//!
//! A [`Sleep`] enters here when it is first polled, has its waker kept up to date as it is polled again, and leaves when
//! it is due or dropped. The [agenda](super::agenda)'s driver wakes what is due; madsim knows of the next one only.
//! Equal instants are served in the order in which they were entered.
//!
//! | file | noun |
//! |---|---|
//! | `instant.rs` | an instant of a machine's own clock |
//! | `sleep.rs` | a future that ends at one |
//! | `timeout.rs` | another that has to end before |
//! | `interval.rs` | one after the other |

mod instant;
mod interval;
mod sleep;
mod timeout;

pub use instant::Instant;
pub use interval::{Interval, MissedTickBehavior, interval};
pub use sleep::{Sleep, sleep, sleep_until, until_ns};
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};

use std::collections::BTreeMap;
use std::task::Waker;

/// A timer that was entered: when it is due, in ns since the run began, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    at: u64,
    number: u64,
}

/// All timers that are not due yet.
#[derive(Default)]
pub(super) struct Timers {
    wakers: BTreeMap<Timer, Waker>,
    entered: u64,
}

impl Timers {
    pub(super) fn enter(&mut self, at: u64, waker: &Waker) -> Timer {
        self.entered += 1;
        let timer = Timer { at, number: self.entered };
        self.wakers.insert(timer, waker.clone());
        timer
    }

    /// Another is to be woken.
    pub(super) fn keep(&mut self, timer: Timer, waker: &Waker) {
        if let Some(kept) = self.wakers.get_mut(&timer) {
            kept.clone_from(waker);
        }
    }

    /// Returns whom it would have woken: what dropping that does must not happen here.
    pub(super) fn leave(&mut self, timer: Timer) -> Option<Waker> {
        self.wakers.remove(&timer)
    }

    pub(super) fn len(&self) -> usize {
        self.wakers.len()
    }

    pub(super) fn next(&self) -> Option<u64> {
        self.wakers.first_key_value().map(|(timer, _)| timer.at)
    }

    pub(super) fn wake_due(&mut self, now: u64) {
        while let Some(next) = self.wakers.first_entry().filter(|next| next.key().at <= now) {
            next.remove().wake();
        }
    }
}
