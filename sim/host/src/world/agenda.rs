//! Everything rare that is to come, and the one small task that sees to it.
//!
//! Segments and datagrams have timers of their own. All else that happens later is an [`Event`] in one heap, ordered by
//! time and then by the order in which it was scheduled, and handled by the *driver*, a task of the supervisor. It also
//! wakes who [sleeps](super::timer). Code that runs inside a timer's callback cannot arm another timer (madsim holds its
//! timer lock there), but it may schedule.

use super::clock::Clock;
use super::net::Event;
use super::timer::{Timer, Timers};
use super::with;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::task::{Poll, Waker};

struct Scheduled {
    at: u64,
    sequence: u64,
    event: Event,
}

impl Scheduled {
    fn key(&self) -> (u64, u64) {
        (self.at, self.sequence)
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// What is to come: events, and sleeps that end.
#[derive(Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<Scheduled>>,
    scheduled: u64,
    pub(super) timers: Timers,
    /// The instants for which the driver has timers of madsim's, the next one last. They cannot be cancelled.
    armed: Vec<u64>,
    driver: Option<Waker>,
}

impl Agenda {
    /// Schedules an event. Allowed anywhere, in a timer's callback too.
    pub(super) fn push(&mut self, at: u64, event: Event) {
        self.scheduled += 1;
        self.heap.push(Reverse(Scheduled { at, sequence: self.scheduled, event }));
        if !self.is_armed_for(at)
            && let Some(driver) = &self.driver
        {
            driver.wake_by_ref();
        }
    }

    /// Enters a sleep that ends at an instant to come. Not to be called from a timer's callback.
    pub(super) fn enter(&mut self, at: u64, waker: &Waker, clock: &mut Clock) -> Timer {
        if !self.is_armed_for(at)
            && let Some(driver) = &self.driver
        {
            self.armed.push(at);
            clock.arm(at, driver);
        }
        self.timers.enter(at, waker)
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.heap.iter().map(|Reverse(scheduled)| &scheduled.event)
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len() + self.timers.len()
    }

    fn is_armed_for(&self, at: u64) -> bool {
        self.armed.last().is_some_and(|armed| *armed <= at)
    }

    fn pop_due(&mut self, now: u64) -> Option<(u64, Event)> {
        let due = self.heap.peek().is_some_and(|Reverse(next)| next.at <= now);
        if due { self.heap.pop().map(|Reverse(next)| (next.at, next.event)) } else { None }
    }

    /// Timers of the driver's have fired, perhaps.
    fn look(&mut self, now: u64) {
        while self.armed.last().is_some_and(|armed| *armed <= now) {
            self.armed.pop();
        }
    }

    /// Sees to it that the driver is woken for what comes next. Returns false if that is due already.
    fn arm(&mut self, now: u64, clock: &mut Clock, driver: &Waker) -> bool {
        let event = self.heap.peek().map(|Reverse(next)| next.at);
        let Some(next) = event.into_iter().chain(self.timers.next()).min() else { return true };
        if next > now && !self.is_armed_for(next) {
            self.armed.push(next);
            clock.arm(next, driver);
        }
        next > now
    }

    fn is_driven_by(&mut self, waker: &Waker) {
        match &mut self.driver {
            Some(driver) => driver.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }
}

/// Serves the agenda until it is dropped.
pub(super) async fn drive() {
    poll_fn(|context| {
        with(|world| {
            loop {
                let now = world.ground.clock.now_ns();
                world.ground.agenda.look(now);
                while let Some((at, event)) = world.ground.agenda.pop_due(now) {
                    world.net.handle(&mut world.ground, at, event);
                }
                world.ground.agenda.timers.wake_due(now);
                if world.ground.agenda.arm(now, &mut world.ground.clock, context.waker()) {
                    break;
                }
            }
            world.ground.agenda.is_driven_by(context.waker());
        });
        Poll::<()>::Pending
    })
    .await;
}
