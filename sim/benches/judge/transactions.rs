//! Good histories of transactions: lists, registers and a bank.
//!
//! As in Elle's own workloads, a transaction has one to four accesses, half of them reads, and a key is written so many
//! times before another takes its place: so lists stay short, however long the history is.

use crate::histories::Object;
use serde_json::{Value, json};
use sim::Draw;
use std::collections::BTreeMap;

/// How many keys are in use at once, and how often each is written.
const KEYS: u64 = 10;
const WRITES_OF_KEY: u64 = 32;

/// Lists, or registers.
#[derive(Debug, Default)]
pub struct Keys {
    registers: bool,
    written: std::cell::Cell<u64>,
    values: BTreeMap<u64, Vec<u64>>,
}

impl Keys {
    pub fn registers() -> Self {
        Keys { registers: true, ..Keys::default() }
    }
}

impl Object for Keys {
    fn call(&self, draw: &mut Draw) -> (&'static str, Value) {
        let step = |_| {
            let oldest = self.written.get() / WRITES_OF_KEY;
            let key = oldest + draw.below(KEYS);
            if draw.chance(0.5) {
                return json!(["r", key, null]);
            }
            self.written.set(self.written.get() + 1);
            json!([if self.registers { "w" } else { "append" }, key, self.written.get()])
        };
        let steps = 1 + self.written.get() % 4;
        ("txn", (0..steps).map(step).collect())
    }

    fn answer(&mut self, _: &str, value: &Value) -> Value {
        let mut answer = value.clone();
        for step in answer.as_array_mut().into_iter().flatten() {
            let list = self.values.entry(step[1].as_u64().unwrap_or_default()).or_default();
            match step[2].as_u64() {
                Some(written) => list.push(written),
                None if self.registers => step[2] = json!(list.last()),
                None => step[2] = json!(list),
            }
        }
        answer
    }
}

/// Eight accounts: transfers of different amounts, and an audit now and then.
#[derive(Debug)]
pub struct Audited([i64; 8]);

impl Default for Audited {
    fn default() -> Self {
        Audited([1000; 8])
    }
}

impl Object for Audited {
    fn call(&self, draw: &mut Draw) -> (&'static str, Value) {
        let (from, to) = (draw.below(8), draw.below(7));
        match draw.below(4) {
            0 => ("read", Value::Null),
            _ => (
                "transfer",
                json!([from.to_string(), ((from + to + 1) % 8).to_string(), draw.between(1, 500)]),
            ),
        }
    }

    fn answer(&mut self, f: &str, value: &Value) -> Value {
        if f == "read" {
            let balances = self.0.iter().enumerate();
            return balances.map(|(account, balance)| (account.to_string(), json!(balance))).collect();
        }
        let account =
            |at: usize| value[at].as_str().and_then(|name| name.parse::<usize>().ok()).unwrap_or_default();
        self.0[account(0)] -= value[2].as_i64().unwrap_or_default();
        self.0[account(1)] += value[2].as_i64().unwrap_or_default();
        value.clone()
    }
}
