//! One title a rule; where a rule says yes and no, both.

use super::*;
use crate::registry::local::Outgoing;
use std::ops::{Deref, DerefMut};

const OURS: NodeId = NodeId(1);
const PEER: NodeId = NodeId(2);
const THIRD: NodeId = NodeId(3);

/// A scope and the node under it.
struct Node {
    rules: Converged,
    local: Local,
}

impl Deref for Node {
    type Target = Converged;

    fn deref(&self) -> &Converged {
        &self.rules
    }
}

impl DerefMut for Node {
    fn deref_mut(&mut self) -> &mut Converged {
        &mut self.rules
    }
}

/// A node that is connected to both peers.
fn node() -> Node {
    let mut node = Node { rules: Converged::new(OURS, Arc::default()), local: Local::new(OURS, 0xa) };
    for peer in [PEER, THIRD] {
        node.rules.on_node_up(peer, &mut node.local);
        node.rules.on_ack_sync(peer, Vec::new(), 0, &mut node.local);
    }
    node.sent();
    node
}

fn pid_of(node: NodeId, serial: u64) -> Pid {
    Pid { node, incarnation: 0xb, serial }
}

fn record(name: &str, pid: Pid, time: u64) -> Record {
    Record { name: name.to_owned(), pid, meta: String::new(), time }
}

fn gone(name: &str, pid: Pid) -> Outgoing {
    Outgoing { to: vec![PEER, THIRD], message: PeerMessage::SyncUnregister { name: name.to_owned(), pid } }
}

fn registered(name: &str, pid: Pid) -> Event {
    Event::Registered { name: name.to_owned(), pid, meta: String::new() }
}

fn unregistered(name: &str, pid: Pid) -> Event {
    Event::Unregistered { name: name.to_owned(), pid, meta: String::new() }
}

impl Node {
    fn registers(&mut self, requester: NodeId, name: &str, pid: Pid, now: u64) -> (Answer, Vec<Outgoing>) {
        let call = Call::Register { name: name.to_owned(), pid, meta: String::new() };
        let answer = self.rules.on_call(requester, call, now, &mut self.local);
        (answer, self.sent())
    }

    fn unregisters(&mut self, name: &str, pid: Pid) {
        let call = Call::Unregister { name: name.to_owned(), pid };
        self.rules.on_call(OURS, call, 0, &mut self.local);
    }

    fn hears(&mut self, name: &str, pid: Pid, time: u64) -> Vec<Outgoing> {
        self.rules.on_sync_register(record(name, pid, time), 0, &mut self.local);
        self.sent()
    }

    fn spawn(&mut self) -> Pid {
        self.local.processes.spawn()
    }

    /// What a watcher is told since it last was.
    fn told(&mut self) -> Vec<Event> {
        self.rules.events().take()
    }

    fn sent(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.local.outgoing)
    }

    fn at(&self, name: &str) -> Option<(Pid, u64)> {
        self.visible(name).map(|entry| (entry.pid, entry.time))
    }
}

#[test]
fn everyone_is_told_of_a_claim_the_requester_too() {
    let mut node = node();
    let pid = node.spawn();
    let (answer, effects) = node.registers(PEER, "x", pid, 10);
    assert_eq!(answer, Answer::Registered { time: 10 });
    let message = PeerMessage::SyncRegister(record("x", pid, 10));
    assert_eq!(effects, [Outgoing { to: vec![PEER, THIRD], message }]);
}

#[test]
fn a_name_that_anyone_claims_is_taken() {
    let mut node = node();
    let pid = node.spawn();
    node.hears("x", pid_of(PEER, 1), 5);
    assert_eq!(node.registers(OURS, "x", pid, 10), (Answer::Refused(Refusal::Taken), vec![]));
    node.on_sync_unregister("x", pid_of(PEER, 1));
    assert_eq!(node.registers(OURS, "x", pid, 10).0, Answer::Registered { time: 10 });
}

