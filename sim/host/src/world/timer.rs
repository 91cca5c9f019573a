//! Timers that fire at exactly the instant asked for, through one reused `Sleep` of madsim's.

use madsim::time::{Sleep, TimeHandle};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

pub(super) struct Timer {
    start: Instant,
    /// `reset` takes exact deadlines, where a new `sleep_until` would round up to a millisecond.
    sleep: Pin<Box<Sleep>>,
}

impl Timer {
    pub(super) fn new(time: &TimeHandle) -> Self {
        Timer { start: time.now_instant() - time.elapsed(), sleep: Box::pin(time.sleep(Duration::ZERO)) }
    }

    /// Arms a timer that wakes `waker` at this instant, in ns since the run began. Returns false when it has come
    /// already. Not to be called from a timer's callback.
    pub(super) fn arm(&mut self, at_ns: u64, waker: &Waker) -> bool {
        self.sleep.as_mut().reset(self.start + Duration::from_nanos(at_ns));
        self.sleep.as_mut().poll(&mut Context::from_waker(waker)).is_pending()
    }
}
