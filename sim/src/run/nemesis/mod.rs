//! The nemesis: strikes with the plan's faults and ends them.
//!
//! Timed faults are on its timeline from the start; triggered ones get there when their probe is published, as often as
//! the plan says. Faults may overlap: links, disks and clocks count theirs, and a machine or a process that is down already
//! is not crashed again. Nor does the nemesis strike beyond the budget of the plan. What it skips, the trace says and
//! why. A crash ends what had befallen the same process before, and that of a machine what had befallen any of its own.
//! The heal phase ends everything but what is permanent.
//!
//! - `strike`: what each effect does to the world, and how it is taken back
//! - `skip`: why a fault is skipped
//! - `machines`: which machines stand still, and why
//! - `target`: who a fault is aimed at

mod machines;
mod skip;
mod strike;
mod target;

use crate::check::Harm;
use crate::scenario::fault::{Stroke, When};
use crate::scenario::{AtMost, Scenario};
use host::world::{self, FaultEvent, FaultStep, MachineId, Probe};
use machines::Machines;
use skip::Skipped;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use target::Published;

/// What the nemesis will do, at an instant; equal instants keep the order in which they were planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A fault strikes, aimed at this machine if it says "that".
    Strike { stroke: usize, that: Option<MachineId> },
    /// A slow machine gets the processor, or loses it.
    Turn { struck: usize, runs: bool },
    /// A fault that struck ends.
    End { struck: usize },
}

/// A fault that has struck.
#[derive(Debug)]
struct Struck {
    /// Its place in the plan.
    stroke: usize,
    /// The machine that it befell, if it was aimed at one.
    machine: Option<MachineId>,
    /// The groups that it set apart, if only the run could tell who is in them.
    groups: Vec<Vec<MachineId>>,
    /// It is not over.
    active: bool,
}

pub(super) struct Nemesis {
    seed: u64,
    start_ns: u64,
    strokes: Arc<[Stroke]>,
    at_most: Option<AtMost>,
    timeline: BinaryHeap<Reverse<(u64, u64, Step)>>,
    planned: u64,
    /// Triggered faults, and how many probes each still waits for.
    waiting: Vec<(usize, u32)>,
    published: Published,
    struck: Vec<Struck>,
    machines: Machines,
    strikes: u64,
}

impl Nemesis {
    pub(super) fn new(plan: &Scenario, seed: u64, nodes: u32, start_ns: u64) -> Self {
        let strokes: Arc<[Stroke]> = plan.strokes(seed).into();
        let mut nemesis = Nemesis {
            seed,
            start_ns,
            strokes: strokes.clone(),
            at_most: plan.at_most,
            timeline: BinaryHeap::new(),
            planned: 0,
            waiting: Vec::new(),
            published: Published::of_interest_to(&strokes),
            struck: Vec::new(),
            machines: Machines::new(nodes),
            strikes: 0,
        };
        for (index, stroke) in strokes.iter().enumerate() {
            match stroke.when {
                When::At(at) => {
                    let at_ns = start_ns + at.as_nanos() as u64;
                    nemesis.plan(at_ns, Step::Strike { stroke: index, that: None });
                }
                When::Probe { times, .. } => nemesis.waiting.push((index, times)),
            }
        }
        nemesis
    }

    /// Whether it must be told of probes.
    pub(super) fn listens(&self) -> bool {
        !self.waiting.is_empty() || !self.published.is_empty()
    }

