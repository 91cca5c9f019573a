//! Spells out what is short for several faults: repetitions, halves, bridges, flapping links, crash loops, rolling
//! restarts. What comes out strikes in one stroke each, in the order of the file.

use super::fault::{Action, Fault, Moment, Target};
use super::units::Time;
use host::world::{Draw, Stream};
use std::time::Duration;

/// What the spelling depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub(super) seed: u64,
    /// How many nodes there are.
    pub(super) nodes: u32,
    /// When the workload ends: nothing is repeated after it.
    pub(super) end: Duration,
}

impl Stage {
    /// All faults, spelt out.
    pub(super) fn expand(self, faults: &[Fault]) -> Vec<Fault> {
        let mut simple = Vec::with_capacity(faults.len());
        for (index, fault) in faults.iter().enumerate() {
            for (round, moment) in self.moments(&fault.moment).enumerate() {
                let fault = Fault { moment, ..fault.clone() };
                self.spell(fault, Stream::Scripted { fault: index, round }, &mut simple);
            }
        }
        simple
    }

    /// Each time that it strikes by the clock.
    fn moments(self, moment: &Moment) -> impl Iterator<Item = Moment> + use<> {
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

    fn spell(self, fault: Fault, stream: Stream<'_>, into: &mut Vec<Fault>) {
        let stroke = |offset: Duration, action: Action, lasts: Option<Time>| {
            let moment = later(&fault.moment, offset);
            Fault { moment, action, lasts, permanent: fault.permanent }
        };
        match &fault.action {
            Action::Halves => {
                let mut nodes = self.names();
                let mut draw = Draw::new(self.seed, stream);
                draw.shuffle(&mut nodes);
                into.push(stroke(Duration::ZERO, Action::Partition(split(&mut draw, nodes)), fault.lasts));
            }
            Action::Bridge(bridge) => {
                let mut left: Vec<String> = self.names().into_iter().filter(|node| node != bridge).collect();
                let right = left.split_off(left.len() / 2);
                into.push(stroke(Duration::ZERO, Action::Partition(vec![left, right]), fault.lasts));
            }
            Action::Flap { between, down, up, times } => {
                let period = down.get() + up.get();
                let part = |round| stroke(period * round, Action::Partition(between.clone()), Some(*down));
                into.extend((0..*times).map(part));
            }
            Action::CrashLoop { node, how, times, up, backoff } => {
                let (mut offset, mut down) = (Duration::ZERO, backoff.get());
                for _ in 0..*times {
                    let crash = Action::Crash { node: node.clone(), how: *how };
                    into.push(stroke(offset, crash, Some(Time::from(down))));
                    offset = offset.saturating_add(down).saturating_add(up.get());
                    down = down.saturating_mul(2);
                }
            }
            Action::RollingRestart { down, gap } => {
                let period = down.get() + gap.get();
                into.extend(self.names().into_iter().zip(0..).map(|(node, round)| {
                    let crash = Action::Crash { node: Target::Node(node), how: Default::default() };
                    stroke(period * round, crash, Some(*down))
                }));
            }
            _ => into.push(fault),
        }
    }

    fn names(self) -> Vec<String> {
        (1..=self.nodes).map(|node| format!("n{node}")).collect()
    }
}

/// The same moment, later.
fn later(moment: &Moment, offset: Duration) -> Moment {
    let mut moment = moment.clone();
    match &mut moment {
        Moment::At { at: time, .. } | Moment::Probe { after: time, .. } => {
            *time = Time::from(time.get().saturating_add(offset));
        }
    }
    moment
}

/// Two groups, neither empty, of shuffled nodes.
pub(super) fn split(draw: &mut Draw, mut nodes: Vec<String>) -> Vec<Vec<String>> {
    let mut others = nodes.split_off(draw.between(1, nodes.len() as u64 - 1) as usize);
    sort(&mut nodes);
    sort(&mut others);
    vec![nodes, others]
}

/// n2 before n10.
pub(super) fn sort(nodes: &mut [String]) {
    nodes.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
}
