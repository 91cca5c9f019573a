//! What a failover costs, in simulated time: `cargo bench --bench failover -- scenarios/failover`.
//!
//! Of each scenario in a folder: the longest time without a write a run (median, 99th percentile and longest over all
//! seeds), how long more than one database took itself for the primary, and how many acknowledged writes were lost, per
//! run and in the worst. Runs that violate what their scenario expects are counted, too: their figures are no promise.
//!
//! `SPLITBRAIN_SEEDS=100` sets how many runs of each.
#![allow(clippy::print_stdout)] // a table is the result

mod support;

use sim::catalog::{Case, Catalog};
use sim::once;
use sim::run::{Attention, Met};
use splitbrain::systems::failover::Figures;
use std::time::Duration;

fn main() {
    let seeds = support::seeds(20);
    // What is not a folder is an option of cargo's.
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let folder =
        folder.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/failover").to_owned());
    let cases = Catalog::new(splitbrain::systems::ALL).load(&folder, &[]);
    println!(
        "{:<42} {:>9} {:>9} {:>9} {:>9} {:>9} {:>11} {:>9} {:>11}",
        "", "no write:", "", "", "two pri-", "maries:", "lost writes", "", "unexpected"
    );
    println!(
        "{:<42} {:>9} {:>9} {:>9} {:>9} {:>9} {:>11} {:>9} {:>11}",
        "scenario", "p50", "p99", "max", "p99", "max", "per run", "max", "runs"
    );
    for case in cases.expect("the scenarios are right") {
        println!("{}", row(&case, seeds));
    }
}

fn row(case: &Case, seeds: u64) -> String {
    let (mut without, mut shared, mut lost, mut unexpected) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let runs = support::on_all_cores(seeds, |seed| {
        let (report, recording) = once(case.system, &case.scenario, seed, Attention::RECORDED);
        let is_unexpected = report.met(&case.scenario.check.expect) == Met::Unexpected;
        (is_unexpected, recording.as_ref().map(Figures::of))
    });
    for (is_unexpected, figures) in runs {
        unexpected += u64::from(is_unexpected);
        let Some(figures) = figures else { continue };
        // Without a single write it is as long as clients worked.
        without.push(figures.without_writes.unwrap_or(case.scenario.workload.duration.get()));
        shared.push(figures.two_primaries);
        lost.extend(figures.lost);
    }
    let name = case.name.rsplit_once("scenarios/").map_or(&*case.name, |(_, name)| name);
    let [no50, no99, no_max] = [0.5, 0.99, 1.0].map(|part| seconds(&mut without, part));
    let [two99, two_max] = [0.99, 1.0].map(|part| seconds(&mut shared, part));
    let per_run = lost.iter().sum::<usize>() as f64 / lost.len().max(1) as f64;
    let most = lost.iter().max().copied().unwrap_or_default();
    format!(
        "{name:<42} {no50:>8.1}s {no99:>8.1}s {no_max:>8.1}s {two99:>8.1}s {two_max:>8.1}s {per_run:>11.2} \
         {most:>9} {unexpected:>11}"
    )
}

/// The time that so great a part of the runs does not exceed.
fn seconds(times: &mut [Duration], part: f64) -> f64 {
    times.sort_unstable();
    let rank = (times.len() as f64 * part).ceil() as usize;
    times.get(rank.saturating_sub(1)).map_or(0.0, Duration::as_secs_f64)
}
