//! All that a seed decides before a run: the number of nodes, the swarm's choices, the random faults.
//!
//! What comes out is a plan: a scenario with nothing left to draw, which any seed resolves to itself. Each decision
//! has a stream of its own (every operation of the mix, every kind of fault, every random fault), so that to take one
//! out of the file leaves the others as they were.

use super::budget::Budget;
use super::disk::DiskAction;
use super::expand::{Stage, sort, split};
use super::fault::{Action, Class, Death, Fault, Moment, Others, Target};
use super::link::{LinkAction, Links};
use super::model::{Nodes, Scenario};
use super::network::{Bandwidth, Reorder};
use super::random::{Kind, Random};
use super::units::{Offset, Time};
use host::world::{DiskFault, Draw, Stream};
use std::collections::BTreeMap;
use std::time::Duration;

/// Random faults last this long at least …
const LASTS_MIN: Duration = Duration::from_millis(50);
/// … and this long at most,
const LASTS_MAX: Duration = Duration::from_secs(12);
/// or this far beyond the end of the workload.
const LASTS_BEYOND: Duration = Duration::from_millis(500);
/// Random clock jumps, either way.
const JUMP_MIN: Duration = Duration::from_millis(1);
const JUMP_MAX: Duration = Duration::from_secs(10);
/// How long a node in a random crash loop runs, or is down the first time, at most.
const UP_MAX: Duration = Duration::from_secs(1);
/// As little is not enough to boot from a disk.
const UP_MIN: Duration = Duration::from_millis(1);
/// Two random faults are this far apart, so that a schedule is finite whatever its mean.
const GAP_MIN: Duration = Duration::from_millis(1);

impl Scenario {
    /// The plan for one seed: the number of nodes is exact, every fault is explicit, nothing is left to draw.
    ///
    /// The scenario must be one that [`Scenario::parse`] accepts. A plan resolves to itself, whatever the seed.
    pub fn resolve(&self, seed: u64) -> Scenario {
        let mut plan = self.clone();
        let nodes = match self.cluster.nodes {
            Nodes::Exactly(nodes) => nodes,
            Nodes::Between { from, to } => {
                Draw::new(seed, Stream::Cluster).between(u64::from(from), u64::from(to)) as u32
            }
        };
        plan.cluster.nodes = Nodes::Exactly(nodes);
        let stage = Stage { seed, nodes, end: plan.workload.duration.get() };
        plan.faults = stage.expand(&plan.faults);
        if let Some(mut random) = plan.random.take() {
            if random.swarm {
                random.kinds = swarm_kinds(seed, &random.kinds);
                random.every = swarm_every(seed, random.every);
                plan.workload.mix = swarm_mix(seed, &plan.workload.mix);
            }
            plan.at_most = Some(random.at_most);
            let faults = Schedule { stage, random: &random }.draw(&plan.faults);
            plan.faults.extend(faults);
        }
        plan
    }
}

/// Each kind with probability ½, one at least.
fn swarm_kinds(seed: u64, kinds: &[Kind]) -> Vec<Kind> {
    let kept: Vec<Kind> = kinds
        .iter()
        .copied()
        .filter(|kind| Draw::new(seed, Stream::SwarmKind(kind.name())).chance(0.5))
        .collect();
    if kept.is_empty() && !kinds.is_empty() {
        return vec![*Draw::new(seed, Stream::SwarmKinds).pick(kinds)];
    }
    kept
}

/// Twice as often, as often, or rarer.
fn swarm_every(seed: u64, every: Time) -> Time {
    let factor = *Draw::new(seed, Stream::SwarmEvery).pick(&[0.5, 1.0, 2.0, 4.0]);
    Time::from(every.mul_f64(factor))
}

