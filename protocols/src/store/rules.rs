//! What is replicated: keys with revisions, leases, and the latest changes. Synchronous and deterministic: the same
//! commands in the same order make the same machine on every replica.

use super::message::{
    Change, Command, Compare, Condition, Event, KeyValue, LeaseId, Operation, Outcome, Refusal, Txn, TxnReply,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The state of all keys and leases after some commands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    /// Grows by one with each command that changes keys; 1 before the first, as in etcd.
    revision: u64,
    pairs: BTreeMap<String, KeyValue>,
    leases: BTreeMap<LeaseId, Lease>,
    /// The latest changes, oldest first; those up to `compacted` are gone.
    events: VecDeque<Event>,
    compacted: u64,
    /// A hash over all events so far.
    digest: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    ttl_ms: u64,
    keys: BTreeSet<String>,
}

impl Machine {
    pub fn new() -> Self {
        Machine { revision: 1, ..Machine::default() }
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn digest(&self) -> u32 {
        self.digest
    }

    /// The leases there are, with their times to live in ms.
    pub fn leases(&self) -> impl Iterator<Item = (LeaseId, u64)> + '_ {
        self.leases.iter().map(|(id, lease)| (*id, lease.ttl_ms))
    }

    /// The keys that go with a lease, and with which.
    pub fn leased(&self) -> impl Iterator<Item = (&str, LeaseId)> {
        self.pairs.values().filter_map(|pair| Some((pair.key.as_str(), pair.lease?)))
    }

    pub fn lease_ttl_ms(&self, id: LeaseId) -> Option<u64> {
        self.leases.get(&id).map(|lease| lease.ttl_ms)
    }

    /// The keys that are equal to `key`, or begin with it.
    pub fn get(&self, key: &str, prefix: bool) -> Vec<KeyValue> {
        if !prefix {
            return self.pairs.get(key).cloned().into_iter().collect();
        }
        let from = self.pairs.range(key.to_owned()..);
        from.take_while(|(name, _)| name.starts_with(key)).map(|(_, pair)| pair.clone()).collect()
    }

    /// The changes from a revision on, of the keys that are equal to `key` or begin with it; `None` if some of them are
    /// gone. They are whole revisions, at most some hundred events.
    pub fn changes(&self, key: &str, prefix: bool, from: u64) -> Option<Vec<Event>> {
        if from <= self.compacted {
            return None;
        }
        let concerned = |event: &&Event| if prefix { event.key.starts_with(key) } else { event.key == key };
        let start = self.events.partition_point(|event| event.revision < from);
        Some(self.events.range(start..).filter(concerned).cloned().collect())
    }

