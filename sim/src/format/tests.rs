use super::*;
use crate::cause::made::{self, message};
use crate::cause::{Graph, Trace};
use regex::Regex;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const HOSTILE: &str = "\u{1b}[2J;#\"}`{\n</script><script>alert(1)</script> end %% \u{202e}";

fn operation(from: &str, process: u32, step: &str) -> Value {
    made::operation(from, process, step, HOSTILE)
}

/// A run that has everything, with hostile texts and a hostile machine.
fn trace() -> Trace<'static> {
    let fault = json!({ "index": 0, "kind": "partition", "step": "strikes", "machines": ["n1", "n 2\"<b>"] });
    let (n1, n2) = ("n1", "n 2\"<b>");
    let long = "x".repeat(1 << 20);
    let lines = [
        (-1_000, json!({ "event": "connection", "from": n1, "to": n2, "text": "connected" })),
        (0, json!({ "event": "phase", "text": "fault phase" })),
        (10, operation("c1", 0, "invoke")),
        (10, message(1, "sent", ("c1", n1), HOSTILE)),
        (10, message(2, "sent", ("c1", n1), &long)),
        (12, message(1, "delivered", ("c1", n1), HOSTILE)),
        (12, message(2, "delivered", ("c1", n1), &long)),
        (12, message(3, "sent", (n1, n2), HOSTILE)),
        (13, json!({ "event": "fault", "text": HOSTILE, "fault": fault })),
        (14, message(3, "lost", (n1, n2), HOSTILE)),
        (15, json!({ "event": "probe", "from": n2, "text": HOSTILE })),
        (16, json!({ "event": "disk", "from": n1, "text": "sync log", "bytes": 7 })),
        (17, json!({ "event": "delivered", "from": n1, "to": n2, "bytes": 7 })),
        (18, message(4, "sent", (n2, n1), "doubled")),
        (19, message(4, "delivered", (n2, n1), "doubled")),
        (20, message(4, "delivered", (n2, n1), "doubled")),
        (30, operation("c1", 0, "info")),
        (40, operation("c1", 1, "invoke")),
    ];
    made::trace(1_000_000, lines)
}

fn written(name: &str) -> String {
    let trace = trace();
    let (graph, slice): (Graph, Vec<usize>) = (Graph::of(&trace), (0..trace.lines.len()).collect());
    let mut out = Vec::new();
    let format = Format::named(name).unwrap();
    (format.write)(Subject { trace: &trace, graph: &graph, slice: &slice }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn no_form_passes_on_what_a_terminal_obeys_or_a_name_of_a_megabyte() {
    for format in FORMATS {
        let text = written(format.name);
        assert!(
            !text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'),
            "{}",
            format.name
        );
        assert!(text.len() < 60_000, "{}: {} bytes", format.name, text.len());
    }
    assert!(Format::named("pdf").is_none());
}

/// The rules of the trace event format: each event has its phase, process, track and time; slices of a track nest; each
/// arrow has one begin and one end, not before it, each within a slice of its track.
#[test]
fn perfetto_gets_what_the_format_asks_for() {
    let file: Value = serde_json::from_str(&written("perfetto")).unwrap();
    let events = file["traceEvents"].as_array().unwrap();
    let number = |event: &Value, key: &str| event[key].as_f64().unwrap_or_else(|| panic!("{key} of {event}"));
    let mut arrows: BTreeMap<u64, Vec<(&str, f64)>> = BTreeMap::new();
    let mut slices: BTreeMap<(u64, u64), Vec<(f64, f64)>> = BTreeMap::new();
    for event in events {
        let track = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
        assert!(event["name"].is_string(), "{event}");
        match event["ph"].as_str().unwrap() {
            "M" => assert!(event["args"].is_object()),
            "X" => slices.entry(track).or_default().push((number(event, "ts"), number(event, "dur"))),
            "i" => assert!(["t", "g"].contains(&event["s"].as_str().unwrap()) && number(event, "ts") >= 0.0),
            phase @ ("s" | "f") => {
                let at = number(event, "ts");
                arrows.entry(event["id"].as_u64().unwrap()).or_default().push((phase, at));
                assert_eq!(event["bp"].as_str(), (phase == "f").then_some("e"));
                let within = |(ts, dur): &(f64, f64)| *ts <= at && at <= ts + dur;
                assert!(slices[&track].iter().any(within), "{event} binds to nothing");
            }
            other => panic!("{other} is no phase that we write"),
        }
    }
    for (track, slices) in &slices {
        for pair in slices.windows(2) {
            assert!(
                pair[0].1 >= 0.0 && pair[0].0 + pair[0].1 <= pair[1].0 + 1e-6,
                "{track:?}: {pair:?} overlap"
            );
        }
    }
    assert_eq!(arrows.keys().copied().collect::<Vec<_>>(), [1, 2, 4], "what was lost has none");
    for (id, ends) in arrows {
        assert!(matches!(ends[..], [("s", from), ("f", to)] if from <= to), "{id}: {ends:?}");
    }
}

#[test]
fn shiviz_reads_every_line_and_its_clocks_only_grow() {
    let log = written("shiviz");
    let (expression, lines) = log.split_once("\n\n").unwrap();
    let expression = Regex::new(expression).unwrap();
    let mut last: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for line in lines.lines() {
        let found = expression.captures(line).unwrap_or_else(|| panic!("{line}"));
        let clock: BTreeMap<String, u64> = serde_json::from_str(&found["clock"]).unwrap();
        let host = &found["host"];
        let before = last.insert(host.to_owned(), clock.clone()).unwrap_or_default();
        assert_eq!(clock[host], before.get(host).copied().unwrap_or(0) + 1, "{line}");
        assert!(before.iter().all(|(other, count)| clock[other] >= *count), "{line}");
        // What it knows of others has happened there.
        assert!(clock.iter().all(|(other, count)| last[other][other] >= *count), "{line}");
    }
    assert_eq!(last.len(), 4, "three machines and the testbed");
}

#[test]
fn mermaid_gets_a_diagram_of_plain_labels() {
    let diagram = written("mermaid");
    let mut lines = diagram.lines();
    assert_eq!(lines.next(), Some("sequenceDiagram"));
    let line = Regex::new(
        r"^    (participant m[0-9]+ as [^ ].*|m[0-9]+(->>|-x|--\))m[0-9]+: [^<>]+|Note over m[0-9]+(,m[0-9]+)?: [^<>]+)$",
    )
    .unwrap();
    for text in lines {
        assert!(line.is_match(text), "{text}");
        assert!(!text.contains('<') && !text.contains(" end "), "{text}");
        // A semicolon would end the statement, unless it ends the number of a letter.
        let pieces: Vec<&str> = text.split(';').collect();
        let is_number =
            |piece: &&str| piece.rsplit_once('#').is_some_and(|(_, number)| number.parse::<u32>().is_ok());
        assert!(pieces[..pieces.len() - 1].iter().all(is_number), "{text}");
    }
    assert!(diagram.contains("-x"), "{diagram}");
}
