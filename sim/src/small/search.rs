//! Runs by their cost, cheapest first.

use super::menu::{Choice, menu, plan};
use super::state::digest;
use super::{Bounds, Explored, Failure};
use crate::erased::{AnySystem, once_unless};
use crate::run::{Attention, Recording, Report};
use crate::scenario::{Latency, Link, Name, Network, Nodes, Rate, Scenario, Time};
use crate::time::BOOT;
use crate::verdict::Violation;
use host::world::{Happening, MachineId};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// One latency for all, so that nothing is drawn.
const LATENCY: Duration = Duration::from_millis(1);
/// Clients are beside their nodes.
const BESIDE: Duration = Duration::from_micros(1);
/// No more clients than this.
const CLIENTS_MAX: u32 = 3;
/// Events closer than this are one: a client's word takes as long.
const TOGETHER: Duration = Duration::from_micros(20);
/// Of what one choice leads to, so many instants are told apart.
const INSTANTS_MAX: usize = 16;
/// When the first choice is made.
const FIRST: Duration = Duration::from_secs(1);
/// With nothing left to draw, any seed is the same.
const SEED: u64 = 0;

/// A run: what is chosen, and when.
#[derive(Debug, Clone, Default)]
struct Prefix {
    chosen: Vec<(Duration, usize)>,
    faults: u32,
    hasty: u32,
    /// A fault that lasts is under way.
    is_struck: bool,
}

/// What is needed of a run that was made.
struct Made {
    violation: Option<Violation>,
    state: u64,
    /// Instants at which something happened after the last choice.
    instants: Vec<Duration>,
}

/// Makes all runs of a system's scenario that are small enough, until one fails.
pub fn explore(system: &'static dyn AnySystem, scenario: &Scenario, bounds: &Bounds<'_>) -> Explored {
    let start = Instant::now();
    let base = small(scenario, bounds);
    let Nodes::Exactly(nodes) = base.cluster.nodes else {
        unreachable!("resolving a scenario draws the number of nodes")
    };
    let search =
        Search { system, menu: menu(system, &base, nodes), nodes, base: unscripted(base), bounds, start };
    search.all()
}

/// The scenario in a small world; its mix, the operations that it lists and its orders say what may be chosen.
fn small(scenario: &Scenario, bounds: &Bounds<'_>) -> Scenario {
    let mut base = scenario.resolve(SEED);
    let Nodes::Exactly(nodes) = base.cluster.nodes else {
        unreachable!("resolving a scenario draws the number of nodes")
    };
    base.workload.mix.clone_from(&scenario.workload.mix);
    let operator = base.listed(base.workload.clients + 1);
    base.operations = scenario.operations.iter().cloned().chain(operator).collect();
    base.orders.clear();
    base.workload.clients = base.workload.clients.min(nodes).min(CLIENTS_MAX);
    (base.workload.keys, base.workload.own_keys) = (bounds.keys, false);
    (base.faults, base.at_most) = (Vec::new(), None);
    (base.clock, base.disk) = (Default::default(), None);
    let names = |count, name: fn(u32) -> Name| (1..=count).map(name).collect::<Vec<_>>();
    let (there, here) = (names(nodes, Name::Node), names(base.workload.clients, Name::Client));
    let beside = |from: &[Name], to: &[Name]| Link {
        from: from.to_vec(),
        to: to.to_vec(),
        latency: Some(Latency::Constant(Time::from(BESIDE))),
        loss: None,
        duplicate: None,
        reorder: None,
        corrupt: None,
        bandwidth: None,
    };
    base.network = Network {
        latency: Latency::Constant(Time::from(LATENCY)),
        links: vec![beside(&here, &there), beside(&there, &here)],
        ..Network::default()
    };
    base
}

/// Nothing is drawn: what is not listed does not happen.
fn unscripted(mut base: Scenario) -> Scenario {
    (base.workload.rate, base.workload.mix) = (None::<Rate>, BTreeMap::new());
    base.operations.clear();
    base
}