/// Each operation with probability ¾ and its weight times 1 to 4; one at least.
fn swarm_mix(seed: u64, mix: &BTreeMap<String, u32>) -> BTreeMap<String, u32> {
    let possible: Vec<(&String, u32)> = mix
        .iter()
        .filter(|(_, weight)| **weight > 0)
        .map(|(operation, weight)| (operation, *weight))
        .collect();
    let kept: BTreeMap<String, u32> = possible
        .iter()
        .filter_map(|(operation, weight)| {
            let mut draw = Draw::new(seed, Stream::SwarmOperation(operation));
            let (keep, factor) = (draw.chance(0.75), draw.between(1, 4) as u32);
            keep.then(|| ((*operation).clone(), weight.saturating_mul(factor)))
        })
        .collect();
    if kept.is_empty() && !possible.is_empty() {
        let (operation, weight) = *Draw::new(seed, Stream::SwarmOperations).pick(&possible);
        return BTreeMap::from([(operation.clone(), weight)]);
    }
    kept
}

/// What random faults are drawn from.
struct Schedule<'r> {
    stage: Stage,
    random: &'r Random,
}

impl Schedule<'_> {
    /// The random faults, in the order of their times. What the scripted ones do counts against the budget, except
    /// where a probe triggers them: nobody knows when, before the run.
    fn draw(&self, scripted: &[Fault]) -> Vec<Fault> {
        let mut gaps = Draw::new(self.stage.seed, Stream::Schedule);
        let mut budget = Budget::new(self.random.at_most, scripted);
        let mut faults = Vec::new();
        let mut at = self.random.quiet_start.get();
        for index in 0u64.. {
            at += gaps.exponential(self.random.every.get()).max(GAP_MIN);
            if at >= self.stage.end || self.random.kinds.is_empty() || self.stage.nodes == 0 {
                break;
            }
            if let Some(fault) = self.fault(at, Draw::new(self.stage.seed, Stream::Fault(index))) {
                let strokes = self.stage.expand(&[fault]);
                if budget.take(&strokes) {
                    faults.extend(strokes);
                }
            }
        }
        faults
    }

    /// One fault; `None` if its kind needs more nodes than there are.
    fn fault(&self, at: Duration, mut draw: Draw) -> Option<Fault> {
        let kind = *draw.pick(&self.random.kinds);
        let rest = self.stage.end.saturating_sub(at) + LASTS_BEYOND;
        let lasts = log_uniform(&mut draw, LASTS_MIN, rest.min(LASTS_MAX));
        let mut nodes: Vec<String> = (1..=self.stage.nodes).map(|node| format!("n{node}")).collect();
        if nodes.len() < kind.nodes_min() {
            return None;
        }
        draw.shuffle(&mut nodes);
        let last = |nodes: &mut Vec<String>| nodes.pop().map(Target::Node);
        let action = match kind {
            Kind::Partition => Action::Partition(split(&mut draw, nodes)),
            Kind::Hold => Action::Hold(split(&mut draw, nodes)),
            Kind::Link => {
                let mut groups = split(&mut draw, nodes);
                let links = if draw.chance(0.5) {
                    Links::Between(groups)
                } else {
                    let to = groups.pop()?;
                    Links::OneWay { from: groups.pop()?, to }
                };
                Action::Link { links, action: worsening(&mut draw) }
            }
            Kind::OneWay => {
                let one = nodes.split_off(nodes.len() - 1);
                nodes.truncate(draw.between(1, nodes.len() as u64) as usize);
                sort(&mut nodes);
                let (from, to) = if draw.chance(0.5) { (nodes, one) } else { (one, nodes) };
                Action::OneWay { from, to }
            }
            Kind::Isolate => Action::Isolate { node: last(&mut nodes)?, from: Others::All(Class::Everyone) },
            Kind::Bridge => {
                nodes.pop()?;
                Action::Partition(split(&mut draw, nodes))
            }
            Kind::Ring => Action::Ring(nodes),
            Kind::Flap => {
                let times = draw.between(2, 5) as u32;
                let half = Time::from((whole_millis(lasts / times) / 2).max(GAP_MIN));
                Action::Flap { between: split(&mut draw, nodes), down: half, up: half, times }
            }
            Kind::Crash => Action::Crash { node: last(&mut nodes)?, how: death(&mut draw) },
            Kind::CrashLoop => Action::CrashLoop {
                node: last(&mut nodes)?,
                how: death(&mut draw),
                times: draw.between(2, 4) as u32,
                up: Time::from(log_uniform(&mut draw, UP_MIN, UP_MAX)),
                backoff: Time::from(log_uniform(&mut draw, LASTS_MIN, UP_MAX)),
            },
            Kind::Pause => Action::Pause(last(&mut nodes)?),
            Kind::Slow => Action::Slow { node: last(&mut nodes)?, factor: *draw.pick(&[2, 5, 10, 50]) },
            Kind::Clock => {
                let size = log_uniform(&mut draw, JUMP_MIN, JUMP_MAX).as_nanos() as i64;
                let by = Offset::from_nanos(if draw.chance(0.5) { size } else { -size });
                Action::ClockJump { node: last(&mut nodes)?, by }
            }
            Kind::ClockFreeze => Action::ClockFreeze(last(&mut nodes)?),
            Kind::Disk => Action::Disk { node: last(&mut nodes)?, action: failing(&mut draw) },
            Kind::Corruption => Action::Disk { node: last(&mut nodes)?, action: corrupting(&mut draw) },
        };
        let moment = Moment::At { at: Time::from(whole_millis(at)), every: None, times: None };
        let lasts = action.duration_key().map(|_| Time::from(lasts));
        Some(Fault { moment, action, lasts, permanent: false })
    }
}

