//! One title a rule; where a rule says yes and no, both. What is asked of a scope and what its peers announce is tested
//! here.

mod conflicts;
mod deaths;
mod subcluster;
mod watching;

use super::*;
use crate::registry::local::Outgoing;
use std::ops::{Deref, DerefMut};

const OURS: NodeId = NodeId(1);
const PEER: NodeId = NodeId(2);
const THIRD: NodeId = NodeId(3);

/// A scope and the node under it.
struct Scope {
    rules: Syn,
    local: Local,
}

impl Deref for Scope {
    type Target = Syn;

    fn deref(&self) -> &Syn {
        &self.rules
    }
}

impl DerefMut for Scope {
    fn deref_mut(&mut self) -> &mut Syn {
        &mut self.rules
    }
}

fn scope() -> Scope {
    flawed(None)
}

fn flawed(flaw: Option<Flaw>) -> Scope {
    Scope { rules: Syn::new(OURS, flaw, None), local: Local::new(OURS, 0xa) }
}

/// A scope that knows both peers.
fn acquainted(flaw: Option<Flaw>) -> Scope {
    let mut scope = flawed(flaw);
    scope.known.extend([PEER, THIRD]);
    scope
}

fn pid_of(node: NodeId, serial: u64) -> Pid {
    Pid { node, incarnation: 0xb, serial }
}

fn record(name: &str, pid: Pid, time: u64) -> Record {
    Record { name: name.to_owned(), pid, meta: String::new(), time }
}

fn to(peers: &[NodeId], message: PeerMessage) -> Outgoing {
    Outgoing { to: peers.to_vec(), message }
}

fn sync_register(name: &str, pid: Pid, time: u64) -> PeerMessage {
    PeerMessage::SyncRegister(record(name, pid, time))
}

fn sync_unregister(name: &str, pid: Pid) -> PeerMessage {
    PeerMessage::SyncUnregister { name: name.to_owned(), pid }
}

impl Scope {
    fn register(&mut self, requester: NodeId, name: &str, pid: Pid, now: u64) -> (Answer, Vec<Outgoing>) {
        self.register_with(requester, name, pid, "", now)
    }

    fn register_with(
        &mut self,
        requester: NodeId,
        name: &str,
        pid: Pid,
        meta: &str,
        now: u64,
    ) -> (Answer, Vec<Outgoing>) {
        let call = Call::Register { name: name.to_owned(), pid, meta: meta.to_owned() };
        let answer = self.rules.on_call(requester, call, now, &mut self.local);
        (answer, self.sent())
    }

    fn unregister(&mut self, requester: NodeId, name: &str, pid: Pid) -> (Answer, Vec<Outgoing>) {
        let call = Call::Unregister { name: name.to_owned(), pid };
        let answer = self.rules.on_call(requester, call, 0, &mut self.local);
        (answer, self.sent())
    }

    fn hear(&mut self, name: &str, pid: Pid, time: u64, now: u64) -> Vec<Outgoing> {
        self.rules.on_sync_register(record(name, pid, time), now, &mut self.local);
        self.sent()
    }

    fn spawn(&mut self) -> Pid {
        self.local.processes.spawn()
    }

    /// Whether the death will be reported.
    fn die(&mut self, pid: Pid) -> bool {
        self.local.processes.kill(pid) && self.watches(pid)
    }

    fn bury(&mut self, pid: Pid) -> Vec<Outgoing> {
        self.rules.on_process_down(pid, &mut self.local);
        self.sent()
    }

    fn ack_sync(&mut self, from: NodeId, records: Vec<Record>, now: u64) -> Vec<Outgoing> {
        self.rules.on_ack_sync(from, records, now, &mut self.local);
        self.sent()
    }

    fn node_up(&mut self, peer: NodeId) -> Vec<Outgoing> {
        self.rules.on_node_up(peer, &mut self.local);
        self.sent()
    }

    fn lookup(&self, name: &str) -> Option<&Entry> {
        self.rules.lookup(name, &self.local.processes)
    }

    fn sent(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.local.outgoing)
    }

    /// The pid and the stamp under a name.
    fn at(&self, name: &str) -> Option<(Pid, u64)> {
        self.table.get(name).map(|entry| (entry.pid, entry.time))
    }
}

// Calls.

#[test]
fn a_free_name_is_registered_and_broadcast() {
    let mut scope = acquainted(None);
    let pid = scope.spawn();
    let (answer, effects) = scope.register(OURS, "x", pid, 10);
    assert_eq!(answer, Answer::Registered { time: 10 });
    assert_eq!(effects, [to(&[PEER, THIRD], sync_register("x", pid, 10))]);
    assert_eq!(scope.at("x"), Some((pid, 10)));
}

#[test]
fn the_requester_is_left_out_of_the_broadcast() {
    let mut scope = acquainted(None);
    let pid = scope.spawn();
    let (_, effects) = scope.register(PEER, "x", pid, 10);
    assert_eq!(effects, [to(&[THIRD], sync_register("x", pid, 10))]);
    let (answer, effects) = scope.unregister(THIRD, "x", pid);
    assert_eq!(answer, Answer::Unregistered);
    assert_eq!(effects, [to(&[PEER], sync_unregister("x", pid))]);
}

#[test]
fn a_peer_that_is_not_known_gets_no_broadcast() {
    let mut scope = scope();
    let pid = scope.spawn();
    assert_eq!(scope.register(OURS, "x", pid, 10).1, []);
}

#[test]
fn a_name_of_another_process_is_taken() {
    let mut scope = acquainted(None);
    let (first, second) = (scope.spawn(), scope.spawn());
    scope.register(OURS, "x", first, 10);
    assert_eq!(scope.register(OURS, "x", second, 11), (Answer::Refused(Refusal::Taken), vec![]));
    scope.hear("y", pid_of(PEER, 1), 5, 0);
    assert_eq!(scope.register(OURS, "y", second, 12).0, Answer::Refused(Refusal::Taken));
}

