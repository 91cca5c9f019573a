//! GitHub Actions: one job builds, a matrix sweeps, one job merges. All shards run the same build, or they would not merge.

use super::{Task, Written, yaml};
use crate::text::quoted;

pub(super) const NEXT: &str = "move it to .github/workflows";

pub(super) fn files(task: &Task) -> Vec<Written> {
    let shards: Vec<String> = (0..task.shards).map(|shard| shard.to_string()).collect();
    let shard = task.shard_script(&format!("\"$SHARD/{}\"", task.shards), "results");
    let text = format!(
        r#"name: sweep
on:
  workflow_dispatch:
  schedule:
    - cron: "17 2 * * *"
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: cargo build --release --locked
      - uses: actions/upload-artifact@v4
        with: {{ name: program, path: {program} }}
  sweep:
    needs: build
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix:
        shard: [{shards}]
    steps:
      - uses: actions/checkout@v4
      - uses: actions/download-artifact@v4
        with: {{ name: program, path: {folder} }}
      - run: {script}
        env:
          SHARD: ${{{{ matrix.shard }}}}
      - uses: actions/upload-artifact@v4
        if: always()
        with: {{ name: "results-${{{{ matrix.shard }}}}", path: results }}
  merge:
    needs: sweep
    if: always()
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/download-artifact@v4
        with: {{ name: program, path: {folder} }}
      - uses: actions/download-artifact@v4
        with: {{ pattern: "results-*", path: results, merge-multiple: true }}
      - run: {merge}
      - uses: actions/upload-artifact@v4
        if: always()
        with: {{ name: report, path: results }}
"#,
        program = yaml(&task.program),
        folder = yaml(folder_of(&task.program)),
        shards = shards.join(", "),
        script = yaml(&with_program(task, &shard)),
        merge = yaml(&with_program(task, &task.merge_command("results"))),
    );
    vec![Written { name: "sweep.yml", text, executable: false }]
}

/// An artifact loses its permissions.
fn with_program(task: &Task, script: &str) -> String {
    format!("chmod +x {}; {script}", quoted(&task.program))
}

fn folder_of(program: &str) -> &str {
    program.rsplit_once('/').map_or(".", |(folder, _)| folder)
}