    /// Applies a command; `kept` is how many events are remembered.
    pub fn apply(&mut self, command: &Command, kept: usize) -> Outcome {
        let outcome = match command {
            Command::Txn(txn) => self.txn(txn),
            Command::Grant { lease, ttl_ms } => match self.leases.entry(*lease) {
                std::collections::btree_map::Entry::Occupied(_) => Outcome::Refused(Refusal::LeaseExists),
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(Lease { ttl_ms: *ttl_ms, keys: BTreeSet::new() });
                    Outcome::Done
                }
            },
            Command::Revoke { lease } => match self.leases.remove(lease) {
                None => Outcome::Refused(Refusal::NoSuchLease),
                Some(Lease { keys, .. }) => {
                    if !keys.is_empty() {
                        self.revision += 1;
                        keys.iter().for_each(|key| drop(self.delete(key)));
                    }
                    Outcome::Done
                }
            },
        };
        while self.events.len() > kept {
            let oldest = self.events[0].revision;
            while self.events.front().is_some_and(|event| event.revision == oldest) {
                self.events.pop_front();
            }
            self.compacted = oldest;
        }
        outcome
    }

    fn txn(&mut self, txn: &Txn) -> Outcome {
        let succeeded = txn.compare.iter().all(|compare| self.holds(compare));
        let operations = if succeeded { &txn.success } else { &txn.failure };
        let unknown_lease = operations.iter().any(|operation| match operation {
            Operation::Put { lease: Some(lease), .. } => !self.leases.contains_key(lease),
            _ => false,
        });
        if unknown_lease {
            return Outcome::Refused(Refusal::NoSuchLease);
        }
        if operations.iter().any(|operation| !matches!(operation, Operation::Get { .. })) {
            let changes = operations.iter().any(|operation| match operation {
                Operation::Put { .. } => true,
                Operation::Delete { key } => self.pairs.contains_key(key),
                Operation::Get { .. } => false,
            });
            self.revision += u64::from(changes);
        }
        let results = operations.iter().map(|operation| self.operate(operation)).collect();
        Outcome::Txn(TxnReply { succeeded, revision: self.revision, results })
    }

    fn holds(&self, compare: &Compare) -> bool {
        let pair = self.pairs.get(&compare.key);
        match &compare.condition {
            Condition::Version(version) => pair.map_or(0, |pair| pair.version) == *version,
            Condition::Modified(revision) => pair.map_or(0, |pair| pair.modified) == *revision,
            Condition::Value(value) => pair.is_some_and(|pair| pair.value == *value),
        }
    }

    fn operate(&mut self, operation: &Operation) -> Vec<KeyValue> {
        match operation {
            Operation::Get { key, prefix } => self.get(key, *prefix),
            Operation::Put { key, value, lease } => {
                self.put(key, value, *lease);
                Vec::new()
            }
            Operation::Delete { key } => self.delete(key).into_iter().collect(),
        }
    }

    fn put(&mut self, key: &str, value: &str, lease: Option<LeaseId>) {
        let before = self.pairs.get(key);
        let pair = KeyValue {
            key: key.to_owned(),
            value: value.to_owned(),
            created: before.map_or(self.revision, |pair| pair.created),
            modified: self.revision,
            version: before.map_or(0, |pair| pair.version) + 1,
            lease,
        };
        if let Some(bound) = before.and_then(|pair| pair.lease) {
            self.unbind(bound, key);
        }
        if let Some(lease) = lease.and_then(|lease| self.leases.get_mut(&lease)) {
            lease.keys.insert(key.to_owned());
        }
        self.tell(key, Change::Put { value: pair.value.clone(), version: pair.version });
        self.pairs.insert(key.to_owned(), pair);
    }

    fn delete(&mut self, key: &str) -> Option<KeyValue> {
        let pair = self.pairs.remove(key)?;
        if let Some(lease) = pair.lease {
            self.unbind(lease, key);
        }
        self.tell(key, Change::Delete);
        Some(pair)
    }

    fn unbind(&mut self, lease: LeaseId, key: &str) {
        if let Some(lease) = self.leases.get_mut(&lease) {
            lease.keys.remove(key);
        }
    }

    fn tell(&mut self, key: &str, change: Change) {
        let event = Event { revision: self.revision, key: key.to_owned(), change };
        let mut hasher = crc32fast::Hasher::new_with_initial(self.digest);
        hasher.update(format!("{event:?}").as_bytes());
        self.digest = hasher.finalize();
        self.events.push_back(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: usize = 100;

    fn put(key: &str, value: &str, lease: Option<LeaseId>) -> Command {
        let put = Operation::Put { key: key.to_owned(), value: value.to_owned(), lease };
        Command::Txn(Txn { compare: vec![], success: vec![put], failure: vec![] })
    }

    fn version(machine: &Machine, key: &str) -> Option<(u64, u64, u64)> {
        machine.get(key, false).first().map(|pair| (pair.created, pair.modified, pair.version))
    }

    #[test]
    fn a_key_knows_when_it_was_created_and_changed_and_how_often() {
        let mut machine = Machine::new();
        machine.apply(&put("a", "1", None), KEPT);
        machine.apply(&put("b", "1", None), KEPT);
        machine.apply(&put("a", "2", None), KEPT);
        assert_eq!(version(&machine, "a"), Some((2, 4, 2)));
        assert_eq!(version(&machine, "b"), Some((3, 3, 1)));
        assert_eq!(machine.revision(), 4);
    }

    #[test]
    fn a_transaction_changes_all_or_nothing_at_one_revision() {
        let mut machine = Machine::new();
        let both = Txn {
            compare: vec![Compare { key: "a".into(), condition: Condition::Version(0) }],
            success: vec![
                Operation::Put { key: "a".into(), value: "1".into(), lease: None },
                Operation::Put { key: "b".into(), value: "1".into(), lease: None },
            ],
            failure: vec![Operation::Get { key: "a".into(), prefix: false }],
        };
        let reply = |machine: &mut Machine| match machine.apply(&Command::Txn(both.clone()), KEPT) {
            Outcome::Txn(reply) => reply,
            other => panic!("{other:?}"),
        };
        assert!(reply(&mut machine).succeeded);
        assert_eq!((version(&machine, "a"), version(&machine, "b")), (Some((2, 2, 1)), Some((2, 2, 1))));
        let refused = reply(&mut machine);
        assert_eq!((refused.succeeded, refused.revision, refused.results[0].len()), (false, 2, 1));
    }

    #[test]
    fn a_lease_takes_its_keys_with_it_and_no_others() {
        let mut machine = Machine::new();
        let lease = LeaseId(7);
        assert_eq!(machine.apply(&put("x", "1", Some(lease)), KEPT), Outcome::Refused(Refusal::NoSuchLease));
        machine.apply(&Command::Grant { lease, ttl_ms: 2000 }, KEPT);
        machine.apply(&put("x", "1", Some(lease)), KEPT);
        machine.apply(&put("y", "1", Some(lease)), KEPT);
        machine.apply(&put("y", "2", None), KEPT);
        machine.apply(&Command::Revoke { lease }, KEPT);
        assert_eq!((version(&machine, "x"), version(&machine, "y").is_some()), (None, true));
        assert_eq!(machine.apply(&Command::Revoke { lease }, KEPT), Outcome::Refused(Refusal::NoSuchLease));
    }

    #[test]
    fn changes_are_whole_from_a_revision_on_or_refused() {
        let mut machine = Machine::new();
        for value in 0..10 {
            machine.apply(&put("a", &value.to_string(), None), 4);
        }
        let revisions = |from| {
            let changes = machine.changes("a", false, from)?;
            Some(changes.iter().map(|event| event.revision).collect::<Vec<_>>())
        };
        assert_eq!(revisions(8), Some(vec![8, 9, 10, 11]));
        assert_eq!(revisions(7), None, "compacted");
        assert_eq!(revisions(12), Some(vec![]));
    }

    #[test]
    fn a_revision_with_more_changes_than_are_kept_is_forgotten_whole() {
        let mut machine = Machine::new();
        let put = |key: &str| Operation::Put { key: key.into(), value: "1".into(), lease: None };
        let both = Txn { compare: vec![], success: vec![put("a"), put("b")], failure: vec![] };
        machine.apply(&Command::Txn(both), 1);
        assert_eq!((machine.events.len(), machine.changes("a", false, 2)), (0, None));
        assert_eq!(machine.changes("a", false, 3), Some(vec![]));
    }

    #[test]
    fn who_came_to_a_revision_by_other_changes_has_another_digest() {
        let digest = |keys: [&str; 2]| {
            let mut machine = Machine::new();
            keys.iter().for_each(|key| drop(machine.apply(&put(key, "1", None), KEPT)));
            (machine.revision(), machine.digest())
        };
        assert_eq!(digest(["a", "b"]), digest(["a", "b"]));
        assert_ne!(digest(["a", "b"]), digest(["b", "a"]));
        assert_eq!(digest(["a", "b"]).0, digest(["b", "a"]).0);
    }

    #[test]
    fn a_key_is_read_alone_or_with_all_that_begin_with_it() {
        let mut machine = Machine::new();
        for key in ["a", "ab", "abc", "b"] {
            machine.apply(&put(key, "1", None), KEPT);
        }
        let read = |key, prefix| -> Vec<String> {
            machine.get(key, prefix).into_iter().map(|pair| pair.key).collect()
        };
        assert_eq!((read("a", false), read("ab", true)), (vec!["a".into()], vec!["ab".into(), "abc".into()]));
        assert_eq!((read("ac", false), read("ac", true)), (vec![], vec![]));
        assert_eq!(read("", true).len(), 4);
    }

    #[test]
    fn a_comparison_holds_of_what_a_key_is_now_and_0_of_one_that_is_not_there() {
        let mut machine = Machine::new();
        machine.apply(&put("a", "1", None), KEPT);
        machine.apply(&put("a", "2", None), KEPT);
        let holds = |key: &str, condition| machine.holds(&Compare { key: key.into(), condition });
        assert_eq!(
            ["1", "2", ""].map(|value| holds("a", Condition::Value(value.into()))),
            [false, true, false]
        );
        assert!(!holds("b", Condition::Value(String::new())));
        assert_eq!([0, 1, 2].map(|version| holds("a", Condition::Version(version))), [false, false, true]);
        assert_eq!([0, 2, 3].map(|revision| holds("a", Condition::Modified(revision))), [false, false, true]);
        assert!(holds("b", Condition::Version(0)) && holds("b", Condition::Modified(0)));
    }

    fn txn(machine: &mut Machine, success: Vec<Operation>) -> Outcome {
        machine.apply(&Command::Txn(Txn { compare: vec![], success, failure: vec![] }), KEPT)
    }

    #[test]
    fn one_lease_that_is_none_refuses_a_whole_transaction() {
        let (mut machine, lease) = (Machine::new(), LeaseId(7));
        let put = |key: &str, lease| Operation::Put { key: key.into(), value: "1".into(), lease };
        let both = || vec![put("x", None), put("y", Some(lease))];
        assert_eq!(txn(&mut machine, both()), Outcome::Refused(Refusal::NoSuchLease));
        assert_eq!((version(&machine, "x"), machine.revision()), (None, 1));
        machine.apply(&Command::Grant { lease, ttl_ms: 2000 }, KEPT);
        assert!(matches!(txn(&mut machine, both()), Outcome::Txn(_)));
        assert_eq!(machine.leased().collect::<Vec<_>>(), [("y", lease)]);
    }

    #[test]
    fn a_transaction_has_a_revision_of_its_own_if_any_of_it_changes_something() {
        let mut machine = Machine::new();
        let get = || Operation::Get { key: "a".into(), prefix: false };
        let put = || Operation::Put { key: "a".into(), value: "1".into(), lease: None };
        let delete = |key: &str| Operation::Delete { key: key.into() };
        let mut revision = |operations| match txn(&mut machine, operations) {
            Outcome::Txn(reply) => reply.revision,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            [vec![], vec![get()], vec![delete("a")], vec![get(), delete("a")]].map(&mut revision),
            [1; 4]
        );
        assert_eq!(revision(vec![get(), put()]), 2);
        assert_eq!(revision(vec![delete("b"), delete("a")]), 3);
        assert_eq!(revision(vec![delete("b"), delete("a")]), 3, "both are gone");
    }
}
