//! Shipping: a primary sends its lines to the standby that dials it, and the standby says what it has.
//!
//! A line is shipped once it is durable here, so that a standby never has what its primary could lose. A standby whose
//! log is not the beginning of the primary's gets the state in place of lines. Once a standby is here the primary writes
//! that it is *accompanied*, and promises nothing more that the standby has not; and a standby whose log says so has all
//! that was promised, and may be told to take over.

use super::{Inner, Node};
use crate::bookings::{
    journal::{Line, Recent},
    message::{Ack, Hello, Record, Shipped, Version},
};
use crate::common::{
    transport::{self, FrameReader, Outbox, ReadError},
    wal::Lsn,
};
use host::{
    net::{OwnedWriteHalf, TcpStream},
    probe, sometimes,
};
use std::{io, net::SocketAddr, sync::Arc};

/// A standby that is here.
pub(super) struct Follower {
    outbox: Arc<Outbox>,
    /// All up to here is on its disk.
    pub acked: Version,
}

/// Dials the other node: to follow it, or to tell it that it has nothing to say any more.
pub(super) async fn dial(node: Arc<Node>, peer: SocketAddr) {
    loop {
        let may_dial = node.lock().may_dial();
        if may_dial {
            match host::time::timeout(node.config.options.peer_timeout, TcpStream::connect(peer)).await {
                Ok(Ok(stream)) => {
                    if let Err(error) = follow(&node, stream).await {
                        tracing::debug!(node = node.config.id, %error, "follows no more");
                    }
                }
                Ok(Err(error)) => tracing::debug!(node = node.config.id, %error, "dial failed"),
                Err(_) => tracing::debug!(node = node.config.id, "dial timed out"),
            }
        }
        host::time::sleep(node.config.options.redial).await;
    }
}

/// A connection that this node has made, until it ends.
async fn follow(node: &Node, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut half) = stream.into_split();
    let outbox = Arc::new(Outbox::default());
    let hello = node.lock().hello();
    transport::write_now(&mut half, &hello, &mut Vec::new()).await?;
    let mut frames = FrameReader::new(read);
    let read = async {
        loop {
            match host::time::timeout(node.config.options.peer_timeout, frames.next()).await {
                Ok(Ok(shipped)) => {
                    if let Err(why) = node.lock().on_shipped(shipped, &outbox) {
                        return io::Error::other(why);
                    }
                }
                Ok(Err(error)) => return io::Error::other(error),
                Err(_) => return io::ErrorKind::TimedOut.into(),
            }
        }
    };
    let ended = tokio::select! {
        biased;
        error = read => Err(error),
        written = outbox.drain_into(&mut half) => written,
    };
    let mut inner = node.lock();
    if inner.follows.as_ref().is_some_and(|follows| Arc::ptr_eq(follows, &outbox)) {
        inner.follows = None;
    }
    ended
}

/// The other node has dialled: serves it if it is to follow, and listens to it if it knows of a later epoch.
pub(super) async fn ship(
    node: &Node,
    epoch: u64,
    version: Version,
    mut frames: FrameReader,
    mut half: OwnedWriteHalf,
) {
    let Some(outbox) = node.lock().on_peer(epoch, version) else { return };
    let read = async {
        loop {
            match frames.next().await {
                Ok(Ack { version }) => node.lock().on_ack(&outbox, version),
                Err(error) => return error,
            }
        }
    };
    let ping = async {
        loop {
            host::time::sleep(node.config.options.peer_timeout / 4).await;
            push(&outbox, &Shipped::Ping);
        }
    };
    tokio::select! {
        biased;
        error = read => if matches!(error, ReadError::Malformed) {
            sometimes!("malformed frame dropped");
        },
        _ = outbox.drain_into(&mut half) => {}
        () = ping => unreachable!("it has no end"),
    }
    outbox.close();
    let mut inner = node.lock();
    if inner.follower.as_ref().is_some_and(|follower| Arc::ptr_eq(&follower.outbox, &outbox)) {
        inner.follower = None;
    }
}

impl Inner {
    /// What this node says of itself when it dials.
    fn hello(&self) -> Hello {
        let version = self.durable.1;
        // An epoch that is not durable is nobody's business yet.
        Hello::Peer { epoch: self.ahead.state().epoch_of(version), version }
    }

    /// Whether there is something to say to the other node: nobody follows, and what is durable belongs to the state.
    fn may_dial(&self) -> bool {
        self.follower.is_none() && !self.is_copying()
    }

    /// A copy of the primary's state is not durable yet.
    fn is_copying(&self) -> bool {
        self.done_lsn > self.durable.0
    }