#[test]
fn registering_again_with_the_same_metadata_changes_nothing() {
    let mut scope = acquainted(None);
    let pid = scope.spawn();
    scope.register_with(OURS, "x", pid, "m", 10);
    assert_eq!(scope.register_with(OURS, "x", pid, "m", 11), (Answer::Unchanged, vec![]));
    assert_eq!(scope.at("x"), Some((pid, 10)));
}

#[test]
fn registering_again_with_other_metadata_is_an_update_with_a_new_stamp() {
    let mut scope = acquainted(None);
    let pid = scope.spawn();
    scope.register_with(OURS, "x", pid, "m", 10);
    let (answer, effects) = scope.register_with(OURS, "x", pid, "n", 11);
    assert_eq!(answer, Answer::Registered { time: 11 });
    assert_eq!(effects.len(), 1);
    assert_eq!(scope.lookup("x").unwrap().meta, "n");
}

#[test]
fn a_dead_process_is_not_registered_nor_one_of_an_earlier_life() {
    let mut scope = scope();
    let pid = scope.spawn();
    scope.die(pid);
    assert_eq!(scope.register(OURS, "x", pid, 10).0, Answer::Refused(Refusal::NotAlive));
    assert_eq!(scope.register(OURS, "x", pid_of(OURS, 1), 10).0, Answer::Refused(Refusal::NotAlive));
}

#[test]
fn unregistering_an_absent_name_is_undefined() {
    let mut scope = scope();
    let pid = scope.spawn();
    assert_eq!(scope.unregister(PEER, "x", pid).0, Answer::Refused(Refusal::Undefined));
}

#[test]
fn unregistering_a_name_that_moved_to_another_process_is_a_race() {
    let mut scope = scope();
    let (before, after) = (scope.spawn(), scope.spawn());
    scope.register(OURS, "x", after, 10);
    assert_eq!(scope.unregister(PEER, "x", before).0, Answer::Refused(Refusal::RaceCondition));
    assert_eq!(scope.at("x"), Some((after, 10)));
}

#[test]
fn the_callers_write_overwrites_whatever_is_there() {
    let mut scope = acquainted(None);
    let (ours, theirs) = (scope.spawn(), pid_of(PEER, 1));
    scope.register(OURS, "x", ours, 20);
    scope.write_registered("x", theirs, String::new(), 10);
    assert_eq!(scope.at("x"), Some((theirs, 10)));
    // The row of our process is left behind, and still cleans up after it.
    assert!(scope.die(ours));
    assert_eq!(scope.bury(ours), [to(&[PEER, THIRD], sync_unregister("x", ours))]);
    assert_eq!(scope.at("x"), Some((theirs, 10)));
}

#[test]
fn the_callers_removal_takes_only_the_process_it_asked_about() {
    let mut scope = acquainted(None);
    scope.hear("x", pid_of(PEER, 2), 10, 0);
    scope.write_unregistered("x", pid_of(PEER, 1));
    assert_eq!(scope.at("x"), Some((pid_of(PEER, 2), 10)));
    scope.write_unregistered("x", pid_of(PEER, 2));
    assert_eq!(scope.at("x"), None);
}

// Entries that others announce.

#[test]
fn an_entry_of_a_known_peer_is_inserted_and_one_of_an_unknown_peer_ignored() {
    let mut scope = scope();
    scope.known.insert(PEER);
    scope.hear("x", pid_of(PEER, 1), 10, 0);
    scope.hear("y", pid_of(THIRD, 1), 10, 0);
    assert_eq!(scope.at("x"), Some((pid_of(PEER, 1), 10)));
    assert_eq!(scope.at("y"), None);
}

#[test]
fn the_same_process_is_overwritten_even_with_an_older_stamp() {
    let mut scope = acquainted(None);
    scope.hear("x", pid_of(PEER, 1), 10, 0);
    scope.hear("x", pid_of(PEER, 1), 9, 0);
    assert_eq!(scope.at("x"), Some((pid_of(PEER, 1), 9)));
}

#[test]
fn a_strictly_newer_entry_replaces_an_older_one() {
    let mut scope = acquainted(None);
    scope.hear("x", pid_of(PEER, 1), 10, 0);
    scope.hear("x", pid_of(THIRD, 1), 11, 0);
    assert_eq!(scope.at("x"), Some((pid_of(THIRD, 1), 11)));
}

#[test]
fn an_equal_stamp_from_elsewhere_is_ignored() {
    let mut scope = acquainted(None);
    scope.hear("x", pid_of(PEER, 1), 10, 0);
    scope.hear("x", pid_of(THIRD, 1), 10, 0);
    assert_eq!(scope.at("x"), Some((pid_of(PEER, 1), 10)));
}

#[test]
fn an_older_entry_from_elsewhere_is_ignored() {
    let mut scope = acquainted(None);
    scope.hear("x", pid_of(PEER, 1), 10, 0);
    scope.hear("x", pid_of(THIRD, 1), 9, 0);
    assert_eq!(scope.at("x"), Some((pid_of(PEER, 1), 10)));
}

#[test]
fn a_removal_takes_exactly_its_name_and_process() {
    let mut scope = acquainted(None);
    scope.hear("x", pid_of(PEER, 1), 10, 0);
    scope.on_sync_unregister("x", pid_of(PEER, 2));
    scope.on_sync_unregister("y", pid_of(PEER, 1));
    assert_eq!(scope.at("x"), Some((pid_of(PEER, 1), 10)));
    scope.on_sync_unregister("x", pid_of(PEER, 1));
    assert_eq!(scope.at("x"), None);
}
