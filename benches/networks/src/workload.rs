//! What is run.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::AddAssign;
use std::time::Duration;

/// A system and what befalls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// What runs on the nodes.
    pub system: System,
    /// What befalls them.
    pub fault: Fault,
}

/// A protocol of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Names of processes, replicated without a leader.
    Registry,
    /// Accounts at branches, with a log on disk.
    Bank,
    /// Keys and values, by Raft.
    Store,
}

/// What every peer can do to a node, from [`FAULT_BEGINS`] to [`FAULT_ENDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    Quiet,
    /// The first node and the others do not reach each other. Clients reach all.
    Partition,
    /// The process of the first node dies, and starts again.
    Crash,
}

impl Workload {
    /// Everything that is measured, in the order of the report.
    pub fn all() -> impl Iterator<Item = Workload> {
        let systems = [System::Registry, System::Bank, System::Store];
        let faults = [Fault::Quiet, Fault::Partition, Fault::Crash];
        systems.into_iter().flat_map(move |system| faults.map(|fault| Workload { system, fault }))
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = match self.system {
            System::Registry => "registry",
            System::Bank => "bank",
            System::Store => "store",
        };
        let fault = match self.fault {
            Fault::Quiet => "quiet",
            Fault::Partition => "partition",
            Fault::Crash => "crash",
        };
        write!(f, "{system}, {fault}")
    }
}

/// What clients were told: by it one sees that the peers have done the same work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Operations that were answered.
    pub answered: u64,
    /// Operations that were not, or came too late.
    pub unanswered: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.answered += other.answered;
        self.unanswered += other.unanswered;
    }
}

/// Nodes n1, n2, …
pub const NODES: u16 = 3;

/// Clients, each on a machine of its own.
pub const CLIENTS: u16 = 4;

/// How long clients work, and so a run lasts.
pub const LASTS: Duration = Duration::from_secs(20);

/// When the fault begins.
pub const FAULT_BEGINS: Duration = Duration::from_secs(3);

/// When it ends.
pub const FAULT_ENDS: Duration = Duration::from_secs(11);

/// The least one-way latency of every link.
pub const LATENCY_MIN: Duration = Duration::from_millis(1);

/// The greatest one-way latency of every link.
pub const LATENCY_MAX: Duration = Duration::from_millis(10);

/// Where node `n` listens, from 1.
pub fn node_address(n: u16) -> SocketAddr {
    (Ipv4Addr::new(192, 168, 1, n as u8), PORT).into()
}

/// Where all nodes listen, in order of their numbers.
pub fn node_addresses() -> Vec<SocketAddr> {
    (1..=NODES).map(node_address).collect()
}

/// The machine of client `id`, from 1.
pub fn client_ip(id: u16) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 2, id as u8)
}

const PORT: u16 = 7000;
