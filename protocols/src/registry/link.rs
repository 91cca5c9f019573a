//! The connection to one peer: dialled by the smaller id, alive while something arrives.

use super::{
    message::{Hello, PeerMessage},
    node::{Inner, Node},
    process::NodeId,
    transport::{self, FrameReader, Outbox, ReadError},
};
use host::{
    net::{OwnedWriteHalf, TcpStream},
    probe,
};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::time::MissedTickBehavior;

/// A peer is down after more than this many ticks of silence.
const SILENT_TICKS_MAX: u32 = 4;

/// A peer that is up.
#[derive(Debug)]
pub(super) struct Link {
    /// Tells this connection from an earlier one to the same peer.
    serial: u64,
    pub outbox: Arc<Outbox>,
    /// Ticks since a frame arrived. Counted, not clocked: after a pause of the node what waits in its buffers is read
    /// before a second tick passes.
    silent_ticks: u32,
}

/// Keeps a connection to a peer with a greater id.
pub(super) async fn dial(node: Arc<Node>, peer: NodeId, address: SocketAddr) {
    loop {
        match tokio::time::timeout(4 * node.options.redial, connect(&node, peer, address)).await {
            Ok(Ok((incarnation, frames, half))) => run(&node, peer, incarnation, frames, half).await,
            Ok(Err(error)) => tracing::debug!(node = node.id.0, peer = peer.0, %error, "dial failed"),
            Err(_) => tracing::debug!(node = node.id.0, peer = peer.0, "dial timed out"),
        }
        tokio::time::sleep(node.options.redial).await;
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
        let message: PeerMessage = match frames.next().await {
            Ok(message) => message,
            Err(error) => return error,
        };
        if !message.is_honest(peer, incarnation) {
            tracing::debug!(node = node.id.0, peer = peer.0, "a peer speaks for others");
            return ReadError::Malformed;
        }
        let mut inner = node.lock();
        match inner.links.get_mut(&peer) {
            Some(link) if link.serial == serial => link.silent_ticks = 0,
            // Given up meanwhile: what it still brings is from before.
            _ => return ReadError::Closed,
        }
        inner.on_peer_message(peer, message);
    }
}

/// Four times a net tick: says something to every peer, and gives up those that said nothing.
pub(super) async fn tick(node: Arc<Node>) {
    let mut interval = tokio::time::interval(node.options.net_tick / 4);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heartbeat = Vec::new();
    if transport::encode(&PeerMessage::Heartbeat, &mut heartbeat).is_err() {
        return;
    }
    loop {
        interval.tick().await;
        let mut inner = node.lock();
        let mut silent = Vec::new();
        for (peer, link) in &mut inner.links {
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
        if let Some(serial) = self.links.get(&peer).map(|link| link.serial) {
            self.link_down(peer, serial);
        }
        self.links_made += 1;
        let serial = self.links_made;
        let outbox = Arc::new(Outbox::default());
        self.links.insert(peer, Link { serial, outbox: Arc::clone(&outbox), silent_ticks: 0 });
        probe!("node-up", peer.to_string());
        tracing::debug!(peer = peer.0, "node up");
        self.scope.on_node_up(peer, &mut self.effects);
        self.groups.on_node_up(peer, &mut self.effects);
        self.perform();
        (serial, outbox)
    }

    /// Once for each connection; a connection that was given up before is no news.
    fn link_down(&mut self, peer: NodeId, serial: u64) {
        match self.links.get(&peer) {
            Some(link) if link.serial == serial => link.outbox.close(),
            _ => return,
        }
        self.links.remove(&peer);
        probe!("node-down", peer.to_string());
        tracing::debug!(peer = peer.0, "node down");
        self.fail_calls_to(peer);
        self.scope.on_node_down(peer);
        self.groups.on_node_down(peer);
        self.tell_watchers();
    }
}
