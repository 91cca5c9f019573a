//! Small plans at random, where taking away does not lead to one.
//!
//! A failure that takes a message of one millisecond among a thousand is lost whenever anything is taken out, since then
//! every later message is drawn another latency. What is rare in a long plan may be frequent in a short one whose parts are
//! at the right distance. So a few operations that share a key, and a few faults that share a machine, are picked from the
//! plan and put at other distances, again and again; each is run once, which costs little, as it is short. What fails is
//! run in all schedules, and the best of it is moved about until it fails in most.
//!
//! The picks depend on the seed of the failure and their number alone.

use super::bench::{Bench, Tried};
use super::reduction::world;
use super::{ENOUGH_FAULTS, ENOUGH_OPERATIONS, ROBUST};
use crate::scenario::{Cast, Fault, ListedOperation, Moment, Scenario, Time};
use crate::verdict::Subject;
use host::world::{Draw, Stream};
use std::time::Duration;

/// So many picks are run at a time,
const BATCH: usize = 48;
/// and so often,
const BATCHES: usize = 100;
/// until so many events were observed.
const EVENTS: u64 = 6_000_000;
/// So many batches go on after one that fails.
const BATCHES_AFTER: usize = 12;
/// So many plans are made by moving the parts of one,
const MOVED: usize = 12;
/// and so often in vain.
const IN_VAIN: usize = 3;
/// Parts are so far from each other at most, in µs: one of these.
const SPANS_US: [u64; 7] = [0, 2_000, 10_000, 50_000, 200_000, 1_000_000, 3_000_000];
/// Parts are moved by so much at most, in µs: one of these.
const MOVES_US: [u64; 5] = [500, 2_000, 10_000, 50_000, 300_000];
/// The first of them is no later.
const BEGIN: Duration = Duration::from_secs(1);
/// A plan ends so long after the last thing in it.
const AFTER: Duration = Duration::from_millis(500);
/// No fault is shorter.
const SHORTEST: Duration = Duration::from_millis(1);
/// The other operations are among so many that follow one and share a key with it.
const NEAR: usize = 12;
/// A fault is made smaller in fewer steps than this.
const STEPS: u64 = 3;

/// The best small plan that picks from this one come to; none if none fails.
pub(super) fn sift(bench: &mut Bench, plan: &Scenario) -> Option<Tried> {
    let mut draw = stream(bench.seed(), "picks");
    let mut best: Option<Tried> = None;
    let (mut last, until) = (BATCHES, bench.events() + EVENTS);
    let mut batch = 0;
    while batch < last && bench.events() < until && !bench.is_over() {
        let picks = (0..BATCH).map(|_| pick(plan, &mut draw));
        let picks: Vec<Scenario> = picks.filter_map(|pick| bench.readable(&pick)).collect();
        for pick in bench.failing(&picks, bench.seed().wrapping_add(batch as u64)) {
            let need = best.as_ref().map_or(1, |best| best.fails + 1);
            if let Some(found) = bench.best_of(&[pick], need) {
                last = last.min(batch + BATCHES_AFTER);
                if found.fails >= ROBUST {
                    return Some(found);
                }
                best = Some(found);
            }
        }
        batch += 1;
    }
    best.map(|best| climb(bench, best, &mut draw))
}

/// The same parts, moved about until that helps no more.
pub(super) fn settle(bench: &mut Bench, best: Tried) -> Tried {
    let mut draw = stream(bench.seed(), "moves");
    climb(bench, best, &mut draw)
}

fn climb(bench: &mut Bench, mut best: Tried, draw: &mut Draw) -> Tried {
    let mut in_vain = 0;
    while in_vain < IN_VAIN && best.fails < ROBUST.min(bench.schedules()) && !bench.is_over() {
        let plans: Vec<Scenario> = (0..MOVED).map(|_| moved(&best.plan, draw)).collect();
        match bench.best_of(&plans, best.fails + 1) {
            Some(better) => (best, in_vain) = (better, 0),
            None => in_vain += 1,
        }
    }
    best
}

