//! The folder of `sweep --out`: failures as they are found, and how far the sweep has come.
//!
//! A shard has two files of its own, so that several may share a folder: `failures.jsonl` has one line a failing run, and
//! `progress.json` all that is known, replaced as a whole, so that an interrupted sweep finds either its old or its new
//! state (`failures-0-of-2.jsonl` and `progress-0-of-2.json` where there are shards). The same sweep, started again, goes
//! on from there, and what it found before counts; lines that the progress does not know yet are cut off, for their runs
//! are run again. Another sweep, another build and changed scenarios are refused.
//!
//! No file that somebody else made is ever changed or removed.

use super::scorecard::Chosen;
use super::{grid, scorecard, written};
use crate::card::Card;
use crate::catalog::{Case, Catalog};
use crate::sweep::{Failure, Grid, Progress, Shard};
use miette::{Context, IntoDiagnostic};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

/// How often progress is written down.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// When it is for the first time; then after twice as long each time. A sitting that does not last gets on, too.
const KEEP_FIRST: Duration = Duration::from_millis(50);

/// What must be the same for a sweep to go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Identity {
    /// The files, each with a hash over what it says.
    scenarios: Vec<(String, String)>,
    /// What was changed in all of them.
    overrides: Vec<(String, String)>,
    /// What was changed in each: the scenarios are its cells, if it is one.
    grid: Grid,
    /// The card whose cells the scenarios are, if they are.
    #[serde(default)]
    card: Option<Chosen>,
    seeds: Range<u64>,
    shard: Shard,
    /// A hash over the program.
    build: String,
}

/// What `progress.json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    sweep: Identity,
    /// How long `failures.jsonl` was.
    failures_bytes: u64,
    progress: Progress,
}

/// What is swept, besides the scenarios.
#[derive(Debug, Clone, Copy)]
pub(super) struct Swept<'a> {
    pub(super) overrides: &'a [(String, String)],
    /// The scenarios are its cells, if it is one.
    pub(super) grid: &'a Grid,
    /// Or this one's.
    pub(super) card: Option<&'a Chosen>,
    pub(super) seeds: &'a Range<u64>,
    pub(super) shard: Shard,
}

#[derive(Debug)]
pub(super) struct OutFolder {
    path: PathBuf,
    failures: File,
    failures_path: PathBuf,
    sweep: Identity,
    kept: Instant,
    /// So long after that it is written down again.
    keep_after: Duration,
    /// A run was not ended: what follows it will be run again.
    frozen: bool,
}

impl OutFolder {
    /// Opens the folder, and proves before anything is run that it can be written to. Returns what earlier sittings found.
    pub(super) fn open(
        folder: &Path,
        cases: &[Case],
        swept: Swept<'_>,
    ) -> miette::Result<(OutFolder, Progress)> {
        let naming = |path: &Path| path.display().to_string();
        let shard = swept.shard;
        let sweep = Identity::new(cases, swept)?;
        fs::create_dir_all(folder).into_diagnostic().with_context(|| naming(folder))?;
        let of = if shard.of == 1 { String::new() } else { format!("-{}-of-{}", shard.index, shard.of) };
        let path = folder.join(format!("progress{of}.json"));
        let failures_path = failures_of(&path);
        sweep.refuse_strangers(folder)?;
        let mut failures = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&failures_path)
            .into_diagnostic()
            .with_context(|| naming(&failures_path))?;
        match failures.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(miette::miette!(
                    help = "give another folder, or another --shard",
                    "{}: the same sweep is under way",
                    naming(&failures_path)
                ));
            }
            // Where files cannot be locked, nobody is warned.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        let (failures_bytes, progress) = match read(&path)? {
            Some(state) => (state.failures_bytes, state.progress),
            None => (0, Progress::new(cases.len())),
        };
        let cut = failures.set_len(failures_bytes).and_then(|()| failures.seek(SeekFrom::End(0)));
        cut.into_diagnostic().with_context(|| naming(&failures_path))?;
        let mut folder = OutFolder {
            path,
            failures,
            failures_path,
            sweep,
            kept: Instant::now(),
            keep_after: KEEP_FIRST,
            frozen: false,
        };
        folder.write(&progress)?;
        Ok((folder, progress))
    }

    /// Keeps a failure at once, and the progress now and then.
    pub(super) fn keep(
        &mut self,
        cases: &[Case],
        progress: &Progress,
        failure: Option<&Failure>,
    ) -> miette::Result<()> {
        if self.frozen {
            return Ok(());
        }
        if let Some(failure) = failure {
            let mut line = serde_json::to_vec(&failure.json(&cases[failure.case].name)).into_diagnostic()?;
            line.push(b'\n');
            let name = || self.failures_path.display().to_string();
            self.failures.write_all(&line).into_diagnostic().with_context(name)?;
        }
        if self.kept.elapsed() < self.keep_after {
            return Ok(());
        }
        self.keep_after = (2 * self.keep_after).min(KEEP_EVERY);
        self.write(progress)
    }

    /// A run was not ended: the next sitting begins with it.
    pub(super) fn freeze(&mut self, progress: &Progress) -> miette::Result<()> {
        let before = Progress { released: progress.released - 1, summary: progress.summary.clone() };
        let kept = if self.frozen { Ok(()) } else { self.write(&before) };
        self.frozen = true;
        kept
    }

    /// Keeps the final state.
    pub(super) fn finish(&mut self, progress: &Progress) -> miette::Result<()> {
        if self.frozen { Ok(()) } else { self.write(progress) }
    }

    fn write(&mut self, progress: &Progress) -> miette::Result<()> {
        let name = || self.failures_path.display().to_string();
        // First what the state speaks of.
        let kept = self.failures.sync_data().and_then(|()| self.failures.stream_position());
        let failures_bytes = kept.into_diagnostic().with_context(name)?;
        let state = State { sweep: self.sweep.clone(), failures_bytes, progress: progress.clone() };
        written::file(&self.path, |out| Ok(serde_json::to_writer(out, &state)?))?;
        self.kept = Instant::now();
        Ok(())
    }
}

