//! How many events a run may have.
//!
//! So many at any time, and so many more with each second of simulated time ([`Limits`]): messages that multiply among
//! nodes, many of them in one segment, or in queues that only the nodes see, are found by what they do.

use crate::world::limits::Limits;
use std::task::Waker;

/// How many events may be observed until the next look at the clock.
pub(super) struct Quota {
    until: u64,
    limits: Limits,
    exceeded: bool,
    /// The testbed, which waits for an overload.
    alarm: Option<Waker>,
}

impl Default for Quota {
    fn default() -> Self {
        let limits = Limits::default();
        Quota { until: limits.events, limits, exceeded: false, alarm: None }
    }
}

impl Quota {
    /// From now on so many may be.
    pub(super) fn limit(&mut self, limits: Limits) {
        (self.until, self.limits) = (0, limits);
    }

    /// So many events have been observed.
    pub(super) fn spend(&mut self, events: u64, at_ns: u64) {
        if events > self.until {
            self.extend(events, at_ns);
        }
    }

    #[cold]
    fn extend(&mut self, events: u64, at_ns: u64) {
        let more = u128::from(at_ns) * u128::from(self.limits.events_per_second) / 1_000_000_000;
        self.until = self.limits.events + more as u64;
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
