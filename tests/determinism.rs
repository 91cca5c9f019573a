//! One seed, one run: alone, in a sweep, reversed, on one thread and on two, recorded or not, as its own plan.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

mod support;

use sim::Digest;
use sim::catalog::{Case, Catalog};
use sim::once;
use sim::run::Attention;
use sim::scenario::Scenario;
use sim::sweep::{Again, Plan, Step, sweep};
use std::collections::BTreeMap;
use std::sync::Mutex;
use support::{case, record};

const SEEDS: u64 = 24;

fn digest(case: &Case, seed: u64) -> Digest {
    once(case.system, &case.scenario, seed, Attention::QUICK).0.digest
}

fn digests(case: &Case, seeds: impl Iterator<Item = u64>) -> BTreeMap<u64, Digest> {
    seeds.map(|seed| (seed, digest(case, seed))).collect()
}

/// The digests as so many threads find them, last seed first.
fn digests_on_threads(case: &Case, threads: usize) -> BTreeMap<u64, Digest> {
    let queue = Mutex::new((0..SEEDS).collect::<Vec<_>>());
    let found = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(seed) = queue.lock().unwrap().pop() else { break };
                    let digest = digest(case, seed);
                    found.lock().unwrap().insert(seed, digest);
                }
            });
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn a_seed_has_one_digest_however_runs_are_scheduled() {
    let case = case("registry/swarm");
    let forwards = digests(&case, 0..SEEDS);
    assert_eq!(forwards, digests(&case, (0..SEEDS).rev()), "in reverse order");
    assert_eq!(forwards, digests_on_threads(&case, 1), "on one thread");
    assert_eq!(forwards, digests_on_threads(&case, 2), "on two threads");
    let distinct: std::collections::BTreeSet<_> = forwards.values().collect();
    assert_eq!(distinct.len() as u64, SEEDS, "different seeds are different runs");
}

#[test]
fn recording_does_not_change_a_run() {
    for name in ["registry/swarm", "registry/crash-restart", "findings/two-names-two-deaths"] {
        let case = case(name);
        for seed in 0..6 {
            assert_eq!(record(&case, seed).0.digest, digest(&case, seed), "{name} seed {seed}");
        }
    }
}

#[test]
fn a_resolved_plan_is_the_same_run() {
    for name in ["registry/swarm", "bank/swarm", "store/swarm", "failover/stolon-swarm"] {
        let swarm = case(name);
        for seed in 0..3 {
            let (report, recording) = record(&swarm, seed);
            let plan = recording.plan;
            assert!(!plan.operations.is_empty() && plan.workload.mix.is_empty(), "it lists what clients do");
            let plan = Scenario::parse("plan", &plan.to_toml(), &[], &Catalog::new(splitbrain::systems::ALL))
                .unwrap();
            let again = once(swarm.system, &plan, seed, Attention::QUICK).0;
            assert_eq!(again.digest, report.digest, "{name} seed {seed}");
        }
    }
}

#[test]
fn a_seed_alone_in_a_fresh_process_has_the_digest_it_has_here() {
    let case = case("registry/swarm");
    for seed in [3, 7] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_splitbrain"))
            .args(["run", "registry/swarm", "--json", "--seed", &seed.to_string()])
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["digest"], digest(&case, seed).to_string(), "seed {seed}");
    }
}

#[test]
fn a_sweep_finds_the_same_on_one_core_and_on_two() {
    let cases = [case("zoo/loser-not-broadcast"), case("registry/netsplit-conflict")];
    let outcome = |jobs: usize| {
        let plan = Plan { jobs, ..Plan::new(&cases, 0..60) };
        let mut failures = Vec::new();
        let progress = sweep(&plan, &sim::sweep::confirm_on_a_fresh_thread, |_, step| {
            if let Step::Released(Some(failure)) = step {
                failures.push((failure.case, failure.report.seed, failure.report.digest));
            }
            true
        });
        let summary = progress.summary;
        (summary.runs, summary.violations, summary.messages, summary.probes, summary.digest, failures)
    };
    let on_one = outcome(1);
    assert_eq!(on_one, outcome(2));
    assert!(!on_one.5.is_empty(), "the flaw is found within these seeds");
}

#[test]
fn a_run_that_is_not_deterministic_is_reported_as_such() {
    let cases = [case("zoo/no-sync-after-heal")];
    let plan = Plan { jobs: 1, ..Plan::new(&cases, 0..20) };
    // The second run answers with the digest of another: what a leak would look like.
    let confirm =
        |case: &Case, seed: u64| Ok(Again { digest: digest(case, seed + 1), violations: Vec::new() });
    let mut seeds = Vec::new();
    let progress = sweep(&plan, &confirm, |_, step| {
        if let Step::Released(Some(failure)) = step {
            seeds.push((failure.report.seed, failure.nondeterminism.is_some()));
        }
        true
    });
    let shown = progress.summary.cases[0].shown.unwrap().0;
    assert_eq!(
        seeds,
        [(0, true), (shown, true)],
        "the first run is confirmed, whatever it found, and each failing one"
    );
    assert_eq!(progress.summary.nondeterministic, 2);
}
