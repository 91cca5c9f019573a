//! `why`: from a failing seed to its cause, on one screen.
//!
//! The run is shrunk; each part of what is left is taken out, in other schedules; the moment is looked for from which on the
//! failure was hard to avoid; and the story of what remains is told: the events that the evidence depends on, a column a
//! machine, with what each node believed after each of them. The page that is written has the whole run.

mod screen;

use super::progress::Spinner;
use super::shrink::{self as shrink_command, with_progress};
use super::written::{file, folder_of};
use super::{Exit, Overrides, interrupt, one};
use crate::catalog::{Case, Catalog};
use crate::erased::once;
use crate::moment::{Curve, Failure};
use crate::run::{Attention, Report};
use crate::shrink::{self, Limits, Shrunk};
use clap::Args;
use miette::{Context, IntoDiagnostic};
use screen::Known;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Arguments of `why`.
#[derive(Debug, Args)]
pub(super) struct Why {
    /// A scenario file, or a name that `list` shows.
    scenario: String,
    /// The seed that fails.
    #[arg(long)]
    seed: u64,
    /// End after about this long. Where that is too short, the clock has a say in what is told, and it is said.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration, default_value = "2m")]
    time: Duration,
    /// The folder to write to; replays/NAME-SEED unless set.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

impl Why {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        let begin = Instant::now();
        let case = one(catalog, &self.scenario, &self.overrides)?;
        let folder = self.out.clone().unwrap_or_else(|| folder_of(&case, self.seed));
        // Before anything is run: a folder that cannot be written to is bad input.
        fs::create_dir_all(&folder).into_diagnostic().with_context(|| folder.display().to_string())?;
        let limits = Limits {
            time: Some(self.time / 3 * 2),
            interrupted: Some(interrupt::flag()),
            ..Limits::default()
        };
        let shrunk = match with_progress(&case, self.seed, &limits, &Spinner::new(json)) {
            Ok(shrunk) => shrunk,
            Err(why) => return shrink_command::refuse(why),
        };
        let path = folder.join("shrunk.toml");
        file(&path, |out| out.write_all(shrunk.to_file().as_bytes()))?;
        // What follows has a sixth each, and what was left over before.
        let later = Limits { time: Some((self.time / 6 * 5).saturating_sub(begin.elapsed())), ..limits };
        let spinner = Spinner::new(json);
        spinner.stage("taking out each part of what is left");
        let counterfactuals = shrink::counterfactuals(&case, &shrunk, &later);
        spinner.stage("looking for the moment");
        let curve = self.curve(&case, &shrunk, limits.jobs, begin);
        spinner.finish();
        let (report, recording) = once(case.system, &shrunk.plan, shrunk.seed, Attention::RECORDED);
        let known = Known {
            case: &case,
            shrunk: &shrunk,
            counterfactuals: &counterfactuals,
            curve: curve.as_ref(),
            time: self.time,
            file: path,
            jobs: limits.jobs,
        };
        // Of a run that was given up nothing is recorded.
        match &recording {
            Some(recording) => known.tell_with(&folder, &report, recording, json)?,
            None => known.tell(None, json)?,
        }
        Ok(Exit::AsExpected)
    }

    /// How likely the failure was from each instant of the run on; none if that takes too long.
    fn curve(&self, case: &Case, shrunk: &Shrunk, jobs: usize, begin: Instant) -> Option<Curve> {
        let (report, _) = once(case.system, &case.scenario, self.seed, Attention::QUICK);
        let at_ms = shrunk.class.find(&report)?.at_ms;
        let is_same = |report: &Report| shrunk.class.find(report).is_some();
        let failure = Failure {
            system: case.system,
            scenario: &case.scenario,
            seed: self.seed,
            at_ms,
            is_same: &is_same,
        };
        // A node that keeps its thread would keep it two thousand times.
        let is_stuck = report.is_of_a_stuck_run();
        failure.curve(jobs, &|| is_stuck || begin.elapsed() > self.time)
    }
}
