//! `splitbrain check` as its users meet it: histories that something else recorded, good ones, bad ones, hostile ones
//! and ones that are none.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::process::{Command, Output};

/// What `check` says of a history, with further arguments.
fn check(model: &str, history: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history");
    fs::write(&path, history).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command.args(["check", "--model", model]).arg(&path).args(arguments).env_remove("CARGO").output().unwrap()
}

/// The exit code, and the object that `--json` prints.
fn judged(model: &str, history: &str, arguments: &[&str]) -> (i32, Value) {
    let output = check(model, history, &[&["--json"], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// What people read on stderr, without the frame and the line breaks of the terminal.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).replace(['│', '×', '╰', '─', '▶'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// JSON lines of operations one after the other, each `f value → answer`.
fn sequence(operations: &str) -> String {
    let mut lines = String::new();
    for (process, operation) in operations.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate()
    {
        let (invoked, answer) = operation.split_once(" → ").unwrap();
        let (f, value) = invoked.split_once(' ').unwrap_or((invoked, "null"));
        for (kind, value) in [("invoke", value), ("ok", answer)] {
            writeln!(lines, r#"{{"process":{process},"type":"{kind}","f":"{f}","value":{value}}}"#).unwrap();
        }
    }
    lines
}

/// A model, a history of it, and the answer that makes a near twin of it wrong.
const PAIRS: [(&str, &str, [&str; 2]); 13] = [
    ("register", "write 1 → 1\nread → 1", ["read → 1", "read → 2"]),
    ("register:7", "read → 7", ["read → 7", "read → null"]),
    ("cas-register:0", "cas [0,1] → true\nread → 1", ["→ true", "→ false"]),
    (
        "key-value",
        r#"put ["x","a"] → null
                     append ["x","b"] → null
                     get "x" → "ab""#,
        [r#""ab""#, r#""ba""#],
    ),
    (
        "key-value",
        r#"put ["x",1] → null
                     cas ["x",[1,2]] → true
                     get "x" → 2"#,
        ["→ 2", "→ 1"],
    ),
    ("set", "add 1 → true\nread → [1]", ["[1]", "[]"]),
    ("queue", "enqueue 1 → 1\nenqueue 2 → 2\ndequeue → 1", ["dequeue → 1", "dequeue → 2"]),
    (
        "lock",
        r#"acquire "l" → true
                acquire "l" → false"#,
        ["false", "true"],
    ),
    (
        "bank:10",
        r#"transfer ["a","b",4] → true
                   read → {"a":6,"b":14}"#,
        ["6", "10"],
    ),
    (
        "registry",
        r#"register ["n","p"] → true
                    lookup "n" → "p""#,
        [r#"→ "p""#, "→ null"],
    ),
    (
        "list-append",
        r#"txn [["append","x",1]] → [["append","x",1]]
                       txn [["append","x",2]] → [["append","x",2]]
                       txn [["r","x",null]] → [["r","x",[1,2]]]"#,
        [r#""x",[1,2]"#, r#""x",[1,3]"#],
    ),
    (
        "rw-register",
        r#"txn [["w","x",1]] → [["w","x",1]]
                       txn [["r","x",null]] → [["r","x",1]]"#,
        [r#"→ [["r","x",1]]"#, r#"→ [["r","x",2]]"#],
    ),
    (
        "bank-audit",
        r#"read → {"a":5,"b":5}
                      transfer ["a","b",1] → true
                      read → {"a":4,"b":6}"#,
        [r#"{"a":4,"b":6}"#, r#"{"a":4,"b":5}"#],
    ),
];

#[test]
fn every_model_accepts_a_good_history_and_rejects_its_near_twin() {
    for (model, good, [right, wrong]) in PAIRS {
        let (code, judgement) = judged(model, &sequence(good), &[]);
        assert_eq!((code, &judgement["verdict"]), (0, &"valid".into()), "{model}: {judgement}");
        let operations = good.lines().count();
        assert_eq!(judgement["operations"], operations, "{model}");
        assert_eq!(judgement["longest_prefix"], operations, "{model}");
        assert!(judgement["wall_ms"].is_f64(), "{model}");

        assert!(good.contains(right), "{model}");
        let (code, judgement) = judged(model, &sequence(&good.replace(right, wrong)), &[]);
        assert_eq!((code, &judgement["verdict"]), (1, &"violation".into()), "{model}: {judgement}");
        assert!(
            judgement["evidence"].as_array().is_some_and(|lines| !lines.is_empty()),
            "{model}: {judgement}"
        );
    }
}

#[test]
fn the_isolation_level_is_chosen_after_a_colon() {
    let skew = r#"
        {"process":0,"type":"invoke","f":"txn","value":[["r","x",null],["append","y",1]]}
        {"process":1,"type":"invoke","f":"txn","value":[["r","y",null],["append","x",1]]}
        {"process":0,"type":"ok","f":"txn","value":[["r","x",[]],["append","y",1]]}
        {"process":1,"type":"ok","f":"txn","value":[["r","y",[]],["append","x",1]]}
        {"process":0,"type":"invoke","f":"txn","value":[["r","x",null],["r","y",null]]}
        {"process":0,"type":"ok","f":"txn","value":[["r","x",[1]],["r","y",[1]]]}"#;
    assert_eq!(judged("list-append:snapshot-isolation", skew, &[]).0, 0);
    for level in ["list-append", "list-append:serializable", "list-append:strict-serializable"] {
        let (code, judgement) = judged(level, skew, &[]);
        assert_eq!(code, 1, "{level}");
        assert!(judgement["message"].as_str().unwrap().starts_with("G2-item"), "{judgement}");
    }
}

#[test]
fn a_name_that_is_none_is_answered_with_those_that_are() {
    let history = sequence("read → null");
    let output = check("regster", &history, &[]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(complaint(&output).split(" For more").next().unwrap());
    let output = check("list-append:linearizable", &history, &[]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(complaint(&output).split(" For more").next().unwrap());
}

#[test]
fn a_history_that_is_none_is_refused_with_its_line_in_both_formats() {
    let json = |events: &[&str]| events.join("\n");
    let edn = |events: &[&str]| {
        let event = |event: &&str| {
            let keyword =
                |text: String, word: &str| text.replace(&format!("\"{word}\":"), &format!(":{word} "));
            let text = ["process", "type", "f", "value"].into_iter().fold((*event).to_owned(), keyword);
            let word = |text: String, word: &str| text.replace(&format!("\"{word}\""), &format!(":{word}"));
            let words = ["invoke", "ok", "read", "write", "burn", "cas"].into_iter().fold(text, word);
            words.replace("null", "nil")
        };
        events.iter().map(event).collect::<Vec<_>>().join("\n")
    };
    let begin = r#"{"process":0,"type":"invoke","f":"write","value":1}"#;
    let end = r#"{"process":0,"type":"ok","f":"write","value":1}"#;
    let cases: [(&[&str], &str); 5] = [
        (&[begin, &end[..30]], "line 2: this is not"),
        (&[begin, begin], "line 2: process 0 invokes `write` while its operation of line 1 is under way"),
        (&[begin, end, end], "line 3: process 0 completes `write`, which it has not invoked"),
        (
            &[begin, end, r#"{"process":0,"type":"invoke","f":"burn","value":1}"#],
            "line 3: cas-register has no function `burn`: read, write, cas",
        ),
        (
            &[begin, end, r#"{"process":0,"type":"invoke","f":"cas","value":5}"#],
            "line 3: `cas` takes [old, new], not 5",
        ),
    ];
    for (events, says) in cases {
        for history in [json(events), edn(events)] {
            let output = check("cas-register", &history, &["--json"]);
            assert_eq!(output.status.code(), Some(2), "{history}");
            assert!(output.stdout.is_empty(), "nothing was judged");
            assert!(complaint(&output).contains(says), "{}\n{history}", complaint(&output));
        }
    }
}

#[test]
fn a_transaction_that_is_none_is_refused_with_its_line() {
    let history = sequence(r#"txn [["append","x",1]] → [["append","x",1]]"#);
    for (right, wrong, says) in [
        (r#"[["append","x",1]]"#, "7", "line 2: `txn` takes an array of accesses, not 7"),
        ("append", "push", "line 2: an access is"),
    ] {
        let output = check("list-append", &history.replace(right, wrong), &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(complaint(&output).contains(says), "{}", complaint(&output));
    }
}

#[test]
fn jepsens_edn_is_judged_like_json_lines() {
    let history = "
        {:type :invoke, :f :txn, :value [[:append 1 1] [:r 2 nil]], :process 0, :time 1, :index 0}
        {:type :invoke, :f :txn, :value [[:append 2 1] [:r 1 nil]], :process 1, :time 2, :index 1}
        {:type :info, :f :start-partition, :process :nemesis, :time 3, :index 2}
        {:type :ok, :f :txn, :value [[:append 1 1] [:r 2 [1]]], :process 0, :time 4, :index 3}
        {:type :ok, :f :txn, :value [[:append 2 1] [:r 1 [1]]], :process 1, :time 5, :index 4}";
    let (code, judgement) = judged("list-append", history, &[]);
    assert_eq!(code, 1);
    assert!(judgement["message"].as_str().unwrap().starts_with("G1c"), "{judgement}");
    assert_eq!(judged("list-append", &history.replace("[:r 2 [1]]", "[:r 2 []]"), &[]).0, 0);
}

/// Deposits that are all under way at once, then a balance that none of their sums gives: answered afterwards or never.
fn hostile(is_answered: bool) -> String {
    let mut lines = String::new();
    let mut line = |process: u32, kind: &str, f: &str, value: &str| {
        writeln!(lines, r#"{{"process":{process},"type":"{kind}","f":"{f}","value":{value}}}"#).unwrap();
    };
    for process in 1..=64 {
        line(process, "invoke", "deposit", &format!(r#"["a",{}]"#, 2 * process));
    }
    line(0, "invoke", "balance", r#""a""#);
    line(0, "ok", "balance", "2001");
    for process in 1..=64 {
        line(process, if is_answered { "ok" } else { "info" }, "deposit", "true");
    }
    lines
}

#[test]
fn a_hostile_history_ends_at_its_limit_as_unknown_with_the_reason() {
    for history in [hostile(true), hostile(false)] {
        let (code, judgement) = judged("bank", &history, &["--memory-limit", "1MiB", "--time-limit", "1h"]);
        assert_eq!((code, &judgement["verdict"]), (3, &"unknown".into()), "{judgement}");
        assert!(
            judgement["message"].as_str().unwrap().starts_with("the memory limit of 1 MiB"),
            "{judgement}"
        );
        let (code, judgement) = judged("bank", &history, &["--time-limit", "1ms"]);
        assert_eq!((code, &judgement["verdict"]), (3, &"unknown".into()), "{judgement}");
        assert!(judgement["message"].as_str().unwrap().starts_with("the time limit of 1ms"), "{judgement}");
    }
}

#[test]
fn what_people_read_ends_with_the_next_command() {
    let text = |history: &str, arguments: &[&str]| {
        String::from_utf8(check("bank", history, arguments).stdout)
            .unwrap()
            .lines()
            .last()
            .unwrap()
            .to_owned()
    };
    let next = text(&hostile(true), &["--memory-limit", "1MiB"]);
    assert!(next.contains("--memory-limit 4MiB"), "{next}");
    let next = text(&sequence(r#"balance "a" → 1"#), &[]);
    assert!(next.contains("next: sed -n '1,2p'"), "{next}");
}
