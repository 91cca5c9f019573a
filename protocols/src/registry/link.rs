//! The connection to one peer: dialled by the smaller id, alive while something arrives.

use super::{
    local::Outgoing,
    message::{Hello, PeerMessage},
    node::{Inner, Node},
    process::NodeId,
    scope::ScopeName,
    transport::{self, FrameReader, Outbox, ReadError},
};
use host::{
    net::{OwnedWriteHalf, TcpStream},
    probe, sometimes,
    time::{Instant, MissedTickBehavior},
};
use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// A peer is down after more than this many ticks of silence.
const SILENT_TICKS_MAX: u32 = 4;

/// How far a snapshot falls behind broadcasts under [`Flaw::AckSyncOvertaken`](super::Flaw::AckSyncOvertaken).
const SNAPSHOT_LAG: Duration = Duration::from_millis(200);

/// The peers that are up, and the way to them.
pub(super) struct Links {
    up: BTreeMap<NodeId, Link>,
    made: u64,
    /// Whether partitions are to be whole.
    whole: bool,
    /// Peers that were left, and whom they had lost.
    left: BTreeMap<NodeId, NodeId>,
    /// One message is encoded here before it is queued, once for all its receivers.
    scratch: Vec<u8>,
    /// The flaw's second way out.
    late_snapshots: Option<mpsc::UnboundedSender<LateSnapshot>>,
}

/// A peer that is up.
#[derive(Debug)]
struct Link {
    /// Tells this connection from an earlier one to the same peer.
    serial: u64,
    outbox: Arc<Outbox>,
    /// Ticks since a frame arrived. Counted, not clocked: after a pause of the node what waits in its buffers is read
    /// before a second tick passes.
    silent_ticks: u32,
}

pub(super) struct LateSnapshot {
    due: Instant,
    outbox: Arc<Outbox>,
    frame: Vec<u8>,
}

impl Links {
    pub fn new(whole: bool, late_snapshots: Option<mpsc::UnboundedSender<LateSnapshot>>) -> Self {
        let (up, left) = (BTreeMap::new(), BTreeMap::new());
        Links { up, made: 0, whole, left, scratch: Vec::new(), late_snapshots }
    }

    /// Whether a peer was left, and is to stay so.
    pub fn has_left(&self, peer: NodeId) -> bool {
        self.left.contains_key(&peer)
    }

    /// A peer has found another again: if that was left for it, it no longer is.
    pub fn has_found(&mut self, from: NodeId, peer: NodeId) {
        self.left.retain(|left, lost| (*left, *lost) != (peer, from));
    }

    pub fn peers(&self) -> impl Iterator<Item = NodeId> {
        self.up.keys().copied()
    }

    pub fn is_up(&self, peer: NodeId) -> bool {
        self.up.contains_key(&peer)
    }

    /// Queues all of it, in order.
    pub fn send(&mut self, scope: &ScopeName, outgoing: &mut Vec<Outgoing>) {
        for Outgoing { to, message } in outgoing.drain(..) {
            self.scratch.clear();
            if let Err(error) = transport::encode(&(scope, &message), &mut self.scratch) {
                tracing::error!(%error, "a message is too large to be sent");
                continue;
            }
            for peer in to {
                // A peer without a connection misses it, and is told all when it is back.
                let Some(Link { outbox, .. }) = self.up.get(&peer) else { continue };
                match &self.late_snapshots {
                    // Syn before ceb62a8: snapshots left from the scope process, broadcasts from its sender.
                    Some(late) if matches!(message, PeerMessage::AckSync(_)) => {
                        let (outbox, frame) = (Arc::clone(outbox), self.scratch.clone());
                        drop(late.send(LateSnapshot { due: Instant::now() + SNAPSHOT_LAG, outbox, frame }));
                    }
                    _ => outbox.push(&self.scratch),
                }
            }
        }
    }
}

/// The second way out that the flaw opens.
pub(super) async fn send_late_snapshots(mut snapshots: mpsc::UnboundedReceiver<LateSnapshot>) {
    while let Some(LateSnapshot { due, outbox, frame }) = snapshots.recv().await {
        host::time::sleep_until(due).await;
        outbox.push(&frame);
    }
}

/// Keeps a connection to a peer with a greater id.
pub(super) async fn dial(node: Arc<Node>, peer: NodeId, address: SocketAddr) {
    loop {
        if node.lock().links.has_left(peer) {
            host::time::sleep(node.options.redial).await;
            continue;
        }
        match host::time::timeout(4 * node.options.redial, connect(&node, peer, address)).await {
            Ok(Ok((incarnation, frames, half))) => run(&node, peer, incarnation, frames, half).await,
            Ok(Err(error)) => tracing::debug!(node = node.id.0, peer = peer.0, %error, "dial failed"),
            Err(_) => tracing::debug!(node = node.id.0, peer = peer.0, "dial timed out"),
        }
        host::time::sleep(node.options.redial).await;
    }
}

async fn connect(
    node: &Node,
    peer: NodeId,
    address: SocketAddr,
) -> io::Result<(u64, FrameReader, OwnedWriteHalf)> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (read, mut half) = stream.into_split();
    let hello = Hello::Peer { node: node.id, incarnation: node.incarnation };
    transport::write_now(&mut half, &hello, &mut Vec::new()).await?;
    let mut frames = FrameReader::new(read);
    match frames.next().await {
        Ok(Hello::Peer { node, incarnation }) if node == peer => Ok((incarnation, frames, half)),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "somebody else answered")),
        Err(error) => {
            node.lock().count_if_malformed(&error);
            Err(io::Error::new(io::ErrorKind::ConnectionAborted, error))
        }
    }
}

