//! madsim's time, and the time-outs that openraft can name, which madsim has not.

pub use madsim::time::{Instant, Interval, MissedTickBehavior, Sleep, interval, sleep, sleep_until};

#[path = "../../../../../sim/host/src/world/timer/timeout.rs"]
mod timeout;

pub use timeout::{Elapsed, Timeout, timeout, timeout_at};
