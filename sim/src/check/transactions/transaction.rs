//! Transactions as they are recorded: `[["append", "x", 1], ["r", "x", [1]], ["w", "y", 2]]`.

use crate::history::{End, HistoryError, Recorded};
use serde_json::Value;

/// What reads see: whole lists, or one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    Lists,
    Single,
}

/// A transaction.
#[derive(Debug)]
pub(super) struct Transaction {
    /// Its operation's index in the history.
    pub operation: usize,
    /// Its line, for errors.
    pub line: usize,
    /// How it ended.
    pub fate: Fate,
    /// What it did, in order.
    pub steps: Vec<Access>,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Committed,
    Aborted,
    Unknown,
}

/// One access to a key. Values are in the text of their JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    pub key: String,
    pub kind: What,
}

/// What an access did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// It wrote, or appended, a value.
    Wrote(String),
    /// It read these: a list, or at most one value.
    Read(Vec<String>),
    /// It would have read, but the outcome is not known.
    ReadUnseen,
}

/// Reads the transactions of a history.
pub(super) fn read(history: &[Recorded], values: Values) -> Result<Vec<Transaction>, HistoryError> {
    let transaction = |(operation, recorded): (usize, &Recorded)| {
        let (line, fate, value) = match (&recorded.end, recorded.done) {
            (End::Ok(value), Some(done)) => (done.line, Fate::Committed, value),
            (End::Fail, _) => (recorded.call.line, Fate::Aborted, &recorded.invoked),
            _ => (recorded.call.line, Fate::Unknown, &recorded.invoked),
        };
        let meaning = |why: String| HistoryError::Meaning { line, why };
        if recorded.f != "txn" {
            return Err(meaning(format!("transactions have no function `{}`: txn", recorded.f)));
        }
        let accesses = value
            .as_array()
            .ok_or_else(|| meaning(format!("`txn` takes an array of accesses, not {value}")))?;
        let steps = accesses.iter().map(|step| access(step, values, fate).map_err(meaning));
        Ok(Transaction { operation, line, fate, steps: steps.collect::<Result<_, _>>()? })
    };
    history.iter().enumerate().map(transaction).collect()
}

fn access(step: &Value, values: Values, fate: Fate) -> Result<Access, String> {
    let write = if values == Values::Lists { "append" } else { "w" };
    let shape = || format!("an access is [\"r\", key, value] or [\"{write}\", key, value], not {step}");
    let [f, key, value] =
        step.as_array().and_then(|parts| <&[Value; 3]>::try_from(parts.as_slice()).ok()).ok_or_else(shape)?;
    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    let kind = match (f.as_str(), value) {
        (Some(f), Value::Null) if f == write => return Err(shape()),
        (Some(f), value) if f == write => What::Wrote(value.to_string()),
        (Some("r"), _) if fate != Fate::Committed => What::ReadUnseen,
        (Some("r"), Value::Null) => What::Read(Vec::new()),
        (Some("r"), Value::Array(list)) if values == Values::Lists => {
            What::Read(list.iter().map(Value::to_string).collect())
        }
        (Some("r"), value) if values == Values::Single => What::Read(vec![value.to_string()]),
        _ => return Err(shape()),
    };
    Ok(Access { key, kind })
}