impl Identity {
    fn new(cases: &[Case], swept: Swept<'_>) -> miette::Result<Self> {
        let scenario = |case: &Case| {
            let hash = xxh3_128(case.scenario.to_toml().as_bytes());
            (case.path.display().to_string(), format!("{hash:032x}"))
        };
        let build = std::env::current_exe().and_then(|program| hash_of_file(&program)).into_diagnostic();
        Ok(Identity {
            scenarios: cases.iter().map(scenario).collect(),
            overrides: swept.overrides.to_vec(),
            grid: swept.grid.clone(),
            card: swept.card.cloned(),
            seeds: swept.seeds.clone(),
            shard: swept.shard,
            build: build.with_context(|| "this program cannot be read".to_owned())?,
        })
    }

    /// Refuses a folder that has the progress of another sweep, this shard's or another's.
    fn refuse_strangers(&self, folder: &Path) -> miette::Result<()> {
        let entries = fs::read_dir(folder).into_diagnostic().with_context(|| folder.display().to_string())?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if !is_progress(&path) {
                continue;
            }
            let Some(State { sweep: kept, .. }) = read(&path)? else { continue };
            if let Some(what) = self.difference(&kept) {
                return Err(miette::miette!(
                    help = "give another folder, or remove this one",
                    "{} has the progress of another sweep: {what}",
                    path.display()
                ));
            }
        }
        Ok(())
    }

    /// What another sweep has that this one has not.
    fn difference(&self, kept: &Identity) -> Option<String> {
        let paths = |sweep: &Identity| -> Vec<String> {
            sweep.scenarios.iter().map(|(path, _)| path.clone()).collect()
        };
        if self.card != kept.card {
            let without = || "without a card".to_owned();
            return Some(kept.card.as_ref().map_or_else(without, Chosen::to_string));
        }
        if self.grid != kept.grid {
            let without = || "without --grid".to_owned();
            return Some(if kept.grid.is_none() { without() } else { format!("with {}", kept.grid) });
        }
        if paths(self) != paths(kept) {
            return Some(format!("of {}", shortened(&paths(kept))));
        }
        if self.seeds != kept.seeds {
            return Some(format!("of seeds {}..{}", kept.seeds.start, kept.seeds.end));
        }
        if self.overrides != kept.overrides {
            let set: Vec<String> =
                kept.overrides.iter().map(|(key, value)| format!("--set {key}={value}")).collect();
            let without = || "without --set".to_owned();
            return Some(if set.is_empty() { without() } else { format!("with {}", set.join(" ")) });
        }
        if self.shard.of != kept.shard.of {
            return Some(format!("shard {}/{}", kept.shard.index, kept.shard.of));
        }
        let changed = self.scenarios.iter().zip(&kept.scenarios).find(|(here, there)| here != there);
        match changed {
            Some(((path, _), _)) => Some(format!("{path} has changed since")),
            None => (self.build != kept.build).then(|| "of another build of this program".to_owned()),
        }
    }
}

/// Of a program: with what is known of its lines it is large, and need not be in memory at once.
fn hash_of_file(path: &Path) -> io::Result<String> {
    let mut hash = Xxh3Default::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(format!("{:032x}", hash.digest128()))
}

