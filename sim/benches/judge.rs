//! How long a history takes to judge.
//!
//! Every client has an operation under way nearly all the time, so that with 50 clients some 40 are concurrent at any
//! instant: far more than most recorded histories have. Histories are good ones; a bad one ends where it goes wrong.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use sim::Draw;
use sim::check::linearizable::models::bank::{self, Bank};
use sim::check::linearizable::models::key_value::{self, Content, KeyValue, Seen};
use sim::check::linearizable::models::register::{self, Register};
use sim::check::linearizable::models::{Datum, Readable};
use sim::check::linearizable::{Budget, Finding, Model, Operation, check};
use sim::history::{End, Moment, Recorded};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hint::black_box;

/// What a history is like.
#[derive(Debug, Clone, Copy)]
struct Shape {
    operations: usize,
    clients: usize,
    /// How many of a thousand operations end unknown; half of those take effect.
    unknown: u64,
    /// Part of the time, half of the clients get no answer, as behind a partition.
    partitions: bool,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} operations, {} clients", self.operations, self.clients)?;
        if self.unknown > 0 {
            write!(f, ", {} % unknown", self.unknown as f64 / 10.0)?;
        }
        if self.partitions {
            write!(f, ", partitions")?;
        }
        Ok(())
    }
}

/// What a client has under way: its operation, whether it takes effect and whether it is answered.
struct Open<Ret> {
    index: usize,
    ret: Option<Ret>,
    takes_effect: bool,
    is_answered: bool,
}

/// A linearizable history of objects that answer as `answer` says.
fn history<M: Model>(
    shape: Shape,
    model: &M,
    op: impl Fn(&mut Draw) -> M::Op,
    mut answer: impl FnMut(&M::State, &M::Op) -> M::Ret,
) -> Vec<Operation<M::Op, M::Ret>> {
    let mut draw = Draw::new(7, "bench", &shape.to_string());
    let mut states: HashMap<Option<String>, M::State> = HashMap::new();
    let mut open: Vec<Option<Open<M::Ret>>> = (0..shape.clients).map(|_| None).collect();
    let mut operations: Vec<Operation<M::Op, M::Ret>> = Vec::with_capacity(shape.operations);
    let mut now = 0;
    while operations.len() < shape.operations || open.iter().any(Option::is_some) {
        now += 1;
        let client = draw.below(shape.clients as u64) as usize;
        // A quarter of the time, a partition has the first half of the clients on its wrong side.
        let is_cut = shape.partitions && now / 2_000 % 4 == 3 && client < shape.clients / 2;
        match &mut open[client] {
            None if operations.len() == shape.operations => {}
            None => {
                let is_unknown = draw.below(1000) < shape.unknown;
                let takes_effect = !is_unknown || draw.chance(0.5);
                open[client] =
                    Some(Open { index: operations.len(), ret: None, takes_effect, is_answered: !is_unknown });
                operations.push(Operation { op: op(&mut draw), end: None, call: now });
            }
            Some(_) if is_cut => {}
            Some(Open { index, ret: ret @ None, takes_effect: true, .. }) => {
                let op = &operations[*index].op;
                let state = states.entry(model.key(op)).or_insert_with(|| model.initial());
                let told = answer(state, op);
                let mut next = Vec::new();
                model.step(state, op, Some(&told), &mut next);
                *state = next.pop().expect("the answer is right");
                *ret = Some(told);
            }
            Some(done) => {
                let ret = done.ret.take().filter(|_| done.is_answered);
                operations[done.index].end = ret.map(|ret| (ret, now));
                open[client] = None;
            }
        }
    }
    operations
}

fn registers(shape: Shape) -> (Register, Vec<Operation<register::Op, Datum>>) {
    let model = Register { initial: Datum::NULL };
    let op = |draw: &mut Draw| match draw.below(2) {
        0 => register::Op::Read,
        _ => register::Op::Write(Datum::from(&json!(draw.below(1000)))),
    };
    let operations = history(shape, &model, op, |state, op| match op {
        register::Op::Read => *state,
        register::Op::Write(_) => Datum::NULL,
    });
    (model, operations)
}

