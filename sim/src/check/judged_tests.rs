//! Histories as others write them, and what they are judged to be: each file under `sim/tests/judged` has a line here.
use super::linearizable::Budget;
use super::{Judge, Reading};
use crate::history::read;
use crate::verdict::Verdict;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;
use std::time::Duration;

/// The verdicts, and that there is none.
const VALID: &str = "valid";
const VIOLATION: &str = "violation";
const REFUSED: &str = "refused";
const UNKNOWN: &str = "unknown";

/// File, model, verdict, and a word of what people read.
const CASES: [(&str, &str, &str, &str); 62] = [
    // Transactions: what was committed happened.
    ("append-lost.jsonl", "list-append:strict-serializable", VIOLATION, "G-single"),
    ("append-lost.jsonl", "list-append:serializable", VALID, ""),
    ("lost-update-unread.jsonl", "list-append", VIOLATION, "lost update"),
    ("lost-update-unread-si.jsonl", "list-append:snapshot-isolation", VIOLATION, "lost update"),
    ("lost-update-unread-si.jsonl", "list-append:causal", VALID, ""),
    ("write-skew-unread.jsonl", "list-append", VIOLATION, "G2-item"),
    ("write-skew-unread.jsonl", "list-append:snapshot-isolation", VALID, ""),
    ("write-skew-three.jsonl", "list-append", VIOLATION, "G"),
    ("half-of-a-transaction.jsonl", "list-append:snapshot-isolation", VIOLATION, "G-single"),
    ("half-of-a-transaction.jsonl", "list-append:read-atomic", VIOLATION, "fractured read"),
    ("half-of-a-transaction.jsonl", "list-append:read-committed", VALID, ""),
    ("element-twice.jsonl", "list-append", VIOLATION, "duplicate elements"),
    ("future-read.jsonl", "list-append", VIOLATION, "future read"),
    ("session-after-unknown.jsonl", "list-append:session-serializable", VALID, ""),
    ("check-append-swapped-as-transactions.edn", "list-append", VIOLATION, "incompatible order"),
    ("register-stale-read.jsonl", "rw-register:strict-serializable", VIOLATION, ""),
    ("register-stale-read.jsonl", "rw-register:serializable", VALID, ""),
    ("register-two-orders.jsonl", "rw-register:strict-serializable", VIOLATION, ""),
    ("register-reads-go-back.jsonl", "rw-register:strict-serializable", VIOLATION, ""),
    ("audit-misses-transfer.jsonl", "bank-audit:strict-serializable", VIOLATION, "no set of transfers"),
    ("audit-misses-transfer.jsonl", "bank-audit:serializable", VALID, ""),
    ("audit-sees-failed-transfer.jsonl", "bank-audit", VIOLATION, "G1a"),
    ("balances-as-list.jsonl", "bank-audit", VIOLATION, "+5"),
    ("balance-below-zero.jsonl", "bank-audit", VALID, ""),
    ("balance-below-zero.jsonl", "bank-audit:never-negative", VIOLATION, "balance below zero"),
    // Two orders place the same transfers and audits, and end with different balances.
    ("audits-around-each-other.jsonl", "bank-audit", VALID, ""),
    ("total-known.jsonl", "bank-audit", VALID, ""),
    ("total-known.jsonl", "bank-audit:total=100", VIOLATION, "-10"),
    // Order.
    ("two-logs-joined.jsonl", "register:0", VALID, ""),
    ("own-write-missed-in-one-instant.jsonl", "register:0", VIOLATION, ""),
    ("time-always-zero.jsonl", "list-append:strict-serializable", VIOLATION, ""),
    ("time-minus-one.edn", "register:0", VALID, ""),
    ("time-float.edn", "register:0", VALID, ""),
    // What is not a number, or more than one.
    ("bigint.edn", "register:0", VALID, ""),
    ("numbers-beyond-64-bits.jsonl", "register:0", VIOLATION, "12345678901234567890124"),
    ("nan.edn", "register:0", VALID, ""),
    ("clock-offsets.edn", "register:0", VALID, ""),
    ("unicode-escape.edn", "register:0", VALID, ""),
    ("namespaced-maps.edn", "register:0", VIOLATION, "customer/id"),
    ("namespaced-map-and-long.edn", "register:0", VALID, ""),
    // Where events stand, and what they look like.
    ("comment-first.edn", "register:0", VALID, ""),
    ("comment-last.edn", "register:0", VALID, ""),
    ("list.edn", "register:0", VALID, ""),
    ("array.json", "register:0", VALID, ""),
    ("event-over-lines.json", "register:0", VALID, ""),
    ("byte-order-mark.edn", "register:0", VALID, ""),
    ("string-keys.edn", "register:0", VALID, ""),
    ("vector-events.edn", "cas-register:0", VALID, ""),
    ("upper-case.jsonl", "register:0", VALID, ""),
    ("no-f.edn", "list-append", VALID, ""),
    ("no-f.edn", "register:0", REFUSED, "has no function"),
    ("f-read-write.edn", "rw-register", VALID, ""),
    // Who did it, and to which object.
    ("process-nil.edn", "register:0", VALID, ""),
    ("process-with-a-name.jsonl", "register:0", VALID, ""),
    ("keyed-but-one-register.jsonl", "cas-register", VALID, ""),
    ("keyed-cas.jsonl", "cas-register", REFUSED, "--keyed yes"),
    ("keyed-set.jsonl", "set", VALID, ""),
    ("lock-new-number.jsonl", "lock", VALID, ""),
    ("lock-new-number.jsonl", "mutex", VALID, ""),
    ("nothing-succeeded.jsonl", "register:0", UNKNOWN, "no operation succeeded"),
    ("check-failed-write-read.edn", "cas-register", VIOLATION, "did not happen"),
    ("check-append-swapped.edn", "key-value:\"\"", VIOLATION, "cannot be placed"),
];

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/judged").join(name)
}

