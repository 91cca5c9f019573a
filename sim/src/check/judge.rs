//! Judging a recorded history by the name of what it should be: the command's `check`, and a scenario's `[check]`.

use super::cited::Cited;
use super::keyed::{self, Keyed, by_key, is_keyed};
use super::linearizable::models::{self, Judging, Named, Readable};
use super::linearizable::{Budget, Finding, Judgement, Model, Operation, OutOf, check};
use super::tally::{self, Tally};
use super::transactions::{self, Judged, Workload};
use super::{LINEARIZABLE, Linearizable, explain, judging};
use crate::history::{End, History, HistoryError, Outcome, Recorded, paired, paired_bare};
use crate::verdict::Verdict;
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Instant;
use thiserror::Error;

/// What a history is judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct Judge {
    by: By,
    reading: Reading,
}

#[derive(Debug, Clone, PartialEq)]
enum By {
    Model(Named),
    Workload(Workload),
    Tally(Tally),
}

/// How values of a history are to be taken, where they do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Whether they are `[key, value]`, of many objects; none to tell by what reads are invoked with.
    pub keyed: Option<bool>,
    /// A read of null says nothing: it may have been anything.
    pub nil_is_any: bool,
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
    /// Whether a limit is why nothing is known: with a higher one it may be.
    pub is_limited: bool,
    /// Of a valid history: the operations, as indices into it, in an order that explains every answer; by key, where keys
    /// are judged one by one. None where the verdict needed none.
    pub witness: Option<Vec<(Option<String>, Vec<usize>)>>,
    /// The operations that the evidence is about.
    pub cited: Cited,
}

impl FromStr for Judge {
    type Err = NoJudge;

    fn from_str(text: &str) -> Result<Self, NoJudge> {
        let name = text.split(':').next().unwrap_or(text);
        if transactions::NAMES.contains(&name) {
            let wrong = |why| NoJudge { name: name.to_owned(), why };
            return text.parse().map(By::Workload).map(Judge::new).map_err(wrong);
        }
        if tally::NAMES.contains(&name) {
            let wrong = |why| NoJudge { name: name.to_owned(), why };
            return text.parse().map(By::Tally).map(Judge::new).map_err(wrong);
        }
        let unknown = |error: models::UnknownModel| NoJudge { name: error.name, why: error.why };
        text.parse().map(By::Model).map(Judge::new).map_err(unknown)
    }
}

impl fmt::Display for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            By::Model(model) => model.fmt(f),
            By::Workload(workload) => workload.fmt(f),
            By::Tally(tally) => tally.fmt(f),
        }
    }
}

impl Judge {
    /// Every name that can be judged by.
    pub fn names() -> Vec<&'static str> {
        models::NAMES.into_iter().chain(tally::NAMES).chain(transactions::NAMES).collect()
    }

    fn new(by: By) -> Self {
        Judge { by, reading: Reading::default() }
    }

    /// The same, with values taken so.
    #[must_use]
    pub fn reading(self, reading: Reading) -> Self {
        Judge { reading, ..self }
    }

    /// Judges a history.
    ///
    /// # Errors
    ///
    /// When the model does not know a function or value; with its line.
    pub fn judge(&self, history: &[Recorded], budget: Budget) -> Result<Ruling, HistoryError> {
        if !history.iter().any(|recorded| matches!(recorded.end, End::Ok(_))) {
            return Ok(Ruling::unknown(0, NOTHING.to_owned()));
        }
        let history = if self.reading.nil_is_any { without_nil(history) } else { Cow::Borrowed(history) };
        match &self.by {
            By::Model(model) => {
                let is_keyed = model.is_of_one_object() && is_keyed(&history, self.reading.keyed)?;
                let judging = ByKey { history: &history, budget, is_keyed };
                let mut ruling = ruling(&model.judge_by(&judging)?, &history);
                if ruling.verdict == Verdict::Unknown && model.to_string().starts_with("key-value") {
                    ruling.summary += &advice(&history);
                }
                Ok(ruling)
            }
            By::Workload(workload) => by_store(workload, &history, self.reading.keyed, budget),
            By::Tally(tally) => tally.judge(&history),
        }
    }
}

/// Judges by a model, or by one of many objects.
struct ByKey<'a> {
    history: &'a [Recorded],
    budget: Budget,
    is_keyed: bool,
}

impl Judging for ByKey<'_> {
    fn by<M: Readable>(&self, model: M) -> Result<Judgement, HistoryError> {
        if self.is_keyed {
            models::judge(&Keyed(model), self.history, self.budget)
        } else {
            models::judge(&model, self.history, self.budget)
        }
    }
}

/// Judges transactions, those of each key by themselves if they have one: the first violation, else what is not known.
fn by_store(
    workload: &Workload,
    history: &[Recorded],
    told: Option<bool>,
    budget: Budget,
) -> Result<Ruling, HistoryError> {
    let Some(parts) = by_key(history, told)? else {
        return Ok(of_transactions(&workload.judge(history, budget)?, history));
    };
    let budget = Budget { since: budget.since.or_else(|| Some(Instant::now())), ..budget };
    let mut all: Option<Ruling> = None;
    for part in parts {
        let ruling = of_transactions(&workload.judge(&part.history, budget)?, &part.history);
        let ruling = ruling.of_key(&part);
        all = Some(match all {
            None => ruling,
            Some(before) => before.and(ruling),
        });
    }
    Ok(all.unwrap_or_else(|| Ruling::valid(0)))
}

