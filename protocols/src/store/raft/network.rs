//! Raft's messages: one connection to each other member, on which requests are answered by their tags.

use super::super::latest::Latest;
use super::super::member;
use super::super::message::Hello;
use super::Types;
use crate::common::Tasks;
use crate::common::transport::{self, FrameReader, Outbox, ReadError};
use host::net::TcpStream;
use host::time::{Instant, timeout};
use openraft::error::{
    Fatal, NetworkError, RPCError, RaftError, ReplicationClosed, StreamingError, Timeout, Unreachable,
};
use openraft::network::{Backoff, RPCOption, RPCTypes};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{
    EmptyNode, OptionalSend, Raft, RaftNetwork, RaftNetworkFactory, Snapshot, SnapshotMeta, Vote,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// A message of another replica, and the tag of its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct Inbound {
    pub tag: u64,
    question: Question,
}

#[derive(Debug, Serialize, Deserialize)]
enum Question {
    Append(AppendEntriesRequest<Types>),
    Vote(VoteRequest<u64>),
    Snapshot(Vote<u64>, SnapshotMeta<u64, EmptyNode>, Vec<u8>),
}

/// The answer to a message.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) enum Answer {
    Append(AppendEntriesResponse<u64>),
    Vote(VoteResponse<u64>),
    Snapshot(SnapshotResponse<u64>),
    /// The replica is about to end.
    Failed(String),
    /// Who dialled is a member no more, and for ever. Nobody asked: its tag is [`UNASKED`].
    Gone,
}

/// The tag of what answers nothing.
pub(in super::super) const UNASKED: u64 = 0;

/// Hands a message to this replica.
pub(super) async fn handle(raft: &Raft<Types>, message: Inbound) -> Answer {
    let failed = |error: &dyn std::error::Error| Answer::Failed(error.to_string());
    match message.question {
        Question::Append(request) => {
            raft.append_entries(request).await.map_or_else(|error| failed(&error), Answer::Append)
        }
        Question::Vote(request) => raft.vote(request).await.map_or_else(|error| failed(&error), Answer::Vote),
        Question::Snapshot(vote, meta, bytes) => {
            let snapshot = Snapshot { meta, snapshot: Box::new(bytes) };
            let installed = raft.install_full_snapshot(vote, snapshot).await;
            installed.map_or_else(|error| failed(&error), Answer::Snapshot)
        }
    }
}

/// The connections to all other members. A clone is the same network.
#[derive(Clone)]
pub(in super::super) struct Network(Arc<Shared>);

struct Shared {
    /// The member whose connections these are.
    id: u64,
    replicas: Vec<SocketAddr>,
    redial: Duration,
    lines: Mutex<Lines>,
    /// Whether another has said that this member is gone.
    gone: Arc<Latest<bool>>,
}

#[derive(Default)]
struct Lines {
    to: BTreeMap<u64, Arc<Line>>,
    /// What keeps the connections to members that were added later.
    dialers: Tasks,
}

/// The connection to one other member, when there is one.
struct Line {
    address: SocketAddr,
    /// How it begins.
    hello: Hello,
    inner: Mutex<Inner>,
    closed: Latest<bool>,
    gone: Arc<Latest<bool>>,
}

#[derive(Default)]
struct Inner {
    outbox: Option<Arc<Outbox>>,
    /// When it was made.
    since: Option<Instant>,
    tags: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Answer>>,
}

impl Network {
    /// Of a member, with a connection to each that the store began with if it is one of them.
    pub fn new(id: u64, replicas: &[SocketAddr], redial: Duration) -> Self {
        let shared = Shared {
            id,
            replicas: replicas.to_vec(),
            redial,
            lines: Mutex::default(),
            gone: Arc::new(Latest::new(false)),
        };
        if member::generation(id) == 0 {
            let others = (1..=replicas.len() as u64).filter(|other| *other != id);
            shared.lock().to =
                others.filter_map(|other| Some((other, Arc::new(shared.line(other)?)))).collect();
        }
        Network(Arc::new(shared))
    }

