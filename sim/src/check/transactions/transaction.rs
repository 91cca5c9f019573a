//! Transactions as they are recorded: `[["append", "x", 1], ["r", "x", [1]], ["w", "y", 2]]`.

use super::names::Names;
use crate::history::{End, HistoryError, Recorded};
use serde_json::Value;

/// What reads see: whole lists, or one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Values<'a> {
    Lists,
    /// One value, and what a key has before any write.
    Single(&'a Value),
}

/// The transactions of a history.
#[derive(Debug)]
pub(super) struct Transactions {
    /// In order of their invocations; a transaction's operation is its place.
    pub list: Vec<Transaction>,
    pub keys: Names,
    pub values: Names,
    /// What a register has before any write, if that is a value.
    pub initial: Option<u32>,
}

/// A transaction.
#[derive(Debug)]
pub(super) struct Transaction {
    /// Its line, for errors.
    pub line: usize,
    /// How it ended.
    pub fate: Fate,
    /// What it did, in order.
    pub steps: Box<[Access]>,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Committed,
    Aborted,
    Unknown,
}

/// One access to a key. Keys and values are numbers of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    pub key: u32,
    pub kind: What,
}

/// What an access did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// It wrote, or appended, a value.
    Wrote(u32),
    /// It read these: a list, or at most one value.
    Read(Box<[u32]>),
    /// It would have read, but the outcome is not known.
    ReadUnseen,
}

impl Transactions {
    /// Reads the transactions of a history.
    pub(super) fn read(history: &[Recorded], values: Values<'_>) -> Result<Self, HistoryError> {
        let mut transactions = Transactions {
            list: Vec::with_capacity(history.len()),
            keys: Names::default(),
            values: Names::default(),
            initial: None,
        };
        if let Values::Single(initial) = values {
            transactions.initial = (!initial.is_null()).then(|| transactions.values.of(initial));
        }
        for recorded in history {
            let (line, fate, value) = match (&recorded.end, recorded.done) {
                (End::Ok(value), Some(done)) => (done.line, Fate::Committed, value),
                (End::Fail, _) => (recorded.call.line, Fate::Aborted, &recorded.invoked),
                _ => (recorded.call.line, Fate::Unknown, &recorded.invoked),
            };
            let meaning = |why: String| HistoryError::Meaning { line, why };
            let accesses = value.as_array().ok_or_else(|| {
                let f = if recorded.f.is_empty() { "txn" } else { &recorded.f };
                meaning(format!("`{f}` takes an array of accesses, not {value}"))
            })?;
            let steps = accesses.iter().map(|step| transactions.access(step, values, fate).map_err(meaning));
            let steps = steps.collect::<Result<_, _>>()?;
            transactions.list.push(Transaction { line, fate, steps });
        }
        Ok(transactions)
    }

    /// About how many bytes the accesses take up, and the names of keys and values.
    pub(super) fn bytes(&self) -> usize {
        let values = |access: &Access| match &access.kind {
            What::Read(list) => size_of_val::<[u32]>(list),
            What::Wrote(_) | What::ReadUnseen => 0,
        };
        let accesses = self.list.iter().flat_map(|transaction| &transaction.steps);
        let of_accesses: usize = accesses.map(|access| size_of::<Access>() + values(access)).sum();
        self.list.len() * size_of::<Transaction>() + of_accesses + self.keys.bytes() + self.values.bytes()
    }

    fn access(&mut self, step: &Value, values: Values<'_>, fate: Fate) -> Result<Access, String> {
        let (write, long) = if values == Values::Lists { ("append", "append") } else { ("w", "write") };
        let shape = || format!("an access is [\"r\", key, value] or [\"{write}\", key, value], not {step}");
        let [f, key, value] = step
            .as_array()
            .and_then(|parts| <&[Value; 3]>::try_from(parts.as_slice()).ok())
            .ok_or_else(shape)?;
        let f = f.as_str().unwrap_or_default();
        let key = self.keys.of_key(key);
        let kind = match (f, value) {
            (f, Value::Null) if f == write || f == long => return Err(shape()),
            (f, value) if f == write || f == long => What::Wrote(self.values.of(value)),
            ("r" | "read", _) if fate != Fate::Committed => What::ReadUnseen,
            ("r" | "read", value) => match (values, value) {
                (Values::Lists, Value::Null) => What::Read(Box::default()),
                (Values::Lists, Value::Array(list)) => {
                    What::Read(list.iter().map(|value| self.values.of(value)).collect())
                }
                (Values::Lists, _) => return Err(shape()),
                (Values::Single(initial), value) if value == initial => What::Read(Box::default()),
                (Values::Single(_), value) => What::Read([self.values.of(value)].into()),
            },
            _ => return Err(shape()),
        };
        Ok(Access { key, kind })
    }
}
