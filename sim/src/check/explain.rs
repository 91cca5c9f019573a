//! Evidence in words: which operations, which key, which window of time.

use super::cited::Cited;
use super::judge::Ruling;
use super::linearizable::Evidence;
use super::transactions::Found;
use crate::history::{End, Recorded};
use crate::verdict::Verdict;
use serde_json::Value;
use std::fmt::Write;

/// The evidence of a linearizability violation, in words.
pub(super) fn stuck(longest_prefix: usize, history: &[Recorded], evidence: &Evidence) -> Ruling {
    let stuck = &history[evidence.operation];
    let done = stuck.done.unwrap_or(stuck.call);
    let mut summary = String::new();
    // Writing to a String does not fail.
    if let Some(key) = &evidence.key {
        let _ = write!(summary, "key {key}: ");
    }
    let _ = write!(summary, "`{stuck}` ({} to {}) cannot be placed", stuck.call, done);
    if let Some(last) = evidence.tail.last() {
        let _ = write!(summary, " after `{}`", history[*last]);
    }
    let mut shown: Vec<(usize, &str)> = evidence.tail.iter().map(|index| (*index, "placed")).collect();
    shown.extend(evidence.pending.iter().map(|index| (*index, "under way, not placed")));
    shown.push((evidence.operation, "cannot be placed"));
    let failed = of_failed(history, stuck);
    if let Some(failed) = failed.first() {
        let _ = write!(summary, ": `{}`, and nobody else wrote it", history[*failed]);
    }
    shown.extend(failed.into_iter().map(|index| (index, "did not happen")));
    let last_line = |operation: &Recorded| operation.done.map_or(operation.call.line, |done| done.line);
    let from = shown.iter().map(|(index, _)| history[*index].call.line).min().unwrap_or(stuck.call.line);
    let to = shown.iter().map(|(index, _)| last_line(&history[*index])).max().unwrap_or(done.line);
    let mut page = Vec::new();
    if let Some(key) = &evidence.key {
        page.push(format!("key      {key}"));
    }
    page.push(format!("window   {} to {}", stuck.call, done));
    page.push(format!("stuck    {stuck}"));
    page.push(format!(
        "prefix   {longest_prefix} operations answered before it have an order that explains them"
    ));
    page.push("around it, the last operations of that order first:".to_owned());
    for (index, place) in shown {
        let operation = &history[index];
        let lines = match operation.done {
            Some(done) => format!("{}–{}", operation.call.line, done.line),
            None => format!("{}–", operation.call.line),
        };
        page.push(format!("  line {lines:<11} {place:<22} {operation}"));
    }
    let at_ns = done.time_ns;
    Ruling {
        verdict: Verdict::Violation,
        longest_prefix,
        summary,
        at_ns,
        lines: Some((from, to)),
        page,
        is_limited: false,
        witness: None,
        cited: Cited::stuck(evidence),
    }
}

/// The failed operations that would have made what an operation answered, where none that may have happened does.
fn of_failed(history: &[Recorded], stuck: &Recorded) -> Vec<usize> {
    let End::Ok(answer) = &stuck.end else { return Vec::new() };
    if answer.is_null() || answer.is_boolean() || *answer == stuck.invoked {
        return Vec::new();
    }
    // `write 7`, `cas [3, 7]`, `put [k, 7]`, `write [k, 7]` for a read of `[k, 7]`.
    let last = |value: &Value| match value {
        Value::Array(parts) => parts.last().cloned().unwrap_or(Value::Null),
        other => other.clone(),
    };
    let makes = |operation: &Recorded| {
        operation.f != stuck.f && (operation.invoked == *answer || last(&operation.invoked) == last(answer))
    };
    let made_by = (0..history.len()).filter(|index| makes(&history[*index]));
    let (failed, others): (Vec<usize>, Vec<usize>) =
        made_by.partition(|index| history[*index].end == End::Fail);
    if others.is_empty() { failed } else { Vec::new() }
}

/// The anomalies between transactions, in words; the first is the worst.
pub(super) fn anomalies(history: &[Recorded], first: &Found, all: &[Found]) -> Ruling {
    let last_line = |operation: &Recorded| operation.done.map_or(operation.call.line, |done| done.line);
    let of_first = || first.steps.iter().map(|step| &history[step.operation]);
    let lines = of_first().map(|operation| operation.call.line).min().zip(of_first().map(last_line).max());
    let mut page = Vec::new();
    for found in all {
        page.push(format!(
            "{}{}{}",
            found.anomaly.name(),
            if found.says.is_empty() { "" } else { ": " },
            found.says
        ));
        for (at, step) in found.steps.iter().enumerate() {
            let operation = &history[step.operation];
            page.push(format!("  line {:<5} {operation}", operation.call.line));
            if let Some((link, key)) = &step.link {
                let key = key.as_ref().map(|key| format!(" on {key}")).unwrap_or_default();
                let next = &history[found.steps[(at + 1) % found.steps.len()].operation];
                page.push(format!("    {link}{key}: before the one of line {}", next.call.line));
            }
        }
    }
    let mut summary = first.anomaly.name().to_owned();
    let separator = if first.says.is_empty() { " between " } else { ": " };
    // Writing to a String does not fail.
    let _ = write!(summary, "{separator}{}", first.says);
    if first.says.is_empty() {
        let operations: Vec<String> = of_first().map(|operation| format!("`{operation}`")).collect();
        summary += &operations.join(" and ");
    }
    let at_ns = of_first().filter_map(|operation| operation.done?.time_ns).max();
    let ends = |operation: &Recorded| operation.done.map_or(u64::MAX, |done| done.order);
    let until = of_first().map(ends).min().unwrap_or(0);
    let longest_prefix = history.iter().filter(|operation| ends(operation) < until).count();
    Ruling {
        verdict: Verdict::Violation,
        longest_prefix,
        summary,
        at_ns,
        lines,
        page,
        is_limited: false,
        witness: None,
        cited: Cited::anomaly(first),
    }
}
