//! Deaths of processes, and who is shown by a lookup.

use super::*;

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
