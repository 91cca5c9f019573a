//! Random histories of up to eight transactions, judged by the judge and by brute force: what one accepts the other does.
//!
//! A thousand a workload and level; `JUDGE_CASES=10000` asks for more.

use super::super::{Level, Workload};
use super::brute::{self, Balances, Keys, Object};
use crate::check::linearizable::Budget;
use crate::history::{Recorded, read};
use crate::{Draw, Stream};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

const CASES: u64 = 1_000;
const TRANSACTIONS: u64 = 8;
const PROCESSES: u64 = 4;

/// What transactions work on, with all that can go wrong.
trait Sloppy {
    /// The next transaction: its function, what it is asked, and for a retry what was asked before.
    fn call(&mut self, draw: &mut Draw) -> (&'static str, Value);
    /// Its effect, and its answer; each part of it may go wrong so often.
    fn effect(&mut self, draw: &mut Draw, f: &str, value: &Value, wrong: f64) -> Value;
}

struct Lists {
    next: u64,
    now: BTreeMap<String, Vec<Value>>,
    registers: bool,
}

impl Sloppy for Lists {
    fn call(&mut self, draw: &mut Draw) -> (&'static str, Value) {
        let write = if self.registers { "w" } else { "append" };
        let steps = (0..draw.between(1, 3)).map(|_| {
            let key = *draw.pick(&["x", "y", "z"]);
            if draw.chance(0.5) {
                return json!(["r", key, null]);
            }
            self.next += 1;
            json!([write, key, self.next])
        });
        ("txn", steps.collect())
    }

    fn effect(&mut self, draw: &mut Draw, _: &str, value: &Value, wrong: f64) -> Value {
        let stale = self.now.clone();
        let mut answer = value.clone();
        for step in answer.as_array_mut().expect("accesses") {
            let key = step[1].as_str().expect("a key").to_owned();
            let now = self.now.entry(key.clone()).or_default();
            if step[0] != "r" {
                // Lost, done twice, or done.
                let times = if draw.chance(wrong * 0.5) { draw.below(3) } else { 1 };
                now.extend((0..times).map(|_| step[2].clone()));
                continue;
            }
            let seen =
                if draw.chance(wrong) { stale.get(&key).cloned().unwrap_or_default() } else { now.clone() };
            let length =
                if draw.chance(wrong) { draw.below(seen.len() as u64 + 1) as usize } else { seen.len() };
            step[2] = if self.registers {
                length.checked_sub(1).map_or(Value::Null, |last| seen[last].clone())
            } else {
                seen[..length].to_vec().into()
            };
        }
        answer
    }
}

struct Accounts {
    now: BTreeMap<String, i64>,
    past: Vec<BTreeMap<String, i64>>,
}

impl Sloppy for Accounts {
    fn call(&mut self, draw: &mut Draw) -> (&'static str, Value) {
        if draw.chance(0.5) {
            return ("read", Value::Null);
        }
        let from = draw.below(3);
        let to = (from + draw.between(1, 2)) % 3;
        let name = |account: u64| ["a", "b", "c"][account as usize];
        ("transfer", json!([name(from), name(to), draw.between(1, 3)]))
    }

