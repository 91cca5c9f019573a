//! Sweeps: many seeds of many scenarios, on all cores.
//!
//! Workers take runs from one counter, seed by seed through all scenarios; every run has a fresh thread. Results are
//! *released* in that order whatever the order in which they end, so that a sweep prints and counts the same on one
//! core and on eight. A scenario that is there to show a violation is done with once a seed has shown it.
//!
//! Each failing run, and the first run of each scenario, is run again, by default in a fresh process, before it is
//! released: where the digests differ, the finding is nondeterminism, not what either run found.
//!
//! A sweep ends with what is known when its time is up or somebody interrupts it: runs that are under way then have
//! two seconds, and are named as unfinished. A run in which a node keeps its thread ends the sweep too: the thread cannot be
//! ended.

mod corpus;
mod digest;
mod figure;
mod grid;
mod merge;
mod summary;
mod work;

pub use corpus::{Corpus, Kept};
pub use digest::SweepDigest;
pub use figure::{Figure, Measured, NoFigure, Unit};
pub use grid::{Axis, Grid, GridError, to_measure};
pub use summary::{CaseSummary, Slowest, Summary};

use crate::card::Card;
use crate::catalog::Case;
use crate::run::{self, Met, Report};
use crate::verdict::Violation;
use host::world::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use work::{Desk, Done, Message};

pub use work::confirm_on_a_fresh_thread;

/// How long runs may go on when a sweep is to end.
const GRACE: Duration = Duration::from_secs(2);
/// How often whoever waits for results hears what runs so long.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Runs that may have ended before the one that is to be released next.
const EARLY_MAX: u64 = 4096;
/// Among so many runs of a scenario a shard's first one is looked for.
const SHARDS_MAX: u64 = 1 << 20;
/// A run that takes longer is told by name.
const LONG: Duration = Duration::from_secs(5);

/// Runs one seed again, elsewhere.
pub type Confirm<'a> = &'a (dyn Fn(&Case, u64) -> Result<Again, String> + Sync);

/// What a second run of a seed says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// Its digest.
    pub digest: Digest,
    /// What does not hold in it: it was attended to more closely, and may have noticed more.
    pub violations: Vec<Violation>,
}

/// What to sweep.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The scenarios.
    pub cases: &'a [Case],
    /// What comes before all seeds: which scenario, and with which seed. It is not run again when its turn comes.
    pub first: Vec<(usize, u64)>,
    /// The seeds, of each.
    pub seeds: Range<u64>,
    /// How many runs at the same time.
    pub jobs: usize,
    /// Only every `of`-th run, from the `index`-th on.
    pub shard: Shard,
    /// Start no run after this long, and end with what is known.
    pub time: Option<Duration>,
    /// Start no run once this is set, and end with what is known.
    pub interrupted: Option<&'static AtomicBool>,
    /// What earlier sittings of the same sweep found.
    pub before: Progress,
    /// Measure each scenario by itself, for the figures of a grid.
    pub measures: bool,
    /// Score each scenario, as a cell of this card: its runs are recorded.
    pub card: Option<&'static Card>,
}

impl<'a> Plan<'a> {
    /// All seeds of all scenarios, on all cores.
    pub fn new(cases: &'a [Case], seeds: Range<u64>) -> Self {
        Plan {
            cases,
            first: Vec::new(),
            seeds,
            jobs: all_cores(),
            shard: Shard { index: 0, of: 1 },
            time: None,
            interrupted: None,
            before: Progress::new(cases.len()),
            measures: false,
            card: None,
        }
    }

    /// How many runs there are, those of other shards and those that are done included.
    pub fn runs(&self) -> u64 {
        let of_seeds = (self.seeds.end - self.seeds.start).saturating_mul(self.cases.len() as u64);
        of_seeds.saturating_add(self.first.len() as u64)
    }

    /// Which scenario and which seed the run at a place is of.
    fn at(&self, place: u64) -> (usize, u64) {
        let (first, cases) = (self.first.len() as u64, self.cases.len() as u64);
        match place.checked_sub(first) {
            None => self.first[place as usize],
            Some(place) => ((place % cases) as usize, self.seeds.start + place / cases),
        }
    }

    /// The place of a shard's first run of a scenario; none if no run of it falls to the shard.
    fn first_of(&self, case: usize) -> Option<u64> {
        let first = self.first.len() as u64;
        let early = (0..first).filter(|place| self.at(*place).0 == case);
        let places = (first + case as u64..self.runs()).step_by(self.cases.len()).take(SHARDS_MAX as usize);
        early.chain(places).find(|place| place % self.shard.of == self.shard.index)
    }
}

/// One of several machines' share of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which share, from 0.
    pub index: u64,
    /// Of how many.
    pub of: u64,
}

/// How far a sweep has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Progress {
    /// So many runs, in order, need not be run again; those of other shards, and those no longer needed, count too.
    pub released: u64,
    /// What they found.
    pub summary: Summary,
}

