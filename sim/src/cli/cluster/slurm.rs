//! Slurm: a job array, a job that merges after it, and a script that hands in both.

use super::{Task, Written};

pub(super) const NEXT: &str = "run submit.sh in its folder, which all machines must see";

pub(super) fn files(task: &Task) -> Vec<Written> {
    let last = task.shards - 1;
    let sweep = task.sweep_command(&format!("\"$SLURM_ARRAY_TASK_ID/{}\"", task.shards), "\"$RESULTS\"");
    let array = format!(
        r#"#!/bin/bash
#SBATCH --job-name=splitbrain
#SBATCH --array=0-{last}
#SBATCH --cpus-per-task=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=shard-%a.log
# A shard of the sweep. What ends it otherwise than by its own exit code (a lost machine, a signal) puts it back in the
# queue, and it goes on where it was.
: "${{RESULTS:?submit.sh sets it}}" "${{SOURCE:?submit.sh sets it}}"
cd "$SOURCE" || exit 2
code=0
{sweep} --jobs "${{SLURM_CPUS_PER_TASK:-1}}" || code=$?
case $code in
0 | 1 | 3 | 4) exit 0 ;;
2) exit 2 ;;
*) scontrol requeue "$SLURM_JOB_ID" && sleep 60 ;;
esac
"#
    );
    let merge = format!(
        r#"#!/bin/bash
#SBATCH --job-name=splitbrain-merge
#SBATCH --output=merge.log
# What all shards found. Its exit code is the sweep's.
: "${{RESULTS:?submit.sh sets it}}" "${{SOURCE:?submit.sh sets it}}"
cd "$SOURCE" || exit 2
{}
"#,
        task.merge_command("\"$RESULTS\"")
    );
    let submit = r#"#!/bin/bash
# Hands in the array, and the merge that waits for all of it. Results and logs go into this folder; scenarios are read from
# the folder given, or the one above this.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export RESULTS="$here/results" SOURCE="${1:-$(dirname "$here")}"
cd "$here"
array=$(sbatch --parsable array.sbatch)
merge=$(sbatch --parsable --dependency="afterany:$array" merge.sbatch)
echo "array $array, merge $merge: the last word is in $here/merge.log"
"#;
    vec![
        Written { name: "array.sbatch", text: array, executable: false },
        Written { name: "merge.sbatch", text: merge, executable: false },
        Written { name: "submit.sh", text: submit.to_owned(), executable: true },
    ]
}
