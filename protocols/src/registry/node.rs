//! The node around the rules: its listener, its tasks, its timers, and the lock that makes events follow each other.
//!
//! One lock stands for Syn's scope process: whatever happens to a node (a peer's message, a call, a death) is handled
//! whole under it, and what must leave is queued before it is released. No lock is held across an await.

use super::{
    Config, Tasks, View, client_port,
    groups::Groups,
    link::{self, Link},
    mailbox::{Asker, Mailboxes},
    message::{Answer, Call, Failure, Hello, PeerMessage, Refusal},
    options::{Flaw, Options},
    process::{NodeId, Pid},
    rules::{self, Rules},
    state::Effect,
    transport::{self, FrameReader, Outbox, ReadError},
};
use host::{net::TcpListener, net::TcpStream, sometimes};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

/// How far a snapshot falls behind broadcasts under [`Flaw::AckSyncOvertaken`].
const SNAPSHOT_LAG: Duration = Duration::from_millis(200);

/// Runs a node until the future is dropped; all its tasks end with it.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`) or the address cannot be bound.
pub async fn run(config: Config) -> io::Result<()> {
    let listener = TcpListener::bind(config.listen).await?;
    serve(listener, config).await
}

/// Runs a node on a listener that is already bound; `config.listen` is ignored.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`).
pub async fn serve(listener: TcpListener, config: Config) -> io::Result<()> {
    config.validate()?;
    let (deaths, death_reports) = mpsc::unbounded_channel();
    let (snapshots, late_snapshots) = mpsc::unbounded_channel();
    let node = Arc::new(Node::new(&config, deaths, snapshots));
    host::view::register({
        let node = Arc::clone(&node);
        move || node.view()
    });

    node.preload();
    let mut tasks = Tasks::default();
    tasks.spawn(Arc::clone(&node).report_deaths(death_reports));
    tasks.spawn(link::tick(Arc::clone(&node)));
    if node.options.flaw == Some(Flaw::AckSyncOvertaken) {
        tasks.spawn(Arc::clone(&node).send_late_snapshots(late_snapshots));
    }
    for (peer, address) in &config.peers {
        if *peer > config.id {
            tasks.spawn(link::dial(Arc::clone(&node), *peer, *address));
        }
    }
    loop {
        match listener.accept().await {
            Ok((stream, _)) => tasks.spawn(Arc::clone(&node).greet(stream)),
            Err(error) => {
                // One connection failed, or the system is short of something: the node lives on.
                tracing::debug!(node = node.id.0, %error, "accept failed");
                tokio::time::sleep(node.options.redial).await;
            }
        }
    }
}

/// The node as its tasks share it.
pub(super) struct Node {
    pub id: NodeId,
    pub incarnation: u64,
    pub options: Options,
    /// Those that dial us.
    dialling_peers: Vec<NodeId>,
    inner: Mutex<Inner>,
}

/// What the lock guards.
pub(super) struct Inner {
    pub scope: Box<dyn Rules>,
    pub links: BTreeMap<NodeId, Link>,
    pub links_made: u64,
    /// Pushed by the rules, drained by [`Node::perform`]; empty whenever the lock is free.
    pub effects: Vec<Effect>,
    pub groups: Groups,
    pub mailboxes: Mailboxes,
    calls: BTreeMap<u64, OutstandingCall>,
    calls_made: u64,
    malformed_frames: u64,
    /// One message is encoded here before it is queued, once for all its receivers.
    scratch: Vec<u8>,
    deaths: mpsc::UnboundedSender<Pid>,
    /// The flaw [`Flaw::AckSyncOvertaken`].
    snapshots_lag: bool,
    late_snapshots: mpsc::UnboundedSender<LateSnapshot>,
    clock_unit_ns: u64,
}

struct OutstandingCall {
    owner: NodeId,
    answer: oneshot::Sender<Answer>,
}

struct LateSnapshot {
    due: Instant,
    outbox: Arc<Outbox>,
    frame: Vec<u8>,
}

