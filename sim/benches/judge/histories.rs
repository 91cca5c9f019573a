//! Good histories of objects that many clients use at once, as JSON lines.
//!
//! Every client has an operation under way nearly all the time, so that with 50 clients some 40 are concurrent at any
//! instant: more than most recorded histories have.

use serde_json::{Value, json};
use sim::{Draw, Stream};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What a history is like.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub operations: usize,
    pub clients: usize,
    /// How many of a thousand operations end unknown; half of those take effect.
    pub unknown: u64,
    /// A quarter of the time half of the clients are on the wrong side: nothing happens, and some give up.
    pub partitions: bool,
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

/// What clients use: a function and its value are drawn, and an operation that takes effect is answered.
pub trait Object {
    fn call(&self, draw: &mut Draw) -> (&'static str, Value);
    fn answer(&mut self, f: &str, value: &Value) -> Value;
}

/// What a client has under way.
struct Open {
    f: &'static str,
    value: Value,
    answer: Option<Value>,
    takes_effect: bool,
    is_answered: bool,
}

/// A linearizable history, line by line.
pub fn history(shape: Shape, object: &mut dyn Object) -> String {
    let mut draw = Draw::new(7, Stream::Other { purpose: "bench", entity: &shape.to_string() });
    let mut open: Vec<Option<Open>> = (0..shape.clients).map(|_| None).collect();
    let mut process: Vec<usize> = (0..shape.clients).collect();
    let mut text = String::new();
    let mut line = |process: usize, kind: &str, f: &str, value: &Value| {
        // Writing to a String does not fail.
        let _ = writeln!(text, r#"{{"process":{process},"type":"{kind}","f":"{f}","value":{value}}}"#);
    };
    let (mut begun, mut now) = (0, 0);
    let period = shape.operations.min(8_000);
    while begun < shape.operations || open.iter().any(Option::is_some) {
        now += 1;
        let client = draw.below(shape.clients as u64) as usize;
        let is_cut = shape.partitions && now % period >= period / 4 * 3 && client < shape.clients / 2;
        match &mut open[client] {
            None if begun == shape.operations => {}
            None => {
                begun += 1;
                let (f, value) = object.call(&mut draw);
                line(process[client], "invoke", f, &value);
                let is_answered = draw.below(1000) >= shape.unknown;
                let takes_effect = is_answered || draw.chance(0.5);
                open[client] = Some(Open { f, value, answer: None, takes_effect, is_answered });
            }
            Some(_) if is_cut && draw.below(100) > 0 => {}
            Some(under_way) if under_way.takes_effect && under_way.answer.is_none() && !is_cut => {
                under_way.answer = Some(object.answer(under_way.f, &under_way.value));
            }
            Some(done) => {
                match done.answer.take().filter(|_| done.is_answered && !is_cut) {
                    Some(answer) => line(process[client], "ok", done.f, &answer),
                    None => {
                        line(process[client], "info", done.f, &done.value);
                        process[client] += shape.clients;
                    }
                }
                open[client] = None;
            }
        }
    }
    text
}

/// A register: half of the operations read.
#[derive(Debug, Default)]
pub struct Register(Value);

impl Object for Register {
    fn call(&self, draw: &mut Draw) -> (&'static str, Value) {
        if draw.chance(0.5) { ("read", Value::Null) } else { ("write", json!(draw.below(1000))) }
    }

    fn answer(&mut self, f: &str, value: &Value) -> Value {
        if f == "write" {
            self.0 = value.clone();
        }
        self.0.clone()
    }
}

/// Texts under so many keys: half of the operations get, a quarter puts, a quarter appends.
#[derive(Debug)]
pub struct KeyValue {
    keys: u64,
    values: BTreeMap<String, String>,
}

impl KeyValue {
    pub fn new(keys: u64) -> Self {
        KeyValue { keys, values: BTreeMap::new() }
    }
}

impl Object for KeyValue {
    fn call(&self, draw: &mut Draw) -> (&'static str, Value) {
        let (key, text) = (draw.below(self.keys).to_string(), draw.below(1000).to_string());
        match draw.below(4) {
            0 | 1 => ("get", json!(key)),
            2 => ("put", json!([key, text])),
            _ => ("append", json!([key, text])),
        }
    }

    fn answer(&mut self, f: &str, value: &Value) -> Value {
        let key = if f == "get" { value } else { &value[0] };
        let text = self.values.entry(key.as_str().unwrap_or_default().to_owned()).or_default();
        let more = value[1].as_str().unwrap_or_default();
        match f {
            "get" => return json!(text),
            "put" => more.clone_into(text),
            _ => text.push_str(more),
        }
        value.clone()
    }
}

/// Ten accounts with 100 each: transfers, deposits, withdrawals and reads of one account.
#[derive(Debug)]
pub struct Bank([u64; 10]);

impl Default for Bank {
    fn default() -> Self {
        Bank([100; 10])
    }
}

impl Object for Bank {
    fn call(&self, draw: &mut Draw) -> (&'static str, Value) {
        let (one, two) = (draw.below(10), draw.below(9));
        let amount = draw.between(1, 20);
        match draw.below(10) {
            0..5 => ("transfer", json!([one, (one + two + 1) % 10, amount])),
            5 => ("deposit", json!([one, amount])),
            6 => ("withdraw", json!([one, amount])),
            _ => ("balance", json!(one)),
        }
    }

    fn answer(&mut self, f: &str, value: &Value) -> Value {
        let part = |at: usize| value[at].as_u64().unwrap_or_default();
        let (from, to) = (part(0) as usize, part(1) as usize);
        match f {
            "balance" => return json!(self.0[value.as_u64().unwrap_or_default() as usize]),
            "deposit" => self.0[from] += part(1),
            "withdraw" if self.0[from] >= part(1) => self.0[from] -= part(1),
            "transfer" if self.0[from] >= part(2) => {
                self.0[from] -= part(2);
                self.0[to] += part(2);
            }
            _ => return json!(false),
        }
        json!(true)
    }
}
