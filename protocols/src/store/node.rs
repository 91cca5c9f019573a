//! A replica around the consensus: its lives, its connections, its lease clock.
//!
//! A replica whose disk fails is *crash-only*: it ends this life and begins the next from what its log says.

use super::client::{Client, ClientError};
use super::lessor::Lessor;
use super::message::{Command, Hello, LeaseId, Outcome, Reply, Request};
use super::options::{Config, Flaw};
use super::raft::{Applied, Consensus, Inbound, LogStore, Network, NotDone};
use super::rules::Machine;
use super::view::View;
use super::watch;
use crate::common::Tasks;
use crate::common::transport::{self, FrameReader, Outbox, ReadError};
use crate::common::wal::{self, OpenError};
use host::disk::Disk;
use host::net::{OwnedWriteHalf, TcpListener, TcpStream};
use host::sometimes;
use host::time::{Instant, sleep, timeout};
use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// How often leases are looked at.
const LEASE_LOOK: Duration = Duration::from_millis(100);

/// Runs a replica until the future is dropped; all its tasks end with it.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`), the address cannot be bound, or the log is corrupt
/// (`InvalidData`): a replica that has forgotten what it promised must not vote.
pub async fn run(config: Config, disk: Disk) -> io::Result<()> {
    config.validate()?;
    let listener = TcpListener::bind(config.replicas[config.id as usize - 1]).await?;
    serve(listener, config, disk).await
}

/// Runs a replica on a listener that is already bound.
///
/// # Errors
///
/// As [`run`].
pub async fn serve(listener: TcpListener, config: Config, disk: Disk) -> io::Result<()> {
    config.validate()?;
    let malformed_frames = Arc::new(AtomicU64::new(0));
    loop {
        let error = match life(&listener, &config, &disk, &malformed_frames).await {
            End::Opening(error @ OpenError::Io { .. }) => error.into(),
            End::Opening(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            End::Failed(error) => error,
        };
        sometimes!("replica begins anew");
        tracing::warn!(replica = config.id, %error, "begins anew");
        sleep(config.options.redial).await;
    }
}

/// Why a life of a replica ended.
enum End {
    Opening(OpenError),
    Failed(Box<dyn Error + Send + Sync>),
}

/// From the opening of the log until it fails.
async fn life(
    listener: &TcpListener,
    config: &Config,
    disk: &Disk,
    malformed_frames: &Arc<AtomicU64>,
) -> End {
    let (id, options) = (config.id, &config.options);
    let sizes = wal::Options { patience: options.disk_timeout, ..wal::Options::default() };
    let (log, writer) = match LogStore::open(id, disk, sizes).await {
        Ok(opened) => opened,
        Err(error) => return End::Opening(error),
    };
    let mut tasks = Tasks::default();
    let network = Network::new(id, &config.replicas);
    for dialer in network.dialers(id, options.redial) {
        tasks.spawn(dialer);
    }
    let applied = Arc::new(Applied::new(options.events_kept));
    // From here on Raft may wait for its log: it must be written meanwhile.
    let committing = log.clone().commit(writer, options.compact_bytes);
    let replicas = config.replicas.len() as u64;
    let started = OnceLock::new();
    let living = async {
        let consensus =
            match Consensus::start(id, replicas, options, log, Arc::clone(&applied), network).await {
                Ok(consensus) => consensus,
                Err(error) => return error,
            };
        let consensus = started.get_or_init(|| consensus).clone();
        let node = Arc::new(Node {
            config: config.clone(),
            consensus,
            applied,
            lessor: Mutex::new(Lessor::new(options.election, options.flaw)),
            malformed_frames: Arc::clone(malformed_frames),
        });
        host::view::register({
            let node = Arc::clone(&node);
            move || node.view()
        });
        tasks.spawn(Arc::clone(&node).count_leases());
        tasks.spawn(node.consensus.clone().publish(config.says));
        tokio::select! {
            biased;
            why = node.consensus.ended() => why.into(),
            never = accept(listener, &node, &mut tasks) => match never {},
        }
    };
    let error = tokio::select! {
        biased;
        error = committing => error.into(),
        error = living => error,
    };
    if let Some(consensus) = started.get() {
        consensus.stop().await;
    }
    End::Failed(error)
}

async fn accept(listener: &TcpListener, node: &Arc<Node>, tasks: &mut Tasks) -> std::convert::Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => tasks.spawn(Arc::clone(node).greet(stream)),
            Err(error) => {
                // One connection failed, or the system is short of something: the replica lives on.
                tracing::debug!(replica = node.config.id, %error, "accept failed");
                sleep(node.config.options.redial).await;
            }
        }
    }
}

