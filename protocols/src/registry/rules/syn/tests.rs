//! One title a rule; where a rule says yes and no, both.

use super::*;
use crate::registry::{local::Outgoing, resolver::Resolver};
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

// Deaths and lookups.

#[test]
fn the_death_of_a_process_frees_all_its_names_and_tells_everyone() {
    let mut scope = acquainted(None);
    let pid = scope.spawn();
    scope.register(PEER, "x", pid, 10);
    scope.register(PEER, "y", pid, 11);
    assert!(scope.die(pid));
    let all = [PEER, THIRD];
    assert_eq!(scope.bury(pid), [to(&all, sync_unregister("x", pid)), to(&all, sync_unregister("y", pid))]);
    assert_eq!((scope.at("x"), scope.at("y")), (None, None));
}

#[test]
fn a_process_without_names_dies_unwatched() {
    let mut scope = scope();
    let (nameless, unregistered) = (scope.spawn(), scope.spawn());
    scope.register(OURS, "x", unregistered, 10);
    scope.unregister(OURS, "x", unregistered);
    assert!(!scope.die(nameless));
    assert!(!scope.die(unregistered));
}

#[test]
fn a_process_that_keeps_a_name_stays_watched() {
    let mut scope = scope();
    let pid = scope.spawn();
    scope.register(OURS, "x", pid, 10);
    scope.register(OURS, "y", pid, 11);
    scope.unregister(OURS, "x", pid);
    assert!(scope.die(pid));
}

#[test]
fn a_report_of_death_is_void_once_the_last_name_is_gone() {
    let mut scope = acquainted(None);
    let pid = scope.spawn();
    scope.register(OURS, "x", pid, 10);
    scope.die(pid);
    scope.unregister(OURS, "x", pid);
    assert_eq!(scope.bury(pid), []);
}

#[test]
fn a_lookup_shows_a_live_local_process_and_hides_a_dead_one() {
    let mut scope = scope();
    let pid = scope.spawn();
    scope.register(OURS, "x", pid, 10);
    assert_eq!(scope.lookup("x").map(|entry| entry.pid), Some(pid));
    scope.die(pid);
    assert_eq!(scope.lookup("x"), None);
    assert_eq!(scope.at("x"), Some((pid, 10)), "the entry stays until the report of the death");
}

