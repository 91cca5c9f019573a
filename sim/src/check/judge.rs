//! Judging a recorded history by the name of what it should be: the command's `check`, and a scenario's `[check]`.

use super::linearizable::models::{self, Named};
use super::linearizable::{Budget, Finding, Judgement, Model, Operation, check};
use super::transactions::{self, Judged, Workload};
use super::{LINEARIZABLE, Linearizable, explain, judging};
use crate::history::{End, History, HistoryError, Outcome, Recorded, paired, paired_bare};
use crate::verdict::Verdict;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What a history is judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct Judge(By);

#[derive(Debug, Clone, PartialEq)]
enum By {
    Model(Named),
    Workload(Workload),
}

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
        let name = text.split(':').next().unwrap_or(text);
        if transactions::NAMES.contains(&name) {
            let wrong = |why| NoJudge { name: name.to_owned(), why };
            return text.parse().map(By::Workload).map(Judge).map_err(wrong);
        }
        let unknown = |error: models::UnknownModel| NoJudge { name: error.name, why: error.why };
        text.parse().map(By::Model).map(Judge).map_err(unknown)
    }
}

impl fmt::Display for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            By::Model(model) => model.fmt(f),
            By::Workload(workload) => workload.fmt(f),
        }
    }
}

impl Judge {
    /// Every name that can be judged by.
    pub fn names() -> Vec<&'static str> {
        models::NAMES.into_iter().chain(transactions::NAMES).collect()
    }

    /// Judges a history.
    ///
    /// # Errors
    ///
    /// When the model does not know a function or value; with its line.
    pub fn judge(&self, history: &[Recorded], budget: Budget) -> Result<Ruling, HistoryError> {
        match &self.0 {
            By::Model(model) => Ok(ruling(&model.judge(history, budget)?, history)),
            By::Workload(workload) => Ok(of_transactions(&workload.judge(history, budget)?, history)),
        }
    }
}

/// What a run may remember while it judges its history. There is no time limit: a verdict depends on the seed alone.
const OF_RUN: Budget = Budget { time: None, memory_bytes: 256 << 20 };

/// Judges the history of a run that has ended, by the model that its scenario names and the one that its system has.
pub(crate) fn at_the_end<Op: Serialize, Ret: Serialize>(
    by_type: Option<Linearizable<Op, Ret>>,
    named: Option<&str>,
    history: &History<Op, Ret>,
) -> Vec<Ruling> {
    judging::by(LINEARIZABLE, || rulings(by_type, named, history))
}

fn rulings<Op: Serialize, Ret: Serialize>(
    by_type: Option<Linearizable<Op, Ret>>,
    named: Option<&str>,
    history: &History<Op, Ret>,
) -> Vec<Ruling> {
    let by_name = named.map(|name| {
        let named: Named = name.parse().expect("a validated scenario names a model");
        let recorded = paired(&history.lines());
        named.judge(&recorded, OF_RUN).map_or_else(
            |error| Ruling::unknown(0, format!("the history is none of a {named}: {error}")),
            |judgement| ruling(&judgement, &recorded),
        )
    });
    let by_type = by_type.map(|judge| judge(history, OF_RUN));
    by_name.into_iter().chain(by_type).collect()
}

/// Judges a run's history by a model of its own types.
pub(super) fn of_run<M>(model: &M, history: &History<M::Op, M::Ret>, budget: Budget) -> Ruling
where
    M: Model,
    M::Op: Clone + Serialize,
    M::Ret: Clone + Serialize,
{
    let whole = |op: &M::Op, ret: Option<&M::Ret>| vec![(op.clone(), ret.cloned())];
    of_run_in_parts(model, &whole, history, budget)
}

/// Judges what a run's history means to a model: each call may be none of its operations, one, or several.
pub(super) fn of_run_in_parts<M: Model, Op: Serialize, Ret: Serialize>(
    model: &M,
    split: &impl Fn(&Op, Option<&Ret>) -> Vec<(M::Op, Option<M::Ret>)>,
    history: &History<Op, Ret>,
    budget: Budget,
) -> Ruling {
    let bare = paired_bare(history);
    let calls = history.calls().zip(&bare).enumerate();
    let (mut indices, mut operations) = (Vec::new(), Vec::new());
    for (index, ((op, outcome), bare)) in calls {
        let (ret, done) = match (outcome, bare.done) {
            (Some(Outcome::Fail(_)), _) => continue,
            (Some(Outcome::Ok(ret)), Some(done)) => (Some(ret), done.order),
            _ => (None, u64::MAX),
        };
        for (op, ret) in split(op, ret) {
            indices.push(index);
            operations.push(Operation { op, end: ret.map(|ret| (ret, done)), call: bare.call.order });
        }
    }
    let mut judgement = check(model, &operations, budget);
    judgement.renumber(&indices);
    // Only evidence says what the operations were.
    let is_violation = matches!(judgement.finding, Finding::Violation(_));
    let recorded = if is_violation { paired(&history.lines()) } else { Vec::new() };
    ruling(&judgement, &recorded)
}

fn ruling(judgement: &Judgement, history: &[Recorded]) -> Ruling {
    let longest_prefix = judgement.longest_prefix;
    match &judgement.finding {
        Finding::Linearizable => Ruling::valid(longest_prefix),
        Finding::Unknown(out_of) => Ruling::unknown(longest_prefix, out_of.to_string()),
        Finding::Violation(evidence) => explain::stuck(longest_prefix, history, evidence),
    }
}

fn of_transactions(judged: &Judged, history: &[Recorded]) -> Ruling {
    let answered = history.iter().filter(|operation| matches!(operation.end, End::Ok(_))).count();
    match (judged.anomalies.first(), judged.gave_up) {
        (Some(first), _) => explain::anomalies(history, first, &judged.anomalies),
        (None, Some(out_of)) => Ruling::unknown(0, out_of.to_string()),
        (None, None) => Ruling::valid(answered),
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