impl Node {
    fn new(
        config: &Config,
        deaths: mpsc::UnboundedSender<Pid>,
        late_snapshots: mpsc::UnboundedSender<LateSnapshot>,
    ) -> Self {
        let incarnation = host::entropy::u64();
        Node {
            id: config.id,
            incarnation,
            options: config.options.clone(),
            dialling_peers: config
                .peers
                .iter()
                .map(|(peer, _)| *peer)
                .filter(|peer| *peer < config.id)
                .collect(),
            inner: Mutex::new(Inner {
                scope: rules::rules(config.id, incarnation, &config.options),
                links: BTreeMap::new(),
                links_made: 0,
                effects: Vec::new(),
                groups: Groups::new(config.id),
                mailboxes: Mailboxes::default(),
                calls: BTreeMap::new(),
                calls_made: 0,
                malformed_frames: 0,
                scratch: Vec::new(),
                deaths,
                snapshots_lag: config.options.flaw == Some(Flaw::AckSyncOvertaken),
                late_snapshots,
                clock_unit_ns: u64::try_from(config.options.clock_unit.as_nanos()).unwrap_or(u64::MAX),
            }),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> View {
        let inner = self.lock();
        View {
            node: self.id,
            up: inner.links.keys().copied().collect(),
            known: inner.scope.known().clone(),
            entries: inner.scope.entries(),
            count: inner.scope.count(),
            groups: inner.groups.all().clone(),
            alive: inner.scope.processes().alive().clone(),
            malformed_frames: inner.malformed_frames,
        }
    }

    /// Registers what the options want to be there from the start.
    fn preload(&self) {
        let mut inner = self.lock();
        for index in 0..self.options.preload {
            let pid = inner.scope.spawn();
            let name = format!("preload-{}-{index}", self.id);
            inner.handle_call(self.id, Call::Register { name, pid, meta: String::new() });
        }
    }

    /// A connection came in: a peer with a smaller id, or a client.
    async fn greet(self: Arc<Self>, stream: TcpStream) {
        // Without it answers wait for acknowledgements. Who has hung up already is found out below.
        let _ = stream.set_nodelay(true);
        let (read, mut half) = stream.into_split();
        let mut frames = FrameReader::new(read);
        match tokio::time::timeout(self.options.net_tick, frames.next()).await {
            Ok(Ok(Hello::Client)) => client_port::serve(&self, frames, half).await,
            Ok(Ok(Hello::Peer { node, incarnation })) if self.dialling_peers.contains(&node) => {
                let hello = Hello::Peer { node: self.id, incarnation: self.incarnation };
                if transport::write_now(&mut half, &hello, &mut Vec::new()).await.is_ok() {
                    link::run(&self, node, incarnation, frames, half).await;
                }
            }
            Ok(Ok(Hello::Peer { node, .. })) => {
                tracing::debug!(node = self.id.0, peer = node.0, "not a peer that dials here");
            }
            Ok(Err(error)) => self.lock().count_if_malformed(&error),
            // Who does not even say hello is no loss.
            Err(_) => {}
        }
    }

    /// Asks the node that runs a process, which may be this one.
    pub async fn call(&self, owner: NodeId, call: Call) -> Result<Answer, Failure> {
        self.call_within(owner, call, self.options.call_timeout).await
    }

    /// The same, with a time-out of its own.
    pub async fn call_within(&self, owner: NodeId, call: Call, most: Duration) -> Result<Answer, Failure> {
        if owner == self.id {
            let Call::Ask { pid, body } = call else { return Ok(self.lock().handle_call(self.id, call)) };
            let (sender, answer) = oneshot::channel();
            self.lock().ask(pid, body, Asker::Here(sender));
            let answer = tokio::time::timeout(most, answer).await;
            return answer.ok().and_then(Result::ok).ok_or(Failure::CallTimeout);
        }
        let (id, answer) = {
            let mut inner = self.lock();
            if !inner.links.contains_key(&owner) {
                return Err(Failure::Refused(Refusal::Unreachable { node: owner }));
            }
            inner.calls_made += 1;
            let id = inner.calls_made;
            let (sender, answer) = oneshot::channel();
            inner.calls.insert(id, OutstandingCall { owner, answer: sender });
            inner.effects.push(Effect::Send { to: vec![owner], message: PeerMessage::Call { id, call } });
            inner.perform();
            (id, answer)
        };
        match tokio::time::timeout(most, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Failure::NodeDown(owner)),
            Err(_) => {
                sometimes!("call timed out");
                self.lock().calls.remove(&id);
                Err(Failure::CallTimeout)
            }
        }
    }

    /// Deaths reach the scope as events of their own, after whatever is at hand: as `DOWN` messages do.
    async fn report_deaths(self: Arc<Self>, mut deaths: mpsc::UnboundedReceiver<Pid>) {
        while let Some(pid) = deaths.recv().await {
            lag(self.options.death_lag).await;
            let mut inner = self.lock();
            let inner = &mut *inner;
            inner.scope.on_process_down(pid, &mut inner.effects);
            inner.perform();
        }
    }

    /// The second way out that [`Flaw::AckSyncOvertaken`] opens.
    async fn send_late_snapshots(self: Arc<Self>, mut snapshots: mpsc::UnboundedReceiver<LateSnapshot>) {
        while let Some(LateSnapshot { due, outbox, frame }) = snapshots.recv().await {
            tokio::time::sleep_until(due).await;
            outbox.push(&frame);
        }
    }
}

impl Inner {
    /// One message of a peer, handled whole.
    pub fn on_peer_message(&mut self, from: NodeId, message: PeerMessage) {
        match message {
            PeerMessage::Heartbeat => return,
            PeerMessage::Discover => self.scope.on_discover(from, &mut self.effects),
            PeerMessage::AckSync(records) => {
                let now = self.now();
                self.scope.on_ack_sync(from, records, now, &mut self.effects);
            }
            PeerMessage::SyncRegister(record) => {
                let now = self.now();
                self.scope.on_sync_register(record, now, &mut self.effects);
            }
            PeerMessage::SyncUnregister { name, pid } => self.scope.on_sync_unregister(&name, pid),
            PeerMessage::ScopeDown => self.scope.on_scope_down(from, &mut self.effects),
            PeerMessage::GroupSnapshot(members) => self.groups.on_snapshot(members),
            PeerMessage::SyncJoin { group, pid, meta } => self.groups.on_join(&group, pid, &meta),
            PeerMessage::SyncLeave { group, pid } => self.groups.on_leave(&group, pid),
            PeerMessage::Deliver { pid, body } => self.deliver(pid, body),
            PeerMessage::Call { id, call: Call::Ask { pid, body } } => {
                self.ask(pid, body, Asker::Peer { node: from, call: id });
            }
            PeerMessage::Call { id, call } => {
                let answer = self.decide(from, call);
                self.effects
                    .push(Effect::Send { to: vec![from], message: PeerMessage::Reply { id, answer } });
            }
            PeerMessage::Reply { id, answer } => match self.calls.remove(&id) {
                // The calling task writes this node's table when it runs, not the scope: see the module's text.
                // A caller that has gone away meanwhile wants no answer.
                Some(call) => drop(call.answer.send(answer)),
                None => sometimes!("late reply dropped"),
            },
        }
        self.perform();
    }

