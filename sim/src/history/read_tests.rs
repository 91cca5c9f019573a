//! Histories as others write them, and every way in which one can be wrong.

use super::{End, History, Process, paired, paired_bare, read};
use crate::history::Outcome;
use serde_json::json;

const GOOD: &str = r#"{"index":0,"time":0,"process":0,"type":"invoke","f":"write","value":1}
{"index":1,"time":10,"process":0,"type":"ok","f":"write","value":1}
{"index":2,"time":20,"process":1,"type":"invoke","f":"read","value":null}
{"index":3,"time":30,"process":1,"type":"ok","f":"read","value":1}
"#;

fn refused(text: &str) -> String {
    read(text.as_bytes()).expect_err("a bad history was accepted").to_string()
}

#[test]
fn completions_find_their_invocations() {
    let history = read(GOOD.as_bytes()).expect("a history");
    let texts: Vec<String> = history.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["p0 write 1", "p1 read → 1"]);
    assert_eq!(history[1].done.map(|done| (done.line, done.time_ns)), Some((4, Some(30))));
}

#[test]
fn operations_without_what_they_are_were_when_those_with_it_were() {
    let mut history: History<u32, u32> = History::default();
    let [first, second, third] = [(0, 0), (5, 1), (5, 2)].map(|(at, process)| history.invoke(at, process, 7));
    history.complete(5, first, Outcome::Ok(1));
    history.complete(9, third, Outcome::Unknown("no answer".to_owned()));
    history.complete(9, second, Outcome::Fail("no".to_owned()));
    history.invoke(12, 0, 8);
    let moments = |operations: Vec<super::Recorded>| {
        operations.into_iter().map(|operation| (operation.process, operation.call, operation.done)).collect()
    };
    let bare: Vec<_> = moments(paired_bare(&history));
    assert_eq!(bare, moments(paired(&history.lines())));
    assert_eq!(bare.len(), 4);
}

#[test]
fn jepsens_edn_is_read_as_maps_records_and_in_a_vector() {
    let edn = r#"
        [{:process 0, :type :invoke, :f :txn, :value [[:append 5 1] [:r 5 nil]], :time 5, :index 0}
        {:process :nemesis, :type :info, :f :start, :value nil}
        #jepsen.history.Op{:index 1, :time 6, :type :ok,
          :process 0, :f :txn, :value [[:append 5 1] [:r 5 [1]]]}
        {:process 3 :type :invoke :f :read} {:process 3 :type :info :f :read :error :timeout}]"#;
    let history = read(edn.as_bytes()).expect("a history");
    assert_eq!(history[0].invoked, json!([["append", 5, 1], ["r", 5, null]]));
    assert_eq!(history[0].end, End::Ok(json!([["append", 5, 1], ["r", 5, [1]]])));
    assert_eq!((&history[1].process, &history[1].end), (&Process::Number(3), &End::Unknown));
}

#[test]
fn an_operation_without_completion_is_unknown() {
    let history = read(GOOD.lines().next().unwrap().as_bytes()).expect("a history");
    assert_eq!((&history[0].end, history[0].done), (&End::Unknown, None));
}

#[test]
fn a_truncated_line_is_named() {
    let cut = &GOOD[..100];
    assert_eq!(refused(cut), "line 2: this is not JSON: EOF while parsing a string at column 29");
    assert_eq!(
        refused("{:process 0, :type :invoke, :f"),
        "line 1: this is not EDN: the event ends too early"
    );
    assert_eq!(refused("{:process 0}}"), "line 1: there is no `type`");
}

