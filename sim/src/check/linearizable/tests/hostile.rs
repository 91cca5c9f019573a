//! Histories made to be hard: the search ends at its limit, and says so.

use super::super::models::key_value::{self, Content, Seen};
use super::super::models::{Bank, Datum, KeyValue, Readable, Register, bank, register};
use super::super::{Budget, Finding, Operation, OutOf, check};
use crate::history::{End, Moment, Process, Recorded};
use serde_json::json;
use std::time::Duration;

fn datum(value: u64) -> Datum {
    Datum::from(&json!(value))
}

/// Deposits that are all under way at once, then a balance that none of their sums gives.
fn subset_sum(count: usize, is_answered: bool) -> (Bank, Vec<Operation<bank::Op, bank::Ret>>) {
    use bank::{Op, Ret};
    let model = Bank::new(0);
    model.op(&super::history("0 invoke balance 0")[0]).expect("an account");
    let after = count as u64 + 2;
    let deposit = |at: usize| Operation {
        op: Op::Deposit(0, 2 * (1 + at as i64)),
        end: is_answered.then_some((Ret::Done, after + at as u64)),
        call: at as u64,
    };
    let mut operations: Vec<_> = (0..count).map(deposit).collect();
    operations.push(Operation {
        op: Op::Balance(0),
        end: Some((Ret::Balance(4001), after - 1)),
        call: after - 2,
    });
    (model, operations)
}

#[test]
fn everything_concurrent_ends_at_the_memory_limit() {
    let (model, operations) = subset_sum(64, true);
    let memory_bytes = 1 << 20;
    let judgement = check(&model, &operations, Budget::of(None, memory_bytes));
    let Finding::Unknown(OutOf::Memory { limit, configurations }) = judgement.finding else {
        panic!("{judgement:?}");
    };
    assert!(limit == memory_bytes && configurations * 16 <= limit, "{configurations} configurations");
}

#[test]
fn everything_unknown_ends_at_the_memory_limit() {
    let (model, operations) = subset_sum(64, false);
    let judgement = check(&model, &operations, Budget::of(None, 1 << 20));
    assert!(matches!(judgement.finding, Finding::Unknown(OutOf::Memory { .. })), "{judgement:?}");
}

#[test]
fn everything_concurrent_and_everything_unknown_end_at_the_time_limit() {
    for is_answered in [true, false] {
        let (model, operations) = subset_sum(64, is_answered);
        // No time at all: the search sees so at its first look at the clock.
        let judgement =
            check(&model, &operations, Budget { time: Some(Duration::ZERO), ..Budget::default() });
        let Finding::Unknown(OutOf::Time { configurations, .. }) = judgement.finding else {
            panic!("{judgement:?}");
        };
        assert!(configurations < 1000, "{configurations}");
    }
}

#[test]
fn a_limit_of_steps_ends_the_search_at_the_same_configuration_each_time() {
    let (model, operations) = subset_sum(64, true);
    let budget = Budget { steps: 100_000, ..Budget::unlimited() };
    let judgement = check(&model, &operations, budget);
    let Finding::Unknown(OutOf::Steps { limit: 100_000, configurations }) = judgement.finding else {
        panic!("{judgement:?}");
    };
    assert!(configurations > 100, "{configurations}");
    assert_eq!(judgement, check(&model, &operations, budget));
}

#[test]
fn a_key_that_is_hard_does_not_hide_the_violation_of_one_that_is_easy() {
    use key_value::Op;
    let call = |key: &str, f: &str, value: serde_json::Value| Recorded {
        process: Process::Number(0),
        f: f.into(),
        invoked: if f == "get" { json!(key) } else { json!([key, value]) },
        end: End::Unknown,
        call: Moment { line: 1, time_ns: None, order: 0 },
        done: None,
    };
    let model = KeyValue { initial: Content::MISSING };
    let op = |key: &str, f: &str, value| -> Op { model.op(&call(key, f, value)).expect("a known function") };
    let read = |key: &str, seen: &str, at: u64| Operation {
        op: op(key, "get", json!(null)),
        end: Some((key_value::Ret::Value(Seen::from(&json!(seen))), at + 1)),
        call: at,
    };
    // Sixty appends of a and aa under way at once make many values, and the one that was read is too long for all.
    let append = |at: u64| Operation {
        op: op("hard", "append", json!("a".repeat(1 + at as usize))),
        end: Some((key_value::Ret::Done, 1_000 + at)),
        call: at,
    };
    let mut operations: Vec<_> = (0..60).map(append).collect();
    operations.push(read("hard", &"a".repeat(1829), 100));
    let budget = Budget::of(None, 1 << 20);
    assert!(matches!(check(&model, &operations, budget).finding, Finding::Unknown(_)));
    operations.push(read("wrong", "x", 200));
    let Finding::Violation(evidence) = check(&model, &operations, budget).finding else {
        panic!("the hard key hides the other");
    };
    assert_eq!(evidence.key.as_deref(), Some("wrong"));
}

#[test]
fn ten_thousand_writes_of_unknown_outcome_do_not_hide_a_wrong_read() {
    let write = |at: u64| Operation { op: register::Op::Write(datum(at)), end: None, call: at };
    let mut operations: Vec<_> = (0..10_000).map(write).collect();
    let read = |value: u64, call: u64| Operation {
        op: register::Op::Read,
        end: Some((datum(value), call + 1)),
        call,
    };
    // Each is used once, in some order; nobody wrote the last.
    operations.extend((0..100).map(|at| read(99 * at, 20_000 + 2 * at)));
    operations.push(read(10_001, 30_000));
    let model = Register { initial: Datum::NULL };
    let judgement = check(&model, &operations, Budget::of(None, 64 << 20));
    assert!(matches!(judgement.finding, Finding::Violation(_)), "{judgement:?}");
    assert_eq!(judgement.longest_prefix, 100);
}

#[test]
fn a_hundred_thousand_operations_one_after_another_need_no_deep_stack() {
    let mut operations = Vec::new();
    for at in 0..50_000 {
        let (value, call) = (datum(at), 4 * at);
        operations.push(Operation {
            op: register::Op::Write(value),
            end: Some((Datum::NULL, call + 1)),
            call,
        });
        operations.push(Operation { op: register::Op::Read, end: Some((value, call + 3)), call: call + 2 });
    }
    let judgement = check(&Register { initial: Datum::NULL }, &operations, Budget::default());
    assert_eq!((judgement.finding, judgement.longest_prefix), (Finding::Linearizable, 100_000));
}
