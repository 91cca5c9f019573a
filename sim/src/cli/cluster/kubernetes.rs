//! Kubernetes: an Indexed Job with an index a shard, and a job that merges. Both mount one volume claim, `splitbrain`, which
//! many pods may write to at once.

use super::{Task, Written, yaml};

pub(super) const NEXT: &str = "kubectl apply -f sweep.yaml; kubectl wait --for=condition=complete --timeout=24h \
                               job/splitbrain-sweep; kubectl apply -f merge.yaml; kubectl logs -f job/splitbrain-merge";

/// How often an index that is lost is started again.
const RETRIES: u32 = 10;

pub(super) fn files(task: &Task) -> Vec<Written> {
    let shard = task.shard_script(&format!("\"$JOB_COMPLETION_INDEX/{}\"", task.shards), "/results");
    let indexed = format!(
        "  completions: {0}\n  parallelism: {0}\n  completionMode: Indexed\n  backoffLimitPerIndex: {RETRIES}\n",
        task.shards
    );
    vec![
        Written {
            name: "sweep.yaml",
            text: job("splitbrain-sweep", &indexed, task, &shard),
            executable: false,
        },
        Written {
            name: "merge.yaml",
            text: job("splitbrain-merge", "  backoffLimit: 0\n", task, &task.merge_command("/results")),
            executable: false,
        },
    ]
}

fn job(name: &str, how: &str, task: &Task, script: &str) -> String {
    format!(
        r#"apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
spec:
{how}  template:
    spec:
      restartPolicy: Never
      containers:
        - name: splitbrain
          image: {image}
          command: ["sh", "-c", {script}]
          resources:
            requests: {{ cpu: "1", memory: 512Mi }}
            limits: {{ memory: 1Gi }}
          volumeMounts:
            - {{ name: results, mountPath: /results }}
      volumes:
        - name: results
          persistentVolumeClaim: {{ claimName: splitbrain }}
"#,
        image = yaml(&task.image),
        script = yaml(script),
    )
}
