//! What those are told who watch a scope.

use super::*;

impl Scope {
    fn watch(&mut self) {
        self.rules.events().watch(true);
    }

    /// What a watcher is told since it last was.
    fn told(&mut self) -> Vec<Event> {
        self.rules.events().take()
    }
}

fn registered(name: &str, pid: Pid) -> Event {
    Event::Registered { name: name.to_owned(), pid, meta: String::new() }
}

fn unregistered(name: &str, pid: Pid) -> Event {
    Event::Unregistered { name: name.to_owned(), pid, meta: String::new() }
}

#[test]
fn who_watches_is_told_when_a_name_gets_a_process_and_once_when_it_loses_it() {
    let mut scope = acquainted(None);
    let (first, second) = (pid_of(PEER, 1), pid_of(THIRD, 1));
    scope.hear("x", first, 10, 0);
    assert_eq!(scope.told(), [], "nobody watches");
    scope.watch();
    scope.hear("x", second, 11, 0);
    assert_eq!(scope.told(), [unregistered("x", first), registered("x", second)]);
    scope.on_sync_unregister("x", first);
    assert_eq!(scope.told(), [], "it lost it before");
    scope.on_sync_unregister("x", second);
    assert_eq!(scope.told(), [unregistered("x", second)]);
    scope.on_sync_unregister("x", second);
    assert_eq!(scope.told(), []);
}

#[test]
fn who_watches_is_told_of_all_that_a_lost_peer_had_and_of_nothing_else() {
    let mut scope = acquainted(None);
    let (lost, other) = (pid_of(PEER, 1), pid_of(THIRD, 1));
    scope.hear("x", lost, 10, 0);
    scope.hear("y", other, 10, 0);
    scope.hear("z", lost, 10, 0);
    scope.watch();
    scope.on_node_down(PEER);
    assert_eq!(scope.told(), [unregistered("x", lost), unregistered("z", lost)]);
    scope.on_node_down(PEER);
    assert_eq!(scope.told(), []);
}

#[test]
fn who_watches_is_told_of_each_name_of_a_process_that_dies() {
    let mut scope = acquainted(None);
    let (ours, other) = (scope.spawn(), scope.spawn());
    for (name, pid) in [("x", ours), ("y", ours), ("z", other)] {
        scope.register(OURS, name, pid, 10);
    }
    scope.watch();
    assert!(scope.die(ours));
    assert_eq!(scope.told(), [], "its death is not reported yet");
    scope.bury(ours);
    assert_eq!(scope.told(), [unregistered("x", ours), unregistered("y", ours)]);
}
