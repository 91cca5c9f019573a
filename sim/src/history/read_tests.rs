//! Histories as others write them, and every way in which one can be wrong.

use super::{End, History, paired, paired_bare, read};
use crate::system::Outcome;
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
    assert_eq!((history[1].process, &history[1].end), (3, &End::Unknown));
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
        (r#""process":0"#, r#""process":-1"#, "line 1: `process` is -1, not a number from 0"),
        (r#""type":"invoke","#, "", "line 1: there is no `type`"),
        (r#""invoke""#, r#""begin""#, "line 1: `type` is `begin`, not invoke, ok, fail or info"),
        (r#""f":"write","#, "", "line 1: there is no `f`"),
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
    assert_eq!(says("list-append", GOOD), "line 2: transactions have no function `write`: txn");
}
