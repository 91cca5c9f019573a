//! Whole runs a second, and what an empty run costs: thread, runtimes, world and verdict.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sim::catalog::{Case, Catalog};
use sim::once;
use sim::run::Attention;

fn case(name: &str, overrides: &[(&str, &str)]) -> Case {
    let overrides: Vec<(String, String)> =
        overrides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let mut cases =
        Catalog::new(splitbrain::systems::ALL).load(name, &overrides).expect("the scenario is right");
    cases.pop().expect("a name is one scenario")
}

fn runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("runs");
    group.throughput(Throughput::Elements(1)).sample_size(50);
    for name in ["registry/netsplit", "registry/swarm"] {
        let case = case(name, &[]);
        let mut seed = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                seed += 1;
                once(case.system, &case.scenario, seed, Attention::QUICK)
            });
        });
    }
    let empty =
        case("registry/quiet", &[("cluster.nodes", "1"), ("workload.for", "1ms"), ("workload.clients", "1")]);
    group.bench_function("nearly empty", |bencher| {
        bencher.iter(|| once(empty.system, &empty.scenario, 1, Attention::QUICK));
    });
    group.bench_function("thread and runtimes alone", |bencher| {
        bencher.iter(|| {
            sim::run::on_fresh_thread(1, || {
                madsim::runtime::Runtime::with_seed_and_config(1, madsim::Config::default())
                    .block_on(async {});
            });
        });
    });
    group.finish();
}

criterion_group!(benches, runs);
criterion_main!(benches);
