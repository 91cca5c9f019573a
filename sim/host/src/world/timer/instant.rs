//! An instant of a machine's monotonic clock.

use crate::world::{World, lend};
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

/// How long a machine was up when the run began, in ns: what is a little earlier than now is an instant, too.
const UPTIME: u64 = 86_400_000_000_000;

/// An instant by the clock of the machine on which it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// This instant. Outside a run, where no time passes, it is when runs begin: rules can be tested without a world.
    pub fn now() -> Self {
        let local = |world: &mut World| world.ground.machines.rate().local(world.now_ns());
        Instant::of_local(lend(local).unwrap_or(0))
    }

    /// When the machine believes that the run has lasted so long, in ns.
    pub(super) fn of_local(ns: u64) -> Self {
        Instant(UPTIME.saturating_add(ns))
    }

    /// How long the run has lasted then, by the machine's clock, in ns; 0 for what was before.
    pub(super) fn local(self) -> u64 {
        self.0.saturating_sub(UPTIME)
    }

    /// How long ago it was; zero for one to come.
    pub fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(*self)
    }

    /// How much later it is than another; zero if it is earlier.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }

    /// How much later it is than another; zero if it is earlier.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// How much later it is than another; none if it is earlier.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration::from_nanos)
    }

    /// So much later, if there is such an instant.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(u64::try_from(duration.as_nanos()).ok()?).map(Instant)
    }

    /// So much earlier, if there is such an instant.
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_sub(u64::try_from(duration.as_nanos()).ok()?).map(Instant)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, duration: Duration) -> Instant {
        self.checked_add(duration).expect("an instant after the last")
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    fn sub(self, duration: Duration) -> Instant {
        self.checked_sub(duration).expect("an instant before the first")
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }
}
