//! `replay`: one seed again, with everything written down.

use super::{Exit, Overrides, one, out, run};
use crate::catalog::{Case, Catalog};
use crate::erased::once;
use crate::run::{Attention, Recording};
use clap::Args;
use miette::{Context, IntoDiagnostic};
use serde::Serialize;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// A scenario file, or a name that `list` shows.
    scenario: String,
    /// The seed.
    #[arg(long)]
    seed: u64,
    /// The folder to write to; replays/NAME-SEED unless set.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

impl Replay {
    pub(super) fn execute(&self, catalog: &Catalog, json: bool) -> miette::Result<Exit> {
        let case = one(catalog, &self.scenario, &self.overrides)?;
        let folder = self.out.clone().unwrap_or_else(|| folder_of(&case, self.seed));
        // Before anything is run: a folder that cannot be written to is bad input.
        fs::create_dir_all(&folder).into_diagnostic().with_context(|| folder.display().to_string())?;
        let (report, recording) = once(case.system, &case.scenario, self.seed, Attention::ALONE_AND_RECORDED);
        // A run that was given up has nothing to write down.
        if let Some(recording) = &recording {
            write(&folder, recording)?;
        }
        if json {
            out::line(&report.json(&case.name))?;
        } else {
            run::print(&case, &report)?;
            out::say(&match recording {
                Some(_) => format!(
                    "  written      {}: history.jsonl (what clients did and saw), trace.jsonl (everything that \
                     happened), scenario.toml (the plan, which runs by itself)",
                    folder.display()
                ),
                None => "  written      nothing: the run was given up, and its records are lost with it"
                    .to_owned(),
            })?;
        }
        Ok(run::exit_of(&case, &report))
    }
}

/// Where what is known of a seed is written, unless told otherwise.
pub(super) fn folder_of(case: &Case, seed: u64) -> PathBuf {
    let name: String = case.name.chars().map(|c| if c == '/' || c == '\\' { '-' } else { c }).collect();
    Path::new("replays").join(format!("{}-{seed}", name.trim_matches(['.', '-'])))
}

fn write(folder: &Path, recording: &Recording) -> miette::Result<()> {
    lines(&folder.join("history.jsonl"), recording.history.iter())?;
    let trace = recording.lines();
    lines(&folder.join("trace.jsonl"), trace)?;
    let path = folder.join("scenario.toml");
    fs::write(&path, recording.plan.to_toml()).into_diagnostic().with_context(|| path.display().to_string())
}

fn lines(path: &Path, lines: impl Iterator<Item = impl Serialize>) -> miette::Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(fs::File::create(path)?);
        for line in lines {
            serde_json::to_writer(&mut file, &line)?;
            file.write_all(b"\n")?;
        }
        file.into_inner()?.sync_all()
    };
    write().into_diagnostic().with_context(|| path.display().to_string())
}