    /// The other node is here, and so far. Returns what to send it, if it is to follow.
    fn on_peer(&mut self, epoch: u64, version: Version) -> Option<Arc<Outbox>> {
        let own = self.ahead.state().epoch.number;
        if epoch > own {
            let was_primary = self.is_primary();
            self.deposed_by = Some(epoch);
            if was_primary {
                sometimes!("primary steps down");
                self.waiting.clear();
                self.follower = None;
            }
            return None;
        }
        if !self.is_primary() {
            return None;
        }
        let has_ours = epoch == self.ahead.state().epoch_of(version) && version <= self.ahead.state().version;
        if epoch == own && !has_ours {
            // It followed this very primary: what it has and we have not, we have lost.
            sometimes!("standby has more than its primary");
            return None;
        }
        let outbox = Arc::new(Outbox::default());
        let first = self.recent.front().map_or(self.ahead.state().version.next(), |line| line.entry.version);
        let acked = if has_ours && version.next() >= first {
            self.send_lines(&outbox, version);
            version
        } else {
            sometimes!("standby begins with a copy");
            push(&outbox, &Shipped::Base(self.done.snapshot()));
            self.send_lines(&outbox, self.done.state().version);
            Version(0)
        };
        if let Some(before) = self.follower.replace(Follower { outbox: Arc::clone(&outbox), acked }) {
            before.outbox.close();
        }
        Some(outbox)
    }

    /// Ships what is durable behind a line.
    fn send_lines(&self, outbox: &Outbox, behind: Version) {
        let lines =
            self.recent.iter().filter(|line| line.entry.version > behind && line.lsn <= self.durable.0);
        lines.for_each(|line| send(outbox, line));
    }

    /// Ships what has become durable.
    pub(super) fn ship_after(&mut self, before: Lsn) {
        let Some(follower) = self.follower.as_ref() else { return };
        let from = self.recent.partition_point(|line| line.lsn <= before);
        let lines = self.recent.iter().skip(from).take_while(|line| line.lsn <= self.durable.0);
        lines.for_each(|line| send(&follower.outbox, line));
    }

    /// The standby has all up to a line.
    fn on_ack(&mut self, outbox: &Arc<Outbox>, version: Version) {
        let Some(follower) = &mut self.follower else { return };
        if !Arc::ptr_eq(&follower.outbox, outbox) {
            return;
        }
        follower.acked = follower.acked.max(version);
        if self.is_primary() && !self.ahead.state().epoch.is_accompanied {
            // Without room it is written at the next occasion.
            let _ = self.write(Record::Accompanied);
        }
        self.promise();
    }

    /// The primary sends something.
    fn on_shipped(&mut self, shipped: Shipped, outbox: &Arc<Outbox>) -> Result<(), &'static str> {
        if self.is_primary() {
            return Err("this node has the say");
        }
        // Also who dialled to say that it has the say, and was told meanwhile that it has not.
        if self.follows.as_ref().is_none_or(|follows| !Arc::ptr_eq(follows, outbox)) {
            self.follows = Some(Arc::clone(outbox));
        }
        match shipped {
            Shipped::Ping => self.acknowledge(),
            Shipped::Base(state) => self.take_base(state)?,
            Shipped::Line { version, line } => {
                let next = self.ahead.state().version.next();
                let Ok(Line::Entry(entry)) = Line::decode(&line, next) else {
                    return Err("a line of a later format");
                };
                if version != next || entry.version != next {
                    return Err("a line is missing");
                }
                self.append(entry, line).map_err(|_| "the disk does not take it")?;
            }
        }
        Ok(())
    }

    /// Forgets all, for another state.
    fn take_base(&mut self, bytes: Vec<u8>) -> Result<(), &'static str> {
        let mut books = self.ahead.clone();
        if !books.restore(&bytes) {
            return Err("a state of another version");
        }
        let (own, new) = (self.ahead.state(), books.state());
        if new.epoch.number < own.epoch.number
            || (new.epoch.number == own.epoch.number && new.version < own.version)
        {
            return Err("the primary has less");
        }
        let version = new.version;
        let lsn = self.log.append(&Line::Base(bytes).encode()).map_err(|_| "the disk does not take it")?;
        probe!("copied", version.0);
        self.written.push_back((lsn, version));
        self.open.clear();
        self.recent.clear();
        self.waiting.clear();
        (self.ahead, self.done, self.done_lsn) = (books.clone(), books, lsn);
        Ok(())
    }

    /// Tells the primary what is on this disk.
    pub(super) fn acknowledge(&mut self) {
        let version = self.durable.1;
        if let Some(follows) = self.follows.as_ref().filter(|_| !self.is_copying()) {
            push(follows, &Ack { version });
        }
    }
}

fn send(outbox: &Outbox, line: &Recent) {
    push(outbox, &Shipped::Line { version: line.entry.version, line: line.bytes.clone() });
}

fn push<M: serde::Serialize + std::fmt::Debug>(outbox: &Outbox, message: &M) {
    let mut frame = Vec::new();
    match transport::encode(message, &mut frame) {
        Ok(()) => outbox.push(&frame),
        Err(error) => tracing::warn!(%error, "a message is too long"),
    }
}
