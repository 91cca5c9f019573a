//! What clients do, and what one key is to them: a register that can be missing.

use super::options::{Options, Places};
use protocols::database::{Client as Connection, ClientError, Condition, Write};
use serde::Serialize;
use serde_json::json;
use sim::check::linearizable::models::key_value::{self, Action, Content, Seen};
use sim::{Client, ClientContext, Outcome};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a client waits for a connection, and for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a client can be told to do. Each value is written once: it is the number of the write, too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// What is under a key?
    Get(u32),
    /// Put a value under it.
    Put(u32, u64),
    /// Put a value under it, if there is what this client saw there last.
    Cas(u32, u64),
}

/// What a client gets back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ret {
    /// The value; 0 for none.
    Value(u64),
    /// It was put.
    Done,
    /// What had to be there (0: nothing), and whether it was, so that the new value is there now.
    Swapped(u64, bool),
}

/// A client of a router: what it saw last under each key.
pub(super) struct RoutedClient {
    connection: Option<Connection>,
    saw: BTreeMap<u32, u64>,
}

impl RoutedClient {
    pub(super) fn new(client: &ClientContext<Options>) -> Self {
        let connection = Places::of(&client.nodes, &client.options).ok().map(|places| {
            let router = places.routers[client.id as usize % places.routers.len()];
            Connection::new(router).patience(PATIENCE)
        });
        RoutedClient { connection, saw: BTreeMap::new() }
    }

    async fn ask(connection: &mut Connection, op: &Op, saw: u64) -> Result<Ret, ClientError> {
        let write = |key: u32, value: u64, condition| Write {
            id: value,
            key: name(key),
            value: value.to_string(),
            condition,
        };
        match *op {
            Op::Get(key) => {
                let value = connection.get(&name(key)).await?;
                Ok(Ret::Value(value.and_then(|value| value.parse().ok()).unwrap_or(0)))
            }
            Op::Put(key, value) => {
                connection.write(write(key, value, Condition::None)).await.map(|_| Ret::Done)
            }
            Op::Cas(key, value) => {
                let condition = if saw == 0 { Condition::Absent } else { Condition::Is(saw.to_string()) };
                let swapped = connection.write(write(key, value, condition)).await?;
                Ok(Ret::Swapped(saw, swapped))
            }
        }
    }
}

impl Client<Op, Ret> for RoutedClient {
    async fn call(&mut self, op: &Op) -> Outcome<Ret> {
        let Some(connection) = &mut self.connection else {
            return Outcome::Fail("there is no router".to_owned());
        };
        let (Op::Get(key) | Op::Put(key, _) | Op::Cas(key, _)) = *op;
        let saw = self.saw.get(&key).copied().unwrap_or(0);
        match Self::ask(connection, op, saw).await {
            Ok(ret) => {
                match (op, &ret) {
                    (_, Ret::Value(value)) => drop(self.saw.insert(key, *value)),
                    (Op::Put(_, value), _) | (Op::Cas(_, value), Ret::Swapped(_, true)) => {
                        self.saw.insert(key, *value);
                    }
                    // It will look again before it swaps again.
                    _ => drop(self.saw.remove(&key)),
                }
                Outcome::Ok(ret)
            }
            Err(error) if error.is_definite() => Outcome::Fail(error.to_string()),
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }
}

fn name(key: u32) -> String {
    format!("key/{key}")
}

/// What a call and its answer mean to a key.
pub(super) fn to_its_key(op: &Op, ret: Option<&Ret>) -> Vec<(key_value::Op, Option<key_value::Ret>)> {
    let content = |value: u64| if value == 0 { Content::MISSING } else { Content::from(&json!(value)) };
    let (key, action, ret) = match (op, ret) {
        (Op::Get(key), Some(Ret::Value(0))) => {
            (key, Action::Get, Some(key_value::Ret::Value(Seen::from(&json!(null)))))
        }
        (Op::Get(key), Some(Ret::Value(value))) => {
            (key, Action::Get, Some(key_value::Ret::Value(Seen::from(&json!(value)))))
        }
        (Op::Get(key), _) => (key, Action::Get, None),
        (Op::Cas(key, new), Some(Ret::Swapped(old, swapped))) => {
            let ret = if *swapped { key_value::Ret::Done } else { key_value::Ret::Refused };
            (key, Action::Cas(content(*old), content(*new)), Some(ret))
        }
        // What had to be there is not recorded: if it happened at all, it may have at any time.
        (Op::Put(key, value) | Op::Cas(key, value), ret) => {
            (key, Action::Put(content(*value)), ret.map(|_| key_value::Ret::Done))
        }
    };
    vec![(key_value::Op { key: name(*key), action }, ret)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::check::linearizable::models::KeyValue;
    use sim::check::linearizable::{Budget, Finding, Operation, check};

    /// Judges calls that follow each other.
    fn is_linearizable(calls: &[(Op, Option<Ret>)]) -> bool {
        let operations: Vec<_> = calls
            .iter()
            .flat_map(|(op, ret)| to_its_key(op, ret.as_ref()))
            .zip(0..)
            .map(|((op, ret), at)| Operation { op, end: ret.map(|ret| (ret, 2 * at + 1)), call: 2 * at })
            .collect();
        let model = KeyValue { initial: Content::MISSING };
        check(&model, &operations, Budget::default()).finding == Finding::Linearizable
    }

    #[test]
    fn a_swap_needs_what_was_there() {
        let put = (Op::Put(1, 7), Some(Ret::Done));
        let swap = |old, swapped| (Op::Cas(1, 8), Some(Ret::Swapped(old, swapped)));
        let get = |value| (Op::Get(1), Some(Ret::Value(value)));
        assert!(is_linearizable(&[get(0), put.clone(), swap(7, true), get(8)]));
        assert!(!is_linearizable(&[get(0), put.clone(), swap(6, true), get(8)]));
        assert!(is_linearizable(&[put.clone(), swap(6, false), get(7)]));
        assert!(!is_linearizable(&[put, swap(7, false), get(7)]));
        assert!(is_linearizable(&[swap(0, true), get(8)]));
    }

    #[test]
    fn what_was_not_answered_may_have_happened_or_not() {
        let put = |key| (Op::Put(key, 7), Some(Ret::Done));
        let swap = (Op::Cas(1, 8), None);
        let get = |value| (Op::Get(1), Some(Ret::Value(value)));
        assert!(is_linearizable(&[put(1), swap.clone(), get(7)]));
        assert!(is_linearizable(&[put(1), swap.clone(), get(7), get(8)]));
        assert!(!is_linearizable(&[put(1), swap, get(8), get(7)]), "what was read is there");
        assert!(!is_linearizable(&[put(2), get(7)]), "another key");
    }
}
