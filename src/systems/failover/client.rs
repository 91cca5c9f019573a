//! What clients do, and what one key is to them: a register that can be missing.

use super::fact::{SERVICE_WITHIN, WISHED};
use super::operator::{Operator, Specification};
use super::options::Options;
use super::places::Places;
use protocols::database::{Client as Connection, ClientError, Condition, Write};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sim::check::linearizable::models::key_value::{self, Action, Content, Seen};
use sim::{Client, ClientContext, Outcome};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a client waits for a connection, and for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a client can be told to do. Each value is written once: it is the number of the write, too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// What is under a key?
    Get(u32),
    /// Put a value under it.
    Put(u32, u64),
    /// Put a value under it, if there is what this client saw there last.
    Cas(u32, u64),
    /// As an operator, ask the manager for another primary.
    Switchover,
    /// The same, for one that is named, counted from the first database on.
    Handover(u32),
    /// Change the specification.
    Specify(Specification),
    /// Let the manager stand still.
    Pause,
    /// Let it go on.
    Resume,
    /// Have a standby begin anew, with a copy; counted from the first database on.
    Reinitialise(u32),
    /// Remove a database from the cluster; counted from the first on.
    Remove(u32),
    /// Let a standby cluster go.
    Promote,
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
    /// The manager knows what it is asked for.
    Asked,
}

/// A client of a router, or of an address that moves, and an operator's hand on the manager.
pub(super) struct RoutedClient {
    /// None where the cluster has no router.
    connection: Option<Connection>,
    operator: Operator,
    number: u32,
    /// How long there may be no write, in ms, if a scenario says so.
    within_ms: Option<u64>,
    stores: u32,
    databases: u32,
    /// What it saw last under each key.
    saw: BTreeMap<u32, u64>,
}

impl RoutedClient {
    pub(super) fn new(client: &ClientContext<Options>) -> Self {
        let places = Places::of(&client.nodes, &client.options).ok();
        let connection =
            places.map(|places| Connection::new(places.entrance(client.id)).patience(PATIENCE).of_primary());
        let (stores, databases) =
            places.map_or((0, 0), |places| (places.stores.len() as u32, places.databases.len() as u32));
        let operator = Operator::new(places, &client.options);
        let within_ms = client.options.service_within.map(|bound| bound.as_millis() as u64);
        let (number, saw) = (client.id, BTreeMap::new());
        RoutedClient { connection, operator, number, within_ms, stores, databases, saw }
    }

    /// The number of a database's machine, over and over those that there are.
    fn database(&self, counted: u32) -> Option<u32> {
        counted.checked_rem(self.databases).map(|index| self.stores + 1 + index)
    }

    async fn get(&mut self, key: u32) -> Outcome<Ret> {
        let Some(connection) = &mut self.connection else { return no_router() };
        match connection.get(&name(key)).await {
            Ok(value) => {
                let value = value.and_then(|value| value.parse().ok()).unwrap_or(0);
                self.saw.insert(key, value);
                Outcome::Ok(Ret::Value(value))
            }
            Err(error) => failed(&error),
        }
    }

    async fn put(&mut self, key: u32, value: u64) -> Outcome<Ret> {
        if let Some(ms) = self.within_ms {
            host::probe!(SERVICE_WITHIN, ms, self.number, value);
        }
        let written = self.write(key, value, Condition::None).await;
        written.map_or_else(|failed| failed, |_| Outcome::Ok(Ret::Done))
    }

    async fn cas(&mut self, key: u32, value: u64) -> Outcome<Ret> {
        let saw = self.saw.get(&key).copied().unwrap_or(0);
        let condition = if saw == 0 { Condition::Absent } else { Condition::Is(saw.to_string()) };
        let written = self.write(key, value, condition).await;
        written.map_or_else(|failed| failed, |swapped| Outcome::Ok(Ret::Swapped(saw, swapped)))
    }

    /// Whether the condition held; an error is the outcome.
    async fn write(&mut self, key: u32, value: u64, condition: Condition) -> Result<bool, Outcome<Ret>> {
        let connection = self.connection.as_mut().ok_or_else(no_router)?;
        let write = Write { id: value, key: name(key), value: value.to_string(), condition };
        let written = connection.write(write).await.map_err(|error| failed(&error))?;
        // After a swap that failed, only a read tells what is there.
        self.saw.remove(&key);
        if written {
            self.saw.insert(key, value);
        }
        Ok(written)
    }
}

impl Client<Op, Ret> for RoutedClient {
    async fn call(&mut self, op: &Op) -> Outcome<Ret> {
        match op {
            Op::Get(key) => self.get(*key).await,
            Op::Put(key, value) => self.put(*key, *value).await,
            Op::Cas(key, value) => self.cas(*key, *value).await,
            Op::Switchover => {
                host::probe!(WISHED);
                self.operator.switchover(None).await
            }
            Op::Handover(database) => {
                host::probe!(WISHED);
                self.operator.switchover(self.database(*database)).await
            }
            Op::Reinitialise(database) | Op::Remove(database) => {
                self.operator.order(op, self.database(*database)).await
            }
            Op::Specify(_) | Op::Pause | Op::Resume | Op::Promote => self.operator.order(op, None).await,
        }
    }
}

fn no_router() -> Outcome<Ret> {
    Outcome::Fail("there is no router".to_owned())
}

fn failed(error: &ClientError) -> Outcome<Ret> {
    if error.is_definite() { Outcome::Fail(error.to_string()) } else { Outcome::Unknown(error.to_string()) }
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
        // What an operator asks for is about no key.
        (
            Op::Switchover
            | Op::Handover(_)
            | Op::Specify(_)
            | Op::Pause
            | Op::Resume
            | Op::Reinitialise(_)
            | Op::Remove(_)
            | Op::Promote,
            _,
        ) => return Vec::new(),
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
        assert!(is_linearizable(&[put(1), (Op::Switchover, Some(Ret::Asked)), get(7)]));
    }
}
