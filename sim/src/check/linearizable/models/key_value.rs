//! Values under keys: put, appended to, replaced if they are what the caller believes.

use super::super::model::{Call, Model, Waiting};
use super::{Datum, Readable, answer, is_done, key_text, no_function, parts};
use crate::history::Recorded;
use serde_json::Value;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What can be done with it.
pub(super) const FUNCTIONS: [&str; 7] = ["get", "put", "append", "cas", "delete", "read", "write"];

/// A map from keys to values.
#[derive(Debug, Clone)]
pub struct KeyValue {
    /// The value of every key before any operation.
    pub initial: Content,
}

/// What can be asked about a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Op {
    /// The key.
    pub key: String,
    /// What to do.
    pub action: Action,
}

/// What to do with a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// What is the value?
    Get,
    /// From now on it is this.
    Put(Content),
    /// Put this at the end of the text or list.
    Append(Content),
    /// If it is the first, it is the second from now on.
    Cas(Content, Content),
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ret {
    /// The value.
    Value(Seen),
    /// It was done.
    Done,
    /// The value was another.
    Refused,
}

/// A value that was read, and every value that it begins with.
#[derive(Debug, Clone)]
pub struct Seen {
    content: Content,
    /// The first hash of the first so many parts, from none on.
    beginnings: Arc<[u64]>,
}

/// A value: its parts in order, by a hash that appending extends. A text has its bytes as parts, a list its elements,
/// anything else is a part by itself.
///
/// The hash is a polynomial over two moduli of 61 bits. Two different values of *n* parts have the same one with odds of
/// (n / 2⁶¹)²: for a million parts, one in 2⁸².
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Content {
    kind: Kind,
    parts: u64,
    hash: [u64; 2],
}

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl Eq for Seen {}

impl Hash for Seen {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.content.hash(state);
    }
}

impl Seen {
    /// Whether the value begins with another.
    fn begins_with(&self, other: &Content) -> bool {
        let same_kind = other.kind == self.content.kind || other.kind == Kind::Missing;
        same_kind && self.beginnings.get(other.parts as usize) == Some(&other.hash[0])
    }
}

impl From<&Value> for Seen {
    fn from(value: &Value) -> Self {
        let mut beginnings = vec![0];
        let content = match value {
            Value::String(text) => text.bytes().fold(Content::empty(Kind::Text), |text, byte| {
                let text = text.with(byte.into());
                beginnings.push(text.hash[0]);
                text
            }),
            Value::Array(items) => items.iter().fold(Content::empty(Kind::List), |list, item| {
                let [low, high] = Content::from(item).hash;
                let half = list.with(low);
                let list = half.with(high);
                beginnings.extend([half.hash[0], list.hash[0]]);
                list
            }),
            other => Content::from(other),
        };
        Seen { content, beginnings: beginnings.into() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Missing,
    Text,
    List,
    Other,
}

/// 2⁶¹ − 1.
const PRIME: u64 = (1 << 61) - 1;
const BASES: [u64; 2] = [0x0b4a_3c91_7d25_e8f3, 0x1273_96ae_5c0d_41b7];

impl Content {
    /// The value of a key that has none.
    pub const MISSING: Content = Content { kind: Kind::Missing, parts: 0, hash: [0; 2] };

    fn with(self, part: u64) -> Content {
        let extend = |hash: u64, base: u64| {
            reduced(u128::from(hash) * u128::from(base) + u128::from(part % PRIME) + 1)
        };
        let hash = [extend(self.hash[0], BASES[0]), extend(self.hash[1], BASES[1])];
        Content { parts: self.parts + 1, hash, ..self }
    }

    fn empty(kind: Kind) -> Content {
        Content { kind, ..Content::MISSING }
    }

    /// This, then the other. A list takes anything else as its next element.
    fn then(self, other: Content) -> Content {
        let (kind, first) = match (self.kind, other.kind) {
            (Kind::Text, _) | (Kind::Missing, Kind::Text) => (Kind::Text, self),
            (Kind::Missing, _) => (Kind::List, Content::empty(Kind::List)),
            _ => (Kind::List, self),
        };
        if kind == Kind::List {
            return Content { kind, ..first }.with(other.hash[0]).with(other.hash[1]);
        }
        // x·Bⁿ + y, where y has n parts.
        let join = |x: u64, y: u64, base: u64| {
            reduced(u128::from(x) * u128::from(power(base, other.parts)) + u128::from(y))
        };
        let hash =
            [join(first.hash[0], other.hash[0], BASES[0]), join(first.hash[1], other.hash[1], BASES[1])];
        Content { kind, parts: first.parts + other.parts, hash }
    }
}

/// Modulo the prime, of a number below 2¹²³: 2⁶¹ is 1, so the bits from the 61st on are added to those below.
fn reduced(number: u128) -> u64 {
    let prime = u128::from(PRIME);
    let once = (number & prime) + (number >> 61);
    let twice = (once & prime) + (once >> 61);
    (if twice >= prime { twice - prime } else { twice }) as u64
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let times = |a: u64, b: u64| reduced(u128::from(a) * u128::from(b));
    let mut power = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = times(power, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    power
}

impl From<&Value> for Content {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Content::MISSING,
            Value::String(text) => {
                text.bytes().fold(Content::empty(Kind::Text), |text, byte| text.with(byte.into()))
            }
            Value::Array(items) => {
                let list = Content::empty(Kind::List);
                items.iter().map(Content::from).fold(list, Content::then)
            }
            other => {
                let [low, high] = Datum::from(other).halves();
                Content::empty(Kind::Other).with(low).with(high)
            }
        }
    }
}

impl Model for KeyValue {
    type Op = Op;
    type Ret = Ret;
    type State = Content;

