//! Judging a recorded history by the name of what it should be: the command's `check`, and a scenario's `[check]`.

use super::linearizable::models::{self, Named};
use super::linearizable::{Budget, Evidence, Finding, Judgement, Model, Operation, check};
use crate::history::{History, HistoryError, Recorded, paired};
use crate::run::Verdict;
use crate::system::{Outcome, System};
use serde::Serialize;
use std::fmt::{self, Write};
use std::str::FromStr;
use thiserror::Error;

/// What a history is judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct Judge(Named);

/// There is nothing of that name to judge by.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct NoJudge {
    /// The name, without what follows a colon.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

/// What was found of a recorded history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The verdict.
    pub verdict: Verdict,
    /// How many operations were answered before the first that cannot be explained.
    pub longest_prefix: usize,
    /// One line: what is wrong, or why nothing is known; empty if all is well.
    pub summary: String,
    /// When the operation that is wrong ended, in ns; none if the history does not tell.
    pub at_ns: Option<u64>,
    /// The first and last line that the evidence is about.
    pub lines: Option<(usize, usize)>,
    /// The evidence, line by line, for people.
    pub page: Vec<String>,
}

impl FromStr for Judge {
    type Err = NoJudge;

    fn from_str(text: &str) -> Result<Self, NoJudge> {
        let unknown = |error: models::UnknownModel| NoJudge { name: error.name, why: error.why };
        text.parse().map(Judge).map_err(unknown)
    }
}

impl fmt::Display for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Judge {
    /// Every name that can be judged by.
    pub fn names() -> Vec<&'static str> {
        models::NAMES.to_vec()
    }

    /// Judges a history.
    ///
    /// # Errors
    ///
    /// When the model does not know a function or value; with its line.
    pub fn judge(&self, history: &[Recorded], budget: Budget) -> Result<Ruling, HistoryError> {
        Ok(ruling(&self.0.judge(history, budget)?, history))
    }
}

/// What a run may remember while it judges its history. There is no time limit: a verdict depends on the seed alone.
const OF_RUN: Budget = Budget { time: None, memory_bytes: 256 << 20 };

/// Judges the history of a run that has ended, by the model that its scenario names and the one that its system has.
pub(crate) fn at_the_end<S: System>(
    system: &S,
    named: Option<&str>,
    history: &History<S::Op, S::Ret>,
) -> Vec<Ruling> {
    let by_name = named.map(|name| {
        let named: Named = name.parse().expect("a validated scenario names a model");
        let recorded = paired(&history.lines());
        named.judge(&recorded, OF_RUN).map_or_else(
            |error| Ruling::unknown(0, format!("the history is none of a {named}: {error}")),
            |judgement| ruling(&judgement, &recorded),
        )
    });
    let by_type = system.checkers().linearizable.map(|judge| judge(history, OF_RUN));
    by_name.into_iter().chain(by_type).collect()
}

/// Judges a run's history by a model of its own types.
pub(super) fn of_run<M>(model: &M, history: &History<M::Op, M::Ret>, budget: Budget) -> Ruling
where
    M: Model,
    M::Op: Clone + Serialize,
    M::Ret: Clone + Serialize,
{
    let recorded = paired(&history.lines());
    let calls = history.calls().zip(&recorded).enumerate();
    let (mut indices, mut operations) = (Vec::new(), Vec::new());
    for (index, ((op, outcome), recorded)) in calls {
        let end = match (outcome, recorded.done) {
            (Some(Outcome::Fail(_)), _) => continue,
            (Some(Outcome::Ok(ret)), Some(done)) => Some((ret.clone(), done.order)),
            _ => None,
        };
        indices.push(index);
        operations.push(Operation { op: op.clone(), end, call: recorded.call.order });
    }
    let mut judgement = check(model, &operations, budget);
    judgement.renumber(&indices);
    ruling(&judgement, &recorded)
}

fn ruling(judgement: &Judgement, history: &[Recorded]) -> Ruling {
    let longest_prefix = judgement.longest_prefix;
    match &judgement.finding {
        Finding::Linearizable => Ruling::valid(longest_prefix),
        Finding::Unknown(out_of) => Ruling::unknown(longest_prefix, out_of.to_string()),
        Finding::Violation(evidence) => violation(longest_prefix, history, evidence),
    }
}

impl Ruling {
    pub(super) fn valid(longest_prefix: usize) -> Self {
        Ruling::without_evidence(Verdict::Valid, longest_prefix, String::new())
    }

    pub(super) fn unknown(longest_prefix: usize, why: String) -> Self {
        Ruling::without_evidence(Verdict::Unknown, longest_prefix, why)
    }

    fn without_evidence(verdict: Verdict, longest_prefix: usize, summary: String) -> Self {
        Ruling { verdict, longest_prefix, summary, at_ns: None, lines: None, page: Vec::new() }
    }
}

/// The evidence of a linearizability violation, in words.
fn violation(longest_prefix: usize, history: &[Recorded], evidence: &Evidence) -> Ruling {
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
    let last_line = |operation: &Recorded| operation.done.map_or(operation.call.line, |done| done.line);
    let from = shown.iter().map(|(index, _)| history[*index].call.line).min().unwrap_or(stuck.call.line);
    let to = shown.iter().map(|(index, _)| last_line(&history[*index])).max().unwrap_or(done.line);
    let mut page = Vec::new();
    if let Some(key) = &evidence.key {
        page.push(format!("key      {key}"));
    }
    page.push(format!("window   {} to {}", stuck.call, done));
    page.push(format!("stuck    {stuck}"));
    page.push(format!("prefix   {longest_prefix} operations answered before it have an order that explains them"));
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
    Ruling { verdict: Verdict::Violation, longest_prefix, summary, at_ns, lines: Some((from, to)), page }
}