/// The verdict on a history, and all that people read.
fn judged(model: &str, name: &str, reading: Reading, budget: Budget) -> (&'static str, String) {
    let judge: Judge = model.parse().expect("a case");
    let history = match read(BufReader::new(File::open(file(name)).expect("a case"))) {
        Ok(history) => history,
        Err(error) => return (REFUSED, error.to_string()),
    };
    match judge.reading(reading).judge(&history, budget) {
        Err(error) => (REFUSED, error.to_string()),
        Ok(ruling) => {
            let verdict = match ruling.verdict {
                Verdict::Valid => VALID,
                Verdict::Violation => VIOLATION,
                Verdict::Unknown => UNKNOWN,
            };
            (verdict, format!("{}\n{}", ruling.summary, ruling.page.join("\n")))
        }
    }
}

#[test]
fn every_history_of_others_is_judged_or_refused_as_it_should_be() {
    let mut wrong = String::new();
    for (name, model, verdict, word) in CASES {
        let (found, said) = judged(model, name, Reading::default(), Budget::default());
        if found != verdict || !said.contains(word) {
            wrong += &format!("{name} as {model}, not {verdict} with `{word}`: {found} {said}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_history_of_the_folder_has_a_line() {
    for entry in fs::read_dir(file("")).expect("a case") {
        let name = entry.expect("a case").file_name().into_string().expect("a case");
        assert!(CASES.iter().any(|(known, ..)| *known == name), "{name}");
    }
}

#[test]
fn keys_that_nothing_tells_of_are_told() {
    let keyed = |keyed| {
        let reading = Reading { keyed: Some(keyed), ..Reading::default() };
        judged("cas-register", "keyed-cas.jsonl", reading, Budget::default()).0
    };
    assert_eq!((keyed(true), keyed(false)), (VALID, VIOLATION));
}

#[test]
fn texts_that_are_appended_to_are_judged_at_once() {
    let budget = Budget::of(Some(Duration::from_secs(5)), 1 << 20);
    let (verdict, said) = judged("key-value:\"\"", "check-append-swapped.edn", Reading::default(), budget);
    assert_eq!(verdict, VIOLATION, "{said}");
    // The second read is what no order explains: up to there, there is one.
    assert!(said.contains("line 31–32"), "{said}");
}
