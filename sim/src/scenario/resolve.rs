//! All that a seed decides before a run: the number of nodes, the swarm's choices, the random faults.
//!
//! What comes out is a plan: a scenario with nothing left to draw, which any seed resolves to itself. Each decision
//! has a stream of its own (every operation of the mix, every kind of fault, every random fault), so that to take one
//! out of the file leaves the others as they were.

use super::model::{Action, AtMost, Death, Fault, Kind, Moment, Nodes, Random, Scenario, Target};
use super::units::{Offset, Time};
use host::world::Draw;
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
                Draw::new(seed, "cluster", "").between(u64::from(from), u64::from(to)) as u32
            }
        };
        plan.cluster.nodes = Nodes::Exactly(nodes);
        if let Some(mut random) = plan.random.take() {
            if random.swarm {
                random.kinds = swarm_kinds(seed, &random.kinds);
                random.every = swarm_every(seed, random.every);
                plan.workload.mix = swarm_mix(seed, &plan.workload.mix);
            }
            let schedule = Schedule { seed, nodes, end: plan.workload.duration.get(), random: &random };
            let faults = schedule.draw(&plan.faults);
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
        .filter(|kind| Draw::new(seed, "swarm", &format!("kind/{}", kind.name())).chance(0.5))
        .collect();
    if kept.is_empty() && !kinds.is_empty() {
        return vec![*Draw::new(seed, "swarm", "kinds").pick(kinds)];
    }
    kept
}

/// Twice as often, as often, or rarer.
fn swarm_every(seed: u64, every: Time) -> Time {
    let factor = *Draw::new(seed, "swarm", "every").pick(&[0.5, 1.0, 2.0, 4.0]);
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
            let mut draw = Draw::new(seed, "swarm", &format!("operation/{operation}"));
            let (keep, factor) = (draw.chance(0.75), draw.between(1, 4) as u32);
            keep.then(|| ((*operation).clone(), weight.saturating_mul(factor)))
        })
        .collect();
    if kept.is_empty() && !possible.is_empty() {
        let (operation, weight) = *Draw::new(seed, "swarm", "operations").pick(&possible);
        return BTreeMap::from([(operation.clone(), weight)]);
    }
    kept
}

/// What random faults are drawn from.
struct Schedule<'r> {
    seed: u64,
    nodes: u32,
    end: Duration,
    random: &'r Random,
}

/// A node that is crashed or paused, from one time to another.
struct Down {
    node: String,
    from: Duration,
    to: Duration,
}

impl Schedule<'_> {
    /// The random faults, in the order of their times. What the scripted ones take down counts against the budget,
    /// except where a probe triggers them: nobody knows when, before the run.
    fn draw(&self, scripted: &[Fault]) -> Vec<Fault> {
        let mut gaps = Draw::new(self.seed, "faults", "schedule");
        let mut down: Vec<Down> = scripted.iter().filter_map(down).collect();
        let mut faults = Vec::new();
        let mut at = Duration::ZERO;
        for index in 0u64.. {
            at += gaps.exponential(self.random.every.get()).max(GAP_MIN);
            if at >= self.end || self.random.kinds.is_empty() || self.nodes == 0 {
                break;
            }
            let Some(fault) = self.fault(at, Draw::new(self.seed, "faults", &index.to_string())) else {
                continue;
            };
            if let Some(next) = self::down(&fault) {
                if !within(self.random.at_most, &down, &next) {
                    continue;
                }
                down.push(next);
            }
            faults.push(fault);
        }
        faults
    }

    /// One fault; `None` if its kind needs more nodes than there are.
    fn fault(&self, at: Duration, mut draw: Draw) -> Option<Fault> {
        let kind = *draw.pick(&self.random.kinds);
        let rest = self.end.saturating_sub(at) + LASTS_BEYOND;
        let lasts = log_uniform(&mut draw, LASTS_MIN, rest.min(LASTS_MAX));
        let mut nodes: Vec<String> = (1..=self.nodes).map(|node| format!("n{node}")).collect();
        if nodes.len() < 2 && matches!(kind, Kind::Partition | Kind::OneWay | Kind::Hold) {
            return None;
        }
        draw.shuffle(&mut nodes);
        let action = match kind {
            Kind::Partition => Action::Partition(split(&mut draw, nodes)),
            Kind::Hold => Action::Hold(split(&mut draw, nodes)),
            Kind::OneWay => {
                let one = nodes.split_off(nodes.len() - 1);
                nodes.truncate(draw.between(1, nodes.len() as u64) as usize);
                sort(&mut nodes);
                let (from, to) = if draw.chance(0.5) { (nodes, one) } else { (one, nodes) };
                Action::OneWay { from, to }
            }
            Kind::Crash => {
                let how = if draw.chance(0.5) { Death::Process } else { Death::Power };
                Action::Crash { node: Target::Node(nodes.pop()?), how }
            }
            Kind::Pause => Action::Pause(Target::Node(nodes.pop()?)),
            Kind::Clock => {
                let size = log_uniform(&mut draw, JUMP_MIN, JUMP_MAX).as_nanos() as i64;
                let by = Offset::from_nanos(if draw.chance(0.5) { size } else { -size });
                Action::ClockJump { node: Target::Node(nodes.pop()?), by }
            }
        };
        let lasts = (kind != Kind::Clock).then_some(Time::from(lasts));
        Some(Fault { moment: Moment::At(Time::from(whole_millis(at))), action, lasts, permanent: false })
    }
}

/// What a timed crash or pause takes down.
fn down(fault: &Fault) -> Option<Down> {
    let (
        Moment::At(from),
        Action::Crash { node: Target::Node(node), .. } | Action::Pause(Target::Node(node)),
    ) = (&fault.moment, &fault.action)
    else {
        return None;
    };
    let to = fault.lasts.map_or(Duration::MAX, |lasts| from.saturating_add(lasts.get()));
    Some(Down { node: node.clone(), from: from.get(), to })
}

/// Whether one more may go down beside those that are: no node twice, and never more than the budget at once.
///
/// Those that overlap the new one need not overlap each other, so that with scripted faults ahead this may refuse one
/// that would just fit.
fn within(at_most: AtMost, down: &[Down], next: &Down) -> bool {
    let mut overlapping = down.iter().filter(|other| other.from <= next.to && next.from <= other.to);
    let others = overlapping.try_fold(1, |count, other| (other.node != next.node).then_some(count + 1));
    others.is_some_and(|count| count <= at_most.down)
}

/// Two groups, neither empty, of shuffled nodes.
fn split(draw: &mut Draw, mut nodes: Vec<String>) -> Vec<Vec<String>> {
    let mut others = nodes.split_off(draw.between(1, nodes.len() as u64 - 1) as usize);
    sort(&mut nodes);
    sort(&mut others);
    vec![nodes, others]
}

/// n2 before n10.
fn sort(nodes: &mut [String]) {
    nodes.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
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

impl Kind {
    /// The kind as the file has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Partition => "partition",
            Kind::OneWay => "one-way",
            Kind::Hold => "hold",
            Kind::Crash => "crash",
            Kind::Pause => "pause",
            Kind::Clock => "clock",
        }
    }
}