fn key_values(shape: Shape, keys: u64) -> (KeyValue, Vec<Operation<key_value::Op, key_value::Ret>>) {
    use key_value::{Action, Op, Ret};
    let model = KeyValue { initial: Content::MISSING };
    let texts = RefCell::new(HashMap::new());
    let op = |draw: &mut Draw| {
        let text = draw.below(1000).to_string();
        let value = Content::from(&json!(text));
        let action = match draw.below(4) {
            0 | 1 => Action::Get,
            2 => Action::Put(value),
            _ => Action::Append(value),
        };
        if action != Action::Get {
            texts.borrow_mut().insert(value, text);
        }
        Op { key: draw.below(keys).to_string(), action }
    };
    // The model's state knows a text by its hash; what is read is the text.
    let mut values: HashMap<String, String> = HashMap::new();
    let operations = history(shape, &model, op, |_, op| {
        let value = values.get(&op.key);
        let (text, ret) = match &op.action {
            Action::Put(text) => (texts.borrow()[text].clone(), Ret::Done),
            Action::Append(text) => (value.cloned().unwrap_or_default() + &texts.borrow()[text], Ret::Done),
            _ => return Ret::Value(Seen::from(&json!(value))),
        };
        values.insert(op.key.clone(), text);
        ret
    });
    (model, operations)
}

/// Ten accounts with 100 each: transfers and reads of one account, deposits and withdrawals.
fn accounts(shape: Shape) -> (Bank, Vec<Operation<bank::Op, bank::Ret>>) {
    use bank::{Op, Ret};
    let model = Bank::new(100);
    let moment = Moment { line: 1, time_ns: None, order: 0 };
    // The bank learns its accounts from the operations it reads.
    for account in 0..10 {
        let (f, invoked) = ("balance".to_owned(), json!(account));
        let recorded = Recorded { process: 0, f, invoked, end: End::Unknown, call: moment, done: None };
        model.op(&recorded).expect("a bank has balances");
    }
    let op = |draw: &mut Draw| {
        let (one, two) = (draw.below(10) as u8, draw.below(9) as u8);
        let amount = draw.between(1, 20) as i64;
        match draw.below(10) {
            0..5 => Op::Transfer(one, (one + two + 1) % 10, amount),
            5 => Op::Deposit(one, amount),
            6 => Op::Withdraw(one, amount),
            _ => Op::Balance(one),
        }
    };
    let operations = history(shape, &model, op, |state, op| {
        let is = |ret: Ret| {
            let mut next = Vec::new();
            model.step(state, op, Some(&ret), &mut next);
            (!next.is_empty()).then_some(ret)
        };
        let balance = || (0..).find_map(|balance| is(Ret::Balance(balance)));
        is(Ret::Done)
            .filter(|_| !matches!(op, Op::Balance(_)))
            .or_else(|| is(Ret::Refused))
            .or_else(balance)
            .expect("an answer")
    });
    (model, operations)
}

#[allow(clippy::type_complexity, clippy::print_stderr)] // one caller; and whoever benches reads what is left out
fn run<M: Model>(
    criterion: &mut Criterion,
    group: &str,
    name: String,
    (model, operations): (M, Vec<Operation<M::Op, M::Ret>>),
) {
    let judgement = check(&model, &operations, Budget::default());
    if judgement.finding != Finding::Linearizable {
        // The figure of a search that gave up says nothing about how fast it is.
        eprintln!("{group}, {name}: {judgement:?}");
        return;
    }
    let mut group = criterion.benchmark_group(group);
    group.sample_size(10).throughput(Throughput::Elements(operations.len() as u64));
    group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
        bencher.iter(|| check(&model, black_box(&operations), Budget::default()));
    });
    group.finish();
}

fn judge(criterion: &mut Criterion) {
    for operations in [1_000, 10_000, 100_000] {
        for clients in [5, 50] {
            for (unknown, partitions) in [(0, false), (0, true), (20, false), (20, true)] {
                let shape = Shape { operations, clients, unknown, partitions };
                run(criterion, "register", shape.to_string(), registers(shape));
                run(criterion, "key-value, 1 key", shape.to_string(), key_values(shape, 1));
                run(criterion, "key-value, 100 keys", shape.to_string(), key_values(shape, 100));
            }
        }
    }
    for clients in [5, 10, 20, 50] {
        for unknown in [0, 20] {
            let shape = Shape { operations: 5_000, clients, unknown, partitions: false };
            run(criterion, "bank, 10 accounts", shape.to_string(), accounts(shape));
        }
    }
}

criterion_group!(benches, judge);
criterion_main!(benches);
