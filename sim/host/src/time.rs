//! Sleeps, time-outs, intervals and instants, by the monotonic clock of the machine that a node runs on.
//!
//! In a real build these names *are* tokio's. In the simulation they are shaped like them, and go by the machine's own
//! oscillator: with [`clock_drift_ppb`](crate::world::Machine::clock_drift_ppb) a second of one machine is longer than a
//! second of another, as it is for [the wall clock](crate::clock), and two leases are never equally long. Nothing else
//! befalls this clock: it neither jumps nor stands still.
//!
//! Node code may as well use `tokio::time`, and the libraries that it is made of do. That is simulated, too, but it has
//! one clock for all machines, and costs more: a sleep of these is entered once, however often it is polled, and is
//! gone when it is dropped.
//!
//! An [`Instant`] is one of this machine's, and means nothing on another. As tokio's do, sleeps of less than a
//! millisecond take one.

#[cfg(not(madsim))]
pub use tokio::time::{
    Instant, Interval, MissedTickBehavior, Sleep, Timeout, error::Elapsed, interval, sleep, sleep_until,
    timeout, timeout_at,
};

#[cfg(madsim)]
pub use crate::world::timer::{
    Elapsed, Instant, Interval, MissedTickBehavior, Sleep, Timeout, interval, sleep, sleep_until, timeout,
    timeout_at,
};
