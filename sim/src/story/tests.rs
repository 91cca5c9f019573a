use super::*;
use crate::cause::Trace;
use crate::cause::made::{self, message, operation};
use serde_json::{Value, json};

/// A trace of these lines, a time in µs before each.
fn trace(lines: &[(i64, Value)]) -> Trace<'static> {
    made::trace(1_000, lines.iter().cloned())
}

fn a_cut() -> Trace<'static> {
    let fault = json!({ "index": 0, "kind": "partition", "step": "strikes", "machines": ["n1", "n2"] });
    trace(&[
        (
            7_127_000,
            json!({ "event": "fault", "text": "fault 0 strikes: partition n1 | n2", "fault": fault }),
        ),
        (7_200_000, operation("c1", 0, "invoke", "Register(\"a\")")),
        (7_200_100, message(1, "sent", ("c1", "n1"), "Register { name: \"a\" }")),
        (7_201_304, message(1, "delivered", ("c1", "n1"), "Register { name: \"a\" }")),
        (7_201_400, message(2, "sent", ("n1", "n2"), "Sync { name: \"a\" }")),
        (7_201_500, json!({ "event": "probe", "from": "n1", "text": "owns: a" })),
        (7_201_600, message(2, "lost", ("n1", "n2"), "Sync { name: \"a\" }")),
        (9_000_000, json!({ "event": "died", "from": "n2", "text": "its power fails" })),
    ])
}

fn all(trace: &Trace<'_>) -> Vec<usize> {
    (0..trace.lines.len()).collect()
}

#[test]
fn a_story_has_a_column_for_each_machine() {
    let trace = a_cut();
    let table = Story::new(&trace, &all(&trace)).table(100);
    let expected = [
        "      time │ c1                          │ n1                          │ n2",
        "   7.127 s │ ── fault 0 strikes: partition n1 | n2 ──",
        "   7.200 s │ p0 invoke Register(\"a\")     │                             │",
        "   7.200 s │ → n1 Register { name: \"a\" } │ ← c1 after 1.204 ms         │",
        "   7.201 s │                             │ → n2 Sync { name: \"a\" }     │",
        "   7.201 s │                             │ * owns: a                   │",
        "   7.201 s │                             │ lost: → n2 after 0.200 ms   │",
        "   9.000 s │                             │                             │ its power fails",
    ];
    assert_eq!(table.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn what_does_not_fit_goes_on_over_the_empty_cells_to_its_right() {
    let mut trace = a_cut();
    trace.lines[4].text = Some("Sync { name: \"a name that is longer than its lane\" }".into());
    let table = Story::new(&trace, &all(&trace)).table(100);
    assert!(table.contains("→ n2 Sync { name: \"a name that is longer than its lane\" }"), "{table}");
}

#[test]
fn a_cell_goes_on_in_the_next_line_where_there_is_room_for_that() {
    let trace = a_cut();
    let story = Story::new(&trace, &[2, 3, 5]);
    assert_eq!(story.table(50).lines().count(), 3);
    let table = story.table_with(50, 3);
    let expected = [
        "      time │ c1                │ n1",
        "   7.200 s │ → n1 Register {   │ ← c1 after 1.204",
        "           │ name: \"a\" }       │ ms",
        "   7.201 s │                   │ * owns: a",
    ];
    assert_eq!(table.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut trace = a_cut();
    trace.lines[1].text = Some("漢字".repeat(1000).into());
    for columns in [0, 1, 12, 40, 80, 120, 1000] {
        for line in Story::new(&trace, &all(&trace)).table(columns).lines() {
            assert!(unicode_width::UnicodeWidthStr::width(line) <= columns, "{columns}: {line}");
        }
    }
}

#[test]
fn where_there_is_no_room_clients_share_a_lane_and_then_all_do() {
    let mut lines = a_cut().lines;
    lines.push(trace(&[(9_000_001, operation("c2", 1, "invoke", "Lookup(\"a\")"))]).lines.remove(0));
    let trace = Trace::new(lines);
    let story = Story::new(&trace, &all(&trace));
    let shared = story.table(62);
    assert!(
        shared.lines().next().unwrap().contains("time │ clients") && shared.contains("c2 p1 invoke"),
        "{shared}"
    );
    let narrow = story.table(40);
    assert!(narrow.lines().next().unwrap().ends_with("machines"), "{narrow}");
    assert!(narrow.contains("n2 its power fails"), "{narrow}");
}

#[test]
fn hostile_texts_are_spelt_out_and_cut() {
    let mut trace = a_cut();
    let hostile = format!("\u{1b}[2J\r\n\u{202e}<script>{}", "x".repeat(1 << 20));
    for line in &mut trace.lines {
        line.text = Some(hostile.clone().into());
        line.from = line.from.as_ref().map(|_| "\u{1b}]0;n1\u{7}".into());
    }
    let trace = Trace::new(trace.lines);
    let table = Story::new(&trace, &all(&trace)).table(120);
    assert!(!table.contains(|c: char| c.is_control() && c != '\n'), "{table}");
    assert!(!table.contains('\u{202e}') && table.contains("\\u{1b}"), "{table}");
    assert!(table.len() < 10_000);
    assert_eq!(plain("ä\u{1b}b"), "ä\\u{1b}b");
    assert_eq!(
        (cut("漢字漢字", 5), cut("abc", 3), cut("abcd", 3)),
        ("漢字…".into(), "abc".into(), "ab…".into())
    );
}

#[test]
fn a_filter_keeps_machines_and_times_and_leaves_kinds_out() {
    let trace = a_cut();
    let told = |filter: Filter| filter.events(&trace);
    assert_eq!(told(Filter::default()).len(), 8);
    let of_n2 = Filter { machines: vec!["n2".to_owned()], ..Filter::default() };
    assert_eq!(told(of_n2), [0, 4, 6, 7], "what befalls it, and what is sent to it");
    let later = Filter { from_ns: Some(7_201_400_000), to_ns: Some(8_000_000_000), ..Filter::default() };
    assert_eq!(told(later), [4, 5, 6]);
    let without = Filter { without: vec![Kind::Deliveries, Kind::Probes, Kind::Faults], ..Filter::default() };
    assert_eq!(told(without), [1, 2, 4, 6]);
}

#[test]
fn segments_are_told_only_where_nobody_describes_messages() {
    let segment = json!({ "event": "delivered", "from": "n1", "to": "n2", "bytes": 16 });
    let bare = trace(&[(1, segment.clone())]);
    assert_eq!(Filter::default().events(&bare), [0]);
    assert!(Story::new(&bare, &[0]).table(80).contains("← n1 16 bytes"));
    let described = trace(&[(1, segment), (2, message(1, "sent", ("n1", "n2"), "a"))]);
    assert_eq!(Filter::default().events(&described), [1]);
}
