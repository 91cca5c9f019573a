//! The nemesis: strikes with the plan's faults and ends them.
//!
//! Timed faults are on its timeline from the start; triggered ones get there when their probe is published, each once.
//! Faults may overlap: links count their cuts, and a machine that is down already is not crashed again (the trace says
//! so). The heal phase ends everything but what is permanent.

use crate::scenario::{Action, Death, Fault, Moment, Scenario, Target};
use host::world::{self, HostId, Observed, Probe};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What the nemesis will do, at an instant; equal instants keep the order in which they were planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A fault strikes, aimed at this machine if it says "that".
    Strike { fault: usize, that: Option<HostId> },
    /// A fault that struck ends.
    End { struck: usize },
}

/// A fault that has struck, and how to end it.
#[derive(Debug)]
struct Struck {
    fault: usize,
    cuts: Vec<(HostId, HostId)>,
    holds: Vec<(HostId, HostId)>,
    crashed: Option<HostId>,
    paused: Option<HostId>,
    active: bool,
}

pub(super) struct Nemesis {
    faults: Vec<Fault>,
    timeline: BinaryHeap<Reverse<(u64, u64, Step)>>,
    planned: u64,
    /// Triggered faults whose probe has not been published.
    waiting: Vec<usize>,
    struck: Vec<Struck>,
    paused: Vec<HostId>,
    strikes: u64,
}

impl Nemesis {
    pub(super) fn new(plan: &Scenario, start_ns: u64) -> Self {
        let mut nemesis = Nemesis {
            faults: plan.faults.clone(),
            timeline: BinaryHeap::new(),
            planned: 0,
            waiting: Vec::new(),
            struck: Vec::new(),
            paused: Vec::new(),
            strikes: 0,
        };
        for index in 0..nemesis.faults.len() {
            match nemesis.faults[index].moment {
                Moment::At(at) => {
                    nemesis.plan(start_ns + at.as_nanos() as u64, Step::Strike { fault: index, that: None });
                }
                Moment::Probe { .. } => nemesis.waiting.push(index),
            }
        }
        nemesis
    }

    /// Whether any fault waits for a probe.
    pub(super) fn waits_for_probes(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// When it will act next, in ns since the run began.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.timeline.peek().map(|Reverse((at, ..))| *at)
    }

    /// How many faults are active, and how many have struck so far.
    pub(super) fn active_and_strikes(&self) -> (usize, u64) {
        (self.struck.iter().filter(|struck| struck.active).count(), self.strikes)
    }

    /// Does everything that is due.
    pub(super) fn act(&mut self, now_ns: u64) {
        while self.next_ns().is_some_and(|at| at <= now_ns) {
            let Some(Reverse((_, _, step))) = self.timeline.pop() else { return };
            match step {
                Step::Strike { fault, that } => self.strike(now_ns, fault, that),
                Step::End { struck } => self.end(struck),
            }
        }
    }

    /// Puts the faults that this probe triggers on the timeline.
    pub(super) fn on_probe(&mut self, probe: &Probe) {
        let publisher = probe.host.map(|host| world::with(|world| world.name(host).to_owned()));
        let mut triggered = Vec::new();
        self.waiting.retain(|index| {
            let Moment::Probe { node, probe: name, after } = &self.faults[*index].moment else {
                return false;
            };
            let matches =
                name == probe.name && node.as_ref().is_none_or(|node| Some(node) == publisher.as_ref());
            if matches {
                triggered.push((*index, probe.at_ns + after.as_nanos() as u64));
            }
            !matches
        });
        for (fault, at) in triggered {
            self.plan(at, Step::Strike { fault, that: probe.host });
        }
    }