/// Some operations that share a key, and some faults, at other distances.
fn pick(plan: &Scenario, draw: &mut Draw) -> Scenario {
    let mut pick = plan.clone();
    if draw.chance(0.75) {
        pick = world::calm_at_once(&pick).pop().unwrap_or(pick);
    }
    pick.operations = operations(&plan.operations, draw);
    pick.faults = faults(plan, draw);
    let first = pick.operations.first().map_or(BEGIN, |operation| operation.at.get());
    let (mut at, mut before) = (first.min(BEGIN), first);
    let (span, keeps_gaps) = (Span::draw(draw), draw.chance(0.5));
    for operation in &mut pick.operations {
        let gap = operation.at.get() - before;
        before = operation.at.get();
        at += if keeps_gaps { gap.min(span.longest(draw)) } else { span.within(draw) };
        operation.at = Time::from(at);
    }
    let mut last = at;
    let span = Span::draw(draw);
    for fault in &mut pick.faults {
        let Moment::At { at: strikes, .. } = &mut fault.moment else { continue };
        let beside = draw.below(pick.operations.len().max(1) as u64) as usize;
        let beside = pick.operations.get(beside).map_or(at, |operation| operation.at.get());
        let longest = span.longest(draw);
        *strikes = Time::from((beside + time_within(2 * longest, draw)).saturating_sub(longest));
        last = last.max(strikes.get());
    }
    pick.workload.duration = Time::from(last + AFTER);
    pick
}

/// How far parts are from each other.
#[derive(Clone, Copy)]
enum Span {
    /// All of them so far at most.
    Of(u64),
    /// Each has its own.
    Any,
}

impl Span {
    fn draw(draw: &mut Draw) -> Self {
        if draw.chance(0.5) { Span::Of(*draw.pick(&SPANS_US)) } else { Span::Any }
    }

    fn longest(self, draw: &mut Draw) -> Duration {
        micros(match self {
            Span::Of(us) => us,
            Span::Any => *draw.pick(&SPANS_US),
        })
    }

    fn within(self, draw: &mut Draw) -> Duration {
        let longest = self.longest(draw);
        time_within(longest, draw)
    }
}

/// A few faults, most of them of one machine, milder or shorter or as they are.
fn faults(plan: &Scenario, draw: &mut Draw) -> Vec<Fault> {
    let cast = Cast::of(plan);
    let mut picked: Vec<Fault> = Vec::new();
    let most = if plan.faults.is_empty() { 0 } else { ENOUGH_FAULTS };
    for _ in 0..draw.below(1 + most as u64) {
        let is_beside = draw.chance(0.75);
        let shares = |fault: &&Fault| match picked.last() {
            Some(last) if is_beside => fault.action.target() == last.action.target(),
            _ => true,
        };
        let near: Vec<&Fault> = plan.faults.iter().filter(shares).collect();
        let mut fault = (*draw.pick(&near)).clone();
        for _ in 0..draw.below(STEPS) {
            let smaller = fault.smaller(cast, plan.workload.duration);
            if !smaller.is_empty() {
                fault = draw.pick(&smaller).clone();
            }
        }
        if draw.chance(0.5) {
            fault.lasts = fault.lasts.map(|_| Time::from(Span::Any.longest(draw).max(SHORTEST)));
        }
        picked.push(fault);
    }
    picked
}

/// A few operations in their order, those after the first among its neighbours that are about the same.
fn operations(all: &[ListedOperation], draw: &mut Draw) -> Vec<ListedOperation> {
    if all.is_empty() {
        return Vec::new();
    }
    let anchor = draw.below(all.len() as u64) as usize;
    let is_alike = draw.chance(0.75);
    let about = keys(&all[anchor]);
    let shares = |other: &&ListedOperation| !is_alike || keys(other).iter().any(|key| about.contains(key));
    let near: Vec<&ListedOperation> = all[anchor + 1..].iter().filter(shares).take(NEAR).collect();
    let more = draw.below(ENOUGH_OPERATIONS as u64) as usize;
    let mut places: Vec<usize> =
        (0..more.min(near.len())).map(|_| draw.below(near.len() as u64) as usize).collect();
    places.sort_unstable();
    places.dedup();
    std::iter::once(&all[anchor]).chain(places.into_iter().map(|place| near[place])).cloned().collect()
}

