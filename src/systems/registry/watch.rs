//! A name of its own, registered at a node, refused to another process, found, changed and freed, while the node is
//! watched.
//!
//! Nobody else knows the name, so each answer has to be what the ones before it say, whatever happens to the network:
//! all come from one life of one node, or there is an error. Another node may be watched as well; what it tells it must
//! show.
//!
//! For scenarios whose links lose nothing. A watch has a connection of its own: what it tells after a loss waits for that
//! connection's timer, while the node answers on another at once. And who is cut off forgets what it has told of.

use futures::{Stream, StreamExt};
use host::time::timeout;
use protocols::registry::{self, Client, ClientError, Event, InScope, Pid};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

/// The name, and what is wrong with it.
pub(super) const WRONG: &str = "a node contradicts itself";

/// So long after a change nobody asks why it is not told.
const LATE: Duration = Duration::from_secs(2);
/// So long after the node was seen to work, it has been.
const SOON: Duration = Duration::from_secs(1);

/// Does so. The addresses are the node's and another's.
pub(super) async fn while_it_changes(
    [home, next]: [SocketAddr; 2],
    scope: &str,
    node: &mut InScope<'_>,
    name: &str,
) -> Result<Pid, ClientError> {
    let wrong = |what: &str| host::probe!(WRONG, name, what);
    // Connected before it is watched: whoever answers there has been the same node all the time.
    let mut other_node = Client::connect(next).await?;
    let mut here = registry::watch_scope(home, scope).await?;
    let mut there = registry::watch_scope(next, scope).await?;
    let (pid, other) = (node.spawn().await?, node.spawn().await?);
    node.register(name, pid, "first").await?;
    if !is_told(&mut here, node, name, |event| matches!(event, Event::Registered { .. })).await? {
        wrong("who watches was not told that it was registered");
    }
    match node.register(name, other, "second").await {
        Ok(()) => wrong("it was given to a second process"),
        Err(error) if error.is_definite() => {}
        Err(error) => return Err(error),
    }
    if node.lookup(name).await?.is_none_or(|(found, _)| found != pid) {
        wrong("it does not point at its process");
    }
    let registered = |event: &Event| concerns(event, name) && matches!(event, Event::Registered { .. });
    let comes = timeout(LATE, comes(&mut there, registered)).await;
    if comes == Ok(true) && !is_shown(&mut there, other_node.scope(scope), name, pid).await? {
        wrong("another node tells of it, and does not show it");
    }
    let changed = node.register(name, pid, "third").await;
    if is_refused(&changed) {
        wrong("its process cannot change it");
    }
    changed?;
    if !is_told(&mut here, node, name, |event| matches!(event, Event::Updated { .. })).await? {
        wrong("who watches was not told that it was changed");
    }
    let freed = node.unregister(name).await;
    if is_refused(&freed) {
        wrong("it cannot be freed");
    }
    freed?;
    if !is_told(&mut here, node, name, |event| matches!(event, Event::Unregistered { .. })).await? {
        wrong("who watches was not told that it was freed");
    }
    if node.lookup(name).await?.is_some() {
        wrong("it is free, and points at a process");
    }
    Ok(pid)
}

fn is_refused(answer: &Result<(), ClientError>) -> bool {
    matches!(answer, Err(ClientError::Refused(_)))
}

/// Whether an event of this name comes, or the watch ends: a node may stand still, or be gone, and then has told
/// nobody.
async fn is_told(
    events: &mut (impl Stream<Item = Event> + Unpin),
    node: &mut InScope<'_>,
    name: &str,
    is: impl Fn(&Event) -> bool,
) -> Result<bool, ClientError> {
    let mut told = pin!(comes(events, |event| concerns(event, name) && is(event)));
    if timeout(LATE, &mut told).await.is_ok() {
        return Ok(true);
    }
    // Whoever answers on the same connection has been there all the time.
    node.lookup(name).await?;
    Ok(timeout(SOON, told).await.is_ok())
}

/// Whether a node shows the process that it told of, or tells of something else after it.
async fn is_shown(
    events: &mut (impl Stream<Item = Event> + Unpin),
    mut node: InScope<'_>,
    name: &str,
    pid: Pid,
) -> Result<bool, ClientError> {
    if node.lookup(name).await?.is_some_and(|(found, _)| found == pid) {
        return Ok(true);
    }
    Ok(timeout(LATE, comes(events, |event| concerns(event, name))).await.is_ok())
}

/// Whether such an event comes before the watch ends.
async fn comes(events: &mut (impl Stream<Item = Event> + Unpin), is: impl Fn(&Event) -> bool) -> bool {
    while let Some(event) = events.next().await {
        if is(&event) {
            return true;
        }
    }
    false
}

/// Whether an event is of this name.
fn concerns(event: &Event, of: &str) -> bool {
    match event {
        Event::Registered { name, .. } | Event::Updated { name, .. } | Event::Unregistered { name, .. } => {
            name == of
        }
        _ => false,
    }
}