    /// The heal phase: ends every fault that is not permanent, and starts no more.
    pub(super) fn heal(&mut self) {
        self.timeline.clear();
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

    fn strike(&mut self, now_ns: u64, index: usize, that: Option<HostId>) {
        let fault = self.faults[index].clone();
        let mut struck =
            Struck { fault: index, cuts: vec![], holds: vec![], crashed: None, paused: None, active: true };
        match &fault.action {
            Action::Partition(groups) => struck.cuts = across(groups),
            Action::OneWay { from, to } => struck.cuts = pairs(from, to),
            Action::Hold(groups) => struck.holds = across(groups),
            Action::Crash { node, how } => {
                let Some(host) = target(node, that).filter(|host| world::is_up(*host)) else {
                    return self.skip(index, that);
                };
                self.paused.retain(|paused| *paused != host);
                world::crash(host, death(*how));
                struck.crashed = Some(host);
            }
            Action::Pause(node) => {
                let running = |host: &HostId| world::is_up(*host) && !self.paused.contains(host);
                let Some(host) = target(node, that).filter(running) else { return self.skip(index, that) };
                self.paused.push(host);
                world::pause(host);
                struck.paused = Some(host);
            }
            Action::ClockJump { node, by } => {
                let Some(host) = target(node, that) else { return self.skip(index, that) };
                world::with(|world| world.jump_clock(host, by.as_nanos()));
                // A jump is over at once.
                struck.active = false;
            }
        }
        world::with(|world| {
            struck.cuts.iter().for_each(|(from, to)| world.cut(*from, *to));
            struck.holds.iter().for_each(|(from, to)| world.hold(*from, *to));
        });
        note("strikes", index, &fault.action, that);
        self.strikes += 1;
        if let Some(lasts) = fault.lasts.filter(|_| struck.active && !fault.permanent) {
            self.plan(now_ns + lasts.as_nanos() as u64, Step::End { struck: self.struck.len() });
        }
        self.struck.push(struck);
    }

    fn skip(&self, index: usize, that: Option<HostId>) {
        note("is skipped, the machine is down already", index, &self.faults[index].action, that);
    }

    fn end(&mut self, index: usize) {
        let struck = &mut self.struck[index];
        if !std::mem::take(&mut struck.active) {
            return;
        }
        world::with(|world| {
            struck.cuts.drain(..).for_each(|(from, to)| world.mend(from, to));
            struck.holds.drain(..).for_each(|(from, to)| world.release(from, to));
        });
        if let Some(host) = struck.crashed {
            world::restart(host);
        }
        if let Some(host) = struck.paused
            && let Some(place) = self.paused.iter().position(|paused| *paused == host)
        {
            self.paused.remove(place);
            world::resume(host);
        }
        note("ends", struck.fault, &self.faults[struck.fault].action, struck.crashed.or(struck.paused));
    }
}

/// Takes what happened to a fault into the digest and the trace; the machine is the one it says "that" of.
fn note(what: &str, index: usize, action: &Action, machine: Option<HostId>) {
    world::with(|world| {
        let on = machine.map(|host| format!(" (n{})", host + 1)).unwrap_or_default();
        let line = format!("fault {index} {what}: {action}{on}");
        world.note(Observed::Fault, "fault", || line.clone(), line.as_bytes());
    });
}

fn death(how: Death) -> world::Death {
    match how {
        Death::Process => world::Death::Process,
        Death::Power => world::Death::Power,
    }
}

/// The number of a machine that the scenario names; validation has seen that it exists.
fn host(name: &str) -> HostId {
    world::with(|world| world.host_named(name)).expect("a validated scenario names only machines that exist")
}

fn target(target: &Target, that: Option<HostId>) -> Option<HostId> {
    match target {
        Target::Node(name) => Some(host(name)),
        Target::That => that,
    }
}

fn pairs(from: &[String], to: &[String]) -> Vec<(HostId, HostId)> {
    from.iter().flat_map(|from| to.iter().map(move |to| (host(from), host(to)))).collect()
}

/// Every link between machines of different groups, both ways.
fn across(groups: &[Vec<String>]) -> Vec<(HostId, HostId)> {
    let mut links = Vec::new();
    for (index, left) in groups.iter().enumerate() {
        for right in &groups[index + 1..] {
            links.extend(pairs(left, right));
            links.extend(pairs(right, left));
        }
    }
    links
}
