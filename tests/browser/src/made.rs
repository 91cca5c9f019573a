//! Pages, as the command makes them.

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The page of a run.
///
/// # Panics
///
/// If the command does not write it.
#[must_use]
pub fn of_run(folder: &Path, scenario: &str, seed: u64) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let scenario = root.join("scenarios").join(scenario).with_extension("toml");
    let mut command = command();
    command.arg("replay").arg(scenario).arg("--seed").arg(seed.to_string()).arg("--out").arg(folder);
    written(&mut command, folder.join("report.html"))
}

/// The page of a history that was judged.
///
/// # Panics
///
/// If the command does not write it.
#[must_use]
pub fn of_history(folder: &Path, model: &str, events: &[Value]) -> PathBuf {
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    let (history, page) = (folder.join("history.jsonl"), folder.join("page.html"));
    fs::write(&history, lines).expect("the folder takes a history");
    let mut command = command();
    command.args(["check", "--model", model, "--page"]).arg(&page).arg(history);
    written(&mut command, page)
}

/// The invocation of an operation, and its completion.
#[must_use]
pub fn operation(process: impl Into<Value>, f: &str, time: [u64; 2], value: [Value; 2]) -> [Value; 2] {
    let (process, [invoked, done]) = (process.into(), value);
    let event =
        |kind, time, value| json!({ "process": process, "time": time, "type": kind, "f": f, "value": value });
    [event("invoke", time[0], invoked), event("ok", time[1], done)]
}

/// Writes of 20 clients at once, so many events.
#[must_use]
pub fn writes(events: u64) -> Vec<Value> {
    let mut all: Vec<Value> = (0..events / 2)
        .flat_map(|at| operation(at % 20, "write", [1_000 * at, 1_000 * at + 15_000], [at.into(), at.into()]))
        .collect();
    all.sort_by_key(|event| event["time"].as_u64());
    all
}

/// The command under test: `SPLITBRAIN`, or what was built into the folder that this is in.
fn command() -> Command {
    let beside = || {
        let test = std::env::current_exe().expect("a test has a file");
        test.parent().and_then(Path::parent).expect("it is in a folder of the target's").join("splitbrain")
    };
    Command::new(std::env::var_os("SPLITBRAIN").map_or_else(beside, PathBuf::from))
}

fn written(command: &mut Command, page: PathBuf) -> PathBuf {
    let output = command.output().expect("the command was built: cargo build, or SPLITBRAIN=PATH");
    let errors = String::from_utf8_lossy(&output.stderr);
    // 1 is a violation, and has a page too.
    assert!(output.status.code().is_some_and(|code| code < 2), "{command:?}: {errors}");
    assert!(page.is_file(), "{command:?} writes {}", page.display());
    page
}
