//! Registers on a replicated log: `raft` (raft-rs), a consensus that does no I/O, with its log on a write-ahead log.
//!
//! The loop around raft-rs is the one that its documentation asks for: give it ticks, messages and proposals; take what
//! is *ready*; save entries and hard state; then send what may only be sent once they are saved; apply what is
//! committed. Peers talk over UDP (raft-rs expects messages to be lost), clients over TCP, a line of JSON each way.
//! Reads are proposals too. The log is never shortened.
//!
//! raft-rs draws its election time-outs from a generator of the thread, which no seed decides. Its bounds are given so
//! that there is one choice, and the node draws that one, at every start, from [`host::entropy`].
//!
//! With the flaw `acks-before-sync` what is saved is synced half a second late, and everything goes on meanwhile. A node
//! that loses its power forgets entries that it had acknowledged, and a leader that counted it had no majority.
//!
//! Judged: **linearizable** (each register by itself), **agreement** (all replicas apply the same entries in the same
//! order), **convergence** (in the end one leads, and all have applied the same).

use host::net::{TcpListener, TcpStream, UdpSocket};
use protobuf::Message as _;
use protocols::common::wal;
use raft::prelude::{ConfState, Entry, HardState, Message};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sim::check::linearizable::Model;
use sim::check::{Checkers, Seen, Views};
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, interval, sleep, timeout};

/// raft-rs counts time in ticks.
const TICK: Duration = Duration::from_millis(100);
/// How late the flaw syncs.
const LATE: Duration = Duration::from_millis(500);
/// How long a client waits for its answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The system.
#[derive(Debug)]
pub struct Replicated;

/// `[cluster] options`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// A known defect, switched on.
    pub flaw: Option<Flaw>,
}

/// Known defects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// What was saved is synced later than it is acknowledged.
    AcksBeforeSync,
}

/// What a client can be told to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// What is in this register?
    Read(u32),
    /// Put this into it.
    Write(u32, u64),
}

/// What a client gets: the value that was read or written.
pub type Ret = u64;

/// What a node believes.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct View {
    leads: bool,
    applied: u64,
    /// Of all that was applied.
    digest: u64,
}

/// An entry of the log: who proposed it, and what.
#[derive(Debug, Serialize, Deserialize)]
struct Command {
    proposal: (u64, u64),
    op: Op,
}

/// A record of the write-ahead log: what raft-rs wants to find again.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    entries: Vec<Vec<u8>>,
    hard_state: Option<Vec<u8>>,
}

/// What a node says to a client.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Done(Ret),
    /// Nothing was proposed here; this one may lead.
    NotLeader(u64),
}

type Asked = (Op, oneshot::Sender<Answer>);

/// A replica between two failures of its disk.
struct Life {
    raft: RawNode<MemStorage>,
    log: wal::Log,
    writer: wal::Writer,
    synced: Instant,
    flaw: Option<Flaw>,
    /// Tells proposals of this life from others.
    number: u64,
    proposed: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Answer>>,
    registers: BTreeMap<u32, u64>,
    view: Arc<Mutex<View>>,
}

impl Life {
    async fn begin(node: &NodeContext<Options>, view: Arc<Mutex<View>>) -> io::Result<Life> {
        let (log, writer, recovered) =
            wal::open(&node.disk(), "log", wal::Options::default()).await.map_err(io::Error::other)?;
        let voters = (1..=node.nodes.len() as u64).collect::<Vec<_>>();
        let storage = MemStorage::new_with_conf_state(ConfState::from((voters, vec![])));
        for (_, record) in recovered.records {
            let record: Record = postcard::from_bytes(&record).map_err(io::Error::other)?;
            keep(&storage, &record)?;
        }
        let election = 10 + (host::entropy::u64() % 10) as usize;
        let config = Config {
            id: node.id.into(),
            election_tick: 10,
            heartbeat_tick: 2,
            min_election_tick: election,
            max_election_tick: election + 1,
            pre_vote: true,
            check_quorum: true,
            max_size_per_msg: 4096,
            ..Config::default()
        };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raft = RawNode::new(&config, storage, &logger).map_err(io::Error::other)?;
        *view.lock().unwrap_or_else(PoisonError::into_inner) = View::default();
        Ok(Life {
            raft,
            log,
            writer,
            synced: Instant::now(),
            flaw: node.options.flaw,
            number: host::entropy::u64(),
            proposed: 0,
            waiting: BTreeMap::new(),
            registers: BTreeMap::new(),
            view,
        })
    }

    /// Proposes what a client asks for, where this node leads.
    fn propose(&mut self, (op, answer): Asked) -> io::Result<()> {
        self.proposed += 1;
        let command = Command { proposal: (self.number, self.proposed), op };
        let data = postcard::to_allocvec(&command).map_err(io::Error::other)?;
        let leads = self.raft.raft.state == StateRole::Leader;
        if leads && self.raft.propose(Vec::new(), data).is_ok() {
            self.waiting.insert(self.proposed, answer);
        } else {
            // Who has gone does not want to know.
            let _ = answer.send(Answer::NotLeader(self.raft.raft.leader_id));
        }
        Ok(())
    }

