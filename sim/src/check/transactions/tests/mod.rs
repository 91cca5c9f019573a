//! A good history accepted and its near twin rejected, for every anomaly.

mod brute;
mod random;

use super::NAMES;
use crate::check::linearizable::Budget;
use crate::check::{Judge, Ruling};
use crate::history::read;
use crate::verdict::Verdict;

/// Transactions one after the other, each `accesses` or `accesses → fail` or `accesses → info`, by processes of their
/// own; those of one line are concurrent.
fn ruling(model: &str, text: &str) -> Ruling {
    let (mut lines, mut process, mut time) = (String::new(), 0, 0);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let transactions: Vec<&str> = line.split(" | ").map(str::trim).collect();
        for kind in ["invoke", "end"] {
            for (at, transaction) in transactions.iter().enumerate() {
                let (accesses, end) = transaction.split_once(" → ").unwrap_or((transaction, "ok"));
                let kind = if kind == "end" { end } else { kind };
                let process = process + at;
                time += 1;
                lines += &format!(
                    r#"{{"process":{process},"time":{time},"type":"{kind}","f":"txn","value":[{accesses}]}}"#
                );
                lines.push('\n');
            }
        }
        process += transactions.len();
    }
    judged(model, &lines)
}

fn judged(model: &str, lines: &str) -> Ruling {
    let judge: Judge = model.parse().expect("a model");
    judge.judge(&read(lines.as_bytes()).expect("a history"), Budget::default()).expect("transactions")
}

fn accept(model: &str, text: &str) {
    let ruling = ruling(model, text);
    assert_eq!(ruling.verdict, Verdict::Valid, "{}", ruling.page.join("\n"));
}

fn evidence(model: &str, text: &str) -> String {
    let ruling = ruling(model, text);
    assert_eq!(ruling.verdict, Verdict::Violation, "accepted:\n{text}");
    ruling.page.join("\n")
}

