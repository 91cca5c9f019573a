use super::made::{self, message, operation};
use super::*;
use crate::verdict::Subject;
use serde_json::{Value, json};

/// A trace of these lines, a time in ms before each.
fn trace(lines: &[(i64, Value)]) -> Trace<'static> {
    made::trace(1_000_000, lines.iter().cloned())
}

fn probe(from: &str, text: &str) -> Value {
    json!({ "event": "probe", "from": from, "text": text })
}

fn fault(step: &str, machines: &[&str]) -> Value {
    let fault = json!({ "index": 0, "kind": "partition", "step": step, "machines": machines });
    json!({ "event": "fault", "text": format!("fault 0 {step}"), "fault": fault })
}

/// A client registers a on n1, which tells n2 in vain: n3 speaks of other things.
fn story() -> Trace<'static> {
    let busy = (0..40).map(|at| (at, probe("n3", "tick")));
    let mut lines: Vec<(i64, Value)> = busy.collect();
    lines.extend([
        (50, fault("strikes", &["n1", "n2"])),
        (60, operation("c1", 0, "invoke", "Register(\"name-1\")")),
        (61, message(1, "sent", ("c1", "n1"), "Register { name: \"name-1\" }")),
        (62, message(1, "delivered", ("c1", "n1"), "Register { name: \"name-1\" }")),
        (63, message(2, "sent", ("n1", "n2"), "Sync { name: \"name-1\" }")),
        (63, message(2, "lost", ("n1", "n2"), "Sync { name: \"name-1\" }")),
        (64, message(3, "sent", ("n1", "c1"), "Registered")),
        (65, message(3, "delivered", ("n1", "c1"), "Registered")),
        (66, operation("c1", 0, "ok", "Registered(\"name-1\")")),
        (70, operation("c2", 1, "invoke", "Register(\"name-2\")")),
        (90, fault("ends", &["n1", "n2"])),
        (95, operation("c2", 1, "ok", "Registered(\"name-1\")")),
    ]);
    trace(&lines)
}

/// Evidence of 91 ms.
fn said(sentence: &str) -> Evidence<'_> {
    Evidence { at_ns: 91_000_000, sentence, subjects: &[] }
}

fn texts(trace: &Trace<'_>, events: &[usize]) -> Vec<String> {
    events.iter().map(|event| trace.lines[*event].text.as_deref().unwrap_or_default().to_owned()).collect()
}

#[test]
fn an_event_depends_on_those_before_it_on_its_machine_and_a_delivery_on_its_departure() {
    let trace = story();
    let graph = Graph::of(&trace);
    let at = |ms: i64| trace.lines.iter().position(|line| line.time == ms * 1_000_000 && ms >= 50).unwrap();
    assert!(graph.led_to(at(60), at(62)) && graph.led_to(at(61), at(66)), "through two messages");
    assert!(!graph.led_to(at(62), at(60)), "not back in time");
    assert!(
        !graph.led_to(at(66), at(70)) && !graph.led_to(at(70), at(66)),
        "nothing passed between the clients"
    );
    assert!(graph.led_to(at(50), at(62)) && !graph.led_to(at(50), at(60)), "a fault befalls machines");
    assert_eq!(graph.lane(at(63) + 1), None, "what is lost is on the way");
    assert!(graph.led_to(at(62), at(63) + 1), "and depends on where it was sent");
}

#[test]
fn clocks_only_grow_on_a_machine() {
    let trace = story();
    let graph = Graph::of(&trace);
    for lane in 0..=trace.machines.len() {
        let of_lane = (0..trace.lines.len()).filter(|event| graph.lane(*event) == Some(lane));
        let clocks: Vec<&[u32]> = of_lane.map(|event| graph.clock(event)).collect();
        for pair in clocks.windows(2) {
            assert!(pair[0].iter().zip(pair[1]).all(|(before, after)| before <= after));
            assert_eq!(pair[0][lane] + 1, pair[1][lane]);
        }
    }
}

#[test]
fn a_sentence_is_about_the_machines_and_the_rare_names_in_it() {
    let trace = story();
    let subjects =
        Subjects::of(said("20s after the last fault: n2 has no name-1, which p0 registered"), &trace);
    let machines: Vec<&str> = subjects.machines.iter().map(|at| trace.machines[*at].as_str()).collect();
    assert_eq!(machines, ["n2", "c1"], "a process stands for its machine");
    assert_eq!(subjects.words.keys().collect::<Vec<_>>(), ["name-1", "p0"]);
    let of_a_pid = Subjects::of(said("it is <n1.8018.27>'s"), &trace);
    assert_eq!(of_a_pid.machines.len(), 1);
    assert!(Subjects::of(said("nothing in here tells anything"), &trace).words.is_empty());
}

#[test]
fn what_a_checker_says_it_is_about_is_taken_at_its_word() {
    let trace = story();
    let subjects = [Subject::Machine("n2".to_owned()), Subject::Key("name-2".to_owned())];
    let evidence = Evidence { subjects: &subjects, ..said("something about name-1 and n3") };
    let found = Subjects::of(evidence, &trace);
    assert_eq!(found.machines, [trace.machine("n2").unwrap()].into());
    assert_eq!(found.words.keys().collect::<Vec<_>>(), ["name-2"]);
}

