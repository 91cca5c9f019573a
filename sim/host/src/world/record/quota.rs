//! How many events a run may have.
//!
//! [`EVENTS_AT_ONCE`], and [`EVENTS_A_SECOND`] more with each second of simulated time: messages that multiply among nodes,
//! many of them in one segment, or in queues that only the nodes see, are found by what they do. Nothing of it depends on
//! the machine that simulates.

use std::task::Waker;

/// How many events may be observed, at any time.
pub const EVENTS_AT_ONCE: u64 = 1_000_000;
/// How many more for each second of simulated time.
pub const EVENTS_A_SECOND: u64 = 100_000;

/// How many events may be observed until the next look at the clock.
pub(super) struct Quota {
    until: u64,
    exceeded: bool,
    /// The testbed, which waits for an overload.
    alarm: Option<Waker>,
}

impl Default for Quota {
    fn default() -> Self {
        Quota { until: EVENTS_AT_ONCE, exceeded: false, alarm: None }
    }
}

impl Quota {
    /// So many events have been observed.
    pub(super) fn spend(&mut self, events: u64, at_ns: u64) {
        if events > self.until {
            self.extend(events, at_ns);
        }
    }

    #[cold]
    fn extend(&mut self, events: u64, at_ns: u64) {
        let more = u128::from(at_ns) * u128::from(EVENTS_A_SECOND) / 1_000_000_000;
        self.until = EVENTS_AT_ONCE + more as u64;
        if events > self.until {
            (self.until, self.exceeded) = (u64::MAX, true);
            if let Some(alarm) = self.alarm.take() {
                alarm.wake();
            }
        }
    }

    /// Whether there were more; if not, wakes whoever asks once there are.
    pub(super) fn is_exceeded(&mut self, alarm: &Waker) -> bool {
        if !self.exceeded {
            self.alarm = Some(alarm.clone());
        }
        self.exceeded
    }
}