/// The history without what reads of null say.
fn without_nil(history: &[Recorded]) -> Cow<'_, [Recorded]> {
    let says_nothing = |recorded: &Recorded| {
        let value = match &recorded.end {
            End::Ok(Value::Array(pair)) if pair.len() == 2 && recorded.invoked.is_array() => &pair[1],
            End::Ok(value) => value,
            End::Fail | End::Unknown => return false,
        };
        matches!(&*recorded.f, "read" | "get" | "lookup" | "balance") && value.is_null()
    };
    let end = |recorded: &Recorded| if says_nothing(recorded) { End::Unknown } else { recorded.end.clone() };
    history.iter().map(|recorded| Recorded { end: end(recorded), ..recorded.clone() }).collect()
}

/// What else to judge texts and lists by that are appended to.
fn advice(history: &[Recorded]) -> String {
    let appends = history.iter().filter(|recorded| &*recorded.f == "append").count();
    if appends == 0 {
        return String::new();
    }
    "; if each value is appended once, a history of transactions ([[\"append\", key, value]], [[\"r\", key, [value, \
     …]]]) is judged by --model list-append:strict-serializable in no time"
        .to_owned()
}

/// Why nothing is known of a history without answers.
const NOTHING: &str = "no operation succeeded: whatever the object is, nothing contradicts it";

/// Why nothing is known of transactions whose order was not found, and not refuted either.
const OPEN: &str = "no anomaly was found, and no order either: what was read leaves too many orders open";

/// What the judging of a run's history may remember, and for how many steps it may go on: some seconds. There is no time
/// limit, for a verdict depends on the seed alone.
const OF_RUN: Budget = Budget { steps: 100_000_000, ..Budget::of(None, 256 << 20) };

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
        Finding::Linearizable => {
            Ruling { witness: Some(judgement.orders.clone()), ..Ruling::valid(longest_prefix) }
        }
        Finding::Unknown(out_of) => Ruling::gave_up(longest_prefix, out_of),
        Finding::Violation(evidence) => explain::stuck(longest_prefix, history, evidence),
    }
}

fn of_transactions(judged: &Judged, history: &[Recorded]) -> Ruling {
    let answered = history.iter().filter(|operation| matches!(operation.end, End::Ok(_))).count();
    match (judged.anomalies.first(), judged.gave_up) {
        (Some(first), _) => explain::anomalies(history, first, &judged.anomalies),
        (None, Some(out_of)) => Ruling::gave_up(0, &out_of),
        (None, None) if judged.is_open => Ruling::unknown(0, OPEN.to_owned()),
        (None, None) => {
            let witness = judged.order.clone().filter(|order| !order.is_empty());
            Ruling { witness: witness.map(|order| vec![(None, order)]), ..Ruling::valid(answered) }
        }
    }
}

impl Ruling {
    pub(super) fn valid(longest_prefix: usize) -> Self {
        Ruling::without_evidence(Verdict::Valid, longest_prefix, String::new())
    }

    pub(crate) fn gave_up(longest_prefix: usize, out_of: &OutOf) -> Self {
        Ruling { is_limited: true, ..Ruling::unknown(longest_prefix, out_of.to_string()) }
    }

    /// The same of the whole history that a key's part was taken from.
    fn of_key(mut self, part: &keyed::Part) -> Self {
        if !self.summary.is_empty() {
            self.summary = format!("key {}: {}", part.key, self.summary);
        }
        for (_, order) in self.witness.iter_mut().flatten() {
            order.iter_mut().for_each(|operation| *operation = part.indices[*operation]);
        }
        for (key, _) in self.witness.iter_mut().flatten() {
            *key = Some(part.key.clone());
        }
        self.cited.renumber(&part.indices);
        self
    }

    /// What is found of two parts of a history together.
    fn and(self, other: Ruling) -> Self {
        let rank = |ruling: &Ruling| match ruling.verdict {
            Verdict::Violation => 0,
            Verdict::Unknown => 1,
            Verdict::Valid => 2,
        };
        let longest_prefix = self.longest_prefix + other.longest_prefix;
        let (mut worse, better) = if rank(&self) <= rank(&other) { (self, other) } else { (other, self) };
        if worse.verdict == Verdict::Valid {
            let more = better.witness.into_iter().flatten();
            worse.witness = worse.witness.map(|orders| orders.into_iter().chain(more).collect());
            worse.longest_prefix = longest_prefix;
        }
        worse
    }

    pub(super) fn unknown(longest_prefix: usize, why: String) -> Self {
        Ruling::without_evidence(Verdict::Unknown, longest_prefix, why)
    }

    fn without_evidence(verdict: Verdict, longest_prefix: usize, summary: String) -> Self {
        Ruling {
            verdict,
            longest_prefix,
            summary,
            at_ns: None,
            lines: None,
            page: Vec::new(),
            is_limited: false,
            witness: None,
            cited: Cited::default(),
        }
    }
}
