//! Connections between branches. Each branch dials every other, asks on that connection, and gets its answers there; so
//! between two branches there are two.

use super::{
    message::{BranchId, Hello, PeerAsk, PeerQuestion, PeerReply, PeerTold},
    node::{Inner, Node},
    rules::{Decision, Record},
};
use crate::common::transport::{self, FrameReader, Outbox, ReadError};
use host::time::Instant;
use host::{
    net::{OwnedReadHalf, OwnedWriteHalf, TcpStream},
    sometimes,
};
use std::{io, net::SocketAddr, sync::Arc};

/// No branch is ahead by more cuts than this: there is not so much time.
const EPOCHS_AHEAD_MAX: u64 = 1 << 32;

/// The connection to another branch.
pub(super) struct Link {
    pub outbox: Arc<Outbox>,
    /// When the other branch last said something.
    heard: Instant,
}

/// Keeps a connection to another branch.
pub(super) async fn dial(node: Arc<Node>, peer: BranchId, address: SocketAddr) {
    loop {
        match host::time::timeout(node.options.peer_timeout, connect(&node, address)).await {
            Ok(Ok((read, half))) => run(&node, peer, read, half).await,
            Ok(Err(error)) => tracing::debug!(branch = node.id.0, peer = peer.0, %error, "dial failed"),
            Err(_) => tracing::debug!(branch = node.id.0, peer = peer.0, "dial timed out"),
        }
        host::time::sleep(node.options.redial).await;
    }
}

async fn connect(node: &Node, address: SocketAddr) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (read, mut half) = stream.into_split();
    transport::write_now(&mut half, &Hello::Branch(node.id), &mut Vec::new()).await?;
    Ok((read, half))
}

/// A connection that this branch has made, until it ends.
async fn run(node: &Node, peer: BranchId, read: OwnedReadHalf, mut half: OwnedWriteHalf) {
    let outbox = Arc::new(Outbox::default());
    node.lock().link_up(peer, &outbox);
    let error = tokio::select! {
        // First read all that is here: what follows from it then leaves in one write.
        biased;
        error = hear(node, peer, FrameReader::new(read)) => Some(error),
        written = outbox.drain_into(&mut half) => written.err().map(ReadError::Io),
    };
    let mut inner = node.lock();
    inner.links.remove(&peer);
    if let Some(error) = error {
        inner.count_if_malformed(&error);
        tracing::debug!(branch = node.id.0, peer = peer.0, %error, "connection lost");
    }
}

async fn hear(node: &Node, peer: BranchId, mut frames: FrameReader) -> ReadError {
    loop {
        let PeerTold { epoch, what } = match frames.next().await {
            Ok(told) => told,
            Err(error) => return error,
        };
        let mut inner = node.lock();
        if let Some(link) = inner.links.get_mut(&peer) {
            link.heard = Instant::now();
        }
        if !inner.is_possible(epoch) {
            return ReadError::Malformed;
        }
        if !inner.is_in_epoch(epoch) {
            continue;
        }
        match what {
            PeerReply::Credited { id, declined } => {
                let held = inner.ledger.held().get(&id);
                if held.is_some_and(|transfer| inner.ledger.home(transfer.to) != peer) {
                    return ReadError::Malformed;
                }
                inner.on_credited(id, declined);
            }
            PeerReply::Part { epoch, part } => inner.on_part(node, peer, epoch, part),
            PeerReply::Arrived { epoch, ids } => inner.on_arrived(peer, epoch, ids),
        }
    }
}

/// A connection that another branch has made, until it ends.
pub(super) async fn serve(node: &Node, peer: BranchId, mut frames: FrameReader, mut half: OwnedWriteHalf) {
    let outbox = Arc::new(Outbox::default());
    let answer = async {
        loop {
            let ask = match frames.next().await {
                Ok(ask) => ask,
                Err(error) => return error,
            };
            let mut inner = node.lock();
            if !inner.is_honest(node, peer, &ask) {
                return ReadError::Malformed;
            }
            inner.on_peer_ask(ask, &outbox);
        }
    };
    tokio::select! {
        biased;
        error = answer => node.lock().count_if_malformed(&error),
        _ = outbox.drain_into(&mut half) => {}
    }
    outbox.close();
}