    /// When it will act next, in ns since the run began.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.timeline.peek().map(|Reverse((at, ..))| *at)
    }

    /// How many faults are active, and how many have struck so far.
    pub(super) fn active_and_strikes(&self) -> (usize, u64) {
        (self.struck.iter().filter(|struck| struck.active).count(), self.strikes)
    }

    /// Whom it strikes of those that fit is drawn from another seed from now on.
    pub(super) fn reseed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// What was done to each node.
    pub(super) fn harm(&self) -> Vec<Harm> {
        self.machines.harm()
    }

    /// Does everything that is due.
    pub(super) fn act(&mut self, now_ns: u64) {
        while self.next_ns().is_some_and(|at| at <= now_ns) {
            let Some(Reverse((_, _, step))) = self.timeline.pop() else { return };
            match step {
                Step::Strike { stroke, that } => self.strike(now_ns, stroke, that),
                Step::Turn { struck, runs } => self.turn(now_ns, struck, runs),
                Step::End { struck } => self.end(struck),
            }
        }
    }

    /// Puts the faults that this probe triggers on the timeline.
    pub(super) fn on_probe(&mut self, probe: &Probe) {
        self.published.remember(probe);
        if self.waiting.is_empty() {
            return;
        }
        let mut triggered = Vec::new();
        self.waiting.retain_mut(|(index, left)| {
            let When::Probe { node, probe: name, is, from, after, .. } = &self.strokes[*index].when else {
                return false;
            };
            let matches = name == probe.name
                && node.is_none_or(|node| probe.host == Some(node))
                && (from.is_zero()
                    || self.machines.is_of_a_node(probe, self.start_ns + from.as_nanos() as u64))
                && is.as_ref().is_none_or(|is| target::first_value(probe).as_ref() == Some(is));
            if matches {
                triggered.push((*index, probe.at_ns + after.as_nanos() as u64));
                *left -= 1;
            }
            *left > 0
        });
        for (stroke, at) in triggered {
            self.plan(at, Step::Strike { stroke, that: probe.host });
        }
    }

    /// The heal phase: ends every fault that is not permanent, and starts no more.
    pub(super) fn heal(&mut self) {
        // A permanent fault that gives and takes turns goes on.
        self.timeline.retain(|Reverse((_, _, step))| matches!(step, Step::Turn { .. }));
        self.waiting.clear();
        for index in 0..self.struck.len() {
            if !self.strokes[self.struck[index].stroke].said.permanent {
                self.end(index);
            }
        }
    }

    fn plan(&mut self, at: u64, step: Step) {
        self.planned += 1;
        self.timeline.push(Reverse((at, self.planned, step)));
    }

    fn end(&mut self, index: usize) {
        let struck = &mut self.struck[index];
        if !std::mem::take(&mut struck.active) {
            return;
        }
        let struck = &self.struck[index];
        strike::take_back(&mut self.machines, index, &self.strokes[struck.stroke].effect, struck);
        self.note(FaultStep::Ends, struck.stroke, struck.machine, &struck.groups);
    }

    fn skip(&self, stroke: usize, machine: Option<MachineId>, why: &Skipped) {
        self.note(FaultStep::Skipped { why: why.to_string() }, stroke, machine, &[]);
    }

    /// Takes what happened to a fault into the digest and the trace; the machine, or the groups, are those that it is
    /// aimed at.
    fn note(&self, step: FaultStep, index: usize, machine: Option<MachineId>, groups: &[Vec<MachineId>]) {
        let Stroke { said, effect, .. } = &self.strokes[index];
        let did = match &step {
            FaultStep::Strikes => "strikes".to_owned(),
            FaultStep::Ends => "ends".to_owned(),
            FaultStep::Skipped { why } => format!("is skipped, {why}"),
        };
        world::with(|world| {
            let names = |group: &Vec<MachineId>| {
                group.iter().map(|host| world.name(*host)).collect::<Vec<_>>().join(" ")
            };
            let on = match (machine, groups) {
                (None, []) => String::new(),
                (Some(host), []) => format!(" ({})", world.name(host)),
                (_, groups) => format!(" ({})", groups.iter().map(names).collect::<Vec<_>>().join(" | ")),
            };
            let text = format!("fault {index} {did}: {}{on}", said.action);
            world.fault(&text, || FaultEvent {
                index,
                kind: said.action.key(),
                step,
                machines: effect.befallen(machine, groups),
                process: effect.process().map(str::to_owned),
                text: text.clone(),
            });
        });
    }
}