    /// Saves, sends and applies what raft-rs has ready.
    async fn act(&mut self, send: &impl AsyncFn(Vec<Message>) -> io::Result<()>) -> io::Result<()> {
        while self.raft.has_ready() {
            let mut ready = self.raft.ready();
            send(ready.take_messages()).await?;
            self.apply(ready.take_committed_entries())?;
            let record = Record {
                entries: encoded(ready.entries())?,
                hard_state: ready
                    .hs()
                    .map(HardState::write_to_bytes)
                    .transpose()
                    .map_err(io::Error::other)?,
            };
            if !record.entries.is_empty() || record.hard_state.is_some() {
                keep(self.raft.store(), &record)?;
                self.log
                    .append(&postcard::to_allocvec(&record).map_err(io::Error::other)?)
                    .map_err(io::Error::other)?;
                self.sync().await?;
            }
            send(ready.take_persisted_messages()).await?;
            let mut light = self.raft.advance(ready);
            if let Some(commit) = light.commit_index() {
                self.raft.store().wl().mut_hard_state().set_commit(commit);
            }
            send(light.take_messages()).await?;
            self.apply(light.take_committed_entries())?;
            self.raft.advance_apply();
        }
        let leads = self.raft.raft.state == StateRole::Leader;
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        if leads && !view.leads {
            host::sometimes!("leads");
        }
        view.leads = leads;
        Ok(())
    }

    /// Makes durable what was saved: before anybody hears of it, or as the flaw has it.
    async fn sync(&mut self) -> io::Result<()> {
        if self.flaw != Some(Flaw::AcksBeforeSync) || self.synced.elapsed() > LATE {
            self.writer.commit().await.map_err(io::Error::other)?;
            self.synced = Instant::now();
        }
        Ok(())
    }

    fn apply(&mut self, entries: Vec<Entry>) -> io::Result<()> {
        for entry in entries {
            let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
            let mut hasher = DefaultHasher::new();
            (view.digest, entry.term, &entry.data[..]).hash(&mut hasher);
            *view = View { applied: entry.index, digest: hasher.finish(), ..*view };
            drop(view);
            host::probe!("applied", entry.index);
            // A new leader begins with an entry that says nothing.
            if entry.data.is_empty() {
                continue;
            }
            let Command { proposal, op } = postcard::from_bytes(&entry.data).map_err(io::Error::other)?;
            let answer = match op {
                Op::Read(key) => self.registers.get(&key).copied().unwrap_or_default(),
                Op::Write(key, value) => {
                    self.registers.insert(key, value);
                    value
                }
            };
            if proposal.0 == self.number
                && let Some(waiting) = self.waiting.remove(&proposal.1)
            {
                // Who has gone does not want to know.
                let _ = waiting.send(Answer::Done(answer));
            }
        }
        Ok(())
    }
}

fn encoded(entries: &[Entry]) -> io::Result<Vec<Vec<u8>>> {
    entries.iter().map(|entry| entry.write_to_bytes().map_err(io::Error::other)).collect()
}

/// What a record says goes into what raft-rs reads.
fn keep(storage: &MemStorage, record: &Record) -> io::Result<()> {
    let entries =
        record.entries.iter().map(|entry| Entry::parse_from_bytes(entry)).collect::<Result<Vec<_>, _>>();
    storage.wl().append(&entries.map_err(io::Error::other)?).map_err(io::Error::other)?;
    if let Some(hard_state) = &record.hard_state {
        storage.wl().set_hardstate(HardState::parse_from_bytes(hard_state).map_err(io::Error::other)?);
    }
    Ok(())
}

/// Gives raft-rs ticks, messages and proposals, until the disk fails.
async fn live(
    node: &NodeContext<Options>,
    socket: &UdpSocket,
    clients: &mut mpsc::Receiver<Asked>,
    view: &Arc<Mutex<View>>,
) -> io::Result<()> {
    let mut life = Life::begin(node, Arc::clone(view)).await?;
    let send = async |messages: Vec<Message>| {
        for message in messages {
            let bytes = message.write_to_bytes().map_err(io::Error::other)?;
            host::trace::message(
                &bytes,
                format_args!("{:?} of term {}", message.get_msg_type(), message.term),
            );
            socket.send_to(&bytes, node.nodes[message.to as usize - 1]).await?;
        }
        io::Result::Ok(())
    };
    let (mut tick, mut datagram) = (interval(TICK), vec![0; 65_536]);
    loop {
        tokio::select! {
            _ = tick.tick() => { life.raft.tick(); }
            received = socket.recv_from(&mut datagram) => {
                let (length, _) = received?;
                // What is damaged, or of a term that has passed, is as good as lost.
                if let Ok(message) = Message::parse_from_bytes(&datagram[..length]) {
                    let _ = life.raft.step(message);
                }
            }
            asked = clients.recv() => life.propose(asked.ok_or(io::ErrorKind::BrokenPipe)?)?,
        }
        life.act(&send).await?;
    }
}

