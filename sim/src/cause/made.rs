//! Traces that tests make by hand.

use super::Trace;
use host::world::TraceLine;
use serde_json::{Value, json};

/// A trace of these lines, each after its time, in so many ns.
pub(crate) fn trace(unit_ns: i64, lines: impl IntoIterator<Item = (i64, Value)>) -> Trace<'static> {
    let line = |(number, (time, mut line)): (usize, (i64, Value))| -> TraceLine<'static> {
        line["time"] = json!(time * unit_ns);
        line["number"] = json!(number);
        serde_json::from_value(line).expect("it is a line of a trace")
    };
    Trace::new((1..).zip(lines).map(line).collect())
}

pub(crate) fn message(id: u64, step: &str, (from, to): (&str, &str), text: &str) -> Value {
    json!({ "event": "message", "from": from, "to": to, "text": text, "message": { "id": id, "step": step } })
}

pub(crate) fn operation(from: &str, process: u32, step: &str, value: &str) -> Value {
    let text = format!("p{process} {step} {value}");
    json!({ "event": "operation", "from": from, "text": text, "operation": { "process": process, "step": step } })
}