    /// What keeps the connections that it begins with: to be run by a task each.
    pub fn dialers(&self) -> Vec<impl Future<Output = ()> + Send + 'static> {
        let lines = self.0.lock();
        lines.to.values().map(|line| Arc::clone(line).keep(self.0.id, self.0.redial)).collect()
    }

    /// Since when there is a connection to a member.
    pub fn connected_since(&self, member: u64) -> Option<Instant> {
        self.0.lock().to.get(&member).and_then(|line| line.lock().since)
    }

    /// Waits until another member says that this one is gone.
    pub async fn gone(&self) {
        self.0.gone.until(|gone| gone).await;
    }

    /// Closes the connections to these members.
    pub fn close(&self, is_closed: impl Fn(u64) -> bool) {
        for (_, line) in self.0.lock().to.extract_if(.., |member, _| is_closed(*member)) {
            line.closed.raise(true);
        }
    }

    /// The connection to a member, which is made if there is none.
    fn line(&self, target: u64) -> Option<Arc<Line>> {
        let mut lines = self.0.lock();
        if let Some(line) = lines.to.get(&target) {
            return Some(Arc::clone(line));
        }
        let line = Arc::new(self.0.line(target)?);
        lines.to.insert(target, Arc::clone(&line));
        lines.dialers.spawn(Arc::clone(&line).keep(self.0.id, self.0.redial));
        Some(line)
    }
}