fn keys(operation: &ListedOperation) -> Vec<Subject> {
    let mut subjects = operation.subjects();
    subjects.retain(|subject| matches!(subject, Subject::Key(_)));
    subjects
}

/// The same plan, with some of its parts a little earlier or later.
fn moved(plan: &Scenario, draw: &mut Draw) -> Scenario {
    let mut plan = plan.clone();
    let by = *draw.pick(&MOVES_US);
    let mut last = Duration::ZERO;
    let mut shift = |at: Time, draw: &mut Draw| {
        let at = match draw.below(4) {
            0 => at.get() + micros(draw.below(by) + 1),
            1 => at.get().saturating_sub(micros(draw.below(by) + 1)),
            _ => at.get(),
        };
        last = last.max(at);
        Time::from(at)
    };
    for operation in &mut plan.operations {
        operation.at = shift(operation.at, draw);
    }
    for fault in &mut plan.faults {
        if let Moment::At { at, .. } = &mut fault.moment {
            *at = shift(*at, draw);
        }
        let lasts = |lasts: Time, draw: &mut Draw| match draw.below(6) {
            0 => Time::from((lasts.get() / 2).max(SHORTEST)),
            1 => Time::from(lasts.get() * 2),
            _ => lasts,
        };
        fault.lasts = fault.lasts.map(|time| lasts(time, draw));
    }
    plan.operations.sort_by_key(|operation| operation.at);
    plan.workload.duration = plan.workload.duration.max(Time::from(last + Duration::from_millis(100)));
    plan
}

fn micros(us: u64) -> Duration {
    Duration::from_micros(us)
}

/// The stream of a seed for this purpose.
fn stream(seed: u64, purpose: &'static str) -> Draw {
    Draw::new(seed, Stream::Other { purpose: "sift", entity: purpose })
}

/// A time no greater than this one, in whole µs.
fn time_within(longest: Duration, draw: &mut Draw) -> Duration {
    micros(draw.between(0, longest.as_micros() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Scenario {
        let operation = |at: usize| {
            let (client, key) = (at % 2 + 1, at % 5);
            format!("{{ at = \"{at}s\", client = \"c{client}\", name = \"put\", argument = \"k{key}\" }}")
        };
        let operations: Vec<String> = (1..40).map(operation).collect();
        let plan = format!(
            "title = \"\"\nsystem = \"\"\nworkload = {{ clients = 2, for = \"50s\" }}\noperation = [{}]\n\
             fault = [{{ at = \"7s\", crash = \"n1\", restart_after = \"1s\" }}, {{ at = \"9s\", pause = \"n1\" }}]",
            operations.join(", ")
        );
        toml::from_str(&plan).unwrap()
    }

    #[test]
    fn a_pick_is_small_in_order_and_within_the_workload() {
        let mut draw = stream(7, "picks");
        for _ in 0..500 {
            let pick = pick(&plan(), &mut draw);
            assert!((1..=ENOUGH_OPERATIONS).contains(&pick.operations.len()));
            assert!(pick.faults.len() <= ENOUGH_FAULTS);
            assert!(pick.operations.is_sorted_by_key(|operation| operation.at));
            assert!(pick.operations.iter().all(|operation| operation.at < pick.workload.duration));
        }
    }

    #[test]
    fn picks_depend_on_the_seed_alone() {
        let picks = |seed| -> Vec<Scenario> {
            let mut draw = stream(seed, "picks");
            (0..20).map(|_| pick(&plan(), &mut draw)).collect()
        };
        assert_eq!(picks(1), picks(1));
        assert_ne!(picks(1), picks(2));
    }

    #[test]
    fn what_is_moved_keeps_its_parts_and_stays_within_the_workload() {
        let mut draw = stream(1, "picks");
        for _ in 0..100 {
            let moved = moved(&plan(), &mut draw);
            assert_eq!((moved.operations.len(), moved.faults.len()), (39, 2));
            assert!(moved.operations.iter().all(|operation| operation.at < moved.workload.duration));
        }
    }
}
