//! Chrome's trace events, as Perfetto and chrome://tracing read them.
//!
//! A machine is a process; its tracks are `events` (what nodes and clients tell), `messages` (where they are sent and
//! arrive, with an arrow between, a flow by the message's number), `disk`, and one for the operations of each client.
//! What happens on no machine is a process of its own. Times are in µs since the run began, with the ns behind the point.
//!
//! An arrow binds to a slice of time, so an instant that has one is a slice up to a µs long, and ends before the next
//! begins: slices of a track never overlap.

use super::{Subject, short};
use crate::time::BOOT;
use host::world::TraceLine;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// How long an instant with an arrow is at most, in ns.
const INSTANT_NS: i64 = 1_000;

/// The tracks of a machine, by their numbers.
const TRACKS: [(u32, &str); 4] = [(1, "events"), (2, "messages"), (3, "disk"), (OPERATIONS, "operations")];
const OPERATIONS: u32 = 4;

/// One event, as the format has it.
#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    cat: String,
    ph: &'static str,
    pid: usize,
    tid: u32,
    /// In µs.
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    /// What an arrow ends at: the slice around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<&'static str>,
    /// How far an instant reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    args: Value,
}

/// Writes the events.
///
/// # Errors
///
/// When they cannot be written.
pub fn write(Subject { trace, .. }: Subject<'_>, out: &mut dyn Write) -> io::Result<()> {
    let testbed = trace.machines.len() + 1;
    let place = |name: Option<&str>| name.and_then(|name| trace.machine(name)).map_or(testbed, |at| at + 1);
    let mut entries: Vec<Entry> = Vec::new();
    // The operation that each process has begun, by its entry.
    let mut begun: BTreeMap<u32, usize> = BTreeMap::new();
    let sent: BTreeSet<u64> = steps(&trace.lines, "sent");
    let arrived: BTreeSet<u64> = steps(&trace.lines, "delivered");
    let mut flown: BTreeSet<u64> = BTreeSet::new();
    for line in &trace.lines {
        let pid = place(line.from.as_deref());
        if let Some(operation) = &line.operation {
            if operation.step == "invoke" {
                begun.insert(operation.process, entries.len());
                entries.push(entry(line, "X", pid, OPERATIONS).lasting(0));
            } else if let Some(at) = begun.remove(&operation.process) {
                let began = &mut entries[at];
                began.dur = Some(us(line.time) - began.ts);
                began.args["end"] = short(line.text.as_deref().unwrap_or_default()).into();
            }
            continue;
        }
        let Some(message) = &line.message else {
            match &*line.event {
                // What segments carry is told by messages.
                "delivered" => {}
                "disk" => entries.push(entry(line, "i", pid, 3).reaching("t")),
                "fault" | "phase" | "panic" => entries.push(entry(line, "i", pid, 1).reaching("g")),
                _ => entries.push(entry(line, "i", pid, 1).reaching("t")),
            }
            continue;
        };
        let pid = match &*message.step {
            "delivered" | "refused" => place(line.to.as_deref()),
            _ => pid,
        };
        let name = format!("{} {}", message.step, line.text.as_deref().unwrap_or_default());
        let mut slice = entry(line, "X", pid, 2).lasting(INSTANT_NS);
        slice.name = short(&name);
        entries.push(slice);
        let both = sent.contains(&message.id) && arrived.contains(&message.id);
        let arrow = match &*message.step {
            "sent" if both => Some(("s", None)),
            // A datagram that was doubled has one arrow.
            "delivered" if both && flown.insert(message.id) => Some(("f", Some("e"))),
            _ => None,
        };
        if let Some((ph, bp)) = arrow {
            let flow = entry(line, ph, pid, 2);
            entries.push(Entry {
                name: "message".to_owned(),
                id: Some(message.id),
                bp,
                args: json!({}),
                ..flow
            });
        }
    }
    let last = entries.iter().map(|entry| entry.ts).fold(0.0, f64::max);
    for at in begun.into_values() {
        // Nobody saw it end.
        entries[at].dur = Some(last - entries[at].ts);
    }
    shorten(&mut entries);
    let mut file = names(&trace.machines, testbed);
    file.extend(entries.iter().map(|entry| serde_json::to_value(entry).unwrap_or_default()));
    serde_json::to_writer(&mut *out, &json!({ "displayTimeUnit": "ms", "traceEvents": file }))?;
    writeln!(out)
}

impl Entry {
    fn lasting(mut self, ns: i64) -> Self {
        self.dur = Some(ns as f64 / 1e3);
        self
    }

    fn reaching(mut self, s: &'static str) -> Self {
        self.s = Some(s);
        self
    }
}

fn entry(line: &TraceLine<'_>, ph: &'static str, pid: usize, tid: u32) -> Entry {
    let text = short(line.text.as_deref().unwrap_or_default());
    let mut args = json!({ "number": line.number });
    for (key, value) in [("from", line.from.as_deref()), ("to", line.to.as_deref())] {
        if let Some(value) = value {
            args[key] = short(value).into();
        }
    }
    if let Some(bytes) = line.bytes {
        args["bytes"] = bytes.into();
    }
    if let Some(message) = &line.message {
        args["message"] = message.id.into();
    }
    Entry {
        name: if text.is_empty() { line.event.to_string() } else { text },
        cat: line.event.to_string(),
        ph,
        pid,
        tid,
        ts: us(line.time),
        dur: None,
        id: None,
        bp: None,
        s: None,
        args,
    }
}

/// In µs since the run began, which no time is below.
fn us(told_ns: i64) -> f64 {
    (told_ns + BOOT.as_nanos() as i64).max(0) as f64 / 1e3
}

/// The messages that took this step.
fn steps(lines: &[TraceLine<'_>], step: &str) -> BTreeSet<u64> {
    let messages = lines.iter().filter_map(|line| line.message.as_ref());
    messages.filter(|message| message.step == step).map(|message| message.id).collect()
}

/// Lets each slice of the messages' tracks end before the next begins.
fn shorten(entries: &mut [Entry]) {
    let mut next: BTreeMap<usize, f64> = BTreeMap::new();
    for entry in entries.iter_mut().rev().filter(|entry| entry.ph == "X" && entry.tid != OPERATIONS) {
        let until = next.insert(entry.pid, entry.ts).unwrap_or(f64::INFINITY);
        entry.dur = entry.dur.map(|dur| dur.min(until - entry.ts).max(0.0));
    }
}

/// How processes and tracks are called, and in which order they stand.
fn names(machines: &[String], testbed: usize) -> Vec<Value> {
    let called = machines.iter().map(|name| short(name)).chain(["testbed".to_owned()]);
    let mut names = Vec::new();
    for (pid, name) in (1..=testbed).zip(called) {
        names.push(
            json!({ "ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": { "name": name } }),
        );
        let order = json!({ "sort_index": pid });
        names.push(json!({ "ph": "M", "name": "process_sort_index", "pid": pid, "tid": 0, "args": order }));
        for (tid, track) in TRACKS {
            let name = json!({ "name": track });
            names.push(json!({ "ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": name }));
        }
    }
    names
}
