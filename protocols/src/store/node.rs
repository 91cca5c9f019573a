//! A replica around the consensus: its lives, its connections, its lease clock.
//!
//! A replica whose disk fails is *crash-only*: it ends this life and begins the next from what its log says. So does one
//! that is removed, or added again: between the two it is nobody (`outside.rs`). `node/requests.rs` has what clients ask.

mod requests;

use super::client::{Client, ClientError};
use super::connection;
use super::latest::Latest;
use super::lessor::Lessor;
use super::member;
use super::message::{Command, Hello, LeaseId};
use super::options::{Config, Flaw};
use super::outside;
use super::raft::{Answer, Applied, Consensus, Inbound, LogStore, Network, NotDone, Owner, UNASKED};
use super::rules::Machine;
use super::view::View;
use crate::common::Tasks;
use crate::common::transport::{self, FrameReader, Outbox, ReadError};
use crate::common::wal::{self, OpenError};
use host::disk::Disk;
use host::net::{OwnedWriteHalf, TcpListener, TcpStream};
use host::sometimes;
use host::time::{Instant, sleep};
use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// How often leases are looked at.
const LEASE_LOOK: Duration = Duration::from_millis(100);
/// A leader that was removed stays for so long, so that others hear of it: etcd's `stopWithDelay`.
const LINGERS: Duration = Duration::from_secs(1);

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
            // Whose the log is has changed.
            End::HandedOver => continue,
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
    /// The member was removed, or the replica is another now.
    HandedOver,
}

/// Why a member is one no more.
enum Leaves {
    Failed(Box<dyn Error + Send + Sync>),
    For(Owner),
}

/// From the opening of the log until it fails, or is another's.
async fn life(
    listener: &TcpListener,
    config: &Config,
    disk: &Disk,
    malformed_frames: &Arc<AtomicU64>,
) -> End {
    let options = &config.options;
    let sizes = wal::Options { patience: options.disk_timeout, ..wal::Options::default() };
    let (log, writer) = match LogStore::open(config.id, disk, sizes).await {
        Ok(opened) => opened,
        Err(error) => return End::Opening(error),
    };
    let (started, mut tasks) = (OnceLock::new(), Tasks::default());
    // From here on Raft may wait for its log: it must be written meanwhile.
    let mut committing = Box::pin(log.clone().commit(writer, options.compact_bytes));
    let living = async {
        match log.owner() {
            Owner::Nobody(last) => {
                Leaves::For(outside::wait(listener, config, last, malformed_frames, &mut tasks).await)
            }
            Owner::First | Owner::Member(_) => {
                live(listener, config, log.clone(), malformed_frames, &started, &mut tasks).await
            }
        }
    };
    let leaves = tokio::select! {
        biased;
        error = &mut committing => Leaves::Failed(error.into()),
        leaves = living => leaves,
    };
    let stop = async {
        if let Some(consensus) = started.get() {
            consensus.stop().await;
        }
    };
    let owner = match leaves {
        Leaves::Failed(error) => {
            drop(committing);
            stop.await;
            return End::Failed(error);
        }
        Leaves::For(owner) => owner,
    };
    match owner {
        Owner::Nobody(_) => sometimes!("a member is removed"),
        Owner::First | Owner::Member(_) => sometimes!("a member begins anew"),
    }
    drop(tasks);
    let handing_over = async {
        stop.await;
        log.hand_over(owner).await
    };
    tokio::select! {
        biased;
        error = committing => End::Failed(error.into()),
        handed_over = handing_over => match handed_over {
            Ok(()) => End::HandedOver,
            Err(error) => End::Failed(error.into()),
        },
    }
}

/// A member, until it is one no more.
async fn live(
    listener: &TcpListener,
    config: &Config,
    log: LogStore,
    malformed_frames: &Arc<AtomicU64>,
    started: &OnceLock<Consensus>,
    tasks: &mut Tasks,
) -> Leaves {
    let (options, id) = (&config.options, log.owner().member(config.id));
    let network = Network::new(id, &config.replicas, options.redial);
    for dialer in network.dialers() {
        tasks.spawn(dialer);
    }
    let applied = Arc::new(Applied::new(options.events_kept));
    let replicas = config.replicas.len() as u64;
    let consensus =
        match Consensus::start(id, replicas, options, log, Arc::clone(&applied), network.clone()).await {
            Ok(consensus) => consensus,
            Err(error) => return Leaves::Failed(error),
        };
    let consensus = started.get_or_init(|| consensus).clone();
    let node = Arc::new(Node {
        config: config.clone(),
        id,
        consensus,
        applied,
        lessor: Mutex::new(Lessor::new(options.election, options.flaw)),
        malformed_frames: Arc::clone(malformed_frames),
        wanted: Latest::new(id),
    });
    host::view::register({
        let node = Arc::clone(&node);
        move || node.view()
    });
    tasks.spawn(Arc::clone(&node).count_leases());
    tasks.spawn(node.consensus.clone().publish(config.says));
    let greet = |stream| Arc::clone(&node).greet(stream);
    let leaves = tokio::select! {
        biased;
        why = node.consensus.ended() => Leaves::Failed(why.into()),
        owner = node.leaves(&network) => Leaves::For(owner),
        never = node.forget(&network) => match never {},
        never = connection::accept(listener, config, tasks, greet) => match never {},
    };
    network.close(|_| true);
    leaves
}

