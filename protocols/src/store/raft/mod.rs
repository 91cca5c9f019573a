//! Consensus, behind a narrow face: [`Consensus`] proposes commands, says who leads, and makes sure of it.
//!
//! It is `openraft` 0.9, unmodified: somebody else's Raft, running on this testbed's network, disks and clocks as it
//! would on tokio's. What it needs of a runtime is in `runtime.rs`, its log and vote on [`wal`](crate::common::wal) in
//! `log.rs`, the replicated state in `state_machine.rs`, its messages in `network.rs`.
//!
//! Three things about 0.9.21 to know:
//!
//! * A replica that was leader and restarts would lead on in its old term, without an election, although it may have
//!   promised what it no longer remembers. Its own vote is therefore read back as *not committed*: it has to be
//!   elected.
//! * A deposed leader's replication task panics when the log was purged under it (`replication/mod.rs`, "called
//!   `Option::unwrap()` on a `None` value"). On tokio only that task would be lost, and it is of no use any more. The
//!   simulation would end the run; so `runtime.rs` lets exactly this panic pass, and counts it.
//! * Its random election timeouts come from `rand`'s thread generator, unless a runtime says otherwise. Ours does.

mod instant;
mod log;
mod members;
mod network;
mod runtime;
mod state_machine;

pub(super) use log::{LogStore, Owner};
pub(super) use members::{Change, NotChanged};
pub(super) use network::{Answer, Inbound, Network, UNASKED};
pub(super) use state_machine::Applied;

use super::member;
use super::message::{Command, Outcome};
use super::options::Options;
use host::probe;
use host::time::timeout;
use openraft::error::{CheckIsLeaderError, ClientWriteError, RaftError};
use openraft::{EmptyNode, Raft, ServerState, SnapshotPolicy};
use state_machine::StateMachine;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

openraft::declare_raft_types!(
    /// What the consensus is about.
    pub(super) Types:
        D = Command,
        R = Outcome,
        NodeId = u64,
        Node = EmptyNode,
        SnapshotData = Vec<u8>,
        AsyncRuntime = runtime::Runtime,
);

/// Why a command has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotDone {
    /// It was not proposed. Perhaps this one leads.
    NotLeader(Option<u64>),
    /// It may have been done, or be done yet, or never.
    Unknown,
}

/// A replica of the consensus, started.
#[derive(Clone)]
pub(super) struct Consensus {
    /// The member that it is.
    id: u64,
    raft: Raft<Types>,
    network: Network,
    patience: Duration,
    strict_reconfig_check: bool,
    /// Held by whoever changes the members.
    changing: Arc<Mutex<()>>,
}

impl Consensus {
    /// Starts member `id` of a store that began with so many replicas.
    pub async fn start(
        id: u64,
        replicas: u64,
        options: &Options,
        log: LogStore,
        applied: Arc<Applied>,
        network: Network,
    ) -> Result<Consensus, Box<dyn std::error::Error + Send + Sync>> {
        let millis = |time: Duration| time.as_millis() as u64;
        let config = openraft::Config {
            cluster_name: "store".to_owned(),
            heartbeat_interval: millis(options.heartbeat),
            election_timeout_min: millis(options.election),
            election_timeout_max: millis(options.election) * 2,
            install_snapshot_timeout: millis(options.election) * 4,
            max_payload_entries: 64,
            replication_lag_threshold: options.snapshot_entries,
            snapshot_policy: SnapshotPolicy::LogsSinceLast(options.snapshot_entries),
            max_in_snapshot_log_to_keep: options.snapshot_entries / 2,
            ..openraft::Config::default()
        };
        let config = Arc::new(config.validate()?);
        let machine = StateMachine::new(log.clone(), applied);
        let raft = Raft::new(id, config, network.clone(), log, machine).await?;
        // Who is added later is told who the members are.
        if member::generation(id) == 0 && !raft.is_initialized().await? {
            // Every replica begins with the same members, so that it does not matter who is first.
            let members: BTreeMap<u64, EmptyNode> = (1..=replicas).map(|id| (id, EmptyNode {})).collect();
            raft.initialize(members).await?;
        }
        Ok(Consensus {
            id,
            raft,
            network,
            patience: options.patience(),
            strict_reconfig_check: options.strict_reconfig_check,
            changing: Arc::default(),
        })
    }

    /// Has a command replicated and applied.
    pub async fn propose(&self, command: Command) -> Result<Outcome, NotDone> {
        match timeout(self.patience, self.raft.client_write(command)).await {
            Ok(Ok(written)) => Ok(written.data),
            Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(leader)))) => {
                Err(NotDone::NotLeader(leader.leader_id.map(member::replica)))
            }
            Ok(Err(_)) | Err(_) => Err(NotDone::Unknown),
        }
    }

    /// Makes sure that this replica leads, and has applied all that was acknowledged before the call.
    pub async fn make_sure(&self) -> Result<(), NotDone> {
        match timeout(self.patience, self.raft.ensure_linearizable()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(RaftError::APIError(CheckIsLeaderError::ForwardToLeader(leader)))) => {
                Err(NotDone::NotLeader(leader.leader_id.map(member::replica)))
            }
            Ok(Err(_)) | Err(_) => Err(NotDone::NotLeader(None)),
        }
    }

    /// The term in which this replica leads, as far as it knows.
    pub fn leads(&self) -> Option<u64> {
        let metrics = self.raft.metrics().borrow().clone();
        (metrics.state == ServerState::Leader).then_some(metrics.current_term)
    }

    /// Who leads, as far as this replica knows.
    pub fn leader(&self) -> Option<u64> {
        self.raft.metrics().borrow().current_leader.map(member::replica)
    }

    /// Publishes what this replica is by a probe of this name, whenever that changes, for as long as it is polled.
    pub async fn publish(self, name: &'static str) {
        let mut metrics = self.raft.metrics();
        let mut last = None;
        loop {
            let (state, term) = {
                let metrics = metrics.borrow();
                (metrics.state, metrics.current_term)
            };
            if last != Some((state, term)) {
                last = Some((state, term));
                probe!(name, format!("{state:?}").to_lowercase(), term);
            }
            if metrics.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until the consensus has ended, because its log failed. Returns why.
    pub async fn ended(&self) -> String {
        let mut metrics = self.raft.metrics();
        loop {
            if let Err(fatal) = &metrics.borrow().running_state {
                return fatal.to_string();
            }
            if metrics.changed().await.is_err() {
                return "the consensus is gone".to_owned();
            }
        }
    }

    /// Ends it.
    pub async fn stop(&self) {
        // A core that waits for its disk does not hear it. It ends with the node.
        let _ = timeout(Duration::from_secs(1), self.raft.shutdown()).await;
    }

    /// A message of another replica.
    pub async fn handle(&self, message: Inbound) -> Answer {
        network::handle(&self.raft, message).await
    }
}
