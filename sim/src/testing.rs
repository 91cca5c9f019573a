//! Scenario files in `cargo test`.
//!
//! Two faces: [`test()`] inside a `#[test]` of your own, and [`main`] as the whole of a test target
//! (`harness = false`), where every scenario file is a test of its own and its path is its name.
//!
//! `SPLITBRAIN_SEEDS=10000` deepens, `SPLITBRAIN_SEED=17` pins one seed. A failure is shrunk, and told as what is left of
//! it; `SPLITBRAIN_SHRINK=60s` gives that more time, `SPLITBRAIN_SHRINK=0s` none.

use crate::catalog::{Case, Catalog};
use crate::shrink::{self, Limits, Shrunk};
use crate::sweep::{self, Failure, Plan, Step};

use crate::erased::AnySystem;
use crate::profile;
use crate::verdict::Vacuity;
use libtest_mimic::{Arguments, Failed, Trial};
use std::fmt::Write;
use std::ops::Range;
use std::time::Duration;

/// Seeds that a test runs unless told otherwise.
const SEEDS: u64 = 20;
/// Seeds that a scenario which must show a violation may take to show it.
const SEEDS_TO_SHOW: u64 = 300;

/// How long a failure is shrunk unless told otherwise.
const SHRINK_FOR: Duration = Duration::from_secs(20);

/// A test over a system's scenario files, to be used inside a `#[test]`.
#[must_use = "a test runs when told to"]
#[derive(Debug)]
pub struct Test {
    catalog: Catalog,
    scenarios: String,
    seeds: u64,
}

/// Starts describing a test of a system.
pub fn test<S: AnySystem>(system: &'static S) -> Test {
    let system: &'static dyn AnySystem = system;
    Test { catalog: Catalog::new(Box::leak(Box::new([system]))), scenarios: "scenarios".into(), seeds: SEEDS }
}

impl Test {
    /// The file or folder to run; `scenarios` unless set.
    pub fn scenarios(mut self, path: impl Into<String>) -> Self {
        self.scenarios = path.into();
        self
    }

    /// How many seeds of each.
    pub fn seeds(mut self, seeds: u64) -> Self {
        self.seeds = seeds;
        self
    }

    /// Runs them.
    ///
    /// # Panics
    ///
    /// When a scenario's expectation is not met, or a file is wrong: that fails the `#[test]` around it.
    pub fn run(self) {
        profile::advise();
        let cases = self
            .catalog
            .load(&self.scenarios, &[])
            .unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
        for case in cases {
            if let Err(failure) = check(&case, self.seeds, sweep::all_cores()) {
                panic!("{failure}");
            }
        }
    }
}

/// A test target over a folder: one test a scenario file, named by its path.
pub fn main(systems: &'static [&'static dyn AnySystem], folder: &str) -> std::process::ExitCode {
    let arguments = Arguments::from_args();
    profile::advise();
    match Catalog::new(systems).load(folder, &[]) {
        Ok(cases) => {
            let trial = |case: Case| {
                Trial::test(case.name.clone(), move || check(&case, SEEDS, 1).map_err(Failed::from))
            };
            libtest_mimic::run(&arguments, cases.into_iter().map(trial).collect()).exit_code()
        }
        Err(error) => {
            let message = format!("{:?}", miette::Report::new(error));
            let trial = Trial::test(folder.to_owned(), move || Err(Failed::from(message)));
            libtest_mimic::run(&arguments, vec![trial]).exit_code()
        }
    }
}