/// A replica as its tasks share it.
struct Node {
    config: Config,
    /// The member that it is.
    id: u64,
    consensus: Consensus,
    applied: Arc<Applied>,
    lessor: Mutex<Lessor>,
    malformed_frames: Arc<AtomicU64>,
    /// The latest member that another takes this replica for.
    wanted: Latest<u64>,
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
        let (voters, voters_since) = self.applied.voters();
        View {
            id: self.config.id,
            member: self.id,
            voters,
            voters_since,
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
        let serve = |hello, frames, half| self.serve(hello, frames, half);
        connection::greet(stream, &self.config, &self.malformed_frames, serve).await;
    }

    async fn serve(
        self: &Arc<Self>,
        hello: Hello,
        frames: FrameReader,
        half: OwnedWriteHalf,
    ) -> Result<(), ReadError> {
        // Both are large, and a task is moved several times before it runs.
        match hello {
            Hello::Replica(from) => Box::pin(self.serve_member(from, self.config.id, frames, half)).await,
            Hello::Member { from, to } => Box::pin(self.serve_member(from, to, frames, half)).await,
            Hello::Client => Box::pin(self.serve_client(frames, half)).await,
        }
    }

    /// Another member. Who is gone is told so; whoever wants to speak to another member than this one is not heard, and
    /// if that is a later one, then this replica becomes it.
    async fn serve_member(
        self: &Arc<Self>,
        from: u64,
        to: u64,
        frames: FrameReader,
        mut half: OwnedWriteHalf,
    ) -> Result<(), ReadError> {
        if self.applied.is_gone(from) {
            return Ok(transport::write_now(&mut half, &(UNASKED, Answer::Gone), &mut Vec::new()).await?);
        }
        if to == self.id {
            return self.serve_replica(from, frames, half).await;
        }
        if member::replica(to) == self.config.id {
            self.wanted.raise(to);
        }
        Ok(())
    }

    /// Raft's messages are answered as they are done, in any order.
    async fn serve_replica(
        self: &Arc<Self>,
        from: u64,
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
        let telling = async {
            self.applied.until_gone(from).await;
            let mut frame = Vec::new();
            if transport::encode(&(UNASKED, Answer::Gone), &mut frame).is_ok() {
                outbox.push(&frame);
            }
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            biased;
            ended = reading => ended,
            written = outbox.drain_into(&mut half) => Ok(written?),
            never = telling => match never {},
        }
    }

    /// Waits until this member is gone, or the replica is another. Returns whose its log is then.
    async fn leaves(&self, network: &Network) -> Owner {
        let removed = async {
            let knows = async {
                self.applied.until_gone(self.id).await;
                sleep(LINGERS).await;
            };
            tokio::select! {
                biased;
                () = knows => {}
                () = network.gone() => {}
            }
            if self.leads_on() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            later = self.wanted.until(|wanted| wanted > self.id) => Owner::Member(later),
            () = removed => Owner::Nobody(self.id),
        }
    }

    /// Ends the connections to members that are gone.
    async fn forget(&self, network: &Network) -> Infallible {
        let mut last = 0;
        loop {
            last = self.applied.until_changed(last).await;
            network.close(|member| self.applied.is_gone(member));
        }
    }

    /// Whether it was removed when it led, and acts as if it were not. Only a leader applies that it was removed.
    fn leads_on(&self) -> bool {
        self.flaw() == Some(Flaw::RemovedLeaderLeads) && self.applied.is_gone(self.id)
    }

    /// Ends what has ended, as long as this replica leads.
    async fn count_leases(self: Arc<Self>) {
        loop {
            sleep(LEASE_LOOK).await;
            if self.consensus.has_unfinished_change() {
                let consensus = self.consensus.clone();
                tokio::spawn(async move { consensus.finish_change().await });
            }
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
