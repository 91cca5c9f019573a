//! What one client is to do next, and when: drawn from its stream, or as the plan lists it or orders it.
//!
//! Drawn operations are due at the instants of a Poisson process. What is next depends on the client's own stream alone,
//! never on how the last one ended: so the operations of a run can be listed, and a plan that lists them is the same run.

use crate::history;
use crate::scenario::{Bursts, ListedOperation, Name, Scenario, Time};
use crate::system::{Mix, System, pace};
use crate::time::BOOT;
use host::world::{Draw, Stream};
use std::time::Duration;

/// What a client is to do: each operation with the instant at which it is due, in ns since the run began.
pub(super) enum Duties<S: System> {
    /// Drawn, until the workload ends.
    Drawn(Box<Drawn<S>>),
    /// Listed.
    Listed(std::vec::IntoIter<(u64, S::Op)>),
}

/// What draws operations.
pub(super) struct Drawn<S: System> {
    system: &'static S,
    mix: Mix,
    draw: Draw,
    pace: Duration,
    bursts: Option<Bursts>,
    /// When the last one would have been due without a silence.
    worked_ns: u64,
    begin_ns: u64,
    until_ns: u64,
}

impl<S: System> Duties<S> {
    /// Those of one client, from 1, that begins now.
    pub(super) fn new(system: &'static S, plan: &Scenario, seed: u64, client: u32, now_ns: u64) -> Self {
        let drawn = pace(plan).filter(|_| client <= plan.workload.clients);
        let Some(pace) = drawn else { return Duties::listed(plan, client) };
        let until_ns = (BOOT + plan.workload.duration.get()).as_nanos() as u64;
        let (mix, draw) = (Mix::new(plan, client), Draw::new(seed, Stream::Client(client)));
        let bursts = plan.workload.bursts;
        let pace = bursts.map_or(pace, |bursts| bursts.pace(pace));
        let (worked_ns, begin_ns) = (0, now_ns);
        Duties::Drawn(Box::new(Drawn { system, mix, draw, pace, bursts, worked_ns, begin_ns, until_ns }))
    }

    /// From now on what is drawn is of another seed.
    pub(super) fn reseed(&mut self, seed: u64, client: u32) {
        if let Duties::Drawn(drawn) = self {
            drawn.draw = Draw::new(seed, Stream::Client(client));
        }
    }

    fn listed(plan: &Scenario, client: u32) -> Self {
        let listed = plan.listed(client).into_iter().map(|ListedOperation { at, name, argument, .. }| {
            let op = history::operation(&name, &argument);
            let op = op.expect("a validated scenario lists only operations that there are");
            ((BOOT + at.get()).as_nanos() as u64, op)
        });
        Duties::Listed(listed.collect::<Vec<_>>().into_iter())
    }
}

impl<S: System> Iterator for Duties<S> {
    type Item = (u64, S::Op);

    fn next(&mut self) -> Option<(u64, S::Op)> {
        match self {
            Duties::Listed(listed) => listed.next(),
            Duties::Drawn(drawn) => {
                drawn.worked_ns += drawn.draw.exponential(drawn.pace).as_nanos() as u64;
                let passed_ns =
                    drawn.bursts.map_or(drawn.worked_ns, |bursts| bursts.passed_ns(drawn.worked_ns));
                let due_ns = drawn.begin_ns + passed_ns;
                let op = || drawn.system.next_op(&drawn.mix, &mut drawn.draw);
                (due_ns < drawn.until_ns).then(op).map(|op| (due_ns, op))
            }
        }
    }
}

impl Bursts {
    /// How long from one operation to the next while there is work, so that there are as many on the whole.
    fn pace(self, evenly: Duration) -> Duration {
        evenly.mul_f64(self.on.get().as_secs_f64() / (self.on.get() + self.off.get()).as_secs_f64())
    }

    /// How much time has passed, silences included, once so much of it was work.
    fn passed_ns(self, worked_ns: u64) -> u64 {
        let (on, off) = (self.on.get().as_nanos() as u64, self.off.get().as_nanos() as u64);
        worked_ns + worked_ns / on * off
    }
}

/// A plan with the operations listed that it would draw, if each client began with the workload.
pub(crate) fn listing<S: System>(system: &'static S, plan: &Scenario, seed: u64) -> Scenario {
    let begin = BOOT.as_nanos() as u64;
    let clients = 1..=plan.clients();
    let due = clients.flat_map(|client| {
        let duties = Duties::new(system, plan, seed, client, begin);
        duties.map(move |(due_ns, op)| listed(client, due_ns, &op))
    });
    plan.listing(due.collect())
}

/// An operation that was due, as a plan lists it.
pub(super) fn listed<Op: serde::Serialize>(client: u32, due_ns: u64, op: &Op) -> ListedOperation {
    let (name, argument) = history::function_and_value(op);
    let at = Time::from(Duration::from_nanos(due_ns).saturating_sub(BOOT));
    ListedOperation { at, client: Name::Client(client), name, argument }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BURSTS: Bursts = Bursts { on: Time::from_secs(2), off: Time::from_secs(6) };

    #[test]
    fn nothing_is_due_in_a_silence() {
        let seconds = |worked: u64| BURSTS.passed_ns(worked * 1_000_000_000) / 1_000_000_000;
        assert_eq!([0, 1, 2, 3, 4].map(seconds), [0, 1, 8, 9, 16]);
    }

    #[test]
    fn bursts_have_as_many_operations_as_the_rate_says() {
        assert_eq!(BURSTS.pace(Duration::from_secs(4)), Duration::from_secs(1));
    }
}
