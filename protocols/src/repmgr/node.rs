//! The daemon: one future, which monitors, waits and acts in turn, as repmgrd's one thread does.

mod failover;
mod folder;
mod memory;
mod monitor;
mod promote;
mod service;

use super::client::{self, ping};
use super::message::Told;
use super::options::{Config, Node};
use super::table;
use crate::common::Tasks;
use crate::database::{Role, Status};
use folder::Folders;
use host::disk::Disk;
use host::sometimes;
use host::time::{Instant, sleep};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

pub use memory::{Memory, memory};
pub use service::service;

/// A daemon that ends, as one does that does not reach its upstream when it begins, is started again after so long.
const STARTED_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// So often a daemon that waits looks whether it was told anything.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Runs a daemon until the future is dropped. Its node's [`Memory`] is what others read of it.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`).
pub async fn run(config: Config, memory: Memory, disk: Disk) -> io::Result<()> {
    config.validate()?;
    let database = config.own().database;
    let _runs = memory.runs();
    loop {
        let mut daemon = Daemon {
            config: &config,
            memory: &memory,
            folders: Folders(disk.clone()),
            upstream: None,
            degraded_since: None,
            notifications: Tasks::default(),
        };
        match database {
            Some(database) => daemon.monitors(database).await,
            None => daemon.witnesses().await,
        }
        sleep(STARTED_AGAIN_AFTER).await;
        sometimes!("a daemon is started again");
    }
}

/// A daemon, from its start to its end.
struct Daemon<'a> {
    config: &'a Config,
    memory: &'a Memory,
    folders: Folders,
    /// Whom it monitors.
    upstream: Option<u32>,
    /// Since when it only waits: for its upstream, or for another primary.
    degraded_since: Option<Instant>,
    /// What its script has left behind to tell applications.
    notifications: Tasks,
}

impl Daemon<'_> {
    fn node(&self, id: u32) -> Option<&Node> {
        self.config.nodes.get(&id)
    }

    /// What a database says to a new connection, if it runs.
    async fn ping(&self, database: SocketAddr) -> Option<Status> {
        ping(database, self.config.options.connect_timeout).await
    }

    /// The same of a node's.
    async fn ping_node(&self, id: u32) -> Option<Status> {
        self.ping(self.node(id)?.database?).await
    }

    /// What is in a node's shared memory.
    async fn told(&self, id: u32) -> Option<Told> {
        client::memory(self.node(id)?.memory, self.config.options.connect_timeout).await
    }

    /// The first node whose database is a primary, of those given.
    async fn primary_among(&self, nodes: impl IntoIterator<Item = u32>) -> Option<u32> {
        for id in nodes {
            if self.ping_node(id).await.is_some_and(|status| status.role == Role::Primary) {
                return Some(id);
            }
        }
        None
    }
}
