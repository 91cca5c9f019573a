//! The nemesis: strikes with the plan's faults and ends them.
//!
//! Timed faults are on its timeline from the start; triggered ones get there when their probe is published, as often as
//! the plan says. Faults may overlap: links, disks and clocks count theirs, and a machine or a process that is down already
//! is not crashed again. Nor does the nemesis strike beyond the budget of the plan. What it skips, the trace says and
//! why. A crash ends what had befallen the same process before, and that of a machine what had befallen any of its own.
//! The heal phase ends everything but what is permanent.
//!
//! - `strike`: what each action does to the world, and how it is undone
//! - `machines`: which machines stand still, and why
//! - `target`: who a fault is aimed at

mod machines;
mod strike;
mod target;

use crate::check::Harm;
use crate::scenario::{Action, AtMost, Fault, Moment, Scenario};
use host::world::{self, MachineId, Observed, Probe};
use machines::Machines;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use strike::Undo;
use target::Published;

/// What the nemesis will do, at an instant; equal instants keep the order in which they were planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A fault strikes, aimed at this machine if it says "that".
    Strike { fault: usize, that: Option<MachineId> },
    /// A slow machine gets the processor, or loses it.
    Turn { struck: usize, runs: bool },
    /// A fault that struck ends.
    End { struck: usize },
}

/// A fault that has struck, and how to end it.
#[derive(Debug)]
struct Struck {
    fault: usize,
    machine: Option<MachineId>,
    undo: Vec<Undo>,
    active: bool,
}

pub(super) struct Nemesis {
    seed: u64,
    faults: Vec<Fault>,
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
        let mut nemesis = Nemesis {
            seed,
            faults: plan.faults.clone(),
            at_most: plan.at_most,
            timeline: BinaryHeap::new(),
            planned: 0,
            waiting: Vec::new(),
            published: Published::of_interest_to(&plan.faults),
            struck: Vec::new(),
            machines: Machines::new(nodes),
            strikes: 0,
        };
        for index in 0..nemesis.faults.len() {
            match nemesis.faults[index].moment {
                Moment::At { at, .. } => {
                    nemesis.plan(start_ns + at.as_nanos() as u64, Step::Strike { fault: index, that: None });
                }
                Moment::Probe { times, .. } => nemesis.waiting.push((index, times)),
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

    /// What was done to each node.
    pub(super) fn harm(&self) -> Vec<Harm> {
        self.machines.harm()
    }

    /// Does everything that is due.
    pub(super) fn act(&mut self, now_ns: u64) {
        while self.next_ns().is_some_and(|at| at <= now_ns) {
            let Some(Reverse((_, _, step))) = self.timeline.pop() else { return };
            match step {
                Step::Strike { fault, that } => self.strike(now_ns, fault, that),
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
        let publisher = probe.host.map(|host| world::with(|world| world.name(host).to_owned()));
        let mut triggered = Vec::new();
        self.waiting.retain_mut(|(index, left)| {
            let Moment::Probe { node, probe: name, is, after, .. } = &self.faults[*index].moment else {
                return false;
            };
            let matches = name == probe.name
                && node.as_ref().is_none_or(|node| Some(node) == publisher.as_ref())
                && is.as_ref().is_none_or(|is| target::first_value(probe).as_ref() == Some(is));
            if matches {
                triggered.push((*index, probe.at_ns + after.as_nanos() as u64));
                *left -= 1;
            }
            *left > 0
        });
        for (fault, at) in triggered {
            self.plan(at, Step::Strike { fault, that: probe.host });
        }
    }

    /// The heal phase: ends every fault that is not permanent, and starts no more.
    pub(super) fn heal(&mut self) {
        // A permanent fault that gives and takes turns goes on.
        self.timeline.retain(|Reverse((_, _, step))| matches!(step, Step::Turn { .. }));
        self.waiting.clear();
        for index in 0..self.struck.len() {
            if !self.faults[self.struck[index].fault].permanent {
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
        for undo in std::mem::take(&mut struck.undo) {
            undo.apply(&mut self.machines);
        }
        let (fault, machine) = (struck.fault, struck.machine);
        self.note("ends", fault, machine);
    }

    /// Takes what happened to a fault into the digest and the trace; the machine is the one that it is aimed at.
    fn note(&self, what: &str, fault: usize, machine: Option<MachineId>) {
        note(what, fault, &self.faults[fault].action, machine);
    }
}

fn note(what: &str, index: usize, action: &Action, machine: Option<MachineId>) {
    world::with(|world| {
        let on = machine.map(|host| format!(" ({})", world.name(host))).unwrap_or_default();
        let line = format!("fault {index} {what}: {action}{on}");
        world.note(Observed::Fault, "fault", || line.clone(), line.as_bytes());
    });
}