/// A replica as its tasks share it.
struct Node {
    config: Config,
    consensus: Consensus,
    applied: Arc<Applied>,
    lessor: Mutex<Lessor>,
    malformed_frames: Arc<AtomicU64>,
}

impl Drop for Node {
    fn drop(&mut self) {
        tracing::debug!(replica = self.config.id, "ends");
    }
}

impl Node {
    fn view(&self) -> View {
        let (lessor, now) = (self.lock(), Instant::now());
        let (revision, digest, leases, leased) = self.applied.read(|machine| {
            let leases = machine.leases().map(|(id, ttl_ms)| (id, lessor.view(id, ttl_ms, now)));
            let leased = machine.leased().map(|(key, lease)| (key.to_owned(), lease));
            (machine.revision(), machine.digest(), leases.collect(), leased.collect())
        });
        View {
            id: self.config.id,
            leader: self.consensus.leader(),
            leads: self.consensus.leads(),
            applied: self.applied.index(),
            revision,
            digest,
            leases,
            leased,
            malformed_frames: self.malformed_frames.load(Ordering::Relaxed),
        }
    }

    /// A connection came in: another replica, or a client.
    async fn greet(self: Arc<Self>, stream: TcpStream) {
        // Without it answers wait for acknowledgements. Who has hung up already is found out below.
        let _ = stream.set_nodelay(true);
        let (read, half) = stream.into_split();
        let mut frames = FrameReader::new(read);
        let served = match timeout(self.config.options.request_timeout, frames.next()).await {
            // Both are large, and a task is moved several times before it runs.
            Ok(Ok(Hello::Replica(_))) => Box::pin(self.serve_replica(frames, half)).await,
            Ok(Ok(Hello::Client)) => Box::pin(self.serve_client(frames, half)).await,
            Ok(Err(error)) => Err(error),
            // Who does not even say hello is no loss.
            Err(_) => Ok(()),
        };
        if let Err(ReadError::Malformed) = served {
            sometimes!("malformed frame dropped");
            self.malformed_frames.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Raft's messages are answered as they are done, in any order.
    async fn serve_replica(
        self: &Arc<Self>,
        mut frames: FrameReader,
        mut half: OwnedWriteHalf,
    ) -> Result<(), ReadError> {
        let outbox = Arc::new(Outbox::default());
        let mut tasks = Tasks::default();
        let reading = async {
            loop {
                let message: Inbound = frames.next().await?;
                let (node, outbox) = (Arc::clone(self), Arc::clone(&outbox));
                tasks.spawn(async move {
                    let tag = message.tag;
                    let answer = Box::pin(node.consensus.handle(message)).await;
                    let mut frame = Vec::new();
                    if transport::encode(&(tag, answer), &mut frame).is_ok() {
                        outbox.push(&frame);
                    }
                });
            }
        };
        tokio::select! {
            biased;
            ended = reading => ended,
            written = outbox.drain_into(&mut half) => Ok(written?),
        }
    }

    async fn serve_client(&self, mut frames: FrameReader, mut half: OwnedWriteHalf) -> Result<(), ReadError> {
        let mut scratch = Vec::new();
        loop {
            let request: Request = frames.next().await?;
            if let Request::Watch { key, prefix, from } = request {
                return Ok(watch::serve(&self.applied, &key, prefix, from, &mut half).await?);
            }
            let reply = match request.check(self.config.options.lease_min.as_millis() as u64) {
                Ok(()) => self.answer(request).await,
                Err(refusal) => Reply::Refused(refusal),
            };
            transport::write_now(&mut half, &reply, &mut scratch).await?;
        }
    }

    async fn answer(&self, request: Request) -> Reply {
        match request {
            Request::Txn(txn) => self.propose(Command::Txn(txn)).await,
            Request::Grant { ttl_ms } => {
                let lease = LeaseId(host::entropy::u64());
                match self.propose(Command::Grant { lease, ttl_ms }).await {
                    Reply::Done => Reply::Granted { lease },
                    other => other,
                }
            }
            Request::Revoke { lease } => self.propose(Command::Revoke { lease }).await,
            Request::Read { key, prefix } => match self.consensus.make_sure().await {
                Ok(()) => self.applied.read(|machine| Reply::Read {
                    revision: machine.revision(),
                    pairs: machine.get(&key, prefix),
                }),
                Err(not_done) => reply(not_done),
            },
            Request::KeepAlive { lease } => self.renew(lease).await,
            Request::Watch { .. } => unreachable!("a watch takes its connection"),
        }
    }

    async fn propose(&self, command: Command) -> Reply {
        match self.consensus.propose(command).await {
            Ok(Outcome::Txn(txn)) => Reply::Txn(txn),
            Ok(Outcome::Done | Outcome::Nothing) => Reply::Done,
            Ok(Outcome::Refused(refusal)) => Reply::Refused(refusal),
            Err(not_done) => reply(not_done),
        }
    }

    /// The order matters: see `lessor.rs`.
    async fn renew(&self, lease: LeaseId) -> Reply {
        let gone = Reply::Refused(super::Refusal::NoSuchLease);
        if self.consensus.leads().is_none() {
            return Reply::NotLeader(self.consensus.leader());
        }
        let asked = Instant::now();
        let renewed = match self.applied.read(|machine| machine.lease_ttl_ms(lease)) {
            Some(ttl_ms) => self.refresh_leases().renew(lease, ttl_ms, asked),
            // A new leader may not have applied it yet.
            None => true,
        };
        // That a lease is about to end, too, only a leader knows: it may live on under another.
        if self.flaw() != Some(Flaw::UnsureRenewal)
            && let Err(not_done) = self.consensus.make_sure().await
        {
            return reply(not_done);
        }
        match self.applied.read(|machine| machine.lease_ttl_ms(lease)) {
            Some(ttl_ms) if renewed => {
                self.lock().tell(lease, ttl_ms, asked);
                sometimes!("lease renewed");
                Reply::Alive { ttl_ms }
            }
            Some(_) | None => gone,
        }
    }

    /// Ends what has ended, as long as this replica leads.
    async fn count_leases(self: Arc<Self>) {
        loop {
            sleep(LEASE_LOOK).await;
            let ended = self.refresh_leases().take_ended(Instant::now());
            for lease in ended {
                sometimes!("lease expired");
                let node = Arc::clone(&self);
                tokio::spawn(async move {
                    if !node.end(lease).await {
                        node.lock().not_ended(lease);
                    }
                });
            }
        }
    }

    /// Has a lease ended. False if it may not have.
    async fn end(&self, lease: LeaseId) -> bool {
        match self.consensus.propose(Command::Revoke { lease }).await {
            Ok(_) => true,
            // Followers of etcd's pass on what is proposed to them.
            Err(NotDone::NotLeader(Some(_))) if self.flaw() == Some(Flaw::DeposedEndsLeases) => {
                let ended = Client::new(self.config.replicas.clone()).revoke(lease).await;
                matches!(ended, Ok(()) | Err(ClientError::Refused(_)))
            }
            Err(_) => false,
        }
    }

    fn flaw(&self) -> Option<Flaw> {
        self.config.options.flaw
    }

    fn refresh_leases(&self) -> MutexGuard<'_, Lessor> {
        let term = self.consensus.leads();
        // Who does not lead counts nothing.
        let leases: Vec<(LeaseId, u64)> = match term {
            Some(_) => self.applied.read(|machine: &Machine| machine.leases().collect()),
            None => Vec::new(),
        };
        let mut lessor = self.lock();
        lessor.refresh(term, leases.iter().copied(), Instant::now());
        lessor
    }

    fn lock(&self) -> MutexGuard<'_, Lessor> {
        self.lessor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reply(not_done: NotDone) -> Reply {
    match not_done {
        NotDone::NotLeader(leader) => Reply::NotLeader(leader),
        NotDone::Unknown => Reply::Unknown,
    }
}