struct Search<'s> {
    system: &'static dyn AnySystem,
    menu: Vec<Choice>,
    nodes: u32,
    base: Scenario,
    bounds: &'s Bounds<'s>,
    start: Instant,
}

impl Search<'_> {
    fn all(&self) -> Explored {
        let mut due = BTreeMap::from([(0u32, vec![Prefix::default()])]);
        let mut seen = Reached::default();
        let mut explored = Explored {
            runs: 0,
            distinct: 0,
            known: 0,
            cost: 0,
            left: 0,
            menu: self.menu.len(),
            wall: Duration::ZERO,
            failure: None,
        };
        while let Some((cost, prefixes)) = due.pop_first() {
            let made = self.make(&prefixes);
            explored.runs += made.iter().flatten().count() as u64;
            let is_complete = made.iter().all(Option::is_some);
            for (prefix, made) in prefixes.iter().zip(&made) {
                let Some(made) = made else {
                    explored.left += 1;
                    continue;
                };
                if let Some(violation) = &made.violation {
                    explored.failure = Some(Box::new(self.failure(prefix, violation)));
                    break;
                }
                let is_new = prefix.is_struck || seen.insert(made.state, prefix.spent());
                explored.known += u64::from(!is_new);
                for (more, next) in self.next(prefix, made, is_new) {
                    due.entry(cost + more).or_default().push(next);
                }
            }
            if explored.failure.is_some() || !is_complete {
                break;
            }
            explored.cost = cost;
        }
        explored.left += due.values().map(Vec::len).sum::<usize>() as u64;
        explored.distinct = seen.0.len() as u64;
        explored.wall = self.start.elapsed();
        explored
    }

    /// Makes these runs, on all cores; none of one for which there was no time.
    fn make(&self, prefixes: &[Prefix]) -> Vec<Option<Made>> {
        let next = AtomicUsize::new(0);
        let made: Vec<Mutex<Option<Made>>> = prefixes.iter().map(|_| Mutex::new(None)).collect();
        let work = || {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(prefix) = prefixes.get(place).filter(|_| !self.is_over()) else { return };
                let found = self.run(prefix);
                // Runs behind it need not be made: the first that fails is told.
                if found.as_ref().is_some_and(|made| made.violation.is_some()) {
                    next.fetch_add(prefixes.len(), Ordering::Relaxed);
                }
                *made[place].lock().expect("whoever holds it only writes") = found;
            }
        };
        std::thread::scope(|scope| (0..self.bounds.jobs.max(1)).for_each(|_| drop(scope.spawn(work))));
        made.into_iter().map(|made| made.into_inner().expect("whoever held it only wrote")).collect()
    }

    fn is_over(&self) -> bool {
        let interrupted = self.bounds.interrupted.is_some_and(|flag| flag.load(Ordering::Relaxed));
        interrupted || self.start.elapsed() > self.bounds.time
    }

    fn run(&self, prefix: &Prefix) -> Option<Made> {
        let plan = self.plan(prefix);
        let (report, recording) =
            once_unless(self.system, &plan, SEED, Attention::WATCHED, &|| self.is_over())?;
        let recording = recording?;
        let last = prefix.chosen.last().map_or(FIRST, |(at, _)| *at);
        Some(Made {
            violation: self.untolerated(&report),
            state: digest(&recording.views),
            instants: self.instants(&recording, last),
        })
    }

    fn plan(&self, prefix: &Prefix) -> Scenario {
        let chosen: Vec<(Duration, &Choice)> =
            prefix.chosen.iter().map(|(at, choice)| (*at, &self.menu[*choice])).collect();
        plan(&self.base, &chosen, self.bounds.rest)
    }

    /// The first violation that the scenario does not put up with.
    fn untolerated(&self, report: &Report) -> Option<Violation> {
        let expect = &self.base.check.expect;
        report.violations.iter().find(|violation| !expect.tolerates(&violation.checker)).cloned()
    }

    /// The last choice's own instant, and when something happened at a node after it and before all was at rest.
    fn instants(&self, recording: &Recording, last: Duration) -> Vec<Duration> {
        let is_node = |host: MachineId| host.number() <= self.nodes;
        let mut instants = vec![last];
        for event in &recording.trace {
            let happened = match &event.happening {
                Happening::Delivered { to, .. } => is_node(*to),
                Happening::Probe { host, .. } => host.is_some_and(is_node),
                _ => false,
            };
            let at = Duration::from_nanos(event.at_ns).saturating_sub(BOOT);
            let is_after = at > last && at < last + self.bounds.rest;
            let is_apart = instants.last().is_none_or(|before| at > *before + TOGETHER);
            if happened && is_after && is_apart && instants.len() < INSTANTS_MAX {
                instants.push(at);
            }
        }
        instants
    }

    /// The runs with one choice more, each with what it costs more.
    fn next(&self, prefix: &Prefix, made: &Made, is_new: bool) -> Vec<(u32, Prefix)> {
        let mut next = Vec::new();
        if prefix.chosen.len() as u32 >= self.bounds.choices {
            return next;
        }
        let last = prefix.chosen.last().map(|(at, _)| *at);
        let rested = last.map_or(FIRST, |last| last + self.bounds.rest);
        let may_haste = last.is_some() && prefix.hasty < self.bounds.hasty;
        for (place, choice) in self.menu.iter().enumerate().filter(|(_, choice)| self.may(prefix, choice)) {
            if is_new {
                next.push((1, prefix.with(rested, place, choice, false)));
            }
            for instant in made.instants.iter().filter(|_| may_haste) {
                next.push((2, prefix.with(*instant, place, choice, true)));
            }
        }
        next
    }

    fn may(&self, prefix: &Prefix, choice: &Choice) -> bool {
        let is_alike = !prefix.chosen.is_empty() || choice.about() == 1;
        is_alike
            && match choice {
                Choice::Operate { .. } => true,
                Choice::Strike { .. } => !prefix.is_struck && prefix.faults < self.bounds.faults,
                Choice::Heal => prefix.is_struck,
            }
    }

    fn failure(&self, prefix: &Prefix, violation: &Violation) -> Failure {
        let chosen = prefix.chosen.iter().map(|(at, choice)| (*at, self.menu[*choice].to_string()));
        let mut plan = self.plan(prefix);
        plan.title = format!("{}: the smallest run found", self.base.title);
        Failure { chosen: chosen.collect(), violation: violation.clone(), plan }
    }
}

/// What runs had spent by when they came to a state at rest.
#[derive(Default)]
struct Reached(BTreeMap<u64, Vec<[u32; 3]>>);

impl Reached {
    /// Whether no run before has come to the state with as much left to spend.
    fn insert(&mut self, state: u64, spent: [u32; 3]) -> bool {
        let reached = self.0.entry(state).or_default();
        let is_new = !reached.iter().any(|before| before.iter().zip(&spent).all(|(less, more)| less <= more));
        if is_new {
            reached.push(spent);
        }
        is_new
    }
}

impl Prefix {
    /// Of what the bound allows.
    fn spent(&self) -> [u32; 3] {
        [self.chosen.len() as u32, self.faults, self.hasty]
    }

    fn with(&self, at: Duration, place: usize, choice: &Choice, is_hasty: bool) -> Prefix {
        let mut next = self.clone();
        next.chosen.push((at, place));
        next.hasty += u32::from(is_hasty);
        match choice {
            Choice::Operate { .. } => {}
            Choice::Strike { lasts, .. } => (next.faults, next.is_struck) = (next.faults + 1, *lasts),
            Choice::Heal => next.is_struck = false,
        }
        next
    }
}
