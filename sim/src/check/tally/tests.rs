//! A good history accepted and its near twins rejected, or not known, for everything that is counted.

use crate::check::Judge;
use crate::check::linearizable::Budget;
use crate::history::read;
use crate::verdict::Verdict;

/// Operations one after the other, each `f value → answer`; a line with `fail` or `info` for an answer ends so.
fn judged(model: &str, operations: &str) -> (Verdict, String) {
    let mut lines = String::new();
    for (process, line) in operations.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        let (asked, answer) = line.split_once(" → ").expect("an answer");
        let (f, value) = asked.split_once(' ').unwrap_or((asked, "null"));
        let (end, answer) = if ["fail", "info"].contains(&answer) { (answer, value) } else { ("ok", answer) };
        for (kind, value) in [("invoke", value), (end, answer)] {
            lines += &format!(r#"{{"process":{process},"type":"{kind}","f":"{f}","value":{value}}}"#);
            lines.push('\n');
        }
    }
    let judge: Judge = model.parse().expect("a model");
    let ruling =
        judge.judge(&read(lines.as_bytes()).expect("a history"), Budget::default()).expect("its own");
    (ruling.verdict, ruling.summary)
}

fn says(model: &str, operations: &str, verdict: Verdict, word: &str) {
    let (found, summary) = judged(model, operations);
    assert!(found == verdict && summary.contains(word), "{model}: {found:?} {summary}\n{operations}");
}

#[test]
fn an_element_that_was_added_is_in_every_later_read() {
    says("set-full", "add 1 → true\nread → [1]\nread → [1]", Verdict::Valid, "");
    says("set-full", "add 1 → true\nread → []", Verdict::Violation, "never read");
    says("set-full", "add 1 → true\nread → [1]\nread → []", Verdict::Violation, "lost");
    says("set-full", "add 1 → info\nread → []", Verdict::Valid, "");
    says("set-full", "add 1 → info\nread → [1]\nread → []", Verdict::Violation, "lost");
    says("set-full", "add 1 → fail\nread → [1]", Verdict::Violation, "failed");
    says("set-full", "add 2 → true\nread → [2,1]", Verdict::Violation, "nobody added");
    says("set-full", "add 1 → true\nread → [1,1]", Verdict::Violation, "twice");
    says("set-full", "add 1 → true", Verdict::Unknown, "nothing was read");
}

#[test]
fn a_stale_read_is_told_where_the_set_is_to_be_linearizable() {
    let stale = "add 1 → true\nread → []\nread → [1]";
    says("set-full", stale, Verdict::Valid, "");
    says("set-full:linearizable", stale, Verdict::Violation, "stale");
    says("set-full:linearizable", "add 1 → true\nread → [1]", Verdict::Valid, "");
}

#[test]
fn what_was_put_in_comes_out_once_the_queue_was_drained() {
    says("total-queue", "enqueue 1 → 1\ndequeue → 1\ndequeue → null", Verdict::Valid, "");
    says("total-queue", "enqueue 1 → 1\nenqueue 2 → 2\ndrain → [2,1]", Verdict::Valid, "");
    says("total-queue", "enqueue 1 → 1\ndequeue → null", Verdict::Violation, "lost");
    says("total-queue", "enqueue 1 → 1\nenqueue 2 → 2\ndequeue → 2", Verdict::Unknown, "not drained");
    says(
        "total-queue",
        "enqueue 1 → 1\ndequeue → info\ndequeue → null",
        Verdict::Unknown,
        "unknown outcomes",
    );
    says("total-queue", "enqueue 1 → fail\ndequeue → 1", Verdict::Violation, "failed");
    says("total-queue", "enqueue 1 → info\ndequeue → 1", Verdict::Valid, "");
    says("total-queue", "dequeue → 3", Verdict::Violation, "nobody put in");
}

#[test]
fn of_two_reads_of_the_same_keys_one_saw_what_the_other_did() {
    let fork = |second: &str| {
        format!(
            r#"txn [["w",1,1]] → [["w",1,1]]
               txn [["w",2,1]] → [["w",2,1]]
               txn [["r",1,null],["r",2,null]] → [["r",1,1],["r",2,null]]
               txn [["r",2,null],["r",1,null]] → [["r",2,{second}],["r",1,null]]"#
        )
    };
    says("long-fork", &fork("null"), Verdict::Valid, "");
    says("long-fork", &fork("1"), Verdict::Violation, "long fork");
    says("long-fork", &fork("7"), Verdict::Violation, "nobody wrote");
}
