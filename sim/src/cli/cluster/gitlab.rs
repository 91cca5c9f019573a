//! GitLab: one job builds, parallel jobs sweep, one job merges. All shards run the same build, or they would not merge.

use super::{Task, Written, yaml};

pub(super) const NEXT: &str = "include it from .gitlab-ci.yml";

pub(super) fn files(task: &Task) -> Vec<Written> {
    // GitLab counts its parallel jobs from 1.
    let shard = format!("\"$((CI_NODE_INDEX - 1))/{}\"", task.shards);
    let text = format!(
        r#"stages: [build, sweep, merge]
build:
  stage: build
  image: rust:latest
  script:
    - cargo build --release --locked
  artifacts:
    paths: [{program}]
sweep:
  stage: sweep
  image: rust:latest
  parallel: {shards}
  retry: {{ max: 2, when: [runner_system_failure, stuck_or_timeout_failure] }}
  script:
    - {script}
  artifacts:
    when: always
    paths: [results]
merge:
  stage: merge
  image: rust:latest
  when: always
  script:
    - {merge}
  artifacts:
    when: always
    paths: [results]
    reports:
      junit: results/report.xml
"#,
        program = yaml(&task.program),
        shards = task.shards,
        script = yaml(&task.shard_script(&shard, "results")),
        merge = yaml(&task.merge_command("results")),
    );
    vec![Written { name: "sweep.gitlab-ci.yml", text, executable: false }]
}
