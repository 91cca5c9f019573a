//! Ticks, one after the other.

use super::{Instant, sleep_until};
use std::time::Duration;

/// Ticks at once, and then each time that a period has passed.
///
/// # Panics
///
/// If the period is zero.
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "`period` must be non-zero");
    Interval { next: Instant::now(), period, missed: MissedTickBehavior::default() }
}

/// What becomes of ticks that nobody waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// They follow at once.
    #[default]
    Burst,
    /// The next one comes a period after the late one.
    Delay,
    /// They are left out, and the next one comes when it would have.
    Skip,
}

/// What [`interval`] returns.
#[derive(Debug)]
pub struct Interval {
    next: Instant,
    period: Duration,
    missed: MissedTickBehavior,
}

impl Interval {
    /// The next tick. It is not lost where this is dropped early.
    pub async fn tick(&mut self) -> Instant {
        let due = self.next;
        let mut now = Instant::now();
        if now < due {
            sleep_until(due).await;
            now = Instant::now();
        }
        self.next = match self.missed {
            MissedTickBehavior::Burst => due + self.period,
            // A sleep may end a little after its instant; that is no delay yet.
            _ if now <= due + LATE => due + self.period,
            MissedTickBehavior::Delay => now + self.period,
            MissedTickBehavior::Skip => {
                let (late, period) = ((now - due).as_nanos(), self.period.as_nanos());
                now + self.period - Duration::from_nanos((late % period) as u64)
            }
        };
        due
    }

    /// What becomes of ticks that nobody waited for, from now on.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed = behavior;
    }

    /// The time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }
}

/// How late a tick may be that is on time, as tokio has it.
const LATE: Duration = Duration::from_millis(5);