#[test]
fn g0_is_writes_that_interleave() {
    let good = r#"
        ["append","x",1],["append","y",1] | ["append","x",2],["append","y",2]
        ["r","x",[1,2]],["r","y",[1,2]]"#;
    accept("list-append", good);
    insta::assert_snapshot!(evidence("list-append:snapshot-isolation", &good.replace(r#""y",[1,2]"#, r#""y",[2,1]"#)), @r#"
    G0
      line 1     p0 txn [["append","x",1],["append","y",1]]
        ww on x: before the one of line 2
      line 2     p1 txn [["append","x",2],["append","y",2]]
        ww on y: before the one of line 1
    "#);
}

#[test]
fn g1a_is_a_read_of_what_failed() {
    let good = r#"
        ["append","x",1] → info
        ["r","x",[1]]"#;
    accept("list-append", good);
    insta::assert_snapshot!(evidence("list-append", &good.replace("info", "fail")), @r#"
    G1a: x was read as having 1, whose transaction failed
      line 1     p0 txn [["append","x",1]] → failed
      line 3     p1 txn [["r","x",[1]]]
    "#);
}

#[test]
fn g1b_is_a_read_of_what_was_overwritten_by_its_own_transaction() {
    let good = r#"
        ["append","x",1],["append","x",2]
        ["r","x",[1,2]]"#;
    accept("list-append", good);
    insta::assert_snapshot!(evidence("list-append", &good.replace("[1,2]", "[1]")), @r#"
    G1b: x was read as of 1, which its own transaction overwrote
      line 1     p0 txn [["append","x",1],["append","x",2]]
      line 3     p1 txn [["r","x",[1]]]
    G-single
      line 3     p1 txn [["r","x",[1]]]
        rw on x: before the one of line 1
      line 1     p0 txn [["append","x",1],["append","x",2]]
        wr on x: before the one of line 3
    "#);
}

#[test]
fn g1c_is_information_that_flows_in_a_circle() {
    let good = r#"["append","x",1],["r","y",[]] | ["append","y",1],["r","x",[1]]"#;
    accept("list-append", good);
    insta::assert_snapshot!(evidence("list-append", &good.replace(r#""y",[]"#, r#""y",[1]"#)), @r#"
    G1c
      line 2     p1 txn [["append","y",1],["r","x",[1]]]
        wr on y: before the one of line 1
      line 1     p0 txn [["append","x",1],["r","y",[1]]]
        wr on x: before the one of line 2
    "#);
}

#[test]
fn g_single_is_a_transaction_seen_in_part() {
    let good = r#"
        ["append","x",1],["append","y",1] | ["r","x",[1]],["r","y",[1]]
        ["r","x",[1]],["r","y",[1]]"#;
    accept("list-append", good);
    let bad = good.replacen(r#"["r","y",[1]]"#, r#"["r","y",[]]"#, 1);
    insta::assert_snapshot!(evidence("list-append:snapshot-isolation", &bad), @r#"
    G-single
      line 2     p1 txn [["r","x",[1]],["r","y",[]]]
        rw on y: before the one of line 1
      line 1     p0 txn [["append","x",1],["append","y",1]]
        wr on x: before the one of line 2
    "#);
}

#[test]
fn a_lost_update_is_two_writes_over_one_version() {
    let good = r#"
        ["r","x",[]],["append","x",1] | ["r","x",[1]],["append","x",2]
        ["r","x",[1,2]]"#;
    accept("list-append", good);
    let bad = good.replacen(r#"["r","x",[1]]"#, r#"["r","x",[]]"#, 1);
    insta::assert_snapshot!(evidence("list-append:snapshot-isolation", &bad), @r#"
    lost update
      line 1     p0 txn [["r","x",[]],["append","x",1]]
        rw on x: before the one of line 2
      line 2     p1 txn [["r","x",[]],["append","x",2]]
        rw on x: before the one of line 1
    "#);
    let good = r#"
        ["w","x",0]
        ["r","x",0],["w","x",1] | ["r","x",1],["w","x",2]"#;
    accept("rw-register", good);
    let bad = good.replacen(r#"["r","x",1]"#, r#"["r","x",0]"#, 1);
    insta::assert_snapshot!(evidence("rw-register:snapshot-isolation", &bad), @r#"
    lost update
      line 3     p1 txn [["r","x",0],["w","x",1]]
        rw on x: before the one of line 4
      line 4     p2 txn [["r","x",0],["w","x",2]]
        rw on x: before the one of line 3
    "#);
}

#[test]
fn a_long_fork_is_two_writes_seen_in_opposite_orders() {
    let good = r#"
        ["w","x",1] | ["w","y",1] | ["r","x",1],["r","y",null] | ["r","x",1],["r","y",1]"#;
    accept("rw-register:snapshot-isolation", good);
    let bad = good.replace(r#"["r","x",1],["r","y",1]"#, r#"["r","x",null],["r","y",1]"#);
    insta::assert_snapshot!(evidence("rw-register:snapshot-isolation", &bad), @r#"
    long fork
      line 4     p3 txn [["r","x",null],["r","y",1]]
        rw on x: before the one of line 1
      line 1     p0 txn [["w","x",1]]
        wr on x: before the one of line 3
      line 3     p2 txn [["r","x",1],["r","y",null]]
        rw on y: before the one of line 2
      line 2     p1 txn [["w","y",1]]
        wr on y: before the one of line 4
    "#);
}

#[test]
fn g_nonadjacent_is_several_snapshots_that_fit_no_order() {
    let good = r#"
        ["append","x",1] | ["append","x",2],["r","y",[]] | ["append","y",1],["append","z",1] | ["r","z",[1]],["r","x",[1,2]]
        ["r","x",[1,2]],["r","y",[1]],["r","z",[1]]"#;
    accept("list-append", good);
    let bad = good.replacen(r#"["r","x",[1,2]]"#, r#"["r","x",[]]"#, 1);
    insta::assert_snapshot!(evidence("list-append:snapshot-isolation", &bad), @r#"
    G-nonadjacent
      line 2     p1 txn [["append","x",2],["r","y",[]]]
        rw on y: before the one of line 3
      line 3     p2 txn [["append","y",1],["append","z",1]]
        wr on z: before the one of line 4
      line 4     p3 txn [["r","z",[1]],["r","x",[]]]
        rw on x: before the one of line 1
      line 1     p0 txn [["append","x",1]]
        ww on x: before the one of line 2
    "#);
}

#[test]
fn g2_item_is_write_skew_which_snapshot_isolation_allows() {
    let good = r#"
        ["r","x",[]],["append","y",1] | ["r","y",[1]],["append","x",1]
        ["r","x",[1]],["r","y",[1]]"#;
    accept("list-append", good);
    let bad = good.replacen(r#"["r","y",[1]]"#, r#"["r","y",[]]"#, 1);
    accept("list-append:snapshot-isolation", &bad);
    insta::assert_snapshot!(evidence("list-append", &bad), @r#"
    G2-item
      line 1     p0 txn [["r","x",[]],["append","y",1]]
        rw on x: before the one of line 2
      line 2     p1 txn [["r","y",[]],["append","x",1]]
        rw on y: before the one of line 1
    "#);
}

#[test]
fn a_stale_read_is_serializable_but_not_in_real_time() {
    let stale = r#"
        ["append","x",1]
        ["r","x",[]]
        ["r","x",[1]]"#;
    accept("list-append:serializable", stale);
    accept("list-append:session-serializable", stale);
    insta::assert_snapshot!(evidence("list-append:strict-serializable", stale), @r#"
    G-single
      line 3     p1 txn [["r","x",[]]]
        rw on x: before the one of line 1
      line 1     p0 txn [["append","x",1]]
        real-time: before the one of line 3
    "#);
}

#[test]
fn a_session_sees_what_it_has_done() {
    let session = |second: &str| {
        let event = |kind: &str, value: &str| {
            format!(r#"{{"process":0,"type":"{kind}","f":"txn","value":{value}}}"#) + "\n"
        };
        let write = r#"[["append","x",1]]"#;
        let other = r#"{"process":1,"type":"invoke","f":"txn","value":[["r","x",null]]}
{"process":1,"type":"ok","f":"txn","value":[["r","x",[1]]]}"#;
        event("invoke", write) + &event("ok", write) + &event("invoke", second) + &event("ok", second) + other
    };
    let verdict = |second| judged("list-append:session-serializable", &session(second)).verdict;
    assert_eq!(verdict(r#"[["r","x",[1]]]"#), Verdict::Valid);
    assert_eq!(verdict(r#"[["r","x",[]]]"#), Verdict::Violation);
}

#[test]
fn a_transaction_sees_its_own_writes() {
    let good = r#"["append","x",1],["r","x",[1]]"#;
    accept("list-append", good);
    insta::assert_snapshot!(evidence("list-append", r#"["append","x",1],["r","x",[]]"#), @r#"
    internal: x is read without what the transaction itself did before
      line 1     p0 txn [["append","x",1],["r","x",[]]]
    "#);
    accept("rw-register", r#"["w","x",1],["r","x",1]"#);
    insta::assert_snapshot!(evidence("rw-register", r#"["w","x",1],["r","x",null]"#), @r#"
    internal: x is read without what the transaction itself did before
      line 1     p0 txn [["w","x",1],["r","x",null]]
    "#);
}

#[test]
fn a_value_that_nobody_wrote_is_garbage() {
    accept("list-append", r#"["r","x",[]]"#);
    insta::assert_snapshot!(evidence("list-append", r#"["r","x",[9]]"#), @r#"
    garbage read: x was read as having 9, which nobody wrote
      line 1     p0 txn [["r","x",[9]]]
    "#);
}

#[test]
fn lists_that_do_not_begin_alike_fit_no_order() {
    let good = r#"
        ["append","x",1] | ["append","x",2] | ["append","x",3]
        ["r","x",[1,2]] | ["r","x",[1,2,3]]"#;
    accept("list-append", good);
    insta::assert_snapshot!(evidence("list-append", &good.replace("[1,2]]", "[2,1]]")), @r#"
    incompatible order: x is [2, 1] in one and [1, 2, 3] in the other
      line 7     p3 txn [["r","x",[2,1]]]
      line 8     p4 txn [["r","x",[1,2,3]]]
    "#);
}

/// Anomalies of registers: a good history, and what makes its near twin wrong.
const OF_REGISTERS: [(&str, &str, [&str; 2]); 6] = [
    (
        "G1a",
        r#"
        ["w","x",1] → info
        ["r","x",1]"#,
        ["info", "fail"],
    ),
    (
        "G1b",
        r#"
        ["w","x",1],["w","x",2]
        ["r","x",2]"#,
        [r#"["r","x",2]"#, r#"["r","x",1]"#],
    ),
    ("G1c", r#"["w","x",1],["r","y",null] | ["w","y",1],["r","x",1]"#, ["null", "1"]),
    (
        "G0",
        r#"
        ["w","x",1],["w","y",1]
        ["r","x",1],["w","x",2],["r","y",1],["w","y",2] | ["r","y",2],["r","x",2]"#,
        [r#"["w","x",1],["w","y",1]"#, r#"["w","x",1],["r","y",2],["w","y",1]"#],
    ),
    (
        "G-single",
        r#"
        ["w","x",1],["w","y",1] | ["r","x",1],["r","y",1]"#,
        [r#"["r","y",1]"#, r#"["r","y",null]"#],
    ),
    (
        "G2-item",
        r#"
        ["r","x",null],["w","y",1] | ["r","y",1],["w","x",1]"#,
        [r#"["r","y",1]"#, r#"["r","y",null]"#],
    ),
];

#[test]
fn registers_show_the_same_anomalies_as_lists() {
    let mut pages = String::new();
    for (name, good, [right, wrong]) in OF_REGISTERS {
        accept("rw-register", good);
        assert!(good.contains(right), "{name}");
        pages += &format!("{name}:\n{}\n\n", evidence("rw-register", &good.replace(right, wrong)));
    }
    insta::assert_snapshot!(pages);
}

#[test]
fn a_long_fork_of_lists_is_none_if_the_readers_agree() {
    let good = r#"
        ["append","x",1] | ["append","y",1] | ["r","x",[1]],["r","y",[]] | ["r","x",[1]],["r","y",[1]]"#;
    accept("list-append:snapshot-isolation", good);
    let bad = good.replace(r#"["r","x",[1]],["r","y",[1]]"#, r#"["r","x",[]],["r","y",[1]]"#);
    insta::assert_snapshot!(evidence(
        "list-append:snapshot-isolation",
        &format!("{bad}\n[\"r\",\"x\",[1]],[\"r\",\"y\",[1]]")
    ));
}

#[test]
fn everything_before_everything_takes_as_much_memory_as_there_are_transactions() {
    // A thousand transactions that end together, then a thousand that begin together: a million pairs.
    let wave = |from: usize, kind: &str| {
        let event = |process: usize| {
            format!(r#"{{"process":{process},"type":"{kind}","f":"txn","value":[["r","x",[]]]}}"#) + "\n"
        };
        (from..from + 1000).map(event).collect::<String>()
    };
    let text = [wave(0, "invoke"), wave(0, "ok"), wave(1000, "invoke"), wave(1000, "ok")].concat();
    let judge: Judge = "list-append:strict-serializable".parse().expect("a model");
    let history = read(text.as_bytes()).expect("a history");
    let budget = |memory_bytes| Budget::of(None, memory_bytes);
    let ruling = judge.judge(&history, budget(1 << 17)).expect("transactions");
    assert_eq!(ruling.verdict, Verdict::Unknown);
    assert!(ruling.summary.starts_with("the memory limit of 0.125 MiB"), "{}", ruling.summary);
    assert_eq!(judge.judge(&history, budget(2 << 20)).expect("transactions").verdict, Verdict::Valid);
}

#[test]
fn an_audit_sees_whole_transfers() {
    let history = |second: &str| {
        format!(
            r#"{{"process":0,"type":"invoke","f":"read"}}
{{"process":0,"type":"ok","f":"read","value":{{"a":10,"b":10}}}}
{{"process":1,"type":"invoke","f":"transfer","value":["a","b",3]}}
{{"process":0,"type":"invoke","f":"read"}}
{{"process":0,"type":"ok","f":"read","value":{second}}}
{{"process":1,"type":"ok","f":"transfer","value":true}}"#
        )
    };
    assert_eq!(
        judged("bank-audit:snapshot-isolation", &history(r#"{"a":7,"b":13}"#)).verdict,
        Verdict::Valid
    );
    let ruling = judged("bank-audit:snapshot-isolation", &history(r#"{"a":7,"b":10}"#));
    insta::assert_snapshot!(ruling.page.join("\n"), @r#"
    G-single
      line 4     p0 read → {"a":7,"b":10}
        rw on b: before the one of line 3
      line 3     p1 transfer ["a","b",3] → true
        wr on a: before the one of line 4
    "#);
}

#[test]
fn a_history_without_writes_is_accepted_by_every_workload() {
    for name in NAMES {
        let f = if name == "bank-audit" { "read" } else { "txn" };
        let value = if f == "read" { "{}" } else { r#"[["r","x",null]]"# };
        let line = |kind: &str| format!(r#"{{"process":0,"type":"{kind}","f":"{f}","value":{value}}}"#);
        assert_eq!(
            judged(name, &format!("{}\n{}", line("invoke"), line("ok"))).verdict,
            Verdict::Valid,
            "{name}"
        );
    }
}

#[test]
fn a_thousand_transactions_in_one_cycle_are_judged() {
    // Everyone appends to a list of their own after reading the next one's: one great circle.
    let mut text = String::new();
    for at in 0..1000 {
        let next = (at + 1) % 1000;
        text += &format!(r#"["append","k{at}",1],["r","k{next}",[1]]"#);
        text += if next == 0 { "" } else { " | " };
    }
    assert_eq!(ruling("list-append", &text).summary.split(' ').next(), Some("G1c"));
}

#[test]
fn a_register_that_a_process_reads_in_an_earlier_version_again_went_back() {
    let history = |first: &str, second: &str| {
        let mut lines = String::new();
        let steps = [
            (0, r#"["w","x",1]"#),
            (0, r#"["r","x",1],["w","x",2]"#),
            (0, r#"["r","x",2],["w","x",3]"#),
            (1, first),
            (1, second),
        ];
        for (process, accesses) in steps {
            for kind in ["invoke", "ok"] {
                lines +=
                    &format!(r#"{{"process":{process},"type":"{kind}","f":"txn","value":[{accesses}]}}"#);
                lines.push('\n');
            }
        }
        lines
    };
    let (newer, older, none) = (r#"["r","x",3]"#, r#"["r","x",1]"#, r#"["r","x",null]"#);
    assert_eq!(judged("rw-register:monotonic-reads", &history(older, newer)).verdict, Verdict::Valid);
    assert_eq!(judged("rw-register:read-committed", &history(newer, older)).verdict, Verdict::Valid);
    for earlier in [older, none] {
        let ruling = judged("rw-register:monotonic-reads", &history(newer, earlier));
        assert_eq!(ruling.verdict, Verdict::Violation);
        assert!(ruling.summary.starts_with("non-monotonic reads"), "{}", ruling.summary);
    }
}

#[test]
fn transactions_on_stores_with_keys_are_judged_store_by_store() {
    let history = |second: &str| {
        let mut lines = String::new();
        for (process, key, accesses) in [
            (0, r#""a""#, r#"["append","x",1]"#),
            (1, second, r#"["append","x",1]"#),
            (0, r#""a""#, r#"["r","x",[1]]"#),
        ] {
            for kind in ["invoke", "ok"] {
                lines += &format!(
                    r#"{{"process":{process},"type":"{kind}","f":"txn","key":{key},"value":[{accesses}]}}"#
                );
                lines.push('\n');
            }
        }
        lines
    };
    let model = "list-append:strict-serializable";
    let ruling = judged(model, &history(r#""b""#));
    assert_eq!(ruling.verdict, Verdict::Valid, "{}", ruling.summary);
    let keys: Vec<_> =
        ruling.witness.iter().flatten().map(|(key, order)| (key.as_deref(), order.len())).collect();
    assert_eq!(keys, [(Some(r#""a""#), 2), (Some(r#""b""#), 1)]);
    // In one store the read misses one of the two.
    assert_eq!(judged(model, &history(r#""a""#)).verdict, Verdict::Violation);
    // What reads in one store does not see is known by its key, and by its place in the whole.
    let lost = history(r#""b""#).replace(r#"["r","x",[1]]"#, r#"["r","x",[]]"#);
    let ruling = judged(model, &lost);
    assert!(
        ruling.verdict == Verdict::Violation && ruling.summary.starts_with(r#"key "a": "#),
        "{}",
        ruling.summary
    );
    let cited: std::collections::BTreeSet<usize> =
        ruling.cited.operations.iter().map(|(operation, _)| *operation).collect();
    assert_eq!(cited.into_iter().collect::<Vec<_>>(), [0, 2]);
}