    fn initial(&self) -> Content {
        self.initial
    }

    fn step(&self, state: &Content, op: &Op, ret: Option<&Ret>, next: &mut Vec<Content>) {
        let after = match (&op.action, ret) {
            (Action::Get, None) => Some(*state),
            (Action::Get, Some(ret)) => {
                matches!(ret, Ret::Value(seen) if seen.content == *state).then_some(*state)
            }
            (Action::Put(value), _) => Some(*value),
            (Action::Append(value), _) => Some(state.then(*value)),
            (Action::Cas(old, _), Some(Ret::Refused)) => (state != old).then_some(*state),
            (Action::Cas(old, new), _) => (state == old).then_some(*new),
        };
        next.extend(after);
    }

    fn key(&self, op: &Op) -> Option<String> {
        Some(op.key.clone())
    }

    fn observes(&self, op: &Op, ret: Option<&Ret>) -> bool {
        op.action == Action::Get || ret == Some(&Ret::Refused)
    }

    fn matters(&self, state: &Content, waiting: &Waiting<'_, Self>, other: &Call<'_, Self>) -> bool {
        let observes = |call: &Call<'_, Self>| self.observes(call.op, call.ret);
        if waiting.possible {
            // One that may as well not have happened, and is overwritten.
            let is_overwritten = matches!(waiting.call.op.action, Action::Put(_))
                && matches!(other.op.action, Action::Put(_) | Action::Append(_));
            return !is_overwritten || other.ret.is_some();
        }
        if observes(other) {
            return false;
        }
        match (&waiting.call.op.action, waiting.call.ret, &other.op.action) {
            // A value that was read is put at once, or made by appending, each time to what it begins with.
            (Action::Get, Some(Ret::Value(seen)), Action::Put(made) | Action::Cas(_, made)) => {
                *made == seen.content || seen.begins_with(made)
            }
            (Action::Get, Some(Ret::Value(seen)), Action::Append(more)) => {
                let made = state.then(*more);
                made == seen.content || seen.begins_with(&made)
            }
            (Action::Cas(needed, _), Some(Ret::Done), Action::Put(made) | Action::Cas(_, made)) => {
                made == needed || made.parts < needed.parts
            }
            (Action::Cas(needed, _), Some(Ret::Done), Action::Append(more)) => {
                state.then(*more).parts <= needed.parts
            }
            _ => true,
        }
    }