#[test]
fn ranks_grow_whatever_the_clock_does() {
    let mut node = node();
    let (first, second, third) = (node.spawn(), node.spawn(), node.spawn());
    assert_eq!(node.registers(OURS, "x", first, 100).0, Answer::Registered { time: 100 });
    assert_eq!(node.registers(OURS, "y", second, 7).0, Answer::Registered { time: 101 });
    node.hears("z", pid_of(PEER, 1), 500);
    assert_eq!(node.registers(OURS, "w", third, 8).0, Answer::Registered { time: 501 });
}

#[test]
fn a_process_keeps_its_rank_for_all_its_names_until_it_has_none() {
    let mut node = node();
    let pid = node.spawn();
    node.registers(OURS, "x", pid, 10);
    assert_eq!(node.registers(OURS, "y", pid, 20).0, Answer::Registered { time: 10 });
    for name in ["x", "y"] {
        node.unregisters(name, pid);
    }
    assert_eq!(node.registers(OURS, "x", pid, 30).0, Answer::Registered { time: 30 });
}

#[test]
fn a_lesser_process_dies_and_withdraws_all_its_claims_at_once() {
    let mut node = node();
    let (ours, theirs) = (node.spawn(), pid_of(PEER, 1));
    node.registers(OURS, "x", ours, 10);
    node.registers(OURS, "y", ours, 10);
    assert_eq!(node.hears("x", theirs, 11), [gone("x", ours), gone("y", ours)]);
    assert!(!node.local.processes.is_alive(ours));
    assert_eq!((node.at("x"), node.at("y")), (Some((theirs, 11)), None));
}

#[test]
fn a_greater_process_does_nothing_and_stays() {
    let mut node = node();
    let (ours, theirs) = (node.spawn(), pid_of(PEER, 1));
    node.registers(OURS, "x", ours, 10);
    assert_eq!(node.hears("x", theirs, 9), []);
    assert_eq!(node.at("x"), Some((ours, 10)));
    node.on_sync_unregister("x", theirs);
    assert_eq!(node.at("x"), Some((ours, 10)));
}

#[test]
fn of_equal_ranks_the_greater_pid_is_kept() {
    let mut node = node();
    let ours = node.spawn();
    node.registers(OURS, "x", ours, 10);
    node.hears("x", pid_of(PEER, 1), 10);
    assert_eq!(node.at("x"), Some((pid_of(PEER, 1), 10)));
    assert!(!node.local.processes.is_alive(ours));
}

#[test]
fn a_third_node_remembers_the_lesser_claim_and_shows_it_when_the_greater_goes() {
    let mut node = node();
    let (lesser, greater) = (pid_of(PEER, 1), pid_of(THIRD, 1));
    node.hears("x", lesser, 10);
    node.hears("x", greater, 11);
    assert_eq!(node.at("x"), Some((greater, 11)));
    node.on_sync_unregister("x", greater);
    assert_eq!(node.at("x"), Some((lesser, 10)));
}

#[test]
fn a_lost_peers_claims_are_forgotten_and_no_others() {
    let mut node = node();
    node.hears("x", pid_of(PEER, 1), 10);
    node.hears("x", pid_of(THIRD, 1), 11);
    node.hears("y", pid_of(THIRD, 1), 11);
    node.on_node_down(THIRD);
    assert_eq!((node.at("x"), node.at("y")), (Some((pid_of(PEER, 1), 10)), None));
    assert!(!node.known().contains(&THIRD) && node.known().contains(&PEER));
}

#[test]
fn a_new_connection_begins_with_all_that_we_claim() {
    let mut node = node();
    let pid = node.spawn();
    node.registers(OURS, "x", pid, 10);
    node.hears("y", pid_of(THIRD, 1), 11);
    node.on_node_down(PEER);
    node.rules.on_node_up(PEER, &mut node.local);
    let message = PeerMessage::AckSync(vec![record("x", pid, 10)]);
    assert_eq!(node.sent(), [Outgoing { to: vec![PEER], message }]);
}

