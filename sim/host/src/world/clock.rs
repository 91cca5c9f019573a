//! Simulated time, and timers that fire at exactly the instant asked for.

use madsim::time::{Sleep, TimeHandle};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

/// The run's time. Every instant of the world is in ns since the run began.
pub(super) struct Clock {
    time: TimeHandle,
    start: Instant,
    /// One for all timers, as madsim's are never cancelled. `reset` takes exact deadlines, where a new `sleep_until`
    /// would round up to a millisecond.
    sleep: Pin<Box<Sleep>>,
}

impl Clock {
    /// The clock of the run under way.
    pub(super) fn new() -> Self {
        let time = TimeHandle::current();
        let start = time.now_instant() - time.elapsed();
        Clock { start, sleep: Box::pin(time.sleep(Duration::ZERO)), time }
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.time.elapsed().as_nanos() as u64
    }

    /// Arms a timer that wakes `waker` at this instant. Returns false when it has come already. Not to be called from a
    /// timer's callback.
    pub(super) fn arm(&mut self, at_ns: u64, waker: &Waker) -> bool {
        self.sleep.as_mut().reset(self.start + Duration::from_nanos(at_ns));
        self.sleep.as_mut().poll(&mut Context::from_waker(waker)).is_pending()
    }
}