/// Sends again what has no answer, gives up who does not answer, and audits that take too long.
pub(super) async fn tick(node: Arc<Node>) {
    loop {
        host::time::sleep(node.options.retry).await;
        let now = Instant::now();
        let mut inner = node.lock();
        inner.cash();
        let due: Vec<_> = inner
            .ledger
            .held()
            .iter()
            .filter(|(id, _)| inner.sent.get(id).is_none_or(|sent| now - *sent >= node.options.retry))
            .map(|(id, transfer)| (*id, *transfer))
            .collect();
        for (id, transfer) in due {
            if inner.links.contains_key(&inner.ledger.home(transfer.to)) {
                sometimes!("transfer sent again");
                inner.send_credit(id, transfer);
            }
        }
        inner.give_up_the_silent(&node, now);
        inner.end_audits(now);
    }
}

impl Inner {
    /// A connection is there: all that is under way to that branch is sent.
    fn link_up(&mut self, peer: BranchId, outbox: &Arc<Outbox>) {
        self.links.insert(peer, Link { outbox: Arc::clone(outbox), heard: Instant::now() });
        let ledger = &self.ledger;
        let held = ledger.held().iter().filter(|(_, transfer)| ledger.home(transfer.to) == peer);
        let held: Vec<_> = held.map(|(id, transfer)| (*id, *transfer)).collect();
        for (id, transfer) in held {
            self.send_credit(id, transfer);
        }
    }

    /// Branches that owe an answer for too long are hung up on, and dialled again.
    fn give_up_the_silent(&mut self, node: &Node, now: Instant) {
        let owes = |peer: BranchId| {
            let ledger = &self.ledger;
            ledger.held().values().any(|transfer| ledger.home(transfer.to) == peer)
                || self.audits.wait_for(peer)
        };
        for (peer, link) in &self.links {
            if now - link.heard > node.options.peer_timeout && owes(*peer) {
                sometimes!("silent branch given up");
                link.outbox.close();
            }
        }
    }

    /// Whether another branch may say this: it speaks for accounts of its own, and asks for those of this one.
    fn is_honest(&self, node: &Node, peer: BranchId, ask: &PeerAsk) -> bool {
        if !self.is_possible(ask.epoch) {
            return false;
        }
        let PeerQuestion::Credit { transfer, .. } = &ask.what else { return true };
        let ledger = &self.ledger;
        ledger.home(transfer.from) == peer
            && ledger.home(transfer.to) == node.id
            && node.options.limits().check(transfer.amount).is_ok()
    }

    fn is_possible(&self, epoch: u64) -> bool {
        epoch.saturating_sub(self.ledger.epoch()) <= EPOCHS_AHEAD_MAX
    }

    /// Another branch asks.
    fn on_peer_ask(&mut self, ask: PeerAsk, to: &Arc<Outbox>) {
        if !self.is_in_epoch(ask.epoch) {
            return;
        }
        let what = match ask.what {
            PeerQuestion::Credit { id, transfer } => {
                let declined = match self.ledger.decide_credit(id, transfer) {
                    Decision::Answer(declined) => {
                        sometimes!("transfer arrived again");
                        declined
                    }
                    // Without room nothing is said: it will be sent again.
                    Decision::Write(record) if self.write(&record).is_err() => return,
                    Decision::Write(Record::Declined { refusal, .. }) => {
                        sometimes!("transfer declined");
                        Some(refusal)
                    }
                    Decision::Write(_) | Decision::Wait => None,
                };
                PeerReply::Credited { id, declined }
            }
            PeerQuestion::Part { epoch } => {
                PeerReply::Part { epoch, part: self.cuts.get(epoch).map(|cut| cut.part.clone()) }
            }
            PeerQuestion::Arrived { epoch, ids } => {
                let arrived = self
                    .cuts
                    .get(epoch)
                    .map(|cut| ids.into_iter().filter(|id| self.ledger.has_arrived(*id, cut.lsn)).collect());
                PeerReply::Arrived { epoch, ids: arrived }
            }
        };
        let epoch = self.ledger.epoch();
        self.send(to, &PeerTold { epoch, what });
    }
}
