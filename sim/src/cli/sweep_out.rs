//! The folder of `sweep --out`: failures as they are found, and how far the sweep has come.
//!
//! `failures.jsonl` has one line a failing run. `progress.json` is replaced as a whole, so an interrupted sweep finds
//! either its old or its new state. The same sweep, started again, goes on from there; another one is refused.

use crate::catalog::Case;
use crate::sweep::{Failure, Shard, Summary};
use miette::{Context, IntoDiagnostic};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often progress is written down.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// What `progress.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// The sweep that this is the progress of.
    scenarios: Vec<String>,
    overrides: Vec<(String, String)>,
    seeds: Range<u64>,
    shard: Shard,
    /// Runs that need not be run again.
    pub(super) released: u64,
    /// Scenarios that have shown what they are there to show.
    pub(super) done: Vec<bool>,
    /// Runs that violated something, in this and earlier sittings.
    violations: u64,
}

#[derive(Debug)]
pub(super) struct OutFolder {
    progress: PathBuf,
    failures: File,
    failures_path: PathBuf,
    state: State,
    /// Violations before this sitting.
    violations_before: u64,
    kept: Instant,
}

impl OutFolder {
    /// Opens the folder, and proves before anything is run that it can be written to.
    pub(super) fn open(
        folder: &Path,
        cases: &[Case],
        seeds: &Range<u64>,
        shard: Shard,
    ) -> miette::Result<OutFolder> {
        let is_new = !folder.exists();
        let opened = Self::open_or_resume(folder, cases, seeds, shard);
        if opened.is_err() && is_new {
            // Nothing is left behind where nothing could be written; the first error is the one to tell.
            let _ = fs::remove_dir_all(folder);
        }
        opened
    }

    fn open_or_resume(
        folder: &Path,
        cases: &[Case],
        seeds: &Range<u64>,
        shard: Shard,
    ) -> miette::Result<OutFolder> {
        let naming = |path: &Path| path.display().to_string();
        fs::create_dir_all(folder).into_diagnostic().with_context(|| naming(folder))?;
        let progress = folder.join("progress.json");
        let fresh = State {
            scenarios: cases.iter().map(|case| case.path.display().to_string()).collect(),
            overrides: cases.first().map(|case| case.overrides.clone()).unwrap_or_default(),
            seeds: seeds.clone(),
            shard,
            released: 0,
            done: vec![false; cases.len()],
            violations: 0,
        };
        let state = if progress.exists() {
            let text = fs::read_to_string(&progress).into_diagnostic().with_context(|| naming(&progress))?;
            let kept: State =
                serde_json::from_str(&text).into_diagnostic().with_context(|| naming(&progress))?;
            let same =
                State { released: 0, done: fresh.done.clone(), violations: 0, ..kept.clone() } == fresh;
            if !same || kept.done.len() != cases.len() {
                return Err(miette::miette!(
                    help = "give another folder, or the same scenarios, seeds and --set again",
                    "{} has the progress of another sweep: {} of seeds {}..{}",
                    naming(&progress),
                    kept.scenarios.join(" "),
                    kept.seeds.start,
                    kept.seeds.end
                ));
            }
            kept
        } else {
            fresh
        };
        let failures_path = folder.join("failures.jsonl");
        let failures = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&failures_path)
            .into_diagnostic()
            .with_context(|| naming(&failures_path))?;
        let violations_before = state.violations;
        let folder =
            OutFolder { progress, failures, failures_path, state, violations_before, kept: Instant::now() };
        folder.write()?;
        Ok(folder)
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Keeps a failure at once, and the progress now and then.
    pub(super) fn keep(
        &mut self,
        cases: &[Case],
        released: u64,
        summary: &Summary,
        failure: Option<&Failure>,
    ) -> miette::Result<()> {
        if let Some(failure) = failure {
            let mut line =
                serde_json::to_vec(&failure.report.json(&cases[failure.case].name)).into_diagnostic()?;
            line.push(b'\n');
            let name = || self.failures_path.display().to_string();
            self.failures.write_all(&line).into_diagnostic().with_context(name)?;
        }
        self.state.released = released;
        self.state.violations = self.violations_before + summary.violations;
        for (done, case) in self.state.done.iter_mut().zip(&summary.cases) {
            *done |= case.shown.is_some();
        }
        if failure.is_some() || self.kept.elapsed() >= KEEP_EVERY {
            self.kept = Instant::now();
            self.write()?;
        }
        Ok(())
    }

    /// Keeps the final state.
    pub(super) fn finish(&mut self, summary: &Summary) -> miette::Result<()> {
        self.state.violations = self.violations_before + summary.violations;
        self.write()
    }

    fn write(&self) -> miette::Result<()> {
        let new = self.progress.with_extension("json.new");
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&new)?;
            serde_json::to_writer_pretty(&mut file, &self.state)?;
            file.sync_all()?;
            fs::rename(&new, &self.progress)
        };
        write().into_diagnostic().with_context(|| self.progress.display().to_string())
    }
}