impl Progress {
    /// Nothing was run yet.
    pub fn new(cases: usize) -> Self {
        Progress { released: 0, summary: Summary::of_nothing(cases) }
    }
}

/// A run that violated something, or was not deterministic.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which scenario: its place in the plan.
    pub case: usize,
    /// What it found.
    pub report: Report,
    /// How that stands to what the scenario expects.
    pub met: Met,
    /// How the second run differs from the first, where it does; or why there was no second run.
    pub nondeterminism: Option<String>,
}

impl Failure {
    /// The run as `sweep --json` prints it.
    pub fn json(&self, scenario: &str) -> run::Json<'_> {
        self.report.json(scenario).but_differs(self.nondeterminism.as_deref())
    }
}

/// What a sweep tells while it goes on.
#[derive(Debug)]
pub enum Step<'a> {
    /// A run has ended, and is released next.
    Ran {
        /// Which scenario: its place in the plan.
        case: usize,
        /// What it found.
        report: &'a Report,
        /// How that stands to what the scenario expects; none for what differed when it was run again.
        met: Option<Met>,
    },
    /// Another run was released or skipped; what it failed with, if it did.
    Released(Option<&'a Failure>),
    /// A run was not ended in time. What is released after it would be run again if the sweep went on from here.
    Unfinished,
    /// Nothing new; these run for long already.
    Waiting(&'a [Long]),
}

/// A run that takes long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Long {
    /// Which scenario: its place in the plan.
    pub case: usize,
    /// The seed.
    pub seed: u64,
    /// For how long it has run.
    pub elapsed: Duration,
}

/// Sweeps. `each` is called in order for every released run, and in between, with what was found so far; it may end the
/// sweep by returning false.
pub fn sweep(
    plan: &Plan<'_>,
    confirm: Confirm<'_>,
    mut each: impl FnMut(&Progress, Step<'_>) -> bool,
) -> Progress {
    let start = Instant::now();
    let total = plan.runs();
    let desk = Desk::new(plan, confirm, start);
    let mut progress = plan.before.clone();
    let wall_before = progress.summary.wall;
    for (case, of_case) in progress.summary.cases.iter_mut().enumerate() {
        of_case.has_share = plan.first_of(case).is_some();
        if plan.measures {
            of_case.measured.get_or_insert_default();
        }
        if plan.card.is_some() {
            of_case.score.get_or_insert_default();
        }
    }

    std::thread::scope(|scope| {
        let (sender, results) = mpsc::sync_channel(4 * plan.jobs);
        for _ in 0..plan.jobs {
            let sender = sender.clone();
            let desk = &desk;
            scope.spawn(move || desk.work(&sender));
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut told = Instant::now();
        loop {
            let message = results.recv_timeout(TELL_EVERY);
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                let long = desk.longer_than(LONG);
                if !each(&progress, Step::Waiting(&long)) {
                    desk.stop();
                }
            }
            match message {
                Ok(message) => early.insert(message.index(), message),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            while let Some(message) = early.remove(&progress.released) {
                let (case, seed) = plan.at(progress.released);
                progress.released += 1;
                desk.released(progress.released);
                let summary = &mut progress.summary;
                summary.wall = wall_before + start.elapsed();
                let failure = match message {
                    // A run that began before an earlier one showed the violation does not count.
                    Message::Done(_, run) if summary.cases[case].shown.is_none() => {
                        let Done { report, met, nondeterminism, scored } = *run;
                        let is_sure = nondeterminism.is_none();
                        let ran = Step::Ran { case, report: &report, met: is_sure.then_some(met) };
                        if !each(&progress, ran) {
                            desk.stop();
                        }
                        let summary = &mut progress.summary;
                        summary.release(case, &report, met, nondeterminism.is_some());
                        if let (Some(score), Some(scored)) = (&mut summary.cases[case].score, scored) {
                            score.add(seed, scored);
                        }
                        let fails = met != Met::AsExpected || nondeterminism.is_some();
                        fails.then_some(Failure { case, report, met, nondeterminism })
                    }
                    Message::Unfinished(_) => {
                        if !each(&progress, Step::Unfinished) {
                            desk.stop();
                        }
                        progress.summary.unfinished.push((case, seed));
                        continue;
                    }
                    Message::Done(..) | Message::Skipped(_) => None,
                };
                // A run that was given up still has its core: the next ones would only get slower.
                let lost = failure.as_ref().is_some_and(|failure| failure.report.is_of_a_stuck_run());
                // Nothing is needed any more: what is left would be skipped seed by seed.
                let done = progress.summary.cases.iter().all(|case| case.shown.is_some());
                if done {
                    progress.released = total;
                }
                if !each(&progress, Step::Released(failure.as_ref())) || lost || done {
                    desk.stop();
                }
            }
        }
    });
    let summary = &mut progress.summary;
    summary.complete = progress.released >= total && summary.unfinished.is_empty();
    summary.wall = wall_before + start.elapsed();
    progress
}

/// As many jobs as there are cores.
pub fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
