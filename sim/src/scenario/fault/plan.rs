//! What a plan holds: strokes, each at its moment, with machines by number and nothing left to draw.

use super::effect::Effect;
use super::kind::Action;
use super::{Fault, Moment};
use crate::scenario::cast::Cast;
use crate::scenario::units::Time;
use host::world::{Draw, MachineId, Stream};
use std::time::Duration;

/// One stroke of the nemesis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stroke {
    /// The same, as a file says it.
    pub(crate) said: Fault,
    /// When it strikes.
    pub(crate) when: When,
    /// What it does.
    pub(crate) effect: Effect,
}

/// When a stroke falls.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum When {
    /// So long after the workload began.
    At(Duration),
    /// So long after each of the first so many probes like this.
    Probe {
        /// The machine that must publish it; none for any.
        node: Option<MachineId>,
        probe: String,
        /// What its first value must be, as a text; none for anything.
        is: Option<String>,
        /// Those before this time do not count, nor do then those of clients; at zero, all do.
        from: Duration,
        after: Duration,
        times: u32,
    },
}

impl When {
    /// How long after what it waits for, be that the begin of the workload or a probe.
    pub(in crate::scenario) fn after(&self) -> Duration {
        let (When::At(after) | When::Probe { after, .. }) = self;
        *after
    }
}

/// What an action comes to.
pub(in crate::scenario) enum Plan {
    /// One stroke.
    Stroke(Effect),
    /// A simpler action in its place, as long as itself.
    Instead(Action),
    /// Simpler faults in its place.
    Rounds(Vec<Round>),
}

/// A simpler fault, so long after the one that it is a part of.
pub(in crate::scenario) struct Round {
    pub(super) after: Duration,
    pub(super) action: Action,
    pub(super) lasts: Option<Time>,
}

/// What plans the faults of a scenario.
#[derive(Debug, Clone, Copy)]
pub(in crate::scenario) struct Planner {
    pub(in crate::scenario) cast: Cast,
    pub(in crate::scenario) seed: u64,
    /// When the workload ends: nothing is repeated after it.
    pub(in crate::scenario) end: Duration,
}

/// What an action may depend on when it is planned.
#[derive(Debug)]
pub(in crate::scenario) struct Stage {
    pub(super) cast: Cast,
    seed: u64,
    stream: Stream<'static>,
}

impl Stage {
    /// What the fault leaves to the seed.
    pub(super) fn draw(&self) -> Draw {
        Draw::new(self.seed, self.stream)
    }
}

impl Planner {
    /// The strokes that scripted faults come to, in the order of the file.
    pub(in crate::scenario) fn script(&self, faults: &[Fault]) -> Vec<Stroke> {
        let mut strokes = Vec::with_capacity(faults.len());
        for (index, fault) in faults.iter().enumerate() {
            strokes.extend(self.scripted(index, fault));
        }
        strokes
    }

    /// Those of the fault at this place of the file, which strikes as often as its moment says.
    pub(in crate::scenario) fn scripted(&self, index: usize, fault: &Fault) -> Vec<Stroke> {
        let rounds = self.moments(&fault.moment).enumerate();
        let strokes = rounds.flat_map(|(round, moment)| {
            let stage = self.stage(Stream::Scripted { fault: index, round });
            self.strokes(&stage, &Fault { moment, ..fault.clone() })
        });
        strokes.collect()
    }

    /// Those of the random fault with this number. Its last rounds may come after the end; no file says such a thing.
    pub(in crate::scenario) fn drawn(&self, index: u64, fault: &Fault) -> Vec<Stroke> {
        let mut strokes = self.strokes(&self.stage(Stream::Drawn(index)), fault);
        strokes.retain(|stroke| stroke.when.after() < self.end);
        strokes
    }

    fn stage(&self, stream: Stream<'static>) -> Stage {
        Stage { cast: self.cast, seed: self.seed, stream }
    }

    /// What a fault comes to that strikes at one moment.
    fn strokes(&self, stage: &Stage, fault: &Fault) -> Vec<Stroke> {
        match fault.action.plan(stage) {
            Plan::Stroke(effect) => {
                vec![Stroke { said: fault.clone(), when: self.when(&fault.moment), effect }]
            }
            Plan::Instead(action) => self.strokes(stage, &Fault { action, ..fault.clone() }),
            Plan::Rounds(rounds) => {
                let part = |Round { after, action, lasts }| Fault {
                    moment: later(&fault.moment, after),
                    action,
                    lasts,
                    permanent: fault.permanent,
                };
                rounds.into_iter().map(part).flat_map(|part| self.strokes(stage, &part)).collect()
            }
        }
    }

    fn when(&self, moment: &Moment) -> When {
        match moment {
            Moment::At { at, .. } => When::At(at.get()),
            Moment::Probe { node, probe, is, from, after, times } => When::Probe {
                node: node.map(|node| self.cast.id(node)),
                probe: probe.clone(),
                is: is.clone(),
                from: from.get(),
                after: after.get(),
                times: *times,
            },
        }
    }

    /// Each time that a fault strikes by the clock.
    fn moments(&self, moment: &Moment) -> impl Iterator<Item = Moment> + use<> {
        let (first, period, times) = match moment {
            Moment::At { at, every: Some(every), times } => (*at, every.get(), times.unwrap_or(u32::MAX)),
            Moment::At { at, every: None, .. } => (*at, Duration::ZERO, 1),
            Moment::Probe { .. } => (Time::ZERO, Duration::ZERO, 1),
        };
        let (end, moment) = (self.end, moment.clone());
        (0..times).map_while(move |round| match &moment {
            Moment::Probe { .. } => Some(moment.clone()),
            Moment::At { .. } => {
                let at = first.get() + period * round;
                let happens = round == 0 || at < end;
                happens.then_some(Moment::At { at: Time::from(at), every: None, times: None })
            }
        })
    }
}

/// The same moment, later.
fn later(moment: &Moment, by: Duration) -> Moment {
    let mut moment = moment.clone();
    match &mut moment {
        Moment::At { at: time, .. } | Moment::Probe { after: time, .. } => {
            *time = Time::from(time.get().saturating_add(by));
        }
    }
    moment
}
