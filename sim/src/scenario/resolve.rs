//! All that a seed decides before a run: the number of nodes, the swarm's choices, the random faults. Operations that are
//! listed are put in order, and so are orders.
//!
//! What comes out is a plan: a scenario with nothing left to draw, which any seed resolves to itself. Each decision
//! has a stream of its own (every operation of the mix, every kind of fault, every random fault), so that to take one
//! out of the file leaves the others as they were.

use super::cast::{Cast, Name};
use super::fault::budget::Taking;
use super::fault::{Drawing, Fault, Moment, Planner, Stroke, log_uniform, whole_millis};
use super::model::{Nodes, Scenario};
use super::operation::ListedOperation;
use super::random::{Lasts, Random, RandomKind};
use super::sizes;
use super::units::{Rate, Time};
use super::validate::WEIGHT_MAX;
use host::world::{Draw, Stream};
use std::collections::BTreeMap;
use std::time::Duration;

/// Random faults end this far beyond the end of the workload at most.
const LASTS_BEYOND: Duration = Duration::from_millis(500);
/// A swarm has an operation at most so many times as often as the file says.
const SWARM_OFTENER: f64 = 16.0;
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
        let planner = plan.planner(seed);
        let mut strokes = planner.script(&plan.faults);
        if let Some(mut random) = plan.random.take() {
            if random.sizes {
                sizes::draw(&mut plan, &random, seed);
            }
            if random.swarm {
                random.kinds = swarm_kinds(seed, &random.kinds);
                random.every = swarm_every(seed, random.every);
                plan.workload.mix = swarm_mix(seed, &self.workload.mix);
                let slower = |rate| swarm_rate(rate, &self.workload.mix, &plan.workload.mix);
                plan.workload.rate = plan.workload.rate.map(slower);
            }
            plan.at_most = Some(random.at_most);
            strokes.extend(Schedule { planner, random: &random }.draw(&strokes));
        }
        plan.faults = strokes.into_iter().map(|stroke| stroke.said).collect();
        plan.operations.sort_by_key(|operation| operation.at);
        plan.orders.sort_by_key(|order| order.at);
        plan
    }

    /// The same plan with its operations listed, in place of drawing them, and its orders among them.
    pub(crate) fn listing(&self, mut operations: Vec<ListedOperation>) -> Scenario {
        operations.sort_by_key(|operation| (operation.at, operation.client));
        let mut plan = self.clone();
        if !operations.is_empty() {
            plan.operations = operations;
            (plan.workload.clients, plan.orders) = (self.clients(), Vec::new());
            (plan.workload.rate, plan.workload.mix) = (None, BTreeMap::new());
        }
        plan
    }

    /// What the nemesis is to do: of a plan one stroke a fault, in the same order.
    pub(crate) fn strokes(&self, seed: u64) -> Vec<Stroke> {
        self.planner(seed).script(&self.faults)
    }

    /// What plans its faults.
    pub(super) fn planner(&self, seed: u64) -> Planner {
        Planner { cast: Cast::of(self), seed, end: self.workload.duration.get() }
    }
}

/// Each kind with probability ½, one at least.
fn swarm_kinds(seed: u64, kinds: &[RandomKind]) -> Vec<RandomKind> {
    let kept: Vec<RandomKind> = kinds
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
            keep.then(|| ((*operation).clone(), weight.saturating_mul(factor).min(WEIGHT_MAX)))
        })
        .collect();
    if kept.is_empty() && !possible.is_empty() {
        let (operation, weight) = *Draw::new(seed, Stream::SwarmOperations).pick(&possible);
        return BTreeMap::from([(operation.clone(), weight)]);
    }
    kept
}