fn shortened(names: &[String]) -> String {
    match names {
        [first, _, .., last] => format!("{} scenarios, {first} to {last}", names.len()),
        _ => names.join(" "),
    }
}

/// What a shard has left in a folder.
#[derive(Debug)]
pub(super) struct Kept {
    /// Its progress file.
    pub(super) path: PathBuf,
    sweep: Identity,
    pub(super) progress: Progress,
}

/// What all shards have left in a folder.
pub(super) fn kept_in(folder: &Path) -> miette::Result<Vec<Kept>> {
    let entries = fs::read_dir(folder).into_diagnostic().with_context(|| folder.display().to_string())?;
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_progress(path)).collect();
    paths.sort();
    let kept = paths.into_iter().map(|path| {
        let state = read(&path)?;
        Ok(state.map(|State { sweep, progress, .. }| Kept { path, sweep, progress }))
    });
    kept.filter_map(Result::transpose).collect()
}

fn is_progress(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("progress") && name.ends_with(".json")
}

impl Kept {
    /// Which share it is, from 0.
    pub(super) fn index(&self) -> u64 {
        self.sweep.shard.index
    }

    /// Of how many.
    pub(super) fn of(&self) -> u64 {
        self.sweep.shard.of
    }

    /// The scenarios that were swept, those of a grid as its cells.
    pub(super) fn cases(&self, catalog: &Catalog, cards: &[&'static Card]) -> miette::Result<Vec<Case>> {
        let Identity { scenarios, overrides, grid, card, .. } = &self.sweep;
        if let Some(chosen) = card {
            return Ok(scorecard::Cells::of(chosen, catalog, cards, overrides)?.cases);
        }
        if let (false, Some((path, _))) = (grid.is_none(), scenarios.first()) {
            return grid::cells(catalog, path, grid, overrides);
        }
        let mut cases = Vec::new();
        for (path, _) in scenarios {
            cases.extend(catalog.load(path, overrides)?);
        }
        Ok(cases)
    }

    /// The grid that it is of; none if it is of none.
    pub(super) fn grid(&self) -> &Grid {
        &self.sweep.grid
    }

    /// The card that it is of, and what was changed in all of its cells; none if it is of none.
    pub(super) fn card(&self) -> Option<(&Chosen, &[(String, String)])> {
        Some((self.sweep.card.as_ref()?, &self.sweep.overrides))
    }

    /// Refuses what another build has found, or of scenarios that have changed.
    pub(super) fn of_this_build(&self, cases: &[Case]) -> miette::Result<()> {
        let Identity { grid, card, overrides, seeds, shard, .. } = &self.sweep;
        let swept = Swept { overrides, grid, card: card.as_ref(), seeds, shard: *shard };
        let here = Identity::new(cases, swept)?;
        here.difference(&self.sweep).map_or(Ok(()), |what| {
            Err(miette::miette!(
                help = "merge with the build and the scenarios that the shards had",
                "{}: {what}",
                self.path.display()
            ))
        })
    }

    /// Refuses a shard of another sweep.
    pub(super) fn same_sweep(&self, other: &Kept) -> miette::Result<()> {
        self.sweep.difference(&other.sweep).map_or(Ok(()), |what| {
            Err(miette::miette!(
                help = "merge the shards of one sweep",
                "{} is not of the sweep of {}: {what}",
                other.path.display(),
                self.path.display()
            ))
        })
    }

    /// The seed with which it would go on; none if it came to its end.
    pub(super) fn begins_again_at(&self, cases: usize) -> Option<u64> {
        let seeds = &self.sweep.seeds;
        let seed = seeds.start + self.progress.released / cases as u64;
        (seed < seeds.end).then_some(seed)
    }

    /// Its failing runs, as it wrote them down.
    pub(super) fn failures(&self) -> miette::Result<Vec<serde_json::Value>> {
        let path = failures_of(&self.path);
        let text = fs::read_to_string(&path).into_diagnostic().with_context(|| path.display().to_string())?;
        let lines = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
        lines.into_diagnostic().with_context(|| path.display().to_string())
    }
}

/// Where the failures stand that belong to a progress.
fn failures_of(progress: &Path) -> PathBuf {
    let name = progress.file_stem().unwrap_or_default().to_string_lossy().replacen("progress", "failures", 1);
    progress.with_file_name(format!("{name}.jsonl"))
}

/// Reads what was kept; none if nothing was.
fn read(path: &Path) -> miette::Result<Option<State>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).into_diagnostic().with_context(|| path.display().to_string()),
    };
    let state = serde_json::from_str(&text).into_diagnostic();
    state
        .map(Some)
        .with_context(|| format!("{} is not the progress of a sweep by this version", path.display()))
}