fn death(draw: &mut Draw) -> Death {
    if draw.chance(0.5) { Death::Process } else { Death::Power }
}

/// A link that is up, and not well. Nothing for datagrams alone: most protocols have none.
fn worsening(draw: &mut Draw) -> LinkAction {
    let (kind, probability) = (draw.below(5), *draw.pick(&[0.01, 0.1, 0.5]));
    let by = Time::from(log_uniform(draw, Duration::from_millis(10), Duration::from_secs(2)));
    match kind {
        0 => LinkAction::Slow { by },
        1 => LinkAction::Lossy { probability },
        2 => LinkAction::Duplicating { probability },
        3 => LinkAction::Reordering(Reorder { probability, by }),
        _ => {
            let bytes_per_second = *draw.pick(&[1_000, 10_000, 100_000]);
            LinkAction::Thin(Bandwidth { bytes_per_second, queue: Bandwidth::default_queue() })
        }
    }
}

/// A disk that says so when it fails.
fn failing(draw: &mut Draw) -> DiskAction {
    let (kind, probability) = (draw.below(6), *draw.pick(&[0.01, 0.1, 1.0]));
    match kind {
        0 => DiskAction::Fault(DiskFault::Slow { factor: *draw.pick(&[10.0, 100.0, 1000.0]) }),
        1 => DiskAction::Fault(DiskFault::Stall),
        2 => DiskAction::Fault(DiskFault::Full),
        3 => DiskAction::Fault(DiskFault::SyncError { probability, drop_cache: draw.chance(0.5) }),
        4 => DiskAction::Fault(DiskFault::WriteError { probability }),
        _ => DiskAction::Fault(DiskFault::ReadError { probability }),
    }
}

/// A disk that says nothing.
fn corrupting(draw: &mut Draw) -> DiskAction {
    let (kind, probability) = (draw.below(3), *draw.pick(&[0.001, 0.01, 0.1]));
    match kind {
        0 => DiskAction::Fault(DiskFault::BitFlip { probability }),
        1 => DiskAction::Fault(DiskFault::Misdirect { probability }),
        _ => DiskAction::Decay { sectors: draw.between(1, 4) as u32, unreadable: draw.chance(0.5) },
    }
}

impl Kind {
    /// The smallest cluster that it can happen to.
    fn nodes_min(self) -> usize {
        match self {
            Kind::Partition | Kind::OneWay | Kind::Hold | Kind::Link | Kind::Flap => 2,
            Kind::Bridge => 3,
            Kind::Ring => 4,
            _ => 1,
        }
    }
}

/// As often between 50 and 100 ms as between 5 and 10 s; whole milliseconds, which read better.
fn log_uniform(draw: &mut Draw, from: Duration, to: Duration) -> Duration {
    let (low, high) = (libm::log(from.as_secs_f64()), libm::log(to.max(from).as_secs_f64()));
    let drawn = Duration::from_secs_f64(libm::exp(low + draw.unit() * (high - low)));
    whole_millis(drawn).clamp(from, to.max(from))
}

fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(time.as_millis() as u64)
}
