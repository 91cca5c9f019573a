//! `cluster`: the files that run a sweep on as many machines as an existing engine has.
//!
//! A shard is a task of the engine's: an element of a job array, of a matrix, an index of a job. Each keeps its progress in a
//! folder, so that one that is lost is started again by the engine and goes on where it was; a last task merges what all
//! have found, whatever became of them. A shard that has come to its end has done its work, whatever it found: it is the
//! merge that says what the sweep says, with its exit code.
//!
//! What is written is a beginning: partitions, images, limits of memory and time are the owner's to add. One file an
//! engine here, and a line in [`Engine`].

mod github;
mod gitlab;
mod kubernetes;
mod slurm;

use super::sweep::seeds;
use super::{Exit, Overrides, out};
use crate::catalog::Catalog;
use crate::text::quoted;
use clap::{Args, ValueEnum};
use miette::{Context, IntoDiagnostic};
use std::fs;
use std::ops::Range;
use std::path::PathBuf;

/// Arguments of `cluster`.
#[derive(Debug, Args)]
pub(super) struct Cluster {
    /// What the shards run on.
    engine: Engine,
    /// Scenario files, folders, or names that `list` shows.
    #[arg(required = true)]
    scenarios: Vec<String>,
    /// The seeds of each: a number N for 0..N, or A..B with A below B.
    #[arg(long, default_value = "0..100000", value_parser = seeds)]
    seeds: Range<u64>,
    /// How many shards.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    shards: u16,
    /// The folder to write to.
    #[arg(long, value_name = "DIR", default_value = "cluster")]
    out: PathBuf,
    /// The program that the engine's machines call; for Kubernetes, inside of the image.
    #[arg(long, value_name = "PATH")]
    program: Option<String>,
    /// The image with the program and the scenarios (Kubernetes).
    #[arg(long, default_value = "splitbrain:latest")]
    image: String,
    #[command(flatten)]
    overrides: Overrides,
}

/// What runs shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// A job array, and a job that merges after it.
    Slurm,
    /// An Indexed Job, and a job that merges.
    Kubernetes,
    /// A workflow with a matrix.
    Github,
    /// A pipeline with parallel jobs.
    Gitlab,
}

/// A file that is written.
struct Written {
    name: &'static str,
    text: String,
    executable: bool,
}

/// What there is to run.
struct Task {
    /// The arguments of the sweep, without its shard and its folder.
    sweep: Vec<String>,
    shards: u16,
    program: String,
    image: String,
}

impl Cluster {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        // What the machines would refuse is refused here.
        for scenario in &self.scenarios {
            catalog.load(scenario, &self.overrides.overrides)?;
        }
        let task = self.task()?;
        let (files, next) = match self.engine {
            Engine::Slurm => (slurm::files(&task), slurm::NEXT),
            Engine::Kubernetes => (kubernetes::files(&task), kubernetes::NEXT),
            Engine::Github => (github::files(&task), github::NEXT),
            Engine::Gitlab => (gitlab::files(&task), gitlab::NEXT),
        };
        let mut paths = Vec::new();
        for Written { name, text, executable } in files {
            let path = self.out.join(name);
            let write = || {
                fs::create_dir_all(&self.out)?;
                fs::write(&path, text)?;
                if executable { make_executable(&path) } else { Ok(()) }
            };
            write().into_diagnostic().with_context(|| path.display().to_string())?;
            paths.push(path.display().to_string());
        }
        if json {
            out::line(&serde_json::json!({ "written": paths, "next": next }))?;
        } else {
            paths.iter().try_for_each(|path| out::say(&format!("written {path}")))?;
            out::say(&format!("  next: {next}"))?;
        }
        Ok(Exit::AsExpected)
    }

    fn task(&self) -> miette::Result<Task> {
        let program = match (&self.program, self.engine) {
            (Some(program), _) => program.clone(),
            (None, Engine::Slurm) => std::env::current_exe().into_diagnostic()?.display().to_string(),
            (None, Engine::Kubernetes) => "splitbrain".to_owned(),
            (None, Engine::Github | Engine::Gitlab) => "target/release/splitbrain".to_owned(),
        };
        let mut sweep = self.scenarios.clone();
        sweep.extend(["--seeds".to_owned(), format!("{}..{}", self.seeds.start, self.seeds.end)]);
        for (key, value) in &self.overrides.overrides {
            sweep.extend(["--set".to_owned(), format!("{key}={value}")]);
        }
        Ok(Task { sweep, shards: self.shards, program, image: self.image.clone() })
    }
}

impl Task {
    /// The sweep as a shell's words: `shard` and `out` are words of the shell's already.
    fn sweep_command(&self, shard: &str, out: &str) -> String {
        let words: Vec<String> = self.sweep.iter().map(|word| quoted(word)).collect();
        format!("{} sweep {} --shard {shard} --out {out}", quoted(&self.program), words.join(" "))
    }

    /// What a shell does to run a shard: one that has come to its end has done its work, whatever it found.
    fn shard_script(&self, shard: &str, out: &str) -> String {
        let command = self.sweep_command(shard, out);
        format!("code=0; {command} || code=$?; case $code in 0|1|3|4) exit 0;; *) exit $code;; esac")
    }

    fn merge_command(&self, out: &str) -> String {
        format!("{} merge {out} --junit {out}/report.xml", quoted(&self.program))
    }
}

/// A text as YAML reads it: JSON is YAML.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(unix)]
fn make_executable(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &std::path::Path) -> std::io::Result<()> {
    Ok(())
}