/// Sweeps one scenario; an error is the text of the test's failure.
fn check(case: &Case, seeds: u64, jobs: usize) -> Result<(), String> {
    let (seeds, shrink_for) = (seeds_to_run(case, seeds)?, shrink_for()?);
    let cases = std::slice::from_ref(case);
    let plan = Plan { jobs, ..Plan::new(cases, seeds) };
    let mut unexpected: Option<Failure> = None;
    let progress = sweep::sweep(&plan, &sweep::confirm_on_a_fresh_thread, |_, step| {
        if let Step::Released(Some(failure)) = step
            && (failure.met.is_wrong() || failure.nondeterminism.is_some())
        {
            unexpected.get_or_insert_with(|| failure.clone());
        }
        unexpected.is_none()
    });
    let summary = progress.summary;
    if let Some(failure) = unexpected {
        return Err(describe(case, &failure, shrink_for));
    }
    // A single pinned seed need not show anything.
    if summary.runs > 1 {
        if let Some((_, why)) = summary.unmet(cases).pop() {
            return Err(why);
        }
        if let Some((_, vacuity)) = summary.vacuous(cases).pop() {
            let Vacuity { lack, message, .. } = vacuity;
            return Err(format!(
                "vacuous: {message}; a scenario that means it says [check] allows = [\"{lack}\"]"
            ));
        }
    }
    Ok(())
}

fn seeds_to_run(case: &Case, seeds: u64) -> Result<Range<u64>, String> {
    let variable = |name: &str| match std::env::var(name) {
        Ok(text) => {
            text.parse::<u64>().map(Some).map_err(|_| format!("{name}={text} is not a number of seeds"))
        }
        Err(_) => Ok(None),
    };
    if let Some(seed) = variable("SPLITBRAIN_SEED")? {
        return Ok(seed..seed + 1);
    }
    let shows = case.scenario.check.expect.violation.is_some();
    let default = if shows { seeds.max(SEEDS_TO_SHOW) } else { seeds };
    Ok(0..variable("SPLITBRAIN_SEEDS")?.unwrap_or(default).max(1))
}

fn shrink_for() -> Result<Duration, String> {
    let wrong = |text: &str| format!("SPLITBRAIN_SHRINK={text} is not a time, such as 20s");
    match std::env::var("SPLITBRAIN_SHRINK") {
        Ok(text) => humantime::parse_duration(&text).map_err(|_| wrong(&text)),
        Err(_) => Ok(SHRINK_FOR),
    }
}

fn describe(case: &Case, failure: &Failure, shrink_for: Duration) -> String {
    let seed = failure.report.seed;
    let mut text = format!("seed {seed} of {}\n", case.path.display());
    // Writing to a String does not fail.
    if let Some(differs) = &failure.nondeterminism {
        let _ = writeln!(text, "nondeterminism: {differs}");
    }
    for violation in &failure.report.violations {
        let _ = writeln!(text, "{} at {} ms: {}", violation.checker, violation.at_ms, violation.message);
    }
    for missing in failure.report.missing() {
        let _ = writeln!(text, "unreached: {missing}");
    }
    match shrunk(case, failure, shrink_for) {
        Some(shrunk) => tell(&mut text, &shrunk),
        None => {
            let plan = case.scenario.resolve(seed);
            let _ = writeln!(text, "\nschedule:");
            for fault in &plan.faults {
                let _ = writeln!(text, "  {fault}");
            }
        }
    }
    let _ = write!(text, "\nnext: cargo run --release -- replay {} --seed {seed}", case.path.display());
    text
}

/// What is left of a failure; none if there is no time, or it is not the same twice.
fn shrunk(case: &Case, failure: &Failure, time: Duration) -> Option<Shrunk> {
    if time.is_zero() || failure.nondeterminism.is_some() {
        return None;
    }
    let limits = Limits { time: Some(time), ..Limits::default() };
    shrink::shrink(case, failure.report.seed, &limits, &mut |_| {}).ok()
}

fn tell(text: &mut String, shrunk: &Shrunk) {
    let _ = writeln!(text, "\n{}:", shrunk.summary());
    for line in shrunk.story() {
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(text, "{}\n\nas a scenario of its own:\n", shrunk.robustness());
    for line in shrunk.to_file().lines() {
        let _ = writeln!(text, "  {line}");
    }
}
