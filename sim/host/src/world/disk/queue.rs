//! Time: when a disk takes an operation up, and when it answers.

use super::fault::Effect;
use super::{DiskSettings, Disks};
use crate::world::clock::Clock;
use crate::world::draw::LateDraw;
use crate::world::{Latency, MachineId, Stream};
use std::task::{Context, Poll, Waker};

/// What makes an operation take its time.
#[derive(Clone, Copy)]
pub(super) enum Work {
    /// So many bytes are moved.
    Bytes(usize),
    /// The device's own cache is flushed.
    Flush,
}

pub(super) struct Queue {
    /// When the disk is free for the next operation, in ns since the run began.
    free_at: u64,
    /// Draws latencies, where they are not constant.
    draw: LateDraw,
    /// When the disk hung last.
    hung_at: Option<u64>,
    /// Those whose answer waits for the end of a stall.
    waiting: Vec<Waker>,
}

/// An operation under way.
pub(crate) struct Ticket {
    host: MachineId,
    life: u64,
    issued: u64,
    answered: u64,
    /// Nobody will answer.
    lost: bool,
    /// Whom the timer wakes.
    armed: Option<Waker>,
}

impl Queue {
    pub(super) fn new(seed: u64, name: &str) -> Self {
        let draw = LateDraw::new(seed, |disk| Stream::DiskLatency(disk), name);
        Queue { free_at: 0, draw, hung_at: None, waiting: Vec::new() }
    }

    pub(super) fn reseed(&mut self, seed: u64) {
        self.draw.reseed(seed);
    }

    /// Takes an operation up. Returns when it will be answered.
    pub(super) fn admit(&mut self, now: u64, settings: &DiskSettings, effect: &Effect, work: Work) -> u64 {
        let scaled = |ns: u64| if effect.slow > 1.0 { (ns as f64 * effect.slow) as u64 } else { ns };
        let mut busy = 1_000_000_000 / settings.operations_per_second;
        let mut latency = self.sample(&settings.latency);
        match work {
            Work::Bytes(bytes) => {
                busy += (bytes as u128 * 1_000_000_000 / u128::from(settings.bandwidth)) as u64;
            }
            Work::Flush => latency += self.sample(&settings.sync),
        }
        self.free_at = self.free_at.max(now) + scaled(busy);
        self.free_at + scaled(latency)
    }

    fn sample(&mut self, latency: &Latency) -> u64 {
        match latency {
            Latency::Constant(latency) => *latency,
            drawn => drawn.sample((self.draw.draw().bits() >> 32) as u32),
        }
    }

    pub(super) fn hang(&mut self, now: u64) {
        self.hung_at = Some(now);
    }

    /// A stall ends: what waited is answered.
    pub(super) fn release(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }

    /// The machine died: nobody waits any more.
    pub(super) fn forget_waiting(&mut self) {
        self.waiting.clear();
    }

    /// What the device was doing is over.
    pub(super) fn power_off(&mut self) {
        self.free_at = 0;
    }
}

impl Disks {
    pub(super) fn ticket(&mut self, clock: &Clock, host: MachineId, work: Work) -> Ticket {
        let now = clock.now_ns();
        let disk = self.of(host);
        let effect = disk.faults.effect();
        let (life, lost) = (disk.life, effect.hang);
        let answered = disk.queue.admit(now, &disk.settings, effect, work);
        Ticket { host, life, issued: now, answered, lost, armed: None }
    }

    /// Ready when the operation is answered, and when its life is over.
    pub(super) fn poll_answered(
        &mut self,
        clock: &mut Clock,
        ticket: &mut Ticket,
        context: &Context<'_>,
    ) -> Poll<()> {
        let now = clock.now_ns();
        let disk = self.of(ticket.host);
        if disk.life != ticket.life {
            return Poll::Ready(());
        }
        if ticket.lost || disk.queue.hung_at.is_some_and(|at| ticket.issued <= at && at < ticket.answered) {
            ticket.lost = true;
            return Poll::Pending;
        }
        if disk.faults.effect().stall {
            if !disk.queue.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                disk.queue.waiting.push(context.waker().clone());
            }
            return Poll::Pending;
        }
        if ticket.answered <= now {
            return Poll::Ready(());
        }
        // Another poll of the same task finds the timer armed: madsim's are never cancelled.
        if !ticket.armed.as_ref().is_some_and(|armed| armed.will_wake(context.waker())) {
            if !clock.arm(ticket.answered, context.waker()) {
                return Poll::Ready(());
            }
            ticket.armed = Some(context.waker().clone());
        }
        Poll::Pending
    }
}
