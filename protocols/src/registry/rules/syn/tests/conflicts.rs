//! Conflicts: two processes that have one name, and who keeps it.

use super::*;
use crate::registry::resolver::Resolver;

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

/// Syn 3.4.1 on OTP 25, seen.
#[test]
fn a_loser_that_traps_exits_lives_on_without_the_name_and_is_told_why() {
    let mut scope = acquainted(None);
    scope.local.processes.traps_exits = true;
    let (ours, theirs) = (scope.spawn(), pid_of(PEER, 1));
    scope.register(OURS, "x", ours, 10);
    scope.register(OURS, "y", ours, 10);
    let effects = scope.hear("x", theirs, 11, 50);
    assert_eq!((scope.at("x"), scope.at("y")), (Some((theirs, 11)), Some((ours, 10))));
    assert!(scope.local.processes.is_alive(ours) && scope.watches(ours));
    assert_eq!(effects, [to(&[PEER, THIRD], sync_unregister("x", ours))]);
    assert_eq!(scope.local.processes.take_trapped(), [(ours, "syn_resolve_kill x ".to_owned())]);
    assert!(scope.local.processes.kill(ours), "whoever kills it outright ends it");
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
fn the_earliest_keeps_whose_stamp_is_earlier_and_both_nodes_give_up_the_other() {
    let mut scope = resolving(Resolver::Earliest);
    let (ours, theirs) = (scope.spawn(), pid_of(PEER, 1));
    scope.register(OURS, "x", ours, 10);
    scope.hear("x", theirs, 9, 50);
    assert_eq!(scope.at("x"), Some((theirs, 9)));
    assert!(scope.local.processes.is_alive(ours), "it is not killed inside of the resolution");
    assert_eq!(scope.local.given_up, [ours]);

    let mut scope = resolving(Resolver::Earliest);
    let ours = scope.spawn();
    scope.register(OURS, "x", ours, 10);
    scope.hear("x", theirs, 11, 50);
    assert_eq!((scope.at("x"), &scope.local.given_up[..]), (Some((ours, 50)), &[theirs][..]));
}

#[test]
fn of_equal_stamps_the_earliest_keeps_the_smaller_pid() {
    let mut scope = resolving(Resolver::Earliest);
    let ours = scope.spawn();
    scope.register(OURS, "x", ours, 10);
    scope.hear("x", pid_of(PEER, 1), 10, 50);
    assert_eq!(scope.at("x"), Some((ours, 50)));
}

#[test]
fn who_decides_for_neither_gives_up_nobody_and_neither_does_syns_own_rule() {
    for resolver in [Resolver::Fails, Resolver::Latest] {
        let mut scope = resolving(resolver);
        let ours = scope.spawn();
        scope.register(OURS, "x", ours, 10);
        scope.hear("x", pid_of(PEER, 1), 11, 50);
        assert_eq!(scope.local.given_up, []);
    }
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