#[test]
fn what_is_said_again_and_again_leaves_room_for_what_is_said_once() {
    let gossip = (0..30).map(|at| (20 + at, message(at as u64, "sent", ("n2", "n1"), "Digest { name-1 }")));
    let once =
        [(10, message(40, "sent", ("n2", "n3"), "Forget { name-1 }")), (11, probe("n2", "has name-1"))];
    let busy = (0..200).map(|_| (12, probe("n3", "busy")));
    let trace = trace(&once.into_iter().chain(busy).chain(gossip).collect::<Vec<_>>());
    let slice = Slice::of(&trace, &Graph::of(&trace), said("n2 has no name-1"), 8);
    let texts = texts(&trace, &slice.events);
    assert_eq!(texts[..2], ["Forget { name-1 }", "has name-1"], "they are older");
    assert_eq!(texts.len(), 8, "{texts:?}");
    let gossip = &trace.lines[*slice.events.last().unwrap()];
    assert_eq!(gossip.time, 49_000_000, "of what is alike, the newest");
}

#[test]
fn a_slice_has_what_the_evidence_is_about_and_the_faults_and_nothing_else() {
    let trace = story();
    let evidence = said("n2 has no name-1");
    let slice = Slice::of(&trace, &Graph::of(&trace), evidence, 20);
    let texts = texts(&trace, &slice.events);
    assert!(texts.iter().all(|text| text.contains("name-1") || text.starts_with("fault")), "{texts:?}");
    assert_eq!(texts.len(), 8, "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("tick") || text.contains("name-2")));
    assert_eq!(slice.left_out, 0);
}

#[test]
fn a_slice_keeps_to_its_rows_and_says_what_it_left_out() {
    let trace = story();
    let evidence = said("n2 has no name-1");
    let slice = Slice::of(&trace, &Graph::of(&trace), evidence, 2);
    assert_eq!(slice.left_out, 3, "an operation and its answer are one, too");
    assert!(slice.events.len() <= 4, "a message and its arrival are one row");
}

#[test]
fn a_fault_that_was_over_before_the_story_began_is_none_of_it() {
    let before = [(40, fault("strikes", &["n2"])), (45, fault("ends", &["n2"]))];
    let after = [
        (50, probe("n1", "owns: name-1")),
        (60, json!({ "event": "died", "from": "n1", "text": "its process dies" })),
    ];
    let quiet = (0..40).map(|at| (at, probe("n3", "tick")));
    let trace = trace(&quiet.chain(before).chain(after).collect::<Vec<_>>());
    let evidence = said("n2 has no name-1");
    let slice = Slice::of(&trace, &Graph::of(&trace), evidence, 20);
    assert_eq!(texts(&trace, &slice.events), ["owns: name-1", "its process dies"]);
}

#[test]
fn what_happened_after_the_evidence_is_no_cause() {
    let trace = story();
    let graph = Graph::of(&trace);
    let slice = Slice::of(&trace, &graph, Evidence { at_ns: 62_000_000, ..said("n2 has no name-1") }, 20);
    assert!(slice.events.iter().all(|event| trace.lines[*event].time <= 62_000_000));
    let empty = Slice::of(&Trace::default(), &Graph::of(&Trace::default()), said("n1"), 9);
    assert!(empty.events.is_empty());
}

#[test]
fn a_shift_in_time_is_no_difference() {
    let one = story();
    let mut other = story();
    other.lines.iter_mut().for_each(|line| line.time += 3);
    // Two channels in another order.
    let sent =
        other.lines.iter().position(|line| line.message.as_ref().is_some_and(|message| message.id == 2));
    other.lines.swap(0, sent.unwrap());
    assert_eq!(difference(&one, &other), None);
    assert_eq!(difference(&one, &one), None);
}

#[test]
fn runs_part_where_content_first_differs() {
    let one = story();
    let mut other = story();
    let at = other.lines.iter().position(|line| line.text.as_deref() == Some("Registered")).unwrap();
    for line in &mut other.lines[at..=at + 1] {
        line.text = Some("Refused".into());
    }
    let found = difference(&one, &other).unwrap();
    assert_eq!((found.machine.as_deref(), found.event.as_str()), (Some("n1"), "message"));
    assert_eq!((found.one, found.other, found.order_only), (Some(at), Some(at), false));
}

#[test]
fn runs_part_where_one_ends_or_only_the_order_differs() {
    let one = trace(&[(1, probe("n1", "a")), (2, probe("n1", "b")), (3, probe("n1", "a"))]);
    let short = trace(&[(1, probe("n1", "a"))]);
    let found = difference(&one, &short).unwrap();
    assert_eq!((found.one, found.other, found.order_only), (Some(1), None, false));
    let turned = trace(&[(1, probe("n1", "b")), (2, probe("n1", "a")), (3, probe("n1", "a"))]);
    let found = difference(&one, &turned).unwrap();
    assert_eq!((found.one, found.order_only), (Some(0), true));
}

#[test]
fn stamps_say_nothing() {
    let stamped = |stamp: u64| trace(&[(1, probe("n1", &format!("wrote 7 at {stamp}")))]);
    assert_eq!(difference(&stamped(1_700_000_000_000), &stamped(1_700_000_000_001)), None);
    assert!(difference(&stamped(7), &stamped(8)).is_some());
}

#[test]
fn a_trace_is_read_from_a_file_or_its_folder_and_what_is_none_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let text: String = story().lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
    std::fs::write(&path, &text).unwrap();
    assert_eq!(Trace::read(folder.path()).unwrap().lines, story().lines);
    assert_eq!(Trace::read(&path).unwrap().machines, story().machines);
    std::fs::write(&path, text + "{}\n").unwrap();
    let error = Trace::read(&path).unwrap_err().to_string();
    assert!(error.contains(&format!("line {}", story().lines.len() + 1)), "{error}");
    std::fs::write(&path, "").unwrap();
    assert!(matches!(Trace::read(&path), Err(TraceError::Empty(_))));
    assert!(matches!(Trace::read(&folder.path().join("none")), Err(TraceError::Io { .. })));
}
