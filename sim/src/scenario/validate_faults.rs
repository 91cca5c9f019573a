//! What the types cannot say about faults: that who is named exists, that a fault can happen when it is to happen, and
//! that no more fails at once than the scenario allows.

use super::budget::{Taken, What, taken};
use super::error::Problem;
use super::expand::Stage;
use super::fault::{Action, Fault, Moment, Others, Target};
use super::link::{LinkAction, Links};
use super::network::Reorder;
use super::source::Path;
use super::units::Time;
use super::validate::{Checked, Checks, LATENCY_MAX, YEAR, above_zero, at_most, bounded};
use super::validate_network::out_of_range;
use host::world::OutOfRange;
use std::collections::BTreeSet;
use std::time::Duration;

/// The most repetitions of one fault.
const TIMES_MAX: u32 = 1000;
/// The slowest processor.
const FACTOR_MAX: u32 = 1000;

impl Checks<'_> {
    pub(super) fn faults(&self) -> Checked {
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            self.fault(&Path::of("fault").then(index), fault)?;
        }
        self.together()
    }

    fn fault(&self, path: &Path, fault: &Fault) -> Checked {
        self.moment(path, &fault.moment)?;
        let action = &fault.action;
        if let Some((key, target)) = action.target() {
            self.target(path.dotted(key), target)?;
        }
        if let Action::Process { process, .. } = action {
            self.process(&path.then("process"), process)?;
        }
        let path_of_action = path.then(action.key());
        self.action(&path_of_action, action)?;
        match (fault.lasts, action.duration_key()) {
            (Some(lasts), Some(key)) => above_zero(&path.then(key), lasts, "5s"),
            _ => Ok(()),
        }
    }

    fn action(&self, path: &Path, action: &Action) -> Checked {
        match action {
            Action::Partition(groups) | Action::Hold(groups) => self.groups(path, groups),
            Action::Halves => self.enough(path, 2, "halves"),
            Action::Bridge(node) => {
                self.node(path.clone(), node, "")?;
                self.enough(path, 3, "a bridge and its two sides")
            }
            Action::Ring(machines) if machines.len() < 4 => {
                Err(Problem::new(path.clone(), "is no ring: each hears all the others")
                    .label(format!("{} of 4", machines.len()))
                    .help("a ring has at least four machines"))
            }
            Action::Ring(machines) => self.disjoint(&[(path.clone(), machines)]),
            Action::Flap { between, down, up, times } => {
                self.groups(&path.then("between"), between)?;
                above_zero(&path.then("down"), *down, "200ms")?;
                above_zero(&path.then("up"), *up, "1s")?;
                bounded(&path.then("times"), *times, 1, TIMES_MAX, "number of times")
            }
            Action::Isolate { node, from: Others::Machines(machines) } => {
                let path = path.then("from");
                self.disjoint(&[(path.clone(), machines)])?;
                match (
                    node,
                    machines.iter().position(|machine| matches!(node, Target::Node(node) if node == machine)),
                ) {
                    (Target::Node(node), Some(index)) => {
                        Err(Problem::new(path.then(index), format!("{node} cannot be isolated from itself"))
                            .label("itself")
                            .help(format!("remove {node} here")))
                    }
                    _ => Ok(()),
                }
            }
            Action::OneWay { from, to } => self.disjoint(&[(path.then("from"), from), (path.then("to"), to)]),
            Action::CrashLoop { times, up, backoff, .. } => {
                bounded(&path.then("times"), *times, 2, TIMES_MAX, "number of crashes")?;
                above_zero(&path.then("up"), *up, "1s")?;
                above_zero(&path.then("backoff"), *backoff, "100ms")
            }
            Action::RollingRestart { down, gap } => {
                above_zero(&path.then("down"), *down, "1s")?;
                above_zero(&path.then("gap"), *gap, "5s")
            }
            Action::Slow { factor, .. } => bounded(&path.then("factor"), *factor, 2, FACTOR_MAX, "factor"),
            Action::ClockJump { by, .. } => {
                let by_path = path.then("by");
                if by.as_nanos() == 0 {
                    return Err(Problem::new(by_path, format!("{by} is no jump"))
                        .help("forwards is \"+500ms\", backwards \"-2s\""));
                }
                let size = Duration::from_nanos(by.as_nanos().unsigned_abs());
                at_most(&by_path, Time::from(size), YEAR, "largest jump")
            }
            Action::Disk { action, .. } => {
                action.check().map_err(|OutOfRange { field, value, bound, .. }| {
                    let key = field.rsplit('.').next().unwrap_or(field);
                    Problem::new(path.then(key), format!("{value} is not {bound}"))
                        .label(format!("not {bound}"))
                        .help(format!("write {bound}"))
                })
            }
            Action::Link { links, action } => {
                match links {
                    Links::Between(groups) => self.groups(&path.then("between"), groups)?,
                    Links::OneWay { from, to } => {
                        self.disjoint(&[(path.then("from"), from), (path.then("to"), to)])?;
                    }
                }
                if let LinkAction::Slow { by } | LinkAction::Reordering(Reorder { by, .. }) = action {
                    above_zero(&path.then("by"), *by, "200ms")?;
                    at_most(&path.then("by"), *by, LATENCY_MAX, "longest delay")?;
                }
                action.in_the_world().check().map_err(|OutOfRange { field, value, bound, .. }| {
                    let key = match field {
                        "bandwidth" => "bytes_per_second",
                        "queue" => "queue",
                        _ => "probability",
                    };
                    out_of_range(path.then(key), value, bound)
                })
            }
            Action::Isolate { .. }
            | Action::Crash { .. }
            | Action::Pause(_)
            | Action::Process { .. }
            | Action::ClockFreeze(_) => Ok(()),
        }
    }

    fn enough(&self, path: &Path, least: u32, what: &str) -> Checked {
        if self.smallest >= least {
            return Ok(());
        }
        Err(Problem::new(path.clone(), format!("{} nodes are too few for {what}", self.smallest))
            .label(format!("needs {least} nodes"))
            .help(format!("write at least {least} for cluster.nodes")))
    }

    fn moment(&self, path: &Path, moment: &Moment) -> Checked {
        let (key, time) = match moment {
            Moment::At { at, every, times } => {
                if let Some(every) = every {
                    above_zero(&path.then("every"), *every, "5s")?;
                    let strikes = self.scenario.workload.duration.as_nanos() / every.as_nanos().max(1);
                    if times.is_none() && strikes > u128::from(TIMES_MAX) {
                        return Err(Problem::new(
                            path.then("every"),
                            format!("{every} makes {strikes} faults"),
                        )
                        .label(format!("more than {TIMES_MAX}"))
                        .help("write a longer time, or how many `times`"));
                    }
                }
                if let Some(times) = times {
                    bounded(&path.then("times"), *times, 1, TIMES_MAX, "number of times")?;
                }
                ("at", *at)
            }
            Moment::Probe { node, probe, after, times, .. } => {
                let when = path.then("when");
                if let Some(node) = node {
                    self.node(when.then("node"), node, "any, ")?;
                }
                self.probe(&when.then("probe"), probe)?;
                bounded(&path.then("times"), *times, 1, TIMES_MAX, "number of times")?;
                ("after", *after)
            }
        };
        let end = self.scenario.workload.duration;
        if time < end {
            return Ok(());
        }
        Err(Problem::new(path.then(key), format!("{time} is after the end: the workload ends at {end}"))
            .label("after the end")
            .help(format!(
                "faults happen during the workload: write less than {end} here, or more for workload.for"
            )))
    }

    /// No node is taken down twice at a time, the budget is kept, and what takes several strokes has time for them.
    fn together(&self) -> Checked {
        let stage = Stage { seed: 0, nodes: self.smallest, end: self.scenario.workload.duration.get() };
        let mut all: Vec<(usize, Taken)> = Vec::new();
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            let path = Path::of("fault").then(index).then(fault.action.key());
            for stroke in stage.expand(std::slice::from_ref(fault)) {
                let end = self.scenario.workload.duration;
                if let Moment::At { at, .. } = stroke.moment
                    && at >= end
                {
                    let says = format!("it would still strike at {at}, and the workload ends at {end}");
                    return Err(Problem::new(path, says)
                        .label("takes too long")
                        .help("make it shorter, or write more for workload.for"));
                }
                let Some(next) = taken(&stroke) else { continue };
                self.fits(&path, &next, &all)?;
                all.push((index, next));
            }
        }
        Ok(())
    }

    fn fits(&self, path: &Path, next: &Taken, all: &[(usize, Taken)]) -> Checked {
        let at = Time::from(next.from);
        let mut nodes = BTreeSet::from([next.node.as_str()]);
        for (index, other) in all.iter().filter(|(_, other)| other.holds_at(next.what, next.from)) {
            if other.node == next.node && next.what == What::Process {
                return Err(Problem::new(path.clone(), format!("{} is down already at {at}", next.node))
                    .label("down already")
                    .help(format!(
                        "fault {index} takes it down at {}: let that one end earlier, or this one begin later",
                        Time::from(other.from)
                    )));
            }
            nodes.insert(&other.node);
        }
        let random = self.scenario.random.as_ref().map(|random| random.at_most);
        let Some(most) = self.scenario.at_most.or(random) else { return Ok(()) };
        let (most, key, words) = match next.what {
            What::Process => (most.down, "down", "nodes would be down"),
            What::Disk => (most.disk, "disk", "nodes would have failing disks"),
        };
        if nodes.len() as u32 <= most {
            return Ok(());
        }
        Err(Problem::new(
            path.clone(),
            format!("{} {words} at {at}, and at_most.{key} is {most}", nodes.len()),
        )
        .label("beyond the budget")
        .help("let the faults follow each other, or raise the budget if the system promises to survive that"))
    }
}
