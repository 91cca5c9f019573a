//! Three histories, line by line: what clients did and saw, and between the lines what was done to them.
//!
//! A change here is a change of what runs do for the same seed: of the protocol, the network, or the draws. Read the
//! difference before accepting it (`INSTA_UPDATE=always`, see CONTRIBUTING).

mod support;

use std::fmt::Write;
use support::{case, record};

/// Operations and faults in order of time, then what the run came to.
fn transcript(name: &str, seed: u64) -> String {
    let case = case(name);
    let (report, recording) = record(&case, seed);
    let mut lines: Vec<(i64, String)> =
        recording.history.iter().map(|line| (line.time as i64, line.text())).collect();
    for line in recording.lines() {
        let Some(text) = line.text.filter(|_| ["fault", "phase", "probe"].contains(&&*line.event)) else {
            continue;
        };
        let who = line.from.as_deref().unwrap_or("--");
        lines.push((line.time, format!("{:>10.3} ms  {who:<4} {text}", line.time as f64 / 1e6)));
    }
    lines.sort_by_key(|(time, _)| *time);
    let mut text = String::new();
    for (_, line) in lines {
        writeln!(text, "{line}").expect("writing to a String");
    }
    writeln!(text, "\nverdict: {:?}", report.verdict()).expect("writing to a String");
    for violation in &report.violations {
        writeln!(text, "{} at {} ms: {}", violation.checker, violation.at_ms, violation.message)
            .expect("writing to a String");
    }
    text
}

#[test]
fn a_quiet_history() {
    insta::assert_snapshot!(transcript("tests/histories/quiet.toml", 1));
}

#[test]
fn a_history_with_a_netsplit() {
    insta::assert_snapshot!(transcript("tests/histories/netsplit.toml", 1));
}

#[test]
fn a_history_of_a_flaw() {
    let violates = |seed: &u64| {
        let (report, _) = record(&case("tests/histories/flaw.toml"), *seed);
        report.violations.iter().any(|violation| violation.checker == "convergence")
    };
    let seed = (0..100).find(violates).expect("the flaw shows within 100 seeds");
    insta::assert_snapshot!(transcript("tests/histories/flaw.toml", seed));
}
