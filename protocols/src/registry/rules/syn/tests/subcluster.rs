//! The subcluster: peers that come, go, and tell what they have.

use super::*;

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
fn a_peer_whose_scope_process_is_new_is_met_for_the_first_time_again() {
    let mut scope = acquainted(None);
    scope.hear("x", pid_of(PEER, 1), 10, 0);
    scope.hear("y", pid_of(THIRD, 1), 10, 0);
    scope.rules.on_scope_down(PEER, &mut scope.local);
    assert_eq!((scope.at("x"), scope.at("y")), (None, Some((pid_of(THIRD, 1), 10))));
    assert_eq!(scope.ack_sync(PEER, vec![], 0), [to(&[PEER], PeerMessage::AckSync(vec![]))]);
    assert_eq!(scope.ack_sync(THIRD, vec![], 0), [], "it is known as before");
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

/// Until its owner has told anew what it has, a name of a peer points nowhere: the peer may be gone by then.
#[test]
fn a_new_scope_process_keeps_what_is_alive_here_and_nothing_of_others() {
    let mut scope = acquainted(None);
    let (ours, dead) = (scope.spawn(), scope.spawn());
    scope.register(OURS, "ours", ours, 10);
    scope.register(OURS, "dead", dead, 10);
    scope.hear("theirs", pid_of(PEER, 1), 10, 0);
    scope.local.processes.kill(dead);
    scope.rules.on_scope_crash(&[PEER], &mut scope.local);
    let names: Vec<&String> = scope.table.by_name().keys().collect();
    assert_eq!(names, ["ours"]);
    assert_eq!([ours, dead].map(|pid| scope.watches(pid)), [true, false]);
}
