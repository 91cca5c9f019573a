//! What the types cannot say about faults: that who is named exists, that a fault can happen when it is to happen, and
//! that no more fails at once than the scenario allows.

use super::cast::Name;
use super::error::Problem;
use super::fault::budget::{Beyond, Taken};
use super::fault::{Fault, Moment, Need, When};
use super::source::Path;
use super::units::Time;
use super::validate::{Checked, Checks, above_zero, bounded};
use std::collections::BTreeSet;

/// The most repetitions of one fault.
pub(super) const TIMES_MAX: u32 = 1000;

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
        if let Some((key, groups)) = action.groups() {
            self.groups(&path.dotted(key), groups)?;
        }
        if let Some(process) = action.process() {
            self.process(&path.then("process"), process)?;
        }
        action.check(self, &path.then(action.key()))?;
        match (fault.lasts, action.duration_key()) {
            (Some(lasts), Some(key)) => above_zero(&path.then(key), lasts, "5s"),
            _ => Ok(()),
        }
    }

    pub(super) fn enough(&self, path: &Path, least: u32, what: &str) -> Checked {
        if self.cast.nodes >= least {
            return Ok(());
        }
        Err(Problem::new(path.clone(), format!("{} nodes are too few for {what}", self.cast.nodes))
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
            Moment::Probe { node, probe, from, after, times, .. } => {
                let when = path.then("when");
                before_the_end(when.then("from"), *from, self.scenario.workload.duration)?;
                if let Some(node) = node {
                    self.node(when.then("node"), *node, "any, ")?;
                }
                self.probe(&when.then("probe"), probe)?;
                bounded(&path.then("times"), *times, 1, TIMES_MAX, "number of times")?;
                ("after", *after)
            }
        };
        before_the_end(path.then(key), time, self.scenario.workload.duration)
    }

    /// No node is taken down twice at a time, the budget is kept, and what takes several strokes has time for them.
    fn together(&self) -> Checked {
        let (planner, end) = (self.scenario.planner(0), self.scenario.workload.duration);
        let path = |index: usize, fault: &Fault| Path::of("fault").then(index).then(fault.action.key());
        let mut all: Vec<(usize, Taken)> = Vec::new();
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            for stroke in planner.scripted(index, fault) {
                let after = stroke.when.after();
                if after >= end.get() {
                    let strikes = match stroke.when {
                        When::At(_) => format!("at {}", Time::from(after)),
                        When::Probe { .. } => format!("{} after its probe", Time::from(after)),
                    };
                    let says = format!("it would still strike {strikes}, and the workload ends at {end}");
                    return Err(Problem::new(path(index, fault), says)
                        .label("takes too long")
                        .help("make it shorter, or write more for workload.for"));
                }
                all.extend(Taken::by(&stroke).map(|taken| (index, taken)));
            }
        }
        // As they come in time, and those of one instant as in the file: so the nemesis meets them, too.
        all.sort_by_key(|(_, taken)| taken.from);
        for (place, (index, next)) in all.iter().enumerate() {
            self.fits(&path(*index, &self.scenario.faults[*index]), next, &all[..place])?;
        }
        Ok(())
    }

    fn fits(&self, path: &Path, next: &Taken, all: &[(usize, Taken)]) -> Checked {
        let at = Time::from(next.from);
        let mut without = BTreeSet::new();
        for (index, other) in all.iter().filter(|(_, other)| other.holds_at(next.need, next.from)) {
            if next.need == Need::Process && other.is_of_what(next) {
                let node = Name::Node(next.machine.number());
                return Err(Problem::new(path.clone(), format!("{node} is down already at {at}"))
                    .label("down already")
                    .help(format!(
                        "fault {index} takes it down at {}: let that one end earlier, or this one begin later",
                        Time::from(other.from)
                    )));
            }
            without.insert(other.machine);
        }
        let random = self.scenario.random.as_ref().map(|random| random.at_most);
        let Some(at_most) = self.scenario.at_most.or(random) else { return Ok(()) };
        at_most.allows(next.need, next.machine, &without).map_err(|Beyond { need, others, most }| {
            let (key, words) = match need {
                Need::Process => ("down", "nodes would be down"),
                Need::Disk => ("disk", "nodes would have failing disks"),
            };
            Problem::new(path.clone(), format!("{} {words} at {at}, and at_most.{key} is {most}", others + 1))
                .label("beyond the budget")
                .help("let the faults follow each other, or raise the budget if the system promises to survive that")
        })
    }
}

/// Faults happen while clients work.
fn before_the_end(path: Path, time: Time, end: Time) -> Checked {
    if time < end {
        return Ok(());
    }
    Err(Problem::new(path, format!("{time} is after the end: the workload ends at {end}"))
        .label("after the end")
        .help(format!(
            "faults happen during the workload: write less than {end} here, or more for workload.for"
        )))
}
