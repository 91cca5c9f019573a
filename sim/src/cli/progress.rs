//! The progress of a sweep: a bar with rate and remaining time, on standard error, when that is a terminal.

use crate::sweep::Summary;
use indicatif::{ProgressBar, ProgressStyle};

pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar for so many runs.
    pub(super) fn new(runs: u64, hidden: bool) -> Self {
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new(runs) };
        let style = "{spinner} {bar:32} {pos}/{len} runs  {per_sec}  {eta} left  {msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is valid"));
        Progress(bar)
    }

    /// So many runs are done.
    pub(super) fn update(&self, position: u64, summary: &Summary) {
        self.0.set_position(position);
        if summary.violations > 0 {
            self.0.set_message(format!("{} violations", summary.violations));
        }
    }

    /// Prints a line above the bar.
    pub(super) fn above(&self, print: impl FnOnce() -> miette::Result<()>) -> miette::Result<()> {
        self.0.suspend(print)
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
