//! What the workers of a sweep share, and what each of them does: take the next run, run it, run it again if it fails or
//! is a scenario's first, and hand in what was found.

use super::{Again, Confirm, EARLY_MAX, GRACE, Long, Plan};
use crate::card::Scored;
use crate::catalog::Case;
use crate::check;
use crate::erased;
use crate::run::{Attention, Met, Report};
use crate::verdict::Violation;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What became of a run, by its place in the sweep.
pub(super) enum Message {
    Done(u64, Box<Done>),
    /// Another shard's, or not needed any more.
    Skipped(u64),
    /// It was still going on when the sweep had to end.
    Unfinished(u64),
}

/// A run that has ended.
pub(super) struct Done {
    pub(super) report: Report,
    pub(super) met: Met,
    /// How a second run differs, where it does; or why there was none.
    pub(super) nondeterminism: Option<String>,
    /// What it came to, on the sweep's card.
    pub(super) scored: Option<Scored>,
}

impl Message {
    pub(super) fn index(&self) -> u64 {
        match self {
            Message::Done(index, _) | Message::Skipped(index) | Message::Unfinished(index) => *index,
        }
    }
}

/// What the workers share.
pub(super) struct Desk<'a> {
    plan: &'a Plan<'a>,
    confirm: Confirm<'a>,
    start: Instant,
    next: AtomicU64,
    stop: AtomicBool,
    /// When the time was up, or the sweep interrupted.
    ended: OnceLock<Instant>,
    /// The earliest run that showed what each scenario is there to show; later ones are not needed.
    shown: Vec<AtomicU64>,
    /// Each scenario's first run.
    first: Vec<Option<u64>>,
    /// What is run before all seeds.
    came_first: BTreeSet<(usize, u64)>,
    running: Mutex<BTreeMap<u64, Instant>>,
    /// How many runs are released: results that wait for an earlier one must not pile up.
    released: Mutex<u64>,
    more_released: Condvar,
}

/// How often who waits for a release looks whether the sweep is over.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl<'a> Desk<'a> {
    pub(super) fn new(plan: &'a Plan<'a>, confirm: Confirm<'a>, start: Instant) -> Self {
        let shown =
            plan.before.summary.cases.iter().map(|case| if case.shown.is_some() { 0 } else { u64::MAX });
        Desk {
            plan,
            confirm,
            start,
            next: AtomicU64::new(plan.before.released),
            stop: AtomicBool::new(false),
            ended: OnceLock::new(),
            shown: shown.map(AtomicU64::new).collect(),
            first: (0..plan.cases.len()).map(|case| plan.first_of(case)).collect(),
            came_first: plan.first.iter().copied().collect(),
            running: Mutex::default(),
            released: Mutex::new(plan.before.released),
            more_released: Condvar::new(),
        }
    }

    /// So many runs are released now.
    pub(super) fn released(&self, runs: u64) {
        *self.released.lock().unwrap_or_else(PoisonError::into_inner) = runs;
        self.more_released.notify_all();
    }

    /// Waits until this run is not too early; false if the sweep is over before.
    fn is_due(&self, index: u64) -> bool {
        let mut released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        while index >= *released + EARLY_MAX {
            if self.is_ended() || self.is_stopped() {
                return false;
            }
            let woken = self.more_released.wait_timeout(released, LOOK_EVERY);
            released = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Start no run any more.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The runs that have taken longer than this.
    pub(super) fn longer_than(&self, long: Duration) -> Vec<Long> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let long = running.iter().filter(|(_, since)| since.elapsed() >= long);
        long.map(|(index, since)| {
            let (case, seed) = self.plan.at(*index);
            Long { case, seed, elapsed: since.elapsed() }
        })
        .collect()
    }

    /// Whether the sweep must end, and runs under way get no more than a moment.
    fn is_ended(&self) -> bool {
        let out_of_time = self.plan.time.is_some_and(|time| self.start.elapsed() >= time);
        let interrupted = self.plan.interrupted.is_some_and(|flag| flag.load(Ordering::Relaxed));
        if out_of_time || interrupted {
            self.ended.get_or_init(Instant::now);
        }
        self.ended.get().is_some()
    }

    fn is_over(&self) -> bool {
        self.is_ended() && self.ended.get().is_some_and(|ended| ended.elapsed() >= GRACE)
    }

    /// Takes runs until there is none left.
    pub(super) fn work(&self, results: &SyncSender<Message>) {
        let first = self.plan.first.len() as u64;
        loop {
            if self.is_ended() || self.is_stopped() {
                return;
            }
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.plan.runs() || !self.is_due(index) {
                return;
            }
            let (case, seed) = self.plan.at(index);
            let not_ours = index % self.plan.shard.of != self.plan.shard.index;
            let came_first = index >= first && self.came_first.contains(&(case, seed));
            let message = if not_ours || came_first || self.shown[case].load(Ordering::Relaxed) < index {
                Message::Skipped(index)
            } else {
                self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(index, Instant::now());
                let done =
                    self.run_and_confirm(&self.plan.cases[case], seed, self.first[case] == Some(index));
                self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&index);
                match done {
                    Some(done) => {
                        if done.met == Met::ShownViolation {
                            self.shown[case].fetch_min(index, Ordering::Relaxed);
                        }
                        Message::Done(index, Box::new(done))
                    }
                    None => Message::Unfinished(index),
                }
            };
            if results.send(message).is_err() {
                return;
            }
        }
    }

    fn run_and_confirm(&self, case: &Case, seed: u64, is_first: bool) -> Option<Done> {
        let unwanted = || self.is_over();
        let card = self.plan.card;
        let attention = if card.is_some() { Attention::WATCHED } else { Attention::QUICK };
        let (mut report, recording) =
            erased::once_unless(case.system, &case.scenario, seed, attention, &unwanted)?;
        let scored = card.zip(recording.as_ref()).map(|(card, recording)| card.scored(recording));
        let expect = &case.scenario.check.expect;
        let met = report.met(expect);
        if report.is_of_a_stuck_run() || (met == Met::AsExpected && !is_first && report.unconfirmed.is_none())
        {
            return Some(Done { report, met, nondeterminism: None, scored });
        }
        if let Some(why) = report.unconfirmed.clone() {
            return Some(Done { report, met, nondeterminism: Some(why), scored });
        }
        let differs = match (self.confirm)(case, seed) {
            Ok(again) if again.digest == report.digest => {
                if met == Met::AsExpected {
                    let of_substrate = |violation: &Violation| violation.checker == check::SUBSTRATE;
                    report.violations.splice(0..0, again.violations.into_iter().filter(of_substrate));
                }
                None
            }
            Ok(again) => Some(format!("digest {} at first, {} when run again", report.digest, again.digest)),
            Err(why) => Some(why),
        };
        let met = report.met(expect);
        Some(Done { report, met, nondeterminism: differs, scored })
    }
}

/// A second run on a fresh thread of this process: for tests, whose process has no command line.
pub fn confirm_on_a_fresh_thread(case: &Case, seed: u64) -> Result<Again, String> {
    let (report, _) = erased::once(case.system, &case.scenario, seed, Attention::CLOSE);
    Ok(Again { digest: report.digest, violations: report.violations })
}