#[test]
fn a_lookup_shows_a_remote_process_unasked() {
    let mut scope = acquainted(None);
    scope.hear("x", pid_of(PEER, 1), 10, 0);
    assert_eq!(scope.lookup("x").map(|entry| entry.pid), Some(pid_of(PEER, 1)));
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

// Conflicts.

#[test]
fn a_later_remote_process_is_kept_and_ours_killed_and_announced() {
    let mut scope = acquainted(None);
    let (ours, theirs) = (scope.spawn(), pid_of(PEER, 1));
    scope.register(OURS, "x", ours, 10);
    let effects = scope.hear("x", theirs, 11, 50);
    assert_eq!(scope.at("x"), Some((theirs, 11)));
    assert!(!scope.local.processes.is_alive(ours));
    assert_eq!(
        effects,
        [to(&[PEER, THIRD], sync_unregister("x", ours))],
        "nobody watched it for another name"
    );
}

#[test]
fn a_later_local_process_is_kept_with_a_new_stamp_that_all_are_told() {
    let mut scope = acquainted(None);
    let (ours, theirs) = (scope.spawn(), pid_of(PEER, 1));
    scope.register(OURS, "x", ours, 10);
    let effects = scope.hear("x", theirs, 9, 50);
    assert_eq!(scope.at("x"), Some((ours, 50)));
    assert!(scope.local.processes.is_alive(ours));
    assert_eq!(effects, [to(&[PEER, THIRD], sync_register("x", ours, 50))]);
}

#[test]
fn of_equal_stamps_the_greater_pid_is_kept() {
    let mut scope = acquainted(None);
    let ours = scope.spawn();
    scope.register(OURS, "x", ours, 10);
    scope.hear("x", pid_of(PEER, 1), 10, 50);
    assert_eq!(scope.at("x"), Some((pid_of(PEER, 1), 10)));

    let mut scope = Scope { rules: Syn::new(THIRD, None, None), local: Local::new(THIRD, 0xa) };
    scope.known.insert(PEER);
    let ours = scope.spawn();
    scope.register(THIRD, "x", ours, 10);
    scope.hear("x", pid_of(PEER, 1), 10, 50);
    assert_eq!(scope.at("x"), Some((ours, 50)));
}

#[test]
fn the_loser_of_a_conflict_loses_its_other_names_with_its_death() {
    let mut scope = acquainted(None);
    let (ours, theirs) = (scope.spawn(), pid_of(PEER, 1));
    scope.register(OURS, "x", ours, 10);
    scope.register(OURS, "y", ours, 10);
    let effects = scope.hear("x", theirs, 11, 50);
    assert_eq!(effects, [to(&[PEER, THIRD], sync_unregister("x", ours))]);
    assert!(scope.watches(ours) && !scope.local.processes.is_alive(ours));
    assert_eq!(scope.bury(ours), [to(&[PEER, THIRD], sync_unregister("y", ours))]);
    assert_eq!(scope.at("x"), Some((theirs, 11)));
}

#[test]
fn a_flawed_node_kills_the_loser_and_tells_nobody() {
    let mut scope = acquainted(Some(Flaw::LoserNotBroadcast));
    let (ours, theirs) = (scope.spawn(), pid_of(PEER, 1));
    scope.register(OURS, "x", ours, 10);
    assert_eq!(scope.hear("x", theirs, 11, 50), []);
    assert!(!scope.local.processes.is_alive(ours));
}

fn resolving(resolver: Resolver) -> Scope {
    let mut scope = acquainted(None);
    scope.resolve = Resolve::named(resolver);
    scope
}

#[test]
fn a_custom_resolver_keeps_theirs_though_older_and_kills_nobody() {
    let mut scope = resolving(Resolver::KeepThis);
    let (ours, theirs) = (scope.spawn(), pid_of(PEER, 1));
    scope.register(OURS, "x", ours, 10);
    let kept = Record { meta: "keepthis".to_owned(), ..record("x", theirs, 9) };
    scope.rules.on_sync_register(kept, 50, &mut scope.local);
    assert_eq!(scope.at("x"), Some((theirs, 9)));
    assert_eq!(scope.sent(), [to(&[PEER, THIRD], sync_unregister("x", ours))]);
    assert!(scope.local.processes.is_alive(ours));
}

#[test]
fn a_custom_resolver_keeps_ours_though_older_and_all_are_told() {
    let mut scope = resolving(Resolver::KeepThis);
    let ours = scope.spawn();
    scope.register_with(OURS, "x", ours, "keepthis", 10);
    assert_eq!(scope.hear("x", pid_of(PEER, 1), 11, 50).len(), 1);
    assert_eq!(scope.at("x"), Some((ours, 50)));
}

#[test]
fn a_resolver_that_fails_or_names_a_stranger_frees_the_name_and_tells_all_but_the_other_owner() {
    for resolver in [Resolver::Fails, Resolver::NamesAStranger] {
        let mut scope = resolving(resolver);
        let ours = scope.spawn();
        scope.register(OURS, "x", ours, 10);
        assert_eq!(scope.hear("x", pid_of(PEER, 1), 11, 50), [to(&[THIRD], sync_unregister("x", ours))]);
        assert_eq!(scope.at("x"), None);
        assert!(scope.local.processes.is_alive(ours) && !scope.watches(ours));
    }
}

// The subcluster.

#[test]
fn a_new_connection_is_asked_for_what_it_owns() {
    assert_eq!(scope().node_up(PEER), [to(&[PEER], PeerMessage::Discover)]);
}

#[test]
fn a_discover_is_answered_with_all_that_we_own_and_nothing_else() {
    let mut scope = scope();
    scope.known.insert(THIRD);
    let ours = scope.spawn();
    scope.register(OURS, "x", ours, 10);
    scope.hear("y", pid_of(THIRD, 1), 10, 0);
    scope.rules.on_discover(PEER, &mut scope.local);
    assert_eq!(scope.sent(), [to(&[PEER], PeerMessage::AckSync(vec![record("x", ours, 10)]))]);
    assert!(scope.known.contains(&PEER));
}

#[test]
fn a_snapshot_of_an_unknown_peer_is_answered_with_ours_and_one_of_a_known_peer_is_not() {
    let mut scope = scope();
    assert_eq!(scope.ack_sync(PEER, vec![], 0), [to(&[PEER], PeerMessage::AckSync(vec![]))]);
    assert_eq!(scope.ack_sync(PEER, vec![], 0), []);
}

#[test]
fn a_snapshot_drops_what_its_owner_no_longer_has() {
    let mut scope = acquainted(None);
    scope.hear("gone", pid_of(PEER, 1), 10, 0);
    scope.hear("kept", pid_of(PEER, 2), 10, 0);
    scope.hear("elsewhere", pid_of(THIRD, 1), 10, 0);
    scope.ack_sync(PEER, vec![record("kept", pid_of(PEER, 2), 10), record("new", pid_of(PEER, 3), 12)], 0);
    let names: Vec<&String> = scope.table.by_name().keys().collect();
    assert_eq!(names, ["elsewhere", "kept", "new"]);
}

#[test]
fn a_conflict_in_a_snapshot_of_an_unknown_peer_is_told_to_it_by_our_snapshot() {
    let mut scope = scope();
    let ours = scope.spawn();
    scope.register(OURS, "x", ours, 10);
    let effects = scope.ack_sync(PEER, vec![record("x", pid_of(PEER, 1), 9)], 50);
    assert_eq!(effects, [to(&[PEER], PeerMessage::AckSync(vec![record("x", ours, 50)]))]);
}

#[test]
fn a_known_peer_that_goes_down_is_forgotten_and_its_entries_purged() {
    let mut scope = acquainted(None);
    scope.hear("x", pid_of(PEER, 1), 10, 0);
    scope.hear("y", pid_of(THIRD, 1), 10, 0);
    scope.on_node_down(PEER);
    assert_eq!(scope.at("x"), None);
    assert_eq!(scope.at("y"), Some((pid_of(THIRD, 1), 10)));
    assert!(!scope.known.contains(&PEER));
}

#[test]
fn entries_of_a_peer_that_was_never_known_survive_its_going_down() {
    let mut scope = scope();
    scope.write_registered("x", pid_of(PEER, 1), String::new(), 10);
    scope.on_node_down(PEER);
    assert_eq!(scope.at("x"), Some((pid_of(PEER, 1), 10)));
}

#[test]
fn a_union_keeps_a_lost_peers_entries_for_ever() {
    let mut scope = acquainted(Some(Flaw::PhantomOnMerge));
    scope.hear("x", pid_of(PEER, 1), 10, 0);
    scope.on_node_down(PEER);
    scope.ack_sync(PEER, vec![], 0);
    assert_eq!(scope.at("x"), Some((pid_of(PEER, 1), 10)));
}

#[test]
fn a_peer_that_is_taken_for_known_is_not_asked_again() {
    let mut scope = acquainted(Some(Flaw::NoSyncAfterHeal));
    scope.hear("x", pid_of(PEER, 1), 10, 0);
    scope.on_node_down(PEER);
    assert_eq!(scope.node_up(PEER), []);
    assert_eq!(scope.at("x"), None);
    scope.hear("y", pid_of(PEER, 1), 11, 0);
    assert_eq!(scope.at("y"), Some((pid_of(PEER, 1), 11)), "later broadcasts are heard");
}
