//! tokio's time, which turmoil drives.

pub use tokio::time::{
    Instant, Interval, MissedTickBehavior, Sleep, Timeout, error::Elapsed, interval, sleep, sleep_until,
    timeout, timeout_at,
};