/// As often as the file says, or less where what is rare there would take the place of everything else: an operation
/// comes at most [`SWARM_OFTENER`] times as often.
fn swarm_rate(rate: Rate, said: &BTreeMap<String, u32>, drawn: &BTreeMap<String, u32>) -> Rate {
    let share = |mix: &BTreeMap<String, u32>, operation: &String| {
        let all: f64 = mix.values().map(|weight| f64::from(*weight)).sum();
        f64::from(mix[operation]) / all
    };
    let most = |operation: &String| SWARM_OFTENER * share(said, operation) / share(drawn, operation);
    let slower = drawn.keys().map(most).fold(1.0, f64::min);
    // What is below the least rate that there is remains as it was.
    Rate::per_second(rate.get() * slower).unwrap_or(rate)
}

/// Not from the first, when nodes boot; and a fault that waits says since when.
const SOON: Time = Time::from_millis(1);
/// A fault that waits for a probe strikes no later after it.
const STRIKES_WITHIN_MS: u64 = 5;

/// That a random fault waits for a probe: for which, whom it strikes, and how soon.
struct Strike {
    probe: String,
    that: bool,
    after: Time,
}

impl Strike {
    /// Of the probes each is as likely as another: what is rare draws as many faults as what happens all the time.
    fn draw(random: &Random, seed: u64, index: u64) -> Option<Self> {
        if random.strikes == 0.0 || random.probes.is_empty() {
            return None;
        }
        let mut draw = Draw::new(seed, Stream::Strike(index));
        let (waits, that) = (draw.chance(random.strikes), draw.chance(0.7));
        let (probe, after) = (draw.pick(&random.probes).clone(), draw.between(0, STRIKES_WITHIN_MS));
        waits.then_some(Strike { probe, that, after: Time::from_millis(after) })
    }
}

/// What random faults are drawn from.
struct Schedule<'r> {
    planner: Planner,
    random: &'r Random,
}

impl Schedule<'_> {
    /// The random faults, in the order of their times. What the scripted ones do counts against the budget, except
    /// where a probe triggers them: nobody knows when, before the run.
    fn draw(&self, scripted: &[Stroke]) -> Vec<Stroke> {
        let mut gaps = Draw::new(self.planner.seed, Stream::Schedule);
        let mut taking = Taking::new(self.random.at_most, scripted);
        let mut strokes = Vec::new();
        let mut at = self.random.quiet_start.get();
        for index in 0u64.. {
            at += gaps.exponential(self.random.every.get()).max(GAP_MIN);
            if at >= self.planner.end || self.random.kinds.is_empty() || self.planner.cast.nodes == 0 {
                break;
            }
            if let Some(fault) = self.fault(at, index) {
                let next = self.planner.drawn(index, &fault);
                if taking.take(&next) {
                    strokes.extend(next);
                }
            }
        }
        strokes
    }

    /// One fault; `None` if its kind needs more nodes than there are.
    fn fault(&self, at: Duration, index: u64) -> Option<Fault> {
        let mut draw = Draw::new(self.planner.seed, Stream::Fault(index));
        let strike = Strike::draw(self.random, self.planner.seed, index);
        let kind = *draw.pick(&self.random.kinds);
        let Lasts { from, to } = self.random.lasts;
        let rest = self.planner.end.saturating_sub(at) + LASTS_BEYOND;
        let lasts = log_uniform(&mut draw, from.get(), rest.min(to.get()));
        let mut nodes: Vec<Name> = self.planner.cast.nodes().collect();
        if self.planner.cast.nodes < kind.nodes_min() {
            return None;
        }
        draw.shuffle(&mut nodes);
        let (processes, down) = (self.random.processes.clone(), self.random.at_most.down);
        let that = strike.as_ref().is_some_and(|strike| strike.that);
        let action = kind.draw(Drawing { draw, nodes, down, that, lasts, processes })?;
        let at = Time::from(whole_millis(at));
        let moment = match strike {
            None => Moment::At { at, every: None, times: None },
            Some(Strike { probe, after, .. }) => {
                Moment::Probe { node: None, probe, is: None, from: at.max(SOON), after, times: 1 }
            }
        };
        let lasts = action.duration_key().map(|_| Time::from(lasts));
        Some(Fault { moment, action, lasts, permanent: false })
    }
}
