//! Mutant by mutant: a sweep of its system's scenarios until a run fails, or the tests of its system.
//!
//! Time is the processor's: a sweep is asked to end once it and its processes have had so much. It keeps where it was,
//! so that a second round with more time goes on from there, and most mutants need not have what the hardest need.
//!
//! Results are lines in a file of the copy, `sweeps.jsonl` or `tests.jsonl`, or where `--out` says; a mutant that is
//! caught, or has had its time, is not measured again, so that whoever is interrupted goes on, and shards may run side
//! by side.
//!
//! First, as long a sweep with no mutant on makes sure that nothing fails without one, and lists those that any run
//! asks for. The others would have changed nothing in the same runs: they survive without being swept.

pub mod child;

use crate::config::{Config, System};
use crate::table::say;
use crate::weave::{self, Woven};
use child::Child;
use clap::Args;
use miette::{Context, IntoDiagnostic};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Arguments of `measure`.
#[derive(Debug, Args)]
pub struct Measure {
    /// The copy.
    copy: PathBuf,
    /// Its program; or, with `--tests`, its programs of tests, as cargo builds them.
    #[arg(long, required = true)]
    with: Vec<PathBuf>,
    /// They are programs of tests.
    #[arg(long)]
    tests: bool,
    /// So long on each of `--jobs` cores, of the processor's time.
    #[arg(long = "for", default_value = "60s", value_parser = humantime::parse_duration)]
    time: Duration,
    /// Runs at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: u32,
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
    /// The time that it has had, on each core.
    pub had_s: f64,
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

fn shard(words: &str) -> Result<(usize, usize), String> {
    let wrong = || format!("{words:?} is not i/n with i below n");
    let (index, of) = words.split_once('/').ok_or_else(wrong)?;
    let (index, of) = (index.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
    if index < of { Ok((index, of)) } else { Err(wrong()) }
}

/// The mutants that a sweep of a system asks for.
pub fn reached_by(copy: &Path, system: &str) -> PathBuf {
    copy.join(format!("reached-{system}.txt"))
}

/// The last word on each mutant at a path.
pub fn results(path: &Path) -> miette::Result<BTreeMap<String, Measured>> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(BTreeMap::new()) };
    let measured = text.lines().map(|line| serde_json::from_str(line).into_diagnostic());
    measured.map(|measured| measured.map(|measured: Measured| (measured.key.clone(), measured))).collect()
}

impl Measure {
    pub fn execute(&self, config: &Config) -> miette::Result<()> {
        if !self.tests && self.with.len() > 1 {
            return Err(miette::miette!(
                "sweeps are of one program; `--with` was given {} times",
                self.with.len()
            ));
        }
        let name = if self.tests { "tests.jsonl" } else { "sweeps.jsonl" };
        let out = self.out.clone().unwrap_or_else(|| self.copy.join(name));
        let mut done = results(&out)?;
        let mut file = OpenOptions::new().create(true).append(true).open(&out).into_diagnostic()?;
        let (index, of) = self.shard;
        for woven in weave::read(&self.copy)?.into_iter().skip(index).step_by(of) {
            let key = woven.mutant.key();
            let system = config.system(&woven.mutant.system)?;
            let before = done.get(&key);
            if before.is_some_and(|before| before.caught.is_some() || before.had_s >= self.time.as_secs_f64())
            {
                continue;
            }
            let had = before.map_or(0.0, |before| before.had_s);
            let (caught, had_s) = if self.tests {
                (self.test(system, &woven)?, self.time.as_secs_f64())
            } else if self.is_reached(system, &woven, &mut done, &mut file)? {
                self.sweep(system, woven.number, had)?
            } else {
                (None, self.time.as_secs_f64())
            };
            keep(&Measured { key, caught, had_s }, &mut file)?;
        }
        Ok(())
    }

    /// Whether any run of a sweep without mutants, which comes first, asks for a mutant.
    fn is_reached(
        &self,
        system: &System,
        woven: &Woven,
        done: &mut BTreeMap<String, Measured>,
        file: &mut fs::File,
    ) -> miette::Result<bool> {
        let key = format!("{}: no mutant", system.name);
        let had = done.get(&key).map_or(0.0, |before| before.had_s);
        if had < self.time.as_secs_f64() {
            let (caught, had_s) = self.sweep(system, 0, had)?;
            if let Some(Caught { by, seed, checker }) = caught {
                let seed = seed.unwrap_or_default();
                return Err(miette::miette!("without any mutant {by} fails with seed {seed}: {checker}"));
            }
            let measured = Measured { key: key.clone(), caught: None, had_s };
            keep(&measured, file)?;
            done.insert(key, measured);
        }
        let reached = fs::read_to_string(reached_by(&self.copy, &system.name)).unwrap_or_default();
        Ok(reached.lines().any(|line| line == woven.number.to_string()))
    }

