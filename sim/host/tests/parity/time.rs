//! Sleeps, time-outs and intervals.

use crate::two_worlds::machine;
use host::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout, timeout_at};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(40);

/// How late the world may be; it is never early.
const LATE: Duration = Duration::from_millis(if cfg!(madsim) { 1 } else { 30 });

#[track_caller]
fn took(since: Instant, expected: Duration) {
    let elapsed = since.elapsed();
    assert!((expected..expected + LATE).contains(&elapsed), "{elapsed:?} instead of {expected:?}");
}

#[test]
fn a_sleep_takes_as_long_as_it_says() {
    machine(async || {
        let start = Instant::now();
        sleep(TICK).await;
        took(start, TICK);
        sleep_until(start + 2 * TICK).await;
        took(start, 2 * TICK);
    });
}

#[test]
fn a_sleep_that_is_reset_ends_at_the_new_instant() {
    machine(async || {
        let start = Instant::now();
        let mut early = std::pin::pin!(sleep(TICK));
        assert!(timeout(TICK / 4, early.as_mut()).await.is_err());
        early.as_mut().reset(start + 2 * TICK);
        assert!(!early.is_elapsed());
        early.as_mut().await;
        took(start, 2 * TICK);
        assert!(early.is_elapsed());
    });
}

#[test]
fn a_timeout_gives_up_in_time_and_gives_what_comes_before() {
    machine(async || {
        let start = Instant::now();
        let late = timeout(TICK, std::future::pending::<()>()).await.unwrap_err();
        took(start, TICK);
        assert_eq!(std::io::Error::from(late).kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(timeout(TICK, async { 7 }).await.unwrap(), 7);
        // What is ready is given even where it is late.
        assert_eq!(timeout_at(start, async { 8 }).await.unwrap(), 8);
    });
}

#[test]
fn an_interval_ticks_at_once_and_then_each_time_its_period_has_passed() {
    machine(async || {
        let start = Instant::now();
        let mut ticks = interval(TICK);
        ticks.tick().await;
        took(start, Duration::ZERO);
        for tick in 1..=3 {
            ticks.tick().await;
            took(start, tick * TICK);
        }
    });
}

/// When the next two ticks come, in periods, after three and a half periods without a look.
async fn after_a_gap(missed: MissedTickBehavior) -> [u128; 2] {
    let start = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(missed);
    ticks.tick().await;
    sleep(TICK * 7 / 2).await;
    ticks.tick().await;
    let mut next = async || {
        ticks.tick().await;
        start.elapsed().as_millis() * 4 / TICK.as_millis()
    };
    [next().await, next().await]
}

#[test]
fn ticks_that_nobody_waited_for_follow_at_once_or_late_or_not_at_all() {
    machine(async || {
        // In quarters of a period: the late tick came at 14.
        assert_eq!(after_a_gap(MissedTickBehavior::Burst).await, [14, 14]);
        assert_eq!(after_a_gap(MissedTickBehavior::Delay).await, [18, 22]);
        assert_eq!(after_a_gap(MissedTickBehavior::Skip).await, [16, 20]);
    });
}

#[test]
fn instants_of_a_clock_are_in_order_and_told_apart() {
    machine(async || {
        let early = Instant::now();
        sleep(TICK).await;
        let late = Instant::now();
        assert!(early < late);
        assert_eq!(early + (late - early), late);
        assert_eq!(early.checked_duration_since(late), None);
        assert_eq!(early.saturating_duration_since(late), Duration::ZERO);
        assert_eq!(late.checked_sub(late - early), Some(early));
    });
}