    fn effect(&mut self, draw: &mut Draw, f: &str, value: &Value, wrong: f64) -> Value {
        if f == "transfer" {
            let amount = value[2].as_i64().expect("an amount");
            let times = if draw.chance(wrong) { draw.below(3) as i64 } else { 1 };
            for (at, sign) in [(0, -1), (1, 1)] {
                let account = value[at].as_str().expect("an account");
                *self.now.get_mut(account).expect("known") += sign * amount * times;
            }
            self.past.push(self.now.clone());
            return value.clone();
        }
        if draw.chance(wrong) && !self.past.is_empty() {
            json!(draw.pick(&self.past))
        } else {
            json!(self.now)
        }
    }
}

/// What a process has under way.
struct Open {
    f: &'static str,
    value: Value,
    answer: Option<Value>,
}

/// The lines of a history.
fn history(draw: &mut Draw, object: &mut dyn Sloppy) -> String {
    let mut text = String::new();
    let mut line = |process: u64, kind: &str, f: &str, value: &Value| {
        writeln!(text, r#"{{"process":{process},"type":"{kind}","f":"{f}","value":{value}}}"#)
            .expect("a String");
    };
    let count = draw.between(1, TRANSACTIONS);
    let (wrong, unknown, fails) = (draw.unit() * 0.3, draw.unit() * 0.3, draw.unit() * 0.2);
    let mut open: Vec<Option<Open>> = (0..PROCESSES).map(|_| None).collect();
    let mut retry: Option<(&'static str, Value)> = None;
    let mut begun = 0;
    while begun < count || open.iter().any(Option::is_some) {
        let process = draw.below(PROCESSES);
        match open[process as usize].take() {
            None if begun == count => {}
            None => {
                begun += 1;
                let (f, value) = retry.take().unwrap_or_else(|| object.call(draw));
                line(process, "invoke", f, &value);
                open[process as usize] = Some(Open { f, value, answer: None });
            }
            Some(Open { f, value, answer: None }) => {
                let fails = draw.chance(fails);
                if fails && !draw.chance(wrong * 0.5) {
                    line(process, "fail", f, &value);
                    retry = draw.chance(0.3).then_some((f, value));
                } else if draw.chance(unknown) {
                    if draw.chance(0.5) {
                        object.effect(draw, f, &value, wrong);
                    }
                    line(process, "info", f, &value);
                    retry = draw.chance(0.2).then_some((f, value));
                } else {
                    let answer = object.effect(draw, f, &value, wrong);
                    if fails {
                        line(process, "fail", f, &value);
                    } else {
                        open[process as usize] = Some(Open { f, value, answer: Some(answer) });
                    }
                }
            }
            Some(Open { f, answer: Some(answer), .. }) => line(process, "ok", f, &answer),
        }
    }
    text
}

fn agree<O: Object>(name: &str, object: &O, mut sloppy: impl FnMut() -> Box<dyn Sloppy>) {
    let cases = std::env::var("JUDGE_CASES").map_or(CASES, |cases| cases.parse().expect("a number"));
    let levels: Vec<Level> =
        Level::ALL.into_iter().filter(|level| *level >= Level::SnapshotIsolation).collect();
    let mut violations = vec![0; levels.len()];
    let mut undecided = 0;
    for case in 0..cases {
        let mut draw = Draw::new(case, Stream::Other { purpose: "judge", entity: name });
        let text = history(&mut draw, &mut *sloppy());
        let recorded: Vec<Recorded> = read(text.as_bytes()).expect("a history");
        for (at, level) in levels.iter().enumerate() {
            let workload: Workload = format!("{name}:{}", level.name()).parse().expect("a workload");
            let Ok(judged) = workload.judge(&recorded, Budget::default()) else {
                undecided += 1;
                continue;
            };
            if judged.gave_up.is_some() || judged.is_open {
                undecided += 1;
                continue;
            }
            let allowed = brute::allows(object, *level, &recorded);
            violations[at] += u64::from(!allowed);
            let found: Vec<_> = judged.anomalies.iter().map(|found| found.anomaly).collect();
            assert_eq!(found.is_empty(), allowed, "{name}, case {case}, {}: {found:?}\n{text}", level.name());
        }
    }
    assert_eq!(undecided, 0, "{name}: every history of this size is decided");
    for (level, violations) in levels.iter().zip(violations) {
        assert!(violations > cases / 50, "{name}, {}: {violations} violations of {cases}", level.name());
        assert!(violations < cases * 9 / 10, "{name}, {}: {violations} violations of {cases}", level.name());
    }
}

#[test]
fn lists_are_judged_as_by_brute_force() {
    let lists = || Box::new(Lists { next: 0, now: BTreeMap::new(), registers: false }) as Box<dyn Sloppy>;
    agree("list-append", &Keys::Lists, lists);
}

#[test]
fn registers_are_judged_as_by_brute_force() {
    let registers = || Box::new(Lists { next: 0, now: BTreeMap::new(), registers: true }) as Box<dyn Sloppy>;
    agree("rw-register", &Keys::Registers, registers);
}

#[test]
fn audits_are_judged_as_by_brute_force() {
    let accounts = || {
        let now: BTreeMap<String, i64> = ["a", "b", "c"].map(|name| (name.to_owned(), 10)).into();
        Box::new(Accounts { past: vec![now.clone()], now }) as Box<dyn Sloppy>
    };
    agree("bank-audit", &Balances, accounts);
}
