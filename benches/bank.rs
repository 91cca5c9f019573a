//! What transfers cost, in simulated time: `cargo bench --bench bank`.
//!
//! Sixteen clients do one transfer after the other between three branches: calm, with one branch cut off for half of the
//! time, and with disks fifty times as slow. Measured: how many were committed a simulated second, and how long each took
//! from the request to the answer, over all seeds.
//!
//! `SPLITBRAIN_SEEDS=100` sets how many runs of each.
#![allow(clippy::print_stdout)] // a table is the result

use sim::catalog::Catalog;
use sim::history::Line;
use sim::latency::{Latencies, Sample};
use sim::once;
use sim::run::{Attention, Recording};
use std::collections::BTreeMap;
use std::time::Instant;

/// How long clients work, as the scenarios have it.
const SECONDS: f64 = 20.0;

fn main() {
    let seeds: u64 = std::env::var("SPLITBRAIN_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    println!("              transfers/s       p50       p99     p99.9       max   wall a run");
    for name in ["calm", "partition", "slow-disk"] {
        let path = format!("{}/benches/bank/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let case =
            Catalog::new(splitbrain::systems::ALL).load(&path, &[]).expect("the scenario is right").remove(0);
        let (mut latencies, mut committed, start) = (Latencies::new(), 0, Instant::now());
        for seed in 0..seeds {
            let (report, recording) = once(case.system, &case.scenario, seed, Attention::RECORDED);
            assert!(report.violations.is_empty(), "seed {seed}: {:?}", report.violations);
            let samples = transfers(&recording.expect("it was recorded"));
            committed += samples.len();
            latencies.record(&samples);
        }
        let (all, wall) = (latencies.all(), start.elapsed() / seeds.max(1) as u32);
        let rate = committed as f64 / seeds as f64 / SECONDS;
        let [p50, p99, p999, max] = [all.p50, all.p99, all.p999, all.max].map(|us| us as f64 / 1e3);
        println!(
            "{name:<12} {rate:>12.0} {p50:>7.1} ms {p99:>6.0} ms {p999:>6.0} ms {max:>6.0} ms {wall:>12.1?}"
        );
    }
}

/// The transfers that were done, and how long each took.
fn transfers(recording: &Recording) -> Vec<Sample> {
    let mut began: BTreeMap<u32, &Line> = BTreeMap::new();
    let mut samples = Vec::new();
    for line in &recording.history {
        if line.kind == "invoke" {
            began.insert(line.process, line);
        } else if let Some(invocation) = began.remove(&line.process)
            && line.f == "transfer"
            && line.value == "done"
        {
            samples.push(Sample { us: (line.time - invocation.time) / 1000, calm: true, kind: "transfer" });
        }
    }
    samples
}