/// Both sides have said hello: the peer is up until this returns.
pub(super) async fn run(
    node: &Node,
    peer: NodeId,
    incarnation: u64,
    mut frames: FrameReader,
    mut half: OwnedWriteHalf,
) {
    let (serial, outbox) = node.lock().link_up(peer);
    let error = tokio::select! {
        // First read all that is here: its answers then leave in one write.
        biased;
        error = read(node, (peer, incarnation), serial, &mut frames) => Some(error),
        written = outbox.drain_into(&mut half) => written.err().map(ReadError::Io),
    };
    let mut inner = node.lock();
    if let Some(error) = error {
        inner.count_if_malformed(&error);
        tracing::debug!(node = node.id.0, peer = peer.0, %error, "connection lost");
    }
    inner.link_down(peer, serial);
}

async fn read(
    node: &Node,
    (peer, incarnation): (NodeId, u64),
    serial: u64,
    frames: &mut FrameReader,
) -> ReadError {
    loop {
        let (scope, message): (ScopeName, PeerMessage) = match frames.next().await {
            Ok(message) => message,
            Err(error) => return error,
        };
        if !message.is_honest(peer, incarnation) {
            tracing::debug!(node = node.id.0, peer = peer.0, "a peer speaks for others");
            return ReadError::Malformed;
        }
        let mut inner = node.lock();
        match inner.links.up.get_mut(&peer) {
            Some(link) if link.serial == serial => link.silent_ticks = 0,
            // Given up meanwhile: what it still brings is from before.
            _ => return ReadError::Closed,
        }
        inner.on_peer_message(peer, &scope, message);
    }
}

/// Four times a net tick: says something to every peer, and gives up those that said nothing.
pub(super) async fn tick(node: Arc<Node>) {
    let mut interval = host::time::interval(node.options.net_tick / 4);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heartbeat = Vec::new();
    if transport::encode(&(ScopeName::default(), PeerMessage::Heartbeat), &mut heartbeat).is_err() {
        return;
    }
    loop {
        interval.tick().await;
        let mut inner = node.lock();
        let mut silent = Vec::new();
        for (peer, link) in &mut inner.links.up {
            link.silent_ticks += 1;
            if link.silent_ticks > SILENT_TICKS_MAX {
                silent.push((*peer, link.serial));
            } else {
                link.outbox.push(&heartbeat);
            }
        }
        for (peer, serial) in silent {
            tracing::debug!(node = node.id.0, peer = peer.0, "peer is silent");
            inner.link_down(peer, serial);
        }
    }
}

impl Inner {
    fn link_up(&mut self, peer: NodeId) -> (u64, Arc<Outbox>) {
        // The peer has given the earlier connection up before we noticed.
        if let Some(serial) = self.links.up.get(&peer).map(|link| link.serial) {
            self.link_down(peer, serial);
        }
        self.links.made += 1;
        let serial = self.links.made;
        let outbox = Arc::new(Outbox::default());
        self.links.up.insert(peer, Link { serial, outbox: Arc::clone(&outbox), silent_ticks: 0 });
        probe!("node-up", peer.to_string());
        tracing::debug!(peer = peer.0, "node up");
        for (name, scope) in &mut self.scopes {
            scope.on_node_up(peer, &mut self.local);
            self.links.send(name, &mut self.local.outgoing);
        }
        self.tell_others(peer, PeerMessage::Found { peer });
        (serial, outbox)
    }

    /// Tells all but this peer, where partitions are to be whole.
    fn tell_others(&mut self, peer: NodeId, message: PeerMessage) {
        if self.links.whole {
            let others = self.links.peers().filter(|other| *other != peer).collect();
            self.local.send(others, message);
            self.links.send(&ScopeName::default(), &mut self.local.outgoing);
        }
    }

    /// A peer has lost another. If that one is connected here, the peer is left: who was lost says the same of it, but is
    /// heard second, and stays.
    pub fn peer_has_lost(&mut self, from: NodeId, peer: NodeId) {
        if !self.links.whole || !self.links.is_up(peer) {
            return;
        }
        if let Some(serial) = self.links.up.get(&from).map(|link| link.serial) {
            sometimes!("peer left so that partitions do not overlap");
            self.link_down(from, serial);
            self.links.left.insert(from, peer);
        }
    }

    /// Once for each connection; a connection that was given up before is no news.
    fn link_down(&mut self, peer: NodeId, serial: u64) {
        match self.links.up.get(&peer) {
            Some(link) if link.serial == serial => link.outbox.close(),
            _ => return,
        }
        self.links.up.remove(&peer);
        probe!("node-down", peer.to_string());
        tracing::debug!(peer = peer.0, "node down");
        self.fail_calls_to(peer);
        self.scopes.values_mut().for_each(|scope| scope.on_node_down(peer));
        self.links.left.retain(|_, lost| *lost != peer);
        self.tell_others(peer, PeerMessage::Lost { peer });
        self.tell_watchers();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OTP 25, seen: with a and b cut from each other, c goes with one of them until they have found each other.
    #[test]
    fn a_peer_that_was_left_stays_so_until_who_was_lost_has_found_it() {
        let [a, b, d] = [1, 2, 4].map(NodeId);
        let mut links = Links::new(true, None);
        links.left.insert(a, b);
        assert!(links.has_left(a) && !links.has_left(b));
        links.has_found(d, a);
        assert!(links.has_left(a), "it was left for another");
        links.has_found(b, a);
        assert!(!links.has_left(a));
    }
}