    /// Sweeps with a mutant until a run fails, or it has had its time.
    fn sweep(&self, system: &System, number: u32, had: f64) -> miette::Result<(Option<Caught>, f64)> {
        let copy = self.copy.canonicalize().into_diagnostic()?;
        let kept = copy.join("sittings").join(format!("{}-{number}", system.name));
        // What no earlier round asked for begins at the first seed.
        let had = if kept.exists() { had } else { 0.0 };
        let mut sweep = Command::new(self.with[0].canonicalize().into_diagnostic()?);
        sweep.current_dir(&copy).arg("sweep").args(system.scenarios(&copy)?);
        sweep.args(["--json", "--seeds", "0..1000000", "--jobs", &self.jobs.to_string(), "--out"]);
        sweep.arg(&kept);
        if number == 0 {
            sweep.env("SPLITBRAIN_MUTANTS_REACHED", reached_by(&copy, &system.name));
        } else {
            sweep.env("SPLITBRAIN_MUTANT", number.to_string());
        }
        let cores = f64::from(self.jobs);
        let mut sweep = Child::start(&mut sweep, (self.time.as_secs_f64() - had) * cores)?;
        let demonstrations = system.demonstrations(&copy)?;
        let (mut found, mut last) = (None, String::new());
        while let Some(line) = sweep.line()? {
            found = failure(&line, &demonstrations);
            if found.is_some() {
                break;
            }
            last = line;
        }
        let had = if found.is_some() { had + sweep.end()? / cores } else { had.max(self.time.as_secs_f64()) };
        if found.is_some() {
            // What it kept is of no use any more.
            let _ = fs::remove_dir_all(kept);
        }
        Ok((found.or_else(|| vacuous(&last)), had))
    }

    /// The system's tests with a mutant, which are ended once they have had their time of the processor.
    fn test(&self, system: &System, woven: &Woven) -> miette::Result<Option<Caught>> {
        let limit = format!("ulimit -t {}; exec \"$@\"", self.time.as_secs() * u64::from(self.jobs));
        for tests in &system.tests {
            let (program, names) = tests.split_once("::").unwrap_or((tests, ""));
            let with = self.with.iter().find(|with| is_called(with, program));
            let with =
                with.ok_or_else(|| miette::miette!("`{tests}`: no `--with` is the program `{program}`"))?;
            let mut command = Command::new("sh");
            command.args(["-c", &limit, "sh"]).arg(with).arg(names);
            command.env("SPLITBRAIN_MUTANT", woven.number.to_string());
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().into_diagnostic()?;
            if !status.success() {
                return Ok(Some(Caught { by: tests.clone(), seed: None, checker: "tests".to_owned() }));
            }
        }
        Ok(None)
    }
}

/// Whether a program of tests has this name: cargo puts a hash behind it.
fn is_called(program: &Path, name: &str) -> bool {
    let file = program.file_name().and_then(|file| file.to_str()).unwrap_or_default();
    file.rsplit_once('-').map_or(file, |(file, _)| file) == name
}

/// Keeps a result, and says it.
fn keep(measured: &Measured, file: &mut fs::File) -> miette::Result<()> {
    let mut line = serde_json::to_vec(measured).into_diagnostic()?;
    line.push(b'\n');
    file.write_all(&line).into_diagnostic()?;
    let by = match &measured.caught {
        Some(caught) => format!("{} ({})", caught.by, caught.checker),
        None => "survives".to_owned(),
    };
    say(&format!("{:>6.1} s  {by:40}  {}", measured.had_s, measured.key))
}

/// What a line of `sweep --json` says of a failing run.
fn failure(line: &str, demonstrations: &BTreeSet<String>) -> Option<Caught> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let (by, seed) = (line["scenario"].as_str()?.to_owned(), line["seed"].as_u64()?);
    if demonstrations.contains(&by) {
        return None;
    }
    let first = line["violations"].get(0).and_then(|violation| violation["checker"].as_str());
    let checker = first.or_else(|| line["verdict"].as_str()).unwrap_or_default().to_owned();
    Some(Caught { by, seed: Some(seed), checker })
}

/// What the last line of `sweep --json` says of scenarios in which nothing was there to judge: no run fails, but the
/// sweep. What it had no time to run does not count.
fn vacuous(line: &str) -> Option<Caught> {
    let summary: serde_json::Value = serde_json::from_str(line).ok()?;
    let mut lacks = summary["vacuous"].as_array()?.iter().filter_map(serde_json::Value::as_str);
    let by = lacks.find(|lack| !lack.ends_with(": no run was made"))?.to_owned();
    Some(Caught { by, seed: None, checker: "vacuous".to_owned() })
}

/// Names the file where it could not be read.
pub fn read(path: &Path) -> miette::Result<String> {
    fs::read_to_string(path).into_diagnostic().with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_without_the_time_to_run_a_scenario_catches_nothing() {
        let lacks =
            |lacks: &str| vacuous(&format!(r#"{{"runs":3,"vacuous":[{lacks}]}}"#)).map(|caught| caught.by);
        assert_eq!([lacks(""), lacks(r#""bank/a: no run was made""#)], [None, None]);
        assert!(lacks(r#""bank/a: no run was made","bank/b: no operation succeeded""#).is_some());
    }

    #[test]
    fn a_program_of_tests_is_called_what_comes_before_its_hash() {
        let called = |file, name| is_called(Path::new("target/debug/deps").join(file).as_path(), name);
        assert!(
            called("protocols-0a1b2c", "protocols") && called("wal-3d4e5f", "wal") && called("wal", "wal")
        );
        assert!(!called("real_sockets-6a7b8c", "wal") && !called("walls-9d0e1f", "wal"));
    }
}
