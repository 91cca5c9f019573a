//! The node around the rules: its listener, its tasks, its timers, and the lock that makes events follow each other.
//!
//! One lock stands for Syn's scope processes: whatever happens to a node (a peer's message, a call, a death) is handled
//! whole under it, and what must leave is queued before it is released. No lock is held across an await.

use super::{
    Config, Tasks, View, client_port,
    link::{self, LateSnapshot, Links},
    local::Local,
    mailbox::{Asker, Mailboxes},
    message::{Answer, Call, Failure, Hello, PeerMessage, Refusal},
    options::{Flaw, Options},
    process::{NodeId, Pid},
    rules::Rulebook,
    scope::{Scope, ScopeName},
    transport::{self, FrameReader, ReadError},
};
use host::{net::TcpListener, net::TcpStream, probe, sometimes};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

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
    let (stops, given_up) = mpsc::unbounded_channel();
    let node = Arc::new(Node::new(&config, deaths, snapshots, stops));
    host::view::register({
        let node = Arc::clone(&node);
        move || node.view()
    });

    node.preload();
    let mut tasks = Tasks::default();
    tasks.spawn(Arc::clone(&node).report_deaths(death_reports));
    tasks.spawn(link::tick(Arc::clone(&node)));
    if let Some(most) = config.options.kills_later() {
        tasks.spawn(Arc::clone(&node).stop_later(given_up, most));
    }
    if node.options.flaw == Some(Flaw::AckSyncOvertaken) {
        tasks.spawn(link::send_late_snapshots(late_snapshots));
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
                host::time::sleep(node.options.redial).await;
            }
        }
    }
}

/// The node as its tasks share it.
pub(super) struct Node {
    pub id: NodeId,
    pub incarnation: u64,
    pub options: Options,
    rulebook: Rulebook,
    losers_end: bool,
    /// Those that dial us.
    dialling_peers: Vec<NodeId>,
    inner: Mutex<Inner>,
}

/// What the lock guards.
pub(super) struct Inner {
    pub scopes: BTreeMap<ScopeName, Scope>,
    /// Whenever the lock is free, nothing in it waits to leave.
    pub local: Local,
    pub links: Links,
    pub mailboxes: Mailboxes,
    calls: BTreeMap<u64, OutstandingCall>,
    calls_made: u64,
    malformed_frames: u64,
    deaths: mpsc::UnboundedSender<(ScopeName, Pid)>,
    /// Where those are told that are to be stopped; none where nobody is.
    stops: Option<mpsc::UnboundedSender<Pid>>,
    clock_unit_ns: u64,
}

struct OutstandingCall {
    owner: NodeId,
    answer: oneshot::Sender<Answer>,
}