    fn leads(&self, state: &Content, call: &Call<'_, Self>) -> Option<bool> {
        match (&call.op.action, call.ret) {
            (Action::Get, Some(Ret::Value(seen))) => Some(seen.content == *state || seen.begins_with(state)),
            (Action::Get | Action::Put(_) | Action::Append(_), _) => Some(false),
            (Action::Cas(..), _) => None,
        }
    }

    fn overwrites(&self, op: &Op) -> bool {
        matches!(op.action, Action::Put(_))
    }

    fn grows(&self, op: &Op) -> bool {
        matches!(op.action, Action::Append(_) | Action::Get)
    }

    fn rules_out(&self, state: &Content, call: &Call<'_, Self>) -> bool {
        match (state.kind, &call.op.action, call.ret) {
            (Kind::Text | Kind::List, Action::Get, Some(Ret::Value(seen))) => !seen.begins_with(state),
            _ => false,
        }
    }
}

impl Readable for KeyValue {
    fn op(&self, recorded: &Recorded) -> Result<Op, String> {
        let value = &recorded.invoked;
        let (key, action) = match &*recorded.f {
            "get" | "read" => (if is_pair(recorded) { &value[0] } else { value }, Action::Get),
            "delete" => (value, Action::Put(Content::MISSING)),
            "put" | "write" => {
                let [key, value] = parts(&recorded.f, value, "[key, value]")?;
                (key, Action::Put(Content::from(value)))
            }
            "append" => {
                let [key, value] = parts("append", value, "[key, value]")?;
                (key, Action::Append(Content::from(value)))
            }
            "cas" => {
                let [key, change] = parts("cas", value, "[key, [old, new]]")?;
                let [old, new] = parts("cas", change, "[key, [old, new]]")?;
                (key, Action::Cas(Content::from(old), Content::from(new)))
            }
            f => return Err(no_function("key-value", f, &FUNCTIONS)),
        };
        Ok(Op { key: key_text(key), action })
    }

    fn ret(&self, op: &Op, value: &Value, recorded: &Recorded) -> Result<Ret, String> {
        Ok(match op.action {
            Action::Get if is_pair(recorded) => {
                let [_, value] =
                    parts("get", answer(recorded).unwrap_or(value), "[key, value] as it was invoked")?;
                Ret::Value(Seen::from(value))
            }
            Action::Get => Ret::Value(Seen::from(value)),
            Action::Cas(..) if !is_done(value) => Ret::Refused,
            _ => Ret::Done,
        })
    }
}

/// Whether a get is recorded as Jepsen records a read of one of many keys: `[key, null]`, answered by `[key, value]`.
fn is_pair(recorded: &Recorded) -> bool {
    recorded.invoked.as_array().is_some_and(|parts| parts.len() == 2 && parts[1].is_null())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_number_is_reduced_as_by_division() {
        let prime = u128::from(PRIME);
        for number in
            [0, 1, prime - 1, prime, prime + 1, prime * prime - 1, prime * prime + prime, (1 << 122) + 7]
        {
            assert_eq!(u128::from(reduced(number)), number % prime, "{number}");
        }
    }

    #[test]
    fn appending_makes_the_value_that_is_read() {
        let content = |value: Value| Content::from(&value);
        assert_eq!(content(json!("ab")).then(content(json!("cde"))), content(json!("abcde")));
        assert_eq!(Content::MISSING.then(content(json!("ab"))), content(json!("ab")));
        assert_eq!(Content::MISSING.then(content(json!(1))).then(content(json!(2))), content(json!([1, 2])));
        assert_eq!(content(json!([])).then(content(json!([1]))), content(json!([[1]])));
        assert_ne!(content(json!("12")), content(json!(12)));
        assert_ne!(content(json!("")), Content::MISSING);
        assert_ne!(content(json!([1, 2])), content(json!([2, 1])));
    }
}
