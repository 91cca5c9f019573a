//! A failing seed again, in a fresh process of this program.

use crate::catalog::Case;
use host::world::Digest;
use std::process::{Command, Stdio};

/// Runs the seed with `run --json` in a new process, and reads its digest.
pub(super) fn digest_in_a_fresh_process(case: &Case, seed: u64) -> Result<Digest, String> {
    let failed = |why: String| format!("the run could not be repeated in a fresh process: {why}");
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.arg("run").arg(&case.path).args(["--json", "--seed", &seed.to_string()]);
    for (key, value) in &case.overrides {
        command.args(["--set", &format!("{key}={value}")]);
    }
    let output = command.stdin(Stdio::null()).output().map_err(|error| failed(error.to_string()))?;
    let line: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| failed(format!("{} ({error})", output.status)))?;
    line["digest"]
        .as_str()
        .and_then(|digest| digest.parse().ok())
        .ok_or_else(|| failed("it has no digest".into()))
}
