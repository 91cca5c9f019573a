//! Mutant by mutant: a sweep of its system's scenarios until a run fails, or the tests of its system.
//!
//! Results are lines in a file of the copy, `sweeps.jsonl` or `tests.jsonl`, or where `--out` says; a mutant that has one
//! is not measured again, so that whoever is interrupted goes on, and shards may run side by side. First, a short sweep
//! with no mutant on says which of them any run asks for, and makes sure that nothing fails without one.

use crate::config::{Config, System};
use crate::table::say;
use crate::weave::{self, Woven};
use clap::Args;
use miette::{Context, IntoDiagnostic};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Arguments of `measure`.
#[derive(Debug, Args)]
pub struct Measure {
    /// The copy.
    copy: PathBuf,
    /// Its program; or, with `--tests`, its tests.
    #[arg(long)]
    with: PathBuf,
    /// It is a program of tests.
    #[arg(long)]
    tests: bool,
    /// So long on each of `--jobs` cores.
    #[arg(long = "for", default_value = "60s", value_parser = humantime::parse_duration)]
    time: Duration,
    /// Runs at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: u64,
    /// Only every n-th mutant from the i-th on: i/n.
    #[arg(long, default_value = "0/1", value_parser = shard)]
    shard: (usize, usize),
    /// Where the results go.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What came of a mutant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    /// Which.
    pub key: String,
    /// What caught it, if anything did.
    pub caught: Option<Caught>,
    /// How long it took, in s.
    pub wall_s: f64,
}

/// A run that does what its scenario does not expect, or a test that fails.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Caught {
    /// The scenario, or the tests.
    pub by: String,
    /// The seed.
    pub seed: Option<u64>,
    /// What does not hold.
    pub checker: String,
}

/// Each scenario is run so often to find out which mutants are reached.
const REACH_SEEDS: u32 = 6;
/// A sweep that gets less of a processor than it should ends after so many times its time.
const PATIENCE: u32 = 12;

fn shard(words: &str) -> Result<(usize, usize), String> {
    let wrong = || format!("{words:?} is not i/n with i below n");
    let (index, of) = words.split_once('/').ok_or_else(wrong)?;
    let (index, of) = (index.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
    if index < of { Ok((index, of)) } else { Err(wrong()) }
}

/// The mutants that a short sweep of a system asks for.
pub fn reached_by(copy: &Path, system: &str) -> PathBuf {
    copy.join(format!("reached-{system}.txt"))
}

/// The results at a path.
pub fn results(path: &Path) -> miette::Result<Vec<Measured>> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(Vec::new()) };
    text.lines().map(|line| serde_json::from_str(line).into_diagnostic()).collect()
}

impl Measure {
    pub fn execute(&self, config: &Config) -> miette::Result<()> {
        let name = if self.tests { "tests.jsonl" } else { "sweeps.jsonl" };
        let out = self.out.clone().unwrap_or_else(|| self.copy.join(name));
        let done: BTreeSet<String> = results(&out)?.into_iter().map(|measured| measured.key).collect();
        let mut file = OpenOptions::new().create(true).append(true).open(&out).into_diagnostic()?;
        let (index, of) = self.shard;
        for woven in weave::read(&self.copy)?.into_iter().skip(index).step_by(of) {
            let key = woven.mutant.key();
            if done.contains(&key) {
                continue;
            }
            let system = config.system(&woven.mutant.system)?;
            let start = Instant::now();
            let caught = if self.tests { self.test(system, &woven)? } else { self.sweep(system, &woven)? };
            let measured = Measured { key, caught, wall_s: start.elapsed().as_secs_f64() };
            let mut line = serde_json::to_vec(&measured).into_diagnostic()?;
            line.push(b'\n');
            file.write_all(&line).into_diagnostic()?;
            let by = measured
                .caught
                .map_or("survives".to_owned(), |caught| format!("{} ({})", caught.by, caught.checker));
            say(&format!("{:>6.1} s  {by:40}  {}", measured.wall_s, measured.key))?;
        }
        Ok(())
    }

    /// Sweeps with a mutant until a run fails.
    fn sweep(&self, system: &System, woven: &Woven) -> miette::Result<Option<Caught>> {
        let reached = reached_by(&self.copy, &system.name);
        if !reached.exists() {
            fs::write(&reached, "").into_diagnostic()?;
            let seeds = format!("0..{REACH_SEEDS}");
            let fails = self.first_failure(system, &seeds, |sweep| {
                sweep.env("SPLITBRAIN_MUTANTS_REACHED", &reached);
            })?;
            if let Some(Caught { by, seed, checker }) = fails {
                let _ = fs::remove_file(&reached);
                let seed = seed.unwrap_or_default();
                return Err(miette::miette!("without any mutant {by} fails with seed {seed}: {checker}"));
            }
        }
        self.first_failure(system, "0..1000000", |sweep| {
            sweep.env("SPLITBRAIN_MUTANT", woven.number.to_string());
        })
    }

    /// The first run of a sweep that fails.
    fn first_failure(
        &self,
        system: &System,
        seeds: &str,
        with: impl FnOnce(&mut Command),
    ) -> miette::Result<Option<Caught>> {
        let mut sweep = self.limited();
        sweep.arg("sweep").args(&system.sweep).args(["--json", "--seeds", seeds]);
        sweep.args(["--jobs", &self.jobs.to_string()]);
        sweep.args(["--for", &humantime::format_duration(self.time * PATIENCE).to_string()]);
        with(&mut sweep);
        let mut sweep = sweep.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().into_diagnostic()?;
        let lines = BufReader::new(sweep.stdout.take().expect("it is piped")).lines();
        let mut found = None;
        for line in lines {
            found = failure(&line.into_diagnostic()?, &system.shows);
            if found.is_some() {
                break;
            }
        }
        // It may have ended by itself.
        let _ = sweep.kill();
        sweep.wait().into_diagnostic()?;
        Ok(found)
    }

    /// The system's tests with a mutant.
    fn test(&self, system: &System, woven: &Woven) -> miette::Result<Option<Caught>> {
        for tests in &system.tests {
            let mut command = self.limited();
            command.arg(tests).env("SPLITBRAIN_MUTANT", woven.number.to_string());
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().into_diagnostic()?;
            if !status.success() {
                return Ok(Some(Caught { by: tests.clone(), seed: None, checker: "tests".to_owned() }));
            }
        }
        Ok(None)
    }

    /// The program, which is ended once it has had its time of the processor.
    fn limited(&self) -> Command {
        let seconds = self.time.as_secs() * self.jobs;
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -t {seconds}; exec \"$@\""), "sh"]).arg(&self.with);
        command
    }
}

/// What a line of `sweep --json` says of a failing run.
fn failure(line: &str, shows: &[String]) -> Option<Caught> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let (by, seed) = (line["scenario"].as_str()?.to_owned(), line["seed"].as_u64()?);
    if shows.contains(&by) {
        return None;
    }
    let first = line["violations"].get(0).and_then(|violation| violation["checker"].as_str());
    let checker = first.or_else(|| line["verdict"].as_str()).unwrap_or_default().to_owned();
    Some(Caught { by, seed: Some(seed), checker })
}

/// Names the file where it could not be read.
pub fn read(path: &Path) -> miette::Result<String> {
    fs::read_to_string(path).into_diagnostic().with_context(|| path.display().to_string())
}
