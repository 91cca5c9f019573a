//! How long it takes to judge histories: from few operations to many, by few clients and by many, on one key and on a
//! hundred, with and without unknown outcomes and partitions.
//!
//! `TRANSACTIONS=1000000` has so many transactions in those histories that are of transactions.
//!
//! `HISTORIES=DIR cargo bench -p splitbrain-sim --bench judge` judges nothing, and writes the histories to a folder:
//! `benches/peers/porcupine` compares splitbrain with Porcupine on them.
#![allow(missing_docs)] // a program

mod histories;
mod transactions;

use criterion::{BenchmarkId, Criterion, Throughput};
use histories::{Bank, KeyValue, Object, Register, Shape, history};
use sim::check::Judge;
use sim::check::linearizable::Budget;
use sim::run::Verdict;
use std::hint::black_box;
use transactions::{Audited, Keys};

/// A history to be judged.
struct Case {
    model: &'static str,
    title: String,
    shape: Shape,
    object: fn() -> Box<dyn Object>,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |model, keys: &str, shape: Shape, object| {
        cases.push(Case { model, title: format!("{keys}{shape}"), shape, object });
    };
    for operations in [1_000, 10_000, 100_000] {
        for clients in [5, 20, 50] {
            for (unknown, partitions) in [(0, false), (0, true), (20, false), (20, true)] {
                let shape = Shape { operations, clients, unknown, partitions };
                add("register:null", "", shape, || Box::new(Register::default()));
                add("key-value:\"\"", "1 key, ", shape, || Box::new(KeyValue::new(1)));
                add("key-value:\"\"", "100 keys, ", shape, || Box::new(KeyValue::new(100)));
            }
        }
    }
    for clients in [5, 10, 20, 50] {
        for unknown in [0, 2, 20] {
            let shape = Shape { operations: 5_000, clients, unknown, partitions: false };
            add("bank:100", "10 accounts, ", shape, || Box::new(Bank::default()));
        }
    }
    let asked = std::env::var("TRANSACTIONS").unwrap_or_else(|_| "1000,10000,100000".to_owned());
    for operations in asked.split(',').map(|count| count.parse().expect("a number")) {
        for clients in [5, 20] {
            let shape = Shape { operations, clients, unknown: 5, partitions: false };
            for model in ["list-append", "list-append:strict-serializable", "list-append:snapshot-isolation"]
            {
                add(model, "", shape, || Box::new(Keys::default()));
            }
            for model in ["rw-register:strict-serializable", "rw-register:strong-snapshot-isolation"] {
                add(model, "", shape, || Box::new(Keys::registers()));
            }
            add("bank-audit:strict-serializable", "", shape, || Box::new(Audited::default()));
        }
    }
    cases
}

#[expect(clippy::print_stderr, reason = "whoever benches reads what is left out")]
fn bench(criterion: &mut Criterion, case: &Case) {
    let text = history(case.shape, &mut *(case.object)());
    let history = sim::history::read(text.as_bytes()).expect("a history of this bench");
    let judge: Judge = case.model.parse().expect("a model");
    let judged = || judge.judge(black_box(&history), Budget::default()).expect("the model's own functions");
    let ruling = judged();
    if ruling.verdict != Verdict::Valid {
        // The figure of a search that gave up says nothing about how fast it is.
        eprintln!("{}, {}: {}", case.model, case.title, ruling.summary);
        return;
    }
    let mut group = criterion.benchmark_group(case.model);
    group.sample_size(10).throughput(Throughput::Elements(history.len() as u64));
    group.bench_function(BenchmarkId::from_parameter(&case.title), |bencher| bencher.iter(judged));
    group.finish();
}

/// Writes every history to a folder, under the name `MODEL@title.jsonl`.
fn write(folder: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for case in cases() {
        let model = case.model.split(':').next().unwrap_or_default();
        let text = history(case.shape, &mut *(case.object)());
        std::fs::write(format!("{folder}/{model}@{}.jsonl", case.title), text)?;
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    if let Ok(folder) = std::env::var("HISTORIES") {
        return write(&folder);
    }
    let mut criterion = Criterion::default().configure_from_args();
    for case in cases() {
        bench(&mut criterion, &case);
    }
    criterion.final_summary();
    Ok(())
}
