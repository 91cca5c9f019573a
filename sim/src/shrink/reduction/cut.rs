//! Time: what follows the failure, time in which nothing happens, times that nobody would write.

use crate::scenario::{Moment, Scenario, Time};
use std::time::Duration;

/// Gaps longer than this are made shorter.
const GAP: Duration = Duration::from_millis(500);
/// After the last thing that happens the workload goes on for this long, at least.
const AFTER: Duration = Duration::from_millis(100);

/// Without what begins after a violation, if that was seen before the workload ended.
pub(in crate::shrink) fn after(plan: &Scenario, at_ms: i64) -> Vec<Scenario> {
    let at = Duration::from_millis(at_ms.max(0) as u64 + 1);
    if at >= plan.workload.duration.get() {
        return Vec::new();
    }
    let mut earlier = plan.clone();
    earlier.operations.retain(|operation| operation.at.get() <= at);
    earlier.faults.retain(|fault| match fault.moment {
        Moment::At { at: strikes, .. } => strikes.get() <= at,
        Moment::Probe { .. } => true,
    });
    let mut ended = earlier.clone();
    ended.workload.duration = Time::from(at + AFTER);
    vec![ended, earlier]
}

/// The workload ends with the last thing that happens in it, or half-way from there.
pub(super) fn earlier_end(plan: &Scenario) -> Vec<Scenario> {
    let last = things(plan).last().copied().unwrap_or_default();
    let end = plan.workload.duration.get();
    let soon = Duration::from_millis((last + AFTER).as_millis() as u64).max(last + Duration::from_millis(1));
    let half = Duration::from_millis(((soon + end) / 2).as_millis() as u64);
    let with = |end| {
        let mut plan = plan.clone();
        plan.workload.duration = Time::from(end);
        plan
    };
    let is_less = |earlier: &Duration| *earlier + AFTER < end;
    [soon, half].into_iter().filter(is_less).map(with).collect()
}

/// One of the spans in which nothing begins or ends is half as long.
pub(super) fn shorter_gaps(plan: &Scenario) -> Vec<Scenario> {
    let mut instants = vec![Duration::ZERO];
    instants.extend(things(plan));
    let gaps = instants.windows(2).filter(|pair| pair[1] - pair[0] > GAP);
    let mut shorter = Vec::new();
    for pair in gaps {
        let gap = pair[1] - pair[0];
        for less in [gap - GAP / 5, gap / 2] {
            let less = Duration::from_millis(less.as_millis() as u64);
            shorter.push(moved(plan, |at| if at >= pair[1] { at - less } else { at }));
        }
    }
    shorter
}

/// All times are whole seconds, or tenths, or hundredths, or milliseconds.
pub(super) fn whole_times(plan: &Scenario) -> Vec<Scenario> {
    let rounded = |unit_ms: u64| {
        let unit = Duration::from_millis(unit_ms);
        let round = |time: Duration| {
            let units = (time + unit / 2).as_nanos() / unit.as_nanos();
            unit * units as u32
        };
        let mut plan = moved(plan, round);
        for fault in &mut plan.faults {
            fault.lasts =
                fault.lasts.map(|lasts| Time::from(round(lasts.get()).max(Duration::from_millis(1))));
        }
        plan.workload.duration =
            Time::from(round(plan.workload.duration.get()).max(last_of(&plan) + unit.min(AFTER)));
        plan
    };
    [1000, 500, 100, 50, 10, 1].map(rounded).to_vec()
}

/// When something happens by the clock, in order.
fn things(plan: &Scenario) -> Vec<Duration> {
    let mut instants: Vec<Duration> = plan.operations.iter().map(|operation| operation.at.get()).collect();
    for fault in &plan.faults {
        if let Moment::At { at, .. } = fault.moment {
            instants.push(at.get());
            instants.extend(fault.lasts.map(|lasts| at.get() + lasts.get()));
        }
    }
    let end = plan.workload.duration.get();
    instants.retain(|instant| *instant <= end);
    instants.sort_unstable();
    instants
}

fn last_of(plan: &Scenario) -> Duration {
    let faults = plan.faults.iter().filter_map(|fault| match fault.moment {
        Moment::At { at, .. } => Some(at.get()),
        Moment::Probe { .. } => None,
    });
    let begins = plan.operations.iter().map(|operation| operation.at.get()).chain(faults);
    begins.max().unwrap_or_default()
}

/// The plan with each instant moved; what a fault ends at moves with the rest.
fn moved(plan: &Scenario, to: impl Fn(Duration) -> Duration) -> Scenario {
    let mut plan = plan.clone();
    for operation in &mut plan.operations {
        operation.at = Time::from(to(operation.at.get()));
    }
    for fault in &mut plan.faults {
        if let Moment::At { at, .. } = &mut fault.moment {
            let (begins, moved) = (at.get(), to(at.get()));
            let ends =
                |lasts: Time| to(begins + lasts.get()).saturating_sub(moved).max(Duration::from_millis(1));
            fault.lasts = fault.lasts.map(|lasts| Time::from(ends(lasts)));
            *at = Time::from(moved);
        }
    }
    plan.workload.duration = Time::from(to(plan.workload.duration.get()));
    plan
}
