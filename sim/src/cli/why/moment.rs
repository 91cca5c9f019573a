//! The moment of a failure, in a sentence: when, what of the plan began or ended then, and what it changed.

use crate::moment::{Curve, Rise};
use crate::scenario::{Fault, Moment, Scenario};
use std::ops::Range;
use std::time::Duration;

/// When the failure of this plan was settled.
pub(super) fn told(curve: Option<&Curve>, plan: &Scenario) -> String {
    match curve.map(Curve::rise) {
        Some(Rise::Between(before, after)) => {
            let (from, to) = (seconds(before.at_ms), seconds(after.at_ms));
            let what =
                then(plan, before.at_ms..after.at_ms).map(|what| format!(", {what}")).unwrap_or_default();
            let (less, more) = (before.share() * 100.0, after.share() * 100.0);
            format!("{from} to {to}{what}: {less:.0} % fail if all is over before, {more:.0} % if after")
        }
        Some(Rise::Settled) => "none: it fails though nothing is done to it".to_owned(),
        Some(Rise::Nowhere) => "none: even all of the plan leads to it only with luck".to_owned(),
        None => "not found in time".to_owned(),
    }
}

/// What of a plan begins between two instants, in ms, or else ends there.
fn then(plan: &Scenario, between: Range<i64>) -> Option<String> {
    let is_then = |at: Duration| between.contains(&(at.as_millis() as i64));
    let struck = |fault: &Fault| match fault.moment {
        Moment::At { at, .. } => Some(at.get()),
        Moment::Probe { .. } => None,
    };
    let begins = |fault: &&Fault| struck(fault).is_some_and(is_then);
    let ends =
        |fault: &&Fault| struck(fault).zip(fault.lasts).is_some_and(|(at, lasts)| is_then(at + lasts.get()));
    let operation = plan.operations.iter().find(|operation| is_then(operation.at.get()));
    let begun = || plan.faults.iter().find(begins).map(ToString::to_string);
    let ended = || plan.faults.iter().find(ends).map(|fault| format!("the end of {fault}"));
    operation.map(ToString::to_string).or_else(begun).or_else(ended)
}

fn seconds(ms: i64) -> String {
    format!("{:.3} s", ms as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn then_at(from: i64, to: i64) -> Option<String> {
        let plan = r#"
            title = ""
            system = ""
            workload = { clients = 2, for = "20s" }
            operation = [{ at = "1s 234us", client = "c1", name = "put" }]
            fault = [{ at = "2s", crash = "n1", restart_after = "5s" }]
        "#;
        then(&toml::from_str(plan).unwrap(), from..to)
    }

    #[test]
    fn what_begins_or_ends_at_the_moment_is_named() {
        assert_eq!(then_at(1_000, 1_001).as_deref(), Some("1s 234us: c1 put"));
        assert_eq!(then_at(2_000, 2_001).as_deref(), Some("2s: crash n1, for 5s"));
        assert_eq!(then_at(6_999, 7_001).as_deref(), Some("the end of 2s: crash n1, for 5s"));
    }

    #[test]
    fn where_only_time_passes_nothing_is_named() {
        assert_eq!(then_at(4_000, 4_002), None);
        assert_eq!(
            told(
                None,
                &toml::from_str("title = \"\"\nsystem = \"\"\nworkload = { clients = 1, for = \"1s\" }")
                    .unwrap()
            ),
            "not found in time"
        );
    }
}