impl Node {
    fn new(
        config: &Config,
        deaths: mpsc::UnboundedSender<(ScopeName, Pid)>,
        late_snapshots: mpsc::UnboundedSender<LateSnapshot>,
        stops: mpsc::UnboundedSender<Pid>,
    ) -> Self {
        let incarnation = host::entropy::u64();
        let node = Node {
            id: config.id,
            incarnation,
            options: config.options.clone(),
            rulebook: Rulebook::new(&config.options, config.resolve.clone()),
            losers_end: !config.has_custom_resolver() && !config.options.traps_exits,
            dialling_peers: config
                .peers
                .iter()
                .map(|(peer, _)| *peer)
                .filter(|peer| *peer < config.id)
                .collect(),
            inner: Mutex::new(Inner {
                scopes: BTreeMap::new(),
                local: Local::new(config.id, incarnation),
                links: Links::new(
                    config.options.prevent_overlapping_partitions,
                    (config.options.flaw == Some(Flaw::AckSyncOvertaken)).then_some(late_snapshots),
                ),
                mailboxes: Mailboxes::default(),
                calls: BTreeMap::new(),
                calls_made: 0,
                malformed_frames: 0,
                deaths,
                stops: config.options.kills_later().map(|_| stops),
                clock_unit_ns: u64::try_from(config.options.clock_unit.as_nanos()).unwrap_or(u64::MAX),
            }),
        };
        node.lock().local.processes.traps_exits = config.options.traps_exits;
        for scope in &config.options.scopes {
            node.add_scope(&ScopeName::new(scope));
        }
        node
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> View {
        let inner = self.lock();
        View {
            node: self.id,
            up: inner.links.peers().collect(),
            scopes: inner.scopes.iter().map(|(name, scope)| scope.view(name)).collect(),
            alive: inner.local.processes.alive().clone(),
            given_up: inner.local.processes.given_up().clone(),
            malformed_frames: inner.malformed_frames,
            protocol: self.options.protocol,
            losers_end: self.losers_end,
        }
    }

    /// Takes part in a scope from now on. One that is there already is left alone.
    pub fn add_scope(&self, name: &ScopeName) {
        let mut inner = self.lock();
        if !inner.scopes.contains_key(name) {
            inner.scopes.insert(name.clone(), Scope::new(self.id, self.rulebook.scope(self.id)));
            inner.begin_scope(name);
        }
    }

    /// Registers, in the first scope, what the options want to be there from the start.
    fn preload(&self) {
        let Some(scope) = self.options.scopes.first() else { return };
        let scope = ScopeName::new(scope);
        let mut inner = self.lock();
        for index in 0..self.options.preload {
            let pid = inner.local.processes.spawn();
            let name = format!("preload-{}-{index}", self.id);
            inner.handle_call(self.id, &scope, Call::Register { name, pid, meta: String::new() });
        }
    }

    /// A connection came in: a peer with a smaller id, or a client.
    async fn greet(self: Arc<Self>, stream: TcpStream) {
        // Without it answers wait for acknowledgements. Who has hung up already is found out below.
        let _ = stream.set_nodelay(true);
        let (read, mut half) = stream.into_split();
        let mut frames = FrameReader::new(read);
        match host::time::timeout(self.options.net_tick, frames.next()).await {
            Ok(Ok(Hello::Client)) => client_port::serve(&self, frames, half).await,
            // Nothing is said to one that was left: it will dial again.
            Ok(Ok(Hello::Peer { node, .. })) if self.lock().links.has_left(node) => {}
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
    pub async fn call(&self, owner: NodeId, scope: &ScopeName, call: Call) -> Result<Answer, Failure> {
        self.call_within(owner, scope, call, self.options.call_timeout).await
    }

    /// The same, with a time-out of its own.
    pub async fn call_within(
        &self,
        owner: NodeId,
        scope: &ScopeName,
        call: Call,
        most: Duration,
    ) -> Result<Answer, Failure> {
        if owner == self.id {
            let Call::Ask { pid, body } = call else {
                return Ok(self.lock().handle_call(self.id, scope, call));
            };
            let (sender, answer) = oneshot::channel();
            self.lock().ask(pid, body, Asker::Here(sender));
            let answer = host::time::timeout(most, answer).await;
            return answer.ok().and_then(Result::ok).ok_or(Failure::CallTimeout);
        }
        let (id, answer) = {
            let mut inner = self.lock();
            if !inner.links.is_up(owner) {
                return Err(Failure::Refused(Refusal::Unreachable { node: owner }));
            }
            inner.calls_made += 1;
            let id = inner.calls_made;
            let (sender, answer) = oneshot::channel();
            inner.calls.insert(id, OutstandingCall { owner, answer: sender });
            inner.local.send(vec![owner], PeerMessage::Call { id, call });
            inner.perform(scope);
            (id, answer)
        };
        match host::time::timeout(most, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Failure::NodeDown(owner)),
            Err(_) => {
                sometimes!("call timed out");
                self.lock().calls.remove(&id);
                Err(Failure::CallTimeout)
            }
        }
    }

    /// Deaths reach a scope as events of their own, after whatever is at hand: as `DOWN` messages do.
    async fn report_deaths(self: Arc<Self>, mut deaths: mpsc::UnboundedReceiver<(ScopeName, Pid)>) {
        while let Some((name, pid)) = deaths.recv().await {
            lag(self.options.death_lag).await;
            let mut inner = self.lock();
            let Inner { scopes, local, .. } = &mut *inner;
            if let Some(scope) = scopes.get_mut(&name) {
                scope.rules.on_process_down(pid, local);
            }
            inner.perform(&name);
        }
    }

    /// A task for each that a resolver has given up, of this node or another: after a while it is ended, if it is alive.
    async fn stop_later(self: Arc<Self>, mut given_up: mpsc::UnboundedReceiver<Pid>, most: Duration) {
        let mut tasks = Tasks::default();
        while let Some(pid) = given_up.recv().await {
            // It was an error of Logflare's, before its pull request 2538.
            if self.options.flaw == Some(Flaw::LoserLivesOn) {
                continue;
            }
            let node = Arc::clone(&self);
            tasks.spawn(async move {
                lag(most).await;
                let stopped = node.call(pid.node, &ScopeName::default(), Call::Stop { pid }).await;
                // Whoever is out of reach has a task of its own.
                if stopped == Ok(Answer::Refused(Refusal::NotAlive)) {
                    tracing::debug!(node = node.id.0, %pid, "to be stopped, and dead");
                }
            });
        }
    }
}

impl Inner {
    /// One message of a peer, handled whole.
    pub fn on_peer_message(&mut self, from: NodeId, name: &ScopeName, message: PeerMessage) {
        match message {
            PeerMessage::Heartbeat => return,
            PeerMessage::Lost { peer } => self.peer_has_lost(from, peer),
            PeerMessage::Found { peer } => self.links.has_found(from, peer),
            PeerMessage::Deliver { pid, body } => self.deliver(pid, body),
            PeerMessage::Call { id, call: Call::Ask { pid, body } } => {
                self.ask(pid, body, Asker::Peer { node: from, call: id });
            }
            PeerMessage::Call { id, call } => {
                let answer = self.decide(from, name, call);
                self.local.send(vec![from], PeerMessage::Reply { id, answer });
            }
            PeerMessage::Reply { id, answer } => match self.calls.remove(&id) {
                // The calling task writes this node's table when it runs, not the scope: see the module's text.
                // A caller that has gone away meanwhile wants no answer.
                Some(call) => drop(call.answer.send(answer)),
                None => sometimes!("late reply dropped"),
            },
            message => {
                let now = self.now();
                if let Some(scope) = self.scopes.get_mut(name) {
                    scope.on_peer_message(from, message, now, &mut self.local);
                }
            }
        }
        self.perform(name);
    }

    /// The wall clock, as coarse as it is.
    fn now(&self) -> u64 {
        let now = host::clock::unix_ns();
        now - now % self.clock_unit_ns
    }

    pub fn handle_call(&mut self, requester: NodeId, name: &ScopeName, call: Call) -> Answer {
        let answer = self.decide(requester, name, call);
        self.perform(name);
        answer
    }

    fn decide(&mut self, requester: NodeId, name: &ScopeName, call: Call) -> Answer {
        if let Call::Kill { pid } = call {
            self.local.processes.kill(pid);
            return Answer::Killed;
        }
        if let Call::Stop { pid } = call {
            if !self.local.processes.kill(pid) {
                return Answer::Refused(Refusal::NotAlive);
            }
            probe!("killed", pid.to_string());
            return Answer::Killed;
        }
        let now = self.now();
        match self.scopes.get_mut(name) {
            Some(scope) => scope.on_call(requester, call, now, &mut self.local),
            None => Answer::Refused(Refusal::NoSuchScope),
        }
    }

    /// A scope process crashes and is back at once: the node lives on, and with it its processes and other scopes.
    pub fn crash_scope(&mut self, name: &ScopeName) {
        sometimes!("scope crashed");
        self.begin_scope(name);
    }

    fn begin_scope(&mut self, name: &ScopeName) {
        let peers: Vec<NodeId> = self.links.peers().collect();
        if let Some(scope) = self.scopes.get_mut(name) {
            scope.on_crash(&peers, &mut self.local);
        }
        self.perform(name);
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

    /// Ends an event: what it wants to leave leaves, in the name of its scope, and the dead are seen to.
    pub fn perform(&mut self, name: &ScopeName) {
        self.links.send(name, &mut self.local.outgoing);
        for pid in self.local.given_up.drain(..) {
            if let Some(stops) = &self.stops {
                self.local.processes.give_up(pid);
                // The receiver ends with the node.
                let _ = stops.send(pid);
            }
        }
        for (pid, reason) in self.local.processes.take_trapped() {
            self.deliver(pid, reason);
        }
        for pid in self.local.processes.take_dead() {
            self.mailboxes.bury(pid);
            for (name, scope) in &mut self.scopes {
                if scope.rules.watches(pid) {
                    // The receiver ends with the node, and then nobody is left to be told.
                    drop(self.deaths.send((name.clone(), pid)));
                }
                scope.groups.on_process_down(pid, &mut self.local);
                self.links.send(name, &mut self.local.outgoing);
            }
        }
        self.tell_watchers();
    }

    pub fn tell_watchers(&mut self) {
        self.scopes.values_mut().for_each(Scope::tell_watchers);
    }
}

/// Waits a while, up to the given; not at all when that is zero.
pub(super) async fn lag(most: Duration) {
    if !most.is_zero() {
        let most_ns = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        host::time::sleep(Duration::from_nanos(host::entropy::u64() % most_ns)).await;
    }
}