#[test]
fn overlapping_invocations_of_one_process_are_named() {
    let overlap = GOOD.replacen(r#""process":1"#, r#""process":0"#, 1);
    let overlap: Vec<&str> = overlap.lines().collect();
    let overlap = [overlap[0], overlap[2]].join("\n");
    assert_eq!(
        refused(&overlap),
        "line 2: process 0 invokes `read` while its operation of line 1 is under way"
    );
}

#[test]
fn a_completion_without_invocation_is_named() {
    let orphan: Vec<&str> = GOOD.lines().skip(1).collect();
    assert_eq!(refused(&orphan.join("\n")), "line 1: process 0 completes `write`, which it has not invoked");
    let other = GOOD.replacen(r#""ok","f":"write""#, r#""ok","f":"read""#, 1);
    assert_eq!(refused(&other), "line 2: process 0 completes `read`, which it has not invoked");
}

#[test]
fn an_event_without_what_it_needs_is_named() {
    for (good, bad, says) in [
        (r#""process":0,"#, "", "line 1: there is no `process`"),
        (r#""process":0"#, r#""process":-1"#, "line 1: `process` is -1, not a number from 0 or a name"),
        (r#""type":"invoke","#, "", "line 1: there is no `type`"),
        (r#""invoke""#, r#""begin""#, "line 1: `type` is `begin`, not invoke, ok, fail or info"),
        (r#""time":0"#, r#""time":"noon""#, "line 1: `time` is \"noon\", not ns from 0"),
    ] {
        assert_eq!(refused(&GOOD.replacen(good, bad, 1)), says);
    }
    assert_eq!(refused("3"), "line 1: expected a map for each event");
    assert_eq!(refused("\n\n"), "line 1: there is no operation in this history");
}

#[test]
fn an_unknown_function_or_value_is_named_with_its_line() {
    let says = |model: &str, text: &str| {
        let judge: crate::check::Judge = model.parse().expect("a model");
        let history = read(text.as_bytes()).expect("a history");
        judge.judge(&history, Default::default()).expect_err("not a history of this model").to_string()
    };
    assert_eq!(says("queue", GOOD), "line 1: queue has no function `write`: enqueue, dequeue");
    let swap = GOOD.replace("write", "cas");
    assert_eq!(says("cas-register", &swap), "line 1: `cas` takes [old, new], not 1");
    let set = GOOD.replace("write", "add");
    assert_eq!(says("set", &set), "line 4: `read` of a set answers with an array, not 1");
    assert_eq!(says("list-append", GOOD), "line 2: `write` takes an array of accesses, not 1");
}

/// Two operations of two processes: the lines of one, then those of the other.
fn of_two(one: [&str; 2], two: [&str; 2]) -> String {
    let event = |process: u32, kind: &str, when: &str| {
        format!(r#"{{"process":{process},"type":"{kind}","f":"read"{when}}}"#) + "\n"
    };
    [event(0, "invoke", one[0]), event(0, "ok", one[1]), event(1, "invoke", two[0]), event(1, "ok", two[1])]
        .concat()
}

/// Whether the first of two operations had ended before the second began.
fn is_before(text: &str) -> bool {
    let history = read(text.as_bytes()).expect("a history");
    let of = |process| history.iter().find(|operation| operation.process == Process::Number(process));
    let (one, two) = (of(0).expect("the first"), of(1).expect("the second"));
    one.done.expect("it ended").order < two.call.order
}

#[test]
fn an_index_tells_the_order_then_time_then_lines() {
    assert!(is_before(&of_two(["", ""], ["", ""])), "lines");
    let (zero, ten, twenty) = (r#","time":0"#, r#","time":10"#, r#","time":20"#);
    assert!(is_before(&of_two([zero, ten], [twenty, twenty])), "time");
    assert!(!is_before(&of_two([zero, twenty], [ten, twenty])), "time, of two logs that were joined");
    assert!(!is_before(&of_two([zero, ten], [ten, twenty])), "what meets in one instant is concurrent");
    assert!(is_before(&of_two([zero, zero], [zero, zero])), "times that are all the same tell nothing");
    let at = |index: u32| format!(r#","index":{index},"time":0"#);
    assert!(is_before(&of_two([&at(0), &at(1)], [&at(2), &at(3)])), "an index");
    assert!(!is_before(&of_two([&at(0), &at(2)], [&at(1), &at(3)])), "an index, whatever the lines");
    assert_eq!(
        refused(&of_two([r#","index":0"#, r#","index":1"#], [r#","index":0"#, r#","index":1"#])),
        "line 3: this `index` was there before: give each event its own, or a `time`"
    );
}

#[test]
fn one_process_has_an_order_within_an_instant_and_others_overlap_it() {
    let event = |process: u32, kind: &str| {
        format!(r#"{{"process":{process},"type":"{kind}","f":"read","time":5}}"#) + "\n"
    };
    let other = |kind: &str| event(1, kind).replace("5}", if kind == "ok" { "6}" } else { "5}" });
    let own = [event(0, "invoke"), event(0, "ok"), event(0, "invoke"), event(0, "ok")].concat();
    let history = read((own + &other("invoke") + &other("ok")).as_bytes()).expect("a history");
    let spans: Vec<(u64, u64)> = history
        .iter()
        .map(|operation| (operation.call.order, operation.done.expect("all ended").order))
        .collect();
    let of = |process: u64| {
        let is_of = |at: &usize| history[*at].process == Process::Number(process);
        (0..history.len()).filter(is_of).collect::<Vec<_>>()
    };
    let (own, other) = (of(0), of(1));
    assert!(spans[own[0]].1 < spans[own[1]].0, "{spans:?}");
    assert!(spans[other[0]].0 < spans[own[0]].1, "{spans:?}");
}

#[test]
fn numbers_keep_their_digits_and_maps_their_namespaces() {
    let value = |written: &str| {
        let text = format!("{{:process 0, :type :invoke, :f :write, :value {written}}}");
        read(text.as_bytes()).expect(written)[0].invoked.clone()
    };
    for (written, expected) in [
        ("123N", json!(123)),
        ("-12345678901234567890123", json!("-12345678901234567890123N")),
        ("18446744073709551615", json!(u64::MAX)),
        ("0.09M", json!("0.09M")),
        ("-10.500M", json!("-10.5M")),
        ("10.00M", json!(10)),
        ("1E+3M", json!(1000)),
        ("0.0M", json!(0)),
        ("1/3", json!("1/3")),
        ("0x1F", json!(31)),
        ("1.5e3", json!(1500.0)),
        ("##NaN", json!("##NaN")),
        ("##-Inf", json!("##-Inf")),
        ("\\u0041", json!("A")),
        ("\\newline", json!("\n")),
        ("\\{", json!("{")),
        (r#""a\u0041\ud83d\ude00\t\"""#, json!("aA😀\t\"")),
        ("#{3 1 2}", json!([1, 2, 3])),
        ("#:a{:b 1, :_/c 2, :d/e 3, \"f\" 4}", json!({"a/b": 1, "c": 2, "d/e": 3, "f": 4})),
        ("#inst \"2026\"", json!({"#inst": "2026"})),
        ("#jepsen.tuple [1 2]", json!([1, 2])),
        ("[1 #_ 2 3 ; four\n]", json!([1, 3])),
        ("^{:a 1} [1]", json!([1])),
        ("nil", json!(null)),
    ] {
        assert_eq!(value(written), expected, "{written}");
    }
    let json = r#"{"process":0,"type":"invoke","f":"write","value":[12345678901234567890123,"a 12345678901234567890123",1.5]}"#;
    assert_eq!(
        read(json.as_bytes()).expect("JSON")[0].invoked,
        json!(["12345678901234567890123N", "a 12345678901234567890123", 1.5])
    );
}

#[test]
fn porcupines_log_is_read_event_by_event() {
    let log = "INFO  jepsen.util - 0\t:invoke\t:write\t4\nINFO  jepsen.core - Worker 0 starting\n\
               INFO  jepsen.util - 1\t:invoke\t:cas\t[3 1]\nINFO  jepsen.util - 0\t:ok\t:write\t4\n\
               INFO  jepsen.util - :nemesis\t:info\t:start\tnil\nINFO  jepsen.util - 1\t:info\t:cas\t:timed-out\n";
    let history = read(log.as_bytes()).expect("a log");
    let texts: Vec<String> = history.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["p0 write 4", "p1 cas [3,1] → unknown"]);
    let keyed = r#"{:process 0, :type :invoke, :f :get, :key "5", :value nil}"#;
    assert_eq!(read(keyed.as_bytes()).expect("an event")[0].invoked, json!(["5", null]));
}

#[test]
fn a_history_of_completions_alone_begins_each_as_soon_as_it_may() {
    let event = |process: u32| format!(r#"{{"process":{process},"type":"ok","f":"read","value":1}}"#) + "\n";
    let history = read([event(0), event(1), event(0)].concat().as_bytes()).expect("a history");
    assert_eq!(history.len(), 3);
    let first = history.iter().filter(|operation| operation.call.order == 0).count();
    assert_eq!(first, 2, "neither process did anything before");
}