#[test]
fn a_process_that_dies_is_withdrawn_once_its_death_is_reported() {
    let mut node = node();
    let pid = node.spawn();
    node.registers(OURS, "x", pid, 10);
    assert!(node.local.processes.kill(pid) && node.watches(pid));
    assert!(node.rules.lookup("x", &node.local.processes).is_none());
    node.rules.on_process_down(pid, &mut node.local);
    assert_eq!(node.sent(), [gone("x", pid)]);
}

#[test]
fn a_claim_of_a_peer_whose_snapshot_is_still_to_come_is_ignored() {
    let mut node = node();
    node.on_node_down(PEER);
    node.hears("x", pid_of(PEER, 1), 10);
    assert_eq!(node.at("x"), None);
    node.rules.on_ack_sync(PEER, vec![record("x", pid_of(PEER, 1), 10)], 0, &mut node.local);
    assert_eq!(node.at("x"), Some((pid_of(PEER, 1), 10)));
}

#[test]
fn a_process_has_one_rank_in_all_scopes() {
    let mut one = node();
    let pid = one.spawn();
    one.registers(OURS, "x", pid, 10);
    let ranks = Arc::clone(&one.rules.ranks);
    let mut other = Node { rules: Converged::new(OURS, ranks), local: one.local };
    assert_eq!(other.registers(OURS, "x", pid, 20).0, Answer::Registered { time: 10 });
}

#[test]
fn a_snapshot_drops_what_its_owner_no_longer_has() {
    let mut node = node();
    node.hears("gone", pid_of(PEER, 1), 10);
    node.hears("kept", pid_of(PEER, 2), 10);
    node.hears("elsewhere", pid_of(THIRD, 1), 10);
    node.rules.on_ack_sync(PEER, vec![record("kept", pid_of(PEER, 2), 10)], 0, &mut node.local);
    assert_eq!(node.entries().keys().collect::<Vec<_>>(), ["elsewhere", "kept"]);
}

#[test]
fn a_process_is_watched_as_long_as_it_has_a_name() {
    let mut node = node();
    let (pid, nameless) = (node.spawn(), node.spawn());
    node.registers(OURS, "x", pid, 10);
    node.registers(OURS, "y", pid, 10);
    assert!(node.watches(pid) && !node.watches(nameless));
    node.unregisters("x", pid);
    assert!(node.watches(pid), "it has another");
    node.unregisters("y", pid);
    assert!(!node.watches(pid));
}

#[test]
fn who_watches_is_told_what_a_name_points_at_and_nothing_of_the_claims_behind_it() {
    let mut node = node();
    let (lesser, greater) = (pid_of(PEER, 1), pid_of(THIRD, 1));
    node.hears("x", lesser, 10);
    assert_eq!(node.told(), [], "nobody watches");
    node.rules.events().watch(true);
    node.hears("x", greater, 11);
    assert_eq!(node.told(), [unregistered("x", lesser), registered("x", greater)]);
    node.hears("x", lesser, 10);
    assert_eq!(node.told(), [], "it is behind the other");
    node.on_sync_unregister("x", greater);
    assert_eq!(node.told(), [unregistered("x", greater), registered("x", lesser)]);
    node.hears("y", greater, 11);
    assert_eq!(node.told(), [registered("y", greater)]);
    node.on_node_down(PEER);
    assert_eq!(node.told(), [unregistered("x", lesser)]);
}

#[test]
fn who_watches_is_told_of_metadata_that_changes_and_not_of_the_same_again() {
    let mut node = node();
    let pid = pid_of(PEER, 1);
    node.hears("x", pid, 10);
    node.rules.events().watch(true);
    node.hears("x", pid, 10);
    assert_eq!(node.told(), []);
    let record = Record { meta: "m".to_owned(), ..record("x", pid, 10) };
    node.rules.on_sync_register(record, 0, &mut node.local);
    let updated = Event::Updated { name: "x".to_owned(), pid, meta: "m".to_owned(), before: String::new() };
    assert_eq!(node.told(), [updated]);
}
