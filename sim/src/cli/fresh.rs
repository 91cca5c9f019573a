//! A seed again, in a fresh process of this program.

use super::twice::Traced;
use crate::catalog::Case;
use crate::sweep::Again;
use crate::verdict::Violation;
use serde::Deserialize;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the seed in a new process, and reads what it found.
pub(super) fn again_in_a_fresh_process(case: &Case, seed: u64) -> Result<Again, String> {
    again(command("run", case, seed)?)
}

/// Replays the seed in a new process, and reads its digest and trace.
pub(super) fn trace_in_a_fresh_process(case: &Case, seed: u64) -> Result<Traced, String> {
    let folder = tempfile::tempdir().map_err(failed)?;
    let mut command = command("replay", case, seed)?;
    command.arg("--out").arg(folder.path());
    let Again { digest, .. } = again(command)?;
    let mut lines = lines_of(&folder.path().join("trace.jsonl"))?;
    lines.extend(lines_of(&folder.path().join("logs.jsonl"))?);
    lines.sort_by_key(|(number, _)| *number);
    Ok(Traced { digest, lines: lines.into_iter().map(|(_, line)| line).collect() })
}

fn command(subcommand: &str, case: &Case, seed: u64) -> Result<Command, String> {
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.arg(subcommand).arg(&case.path).args(["--json", "--seed", &seed.to_string()]);
    for (key, value) in &case.overrides {
        command.args(["--set", &format!("{key}={value}")]);
    }
    Ok(command)
}

/// What matters here of what `run --json` prints.
#[derive(Deserialize)]
struct Printed {
    digest: String,
    violations: Vec<Violation>,
    unconfirmed: Option<String>,
}

fn again(mut command: Command) -> Result<Again, String> {
    let output = command.stdin(Stdio::null()).output().map_err(failed)?;
    let Printed { digest, violations, unconfirmed } = serde_json::from_slice(&output.stdout)
        .map_err(|error| failed(format!("{} ({error})", output.status)))?;
    match (unconfirmed, digest.parse()) {
        (Some(why), _) => Err(why),
        (None, Ok(digest)) => Ok(Again { digest, violations }),
        (None, Err(error)) => Err(failed(error)),
    }
}

/// The lines of a trace's file, with their numbers.
fn lines_of(path: &Path) -> Result<Vec<(usize, String)>, String> {
    #[derive(Deserialize)]
    struct Numbered {
        number: usize,
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let numbered = |line: &str| {
        serde_json::from_str(line).map(|Numbered { number }| (number, line.to_owned())).map_err(failed)
    };
    text.lines().map(numbered).collect()
}

fn failed(why: impl std::fmt::Display) -> String {
    format!("the run could not be repeated in a fresh process: {why}")
}
