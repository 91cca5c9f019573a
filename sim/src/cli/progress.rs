//! The progress of a sweep: a bar with rate and remaining time, on standard error, when that is a terminal. A run that
//! takes long is named, wherever standard error goes. What has no end that is known shows how far it has come.

use super::out;
use crate::catalog::Case;
use crate::sweep::{Long, Plan, Progress, Step};
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::Write;
use std::time::{Duration, Instant};

pub(super) struct Bar {
    bar: ProgressBar,
    /// Long runs that were told.
    told: RefCell<BTreeSet<(usize, u64)>>,
}

impl Bar {
    /// A bar for the runs of a plan.
    pub(super) fn new(plan: &Plan<'_>, hidden: bool) -> Self {
        let bar =
            if hidden || out::is_quiet() { ProgressBar::hidden() } else { ProgressBar::new(plan.runs()) };
        let style = "{spinner} {bar:32} {pos}/{len} runs  {per_sec}  {eta} left  {msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is valid"));
        bar.set_position(plan.before.released);
        bar.reset_eta();
        Bar { bar, told: RefCell::default() }
    }

    /// Something has happened.
    pub(super) fn update(&self, cases: &[Case], progress: &Progress, step: &Step<'_>) {
        self.bar.set_position(progress.released);
        let violations = match progress.summary.violations {
            0 => String::new(),
            n => format!("{n} violations  "),
        };
        match step {
            Step::Waiting(long) => {
                let named: Vec<String> = long.iter().map(|run| name(cases, run)).collect();
                self.bar.set_message(format!("{violations}{}", named.join(", ")));
                self.bar.tick();
                long.iter().for_each(|run| self.tell(cases, run));
            }
            Step::Released(_) | Step::Unfinished if progress.summary.violations > 0 => {
                self.bar.set_message(violations);
            }
            Step::Ran { .. } | Step::Released(_) | Step::Unfinished => {}
        }
    }

    /// A long run, once, where no bar names it.
    fn tell(&self, cases: &[Case], run: &Long) {
        if self.bar.is_hidden() && self.told.borrow_mut().insert((run.case, run.seed)) {
            // Whoever has closed standard error does not want to know.
            let _ = writeln!(std::io::stderr().lock(), "still running: {}", name(cases, run));
        }
    }

    /// Prints something above the bar.
    pub(super) fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The progress of something whose end nobody knows: a spinner where standard error is a terminal, and a line now and then
/// where it is not.
pub(super) struct Spinner {
    bar: ProgressBar,
    /// When the last line was written; nothing where none is wanted.
    lines: Option<Cell<Instant>>,
}

impl Spinner {
    /// Between lines that tell how far it has come.
    const LINES_APART: Duration = Duration::from_secs(10);

    pub(super) fn new(hidden: bool) -> Self {
        let hidden = hidden || out::is_quiet();
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        bar.set_style(
            ProgressStyle::with_template("{spinner} {elapsed}  {msg}").expect("the template is valid"),
        );
        let lines = (!hidden && bar.is_hidden()).then(|| Cell::new(Instant::now()));
        Spinner { bar, lines }
    }

    /// How far it has come.
    pub(super) fn tell(&self, message: &str) {
        self.show(message, Self::LINES_APART);
    }

    /// What is done from now on.
    pub(super) fn stage(&self, message: &str) {
        self.show(message, Duration::ZERO);
    }

    fn show(&self, message: &str, apart: Duration) {
        self.bar.set_message(message.to_owned());
        self.bar.tick();
        if let Some(last) = self.lines.as_ref().filter(|last| last.get().elapsed() >= apart) {
            last.set(Instant::now());
            // Whoever has closed standard error does not want to know.
            let _ = writeln!(std::io::stderr().lock(), "{message}");
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn name(cases: &[Case], run: &Long) -> String {
    format!("{} seed {} ({} s)", cases[run.case].name, run.seed, run.elapsed.as_secs())
}