/// A client: a line with what it wants, a line with what became of it.
async fn serve(stream: TcpStream, node: mpsc::Sender<Asked>) -> io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        let (answer, answered) = oneshot::channel();
        let asked = (serde_json::from_str(&line)?, answer);
        node.send(asked).await.map_err(io::Error::other)?;
        let answer = answered.await.map_err(io::Error::other)?;
        let line = serde_json::to_string(&answer)? + "\n";
        lines.get_mut().get_mut().write_all(line.as_bytes()).await?;
    }
    Ok(())
}

impl System for Replicated {
    type Options = Options;
    type Op = Op;
    type Ret = Ret;
    type View = View;

    const NAME: &'static str = "replicated";

    fn operations() -> &'static [Operation<Op>] {
        &[
            Operation("read", |mix, draw| Op::Read(mix.key(draw))),
            Operation("write", |mix, draw| Op::Write(mix.key(draw), draw.between(1, 1 << 30))),
        ]
    }

    fn probes() -> Vec<&'static str> {
        vec!["applied", "leads", "begins anew"]
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        let address = node.address();
        let (socket, listener) = (UdpSocket::bind(address).await?, TcpListener::bind(address).await?);
        let view = Arc::new(Mutex::new(View::default()));
        let seen = Arc::clone(&view);
        host::view::register(move || *seen.lock().unwrap_or_else(PoisonError::into_inner));
        let (to_node, mut clients) = mpsc::channel(64);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, to_node.clone()));
            }
        });
        loop {
            // A replica whose disk fails begins anew with what its log says.
            if live(&node, &socket, &mut clients, &view).await.is_err() {
                host::sometimes!("begins anew");
                sleep(TICK).await;
            }
        }
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, Ret> {
        let node = client.id as usize % client.nodes.len();
        Caller { nodes: client.nodes, node, stream: None }
    }

    fn checkers(&self) -> Checkers<Op, Ret, View> {
        let mut came_to = BTreeMap::new();
        Checkers::<Op, Ret, View>::new()
            .invariant("agreement", move |seen| agree(&mut came_to, seen))
            .convergence(converged)
            .linearizable(Register)
    }
}

/// Replicas that have applied as many entries have applied the same.
fn agree(came_to: &mut BTreeMap<u64, u64>, seen: &Seen<'_, View>) -> Result<(), String> {
    for (node, view) in seen.views.up() {
        if *came_to.entry(view.applied).or_insert(view.digest) != view.digest {
            return Err(format!("n{node} came to entry {} by others than were applied before", view.applied));
        }
    }
    Ok(())
}

fn converged(views: &Views<View>) -> Result<(), String> {
    if views.up().filter(|(_, view)| view.leads).count() != 1 {
        return Err("not exactly one leads".to_owned());
    }
    let Some((first, most)) = views.up().max_by_key(|(_, view)| view.applied) else { return Ok(()) };
    match views.up().find(|(_, view)| view.applied < most.applied) {
        Some((node, view)) => {
            Err(format!("n{node} has applied {} entries, n{first} {}", view.applied, most.applied))
        }
        None => Ok(()),
    }
}

/// What a register does.
struct Register;

impl Model for Register {
    type Op = Op;
    type Ret = Ret;
    type State = u64;

    fn initial(&self) -> u64 {
        0
    }

    fn step(&self, value: &u64, op: &Op, ret: Option<&Ret>, next: &mut Vec<u64>) {
        let after = if let Op::Write(_, written) = op { *written } else { *value };
        if ret.is_none_or(|told| *told == after) {
            next.push(after);
        }
    }

    fn key(&self, op: &Op) -> Option<String> {
        let (Op::Read(key) | Op::Write(key, _)) = op;
        Some(key.to_string())
    }
}

/// A client that follows the leader.
struct Caller {
    nodes: Vec<SocketAddr>,
    node: usize,
    stream: Option<BufReader<TcpStream>>,
}

impl Caller {
    async fn ask(&mut self, op: &Op) -> io::Result<Answer> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let (line, mut answer) = (serde_json::to_string(op)? + "\n", String::new());
        stream.get_mut().write_all(line.as_bytes()).await?;
        timeout(PATIENCE, stream.read_line(&mut answer)).await??;
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Client<Op, Ret> for Caller {
    async fn call(&mut self, op: &Op) -> Outcome<Ret> {
        for _ in 0..self.nodes.len() {
            if self.stream.is_none() {
                match TcpStream::connect(self.nodes[self.node]).await {
                    Ok(stream) => self.stream = Some(BufReader::new(stream)),
                    Err(_) => {
                        self.node = (self.node + 1) % self.nodes.len();
                        continue;
                    }
                }
            }
            match self.ask(op).await {
                Ok(Answer::Done(value)) => return Outcome::Ok(value),
                Ok(Answer::NotLeader(leader)) => {
                    self.stream = None;
                    let next = (self.node + 1) % self.nodes.len();
                    self.node = usize::try_from(leader).ok().and_then(|id| id.checked_sub(1)).unwrap_or(next);
                }
                Err(error) => {
                    self.stream = None;
                    return Outcome::Unknown(error.to_string());
                }
            }
        }
        Outcome::Fail("nobody leads".to_owned())
    }
}
