//! A future that ends at an instant.

use super::{Instant, Timer};
use crate::world::{try_with, with};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// What a sleep takes at least, as tokio's does.
const LEAST: Duration = Duration::from_millis(1);

/// Far beyond the end of every run, and such that more can be added.
const FOREVER: Duration = Duration::from_secs(1 << 32);

/// Waits until a duration has passed, a millisecond at least.
pub fn sleep(duration: Duration) -> Sleep {
    sleep_until(Instant::now() + duration.min(FOREVER))
}

/// Waits until an instant has come, a millisecond at least.
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { deadline, at: instant(deadline), timer: None }
}

/// Waits until an instant of simulated time, in ns since the run began, whichever machine waits: the testbed's own.
pub fn until_ns(at: u64) -> Sleep {
    let (deadline, at) = with(|world| {
        let at = at.max(world.now_ns() + LEAST.as_nanos() as u64);
        (Instant::of_local(world.ground.machines.rate().local(at)), at)
    });
    Sleep { deadline, at, timer: None }
}

/// When a deadline of the calling task's machine comes, in ns since the run began.
fn instant(deadline: Instant) -> u64 {
    with(|world| {
        let (now, rate) = (world.now_ns(), world.ground.machines.rate());
        let least = rate.local(now) + LEAST.as_nanos() as u64;
        rate.simulated(deadline.local().max(least))
    })
}

/// What [`sleep`] and [`sleep_until`] return.
#[must_use = "futures do nothing unless polled"]
pub struct Sleep {
    deadline: Instant,
    /// The same in simulated time, in ns since the run began.
    at: u64,
    /// Once it was polled, and until it is due.
    timer: Option<Timer>,
}

impl Sleep {
    /// When it ends.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether it is over.
    pub fn is_elapsed(&self) -> bool {
        with(|world| world.now_ns()) >= self.at
    }

    /// It ends at another instant, whether it was over or not.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.get_mut();
        this.leave();
        (this.deadline, this.at) = (deadline, instant(deadline));
    }

    fn leave(&mut self) {
        if let Some(timer) = self.timer.take() {
            let mut waker = None;
            // Also where the world is gone, or lent to whoever drops this.
            try_with(|world| waker = world.ground.agenda.timers.leave(timer));
            drop(waker);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let is_over = with(|world| {
            let ground = &mut world.ground;
            let is_over = ground.clock.now_ns() >= this.at;
            match this.timer {
                _ if is_over => {}
                Some(timer) => ground.agenda.timers.keep(timer, context.waker()),
                None => this.timer = Some(ground.agenda.enter(this.at, context.waker(), &mut ground.clock)),
            }
            is_over
        });
        if is_over {
            this.leave();
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