    /// The wall clock, as coarse as it is.
    fn now(&self) -> u64 {
        let now = host::clock::unix_ns();
        now - now % self.clock_unit_ns
    }

    pub fn handle_call(&mut self, requester: NodeId, call: Call) -> Answer {
        let answer = self.decide(requester, call);
        self.perform();
        answer
    }

    fn decide(&mut self, requester: NodeId, call: Call) -> Answer {
        match call {
            Call::Join { pid, .. } if !self.scope.processes().is_alive(pid) => {
                Answer::Refused(Refusal::NotAlive)
            }
            Call::Join { group, pid, meta } => self.groups.join(group, pid, meta, &mut self.effects),
            Call::Leave { group, pid } => self.groups.leave(group, pid, &mut self.effects),
            call => {
                let now = self.now();
                self.scope.on_call(requester, call, now, &mut self.effects)
            }
        }
    }

    /// The scope process crashes and is back at once: the node lives on, and with it its processes and its groups.
    pub fn crash_scope(&mut self) {
        sometimes!("scope crashed");
        let peers: Vec<NodeId> = self.links.keys().copied().collect();
        self.scope.on_scope_crash(&peers, &mut self.effects);
        self.perform();
    }

    /// Nobody will answer what was asked of a peer that is down.
    pub fn fail_calls_to(&mut self, owner: NodeId) {
        self.calls.retain(|_, call| call.owner != owner);
    }

    pub fn count_if_malformed(&mut self, error: &ReadError) {
        if matches!(error, ReadError::Malformed) {
            sometimes!("malformed frame dropped");
            self.malformed_frames += 1;
        }
    }

    /// Does what the rules asked for, in order.
    pub fn perform(&mut self) {
        self.bury();
        self.tell_watchers();
        for effect in self.effects.drain(..) {
            match effect {
                // The receiver ends with the node, and then nobody is left to be told.
                Effect::Down(pid) => drop(self.deaths.send(pid)),
                Effect::Send { to, message } => {
                    self.scratch.clear();
                    if let Err(error) = transport::encode(&message, &mut self.scratch) {
                        tracing::error!(%error, "a message is too large to be sent");
                        continue;
                    }
                    for peer in to {
                        // A peer without a connection misses it, and is told all when it is back.
                        let Some(Link { outbox, .. }) = self.links.get(&peer) else { continue };
                        if self.snapshots_lag && matches!(message, PeerMessage::AckSync(_)) {
                            // Syn before ceb62a8: snapshots left from the scope process, broadcasts from its sender.
                            let (outbox, frame) = (Arc::clone(outbox), self.scratch.clone());
                            let due = Instant::now() + SNAPSHOT_LAG;
                            drop(self.late_snapshots.send(LateSnapshot { due, outbox, frame }));
                        } else {
                            outbox.push(&self.scratch);
                        }
                    }
                }
            }
        }
    }
}

/// Waits a while, up to the given; not at all when that is zero.
pub(super) async fn lag(most: Duration) {
    if !most.is_zero() {
        let most_ns = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        tokio::time::sleep(Duration::from_nanos(host::entropy::u64() % most_ns)).await;
    }
}
