//! Time: what follows the failure, time in which nothing happens, times that nobody would write.

use super::world;
use crate::scenario::{Moment, Scenario, Time};
use std::time::Duration;

/// Gaps longer than this are made shorter.
const GAP: Duration = Duration::from_millis(500);
/// After the last thing that happens the workload goes on for this long, at least.
const AFTER: Duration = Duration::from_millis(100);
/// No fault is shorter.
const SHORTEST: Duration = Duration::from_millis(1);

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

/// Of a run that stands still at an instant: the last operation before it without any fault, the last two, four and so
/// on, then all that was before, then all.
pub(in crate::shrink) fn last_ones(plan: &Scenario, at_ms: i64) -> Vec<Scenario> {
    let before = after(plan, at_ms).pop().unwrap_or_else(|| plan.clone());
    let calm = world::calm_at_once(&before).pop().unwrap_or_else(|| before.clone());
    let count = before.operations.len();
    let last = |number: usize| {
        let mut last = calm.clone();
        last.faults.clear();
        last.operations.drain(..count - number);
        last
    };
    let numbers = (0..usize::BITS).map(|power| 1 << power).take_while(|number| *number < count);
    let fewer = numbers.chain([count]).filter(|number| *number > 0).map(last);
    fewer.collect::<Vec<_>>().into_iter().chain([calm, before, plan.clone()]).collect()
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

/// All times are whole seconds, or halves, tenths and so on.
pub(super) fn whole_times(plan: &Scenario) -> Vec<Scenario> {
    [1000, 500, 100, 50, 10].map(|unit_ms| rounded(plan, Duration::from_millis(unit_ms))).to_vec()
}

/// All times are whole milliseconds.
pub(in crate::shrink) fn in_whole_millis(plan: &Scenario) -> Vec<Scenario> {
    vec![rounded(plan, Duration::from_millis(1))]
}

fn rounded(plan: &Scenario, unit: Duration) -> Scenario {
    let round = |time: Duration| {
        let units = (time + unit / 2).as_nanos() / unit.as_nanos();
        unit * units as u32
    };
    let mut plan = moved(plan, round);
    for fault in &mut plan.faults {
        let lasts = |lasts: Time| Time::from(round(lasts.get()).max(SHORTEST));
        fault.lasts = fault.lasts.map(lasts);
    }
    let last = last_of(&plan) + unit.min(AFTER);
    plan.workload.duration = Time::from(plan.workload.duration.get().max(last));
    plan
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
            let ends = |lasts: Time| to(begins + lasts.get()).saturating_sub(moved).max(SHORTEST);
            fault.lasts = fault.lasts.map(|lasts| Time::from(ends(lasts)));
            *at = Time::from(moved);
        }
    }
    plan.workload.duration = Time::from(to(plan.workload.duration.get()));
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Scenario {
        let plan = r#"
            title = ""
            system = ""
            workload = { clients = 2, for = "20s" }
            operation = [{ at = "1s 234ms 5us", client = "c1", name = "a" }, { at = "9s", client = "c2", name = "b" }]
            fault = [{ at = "2s", crash = "n1", restart_after = "5100ms" }, { at = "12s", pause = "n1" }]
        "#;
        toml::from_str(plan).unwrap()
    }

    /// What happens and until when, in words.
    fn told(plan: &Scenario) -> String {
        let faults = plan.faults.iter().map(ToString::to_string);
        let all: Vec<String> = plan.operations.iter().map(ToString::to_string).chain(faults).collect();
        format!("{}; {}", all.join("; "), plan.workload.duration)
    }

    #[test]
    fn what_begins_after_the_violation_is_cut_and_what_began_before_stays() {
        let cut = after(&plan(), 2_500);
        let left = "1s 234ms 5us: c1 a; 2s: crash n1, for 5s 100ms";
        let told: Vec<String> = cut.iter().map(told).collect();
        assert_eq!(told, [format!("{left}; 2s 601ms"), format!("{left}; 20s")]);
        assert!(after(&plan(), 25_000).is_empty(), "one that is seen after the end cuts nothing");
    }

    #[test]
    fn a_gap_is_shortened_and_all_that_follows_moves() {
        let shorter = shorter_gaps(&plan());
        assert_eq!(
            told(&shorter[1]),
            "617ms 5us: c1 a; 8s 383ms: c2 b; 1s 383ms: crash n1, for 5s 100ms; 11s 383ms: pause n1, until the heal phase; \
             19s 383ms"
        );
    }

    #[test]
    fn times_are_rounded_and_nothing_falls_behind_the_end() {
        assert_eq!(
            told(&whole_times(&plan())[0]),
            "1s: c1 a; 9s: c2 b; 2s: crash n1, for 5s; 12s: pause n1, until the heal phase; 20s"
        );
        let mut late = plan();
        late.operations[1].at = Time::from_millis(19_800);
        assert_eq!(rounded(&late, Duration::from_secs(1)).workload.duration, Time::from_millis(20_100));
    }

    #[test]
    fn of_a_run_that_stands_still_the_last_operations_are_tried_first() {
        let counts = |plan: &Scenario| (plan.faults.len(), plan.operations.len());
        let tried: Vec<_> = last_ones(&plan(), 10_000).iter().map(counts).collect();
        assert_eq!(tried, [(0, 1), (0, 2), (1, 2), (1, 2), (2, 2)]);
        assert_eq!(last_ones(&plan(), 10_000)[0].operations[0].name, "b");
    }
}