impl Shared {
    /// A connection that nobody keeps yet.
    fn line(&self, target: u64) -> Option<Line> {
        let hello = match (member::generation(self.id), member::generation(target)) {
            (0, 0) => Hello::Replica(self.id),
            _ => Hello::Member { from: self.id, to: target },
        };
        let address = *self.replicas.get((member::replica(target) as usize).checked_sub(1)?)?;
        let (closed, gone) = (Latest::new(false), Arc::clone(&self.gone));
        Some(Line { address, hello, inner: Mutex::default(), closed, gone })
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Makes the connection again and again, until it is closed.
    async fn keep(self: Arc<Self>, id: u64, redial: Duration) {
        tokio::select! {
            biased;
            _ = self.closed.until(|closed| closed) => {}
            never = self.dial(id, redial) => match never {},
        }
        *self.lock() = Inner::default();
    }

    async fn dial(&self, id: u64, redial: Duration) -> Infallible {
        loop {
            if let Ok(Ok(stream)) = timeout(4 * redial, TcpStream::connect(self.address)).await {
                if let Err(error) = self.run(stream).await {
                    tracing::debug!(replica = id, peer = %self.address, %error, "connection lost");
                }
                // Whoever waits for an answer learns that none will come.
                *self.lock() = Inner::default();
            }
            host::time::sleep(redial).await;
        }
    }

    async fn run(&self, stream: TcpStream) -> Result<(), ReadError> {
        stream.set_nodelay(true)?;
        let (read, mut half) = stream.into_split();
        transport::write_now(&mut half, &self.hello, &mut Vec::new()).await?;
        let outbox = Arc::new(Outbox::default());
        {
            let mut inner = self.lock();
            inner.outbox = Some(Arc::clone(&outbox));
            inner.since = Some(Instant::now());
        }
        let mut frames = FrameReader::new(read);
        let answers = async {
            loop {
                let (tag, answer): (u64, Answer) = frames.next().await?;
                if tag == UNASKED {
                    self.gone.raise(true);
                }
                if let Some(waiting) = self.lock().waiting.remove(&tag) {
                    // Who asked may have given up.
                    let _ = waiting.send(answer);
                }
            }
        };
        tokio::select! {
            biased;
            ended = answers => ended,
            written = outbox.drain_into(&mut half) => Ok(written?),
        }
    }

    async fn ask(&self, question: Question, patience: Duration) -> Result<Answer, Failed> {
        let (sender, answer) = oneshot::channel();
        let tag = {
            let mut inner = self.lock();
            let Some(outbox) = inner.outbox.clone() else { return Err(Failed::Unreachable) };
            inner.tags += 1;
            let tag = inner.tags;
            let mut frame = Vec::new();
            transport::encode(&Inbound { tag, question }, &mut frame).map_err(Failed::Io)?;
            inner.waiting.insert(tag, sender);
            outbox.push(&frame);
            tag
        };
        match timeout(patience, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Failed::Unreachable),
            Err(_) => {
                self.lock().waiting.remove(&tag);
                Err(Failed::TooLate)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there is no answer.
enum Failed {
    Unreachable,
    TooLate,
    Io(io::Error),
}

impl Failed {
    fn rpc<E: std::error::Error>(
        self,
        action: RPCTypes,
        id: u64,
        target: u64,
        waited: Duration,
    ) -> RPCError<u64, EmptyNode, E> {
        match self {
            Failed::Unreachable => {
                RPCError::Unreachable(Unreachable::new(&io::Error::from(io::ErrorKind::NotConnected)))
            }
            Failed::TooLate => RPCError::Timeout(Timeout { action, id, target, timeout: waited }),
            Failed::Io(error) => RPCError::Network(NetworkError::new(&error)),
        }
    }
}

/// One member's way to another.
pub(in super::super) struct Peer {
    target: u64,
    line: Option<Arc<Line>>,
}

impl Peer {
    async fn ask<E: std::error::Error>(
        &self,
        question: Question,
        action: RPCTypes,
        patience: Duration,
    ) -> Result<Answer, RPCError<u64, EmptyNode, E>> {
        let answer = match &self.line {
            Some(line) => line.ask(question, patience).await,
            None => Err(Failed::Unreachable),
        };
        match answer {
            Ok(Answer::Failed(why)) => Err(RPCError::Network(NetworkError::new(&io::Error::other(why)))),
            Ok(answer) => Ok(answer),
            Err(failed) => Err(failed.rpc(action, 0, self.target, patience)),
        }
    }
}

fn out_of_place<E: std::error::Error>() -> RPCError<u64, EmptyNode, E> {
    RPCError::Network(NetworkError::new(&io::Error::from(io::ErrorKind::InvalidData)))
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Peer;

    async fn new_client(&mut self, target: u64, _: &EmptyNode) -> Peer {
        Peer { target, line: self.line(target) }
    }
}

impl RaftNetwork<Types> for Peer {
    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, RPCError<u64, EmptyNode, RaftError<u64>>> {
        match self.ask(Question::Append(request), RPCTypes::AppendEntries, option.hard_ttl()).await? {
            Answer::Append(response) => Ok(response),
            _ => Err(out_of_place()),
        }
    }

    async fn vote(
        &mut self,
        request: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>, RPCError<u64, EmptyNode, RaftError<u64>>> {
        match self.ask(Question::Vote(request), RPCTypes::Vote, option.hard_ttl()).await? {
            Answer::Vote(response) => Ok(response),
            _ => Err(out_of_place()),
        }
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote<u64>,
        snapshot: Snapshot<Types>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<u64>, StreamingError<Types, Fatal<u64>>> {
        let question = Question::Snapshot(vote, snapshot.meta, *snapshot.snapshot);
        let asked = self.ask::<Fatal<u64>>(question, RPCTypes::InstallSnapshot, option.hard_ttl());
        let answer = tokio::select! {
            biased;
            closed = cancel => return Err(StreamingError::Closed(closed)),
            answer = asked => answer,
        };
        match answer {
            Ok(Answer::Snapshot(response)) => Ok(response),
            Ok(_) => {
                Err(StreamingError::Network(NetworkError::new(&io::Error::from(io::ErrorKind::InvalidData))))
            }
            Err(RPCError::Timeout(error)) => Err(StreamingError::Timeout(error)),
            Err(RPCError::Unreachable(error)) => Err(StreamingError::Unreachable(error)),
            Err(RPCError::Network(error)) => Err(StreamingError::Network(error)),
            Err(other) => {
                Err(StreamingError::Network(NetworkError::new(&io::Error::other(other.to_string()))))
            }
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(std::iter::repeat(Duration::from_millis(200)))
    }
}
