//! Who asks: the other daemons, of a node's shared memory and of its database; and whoever runs `repmgr cluster show`.

use super::message::{Ask, Event, Told};
use super::options::Config;
use super::rules::is_up;
use super::table;
use crate::common::transport::{self, FrameReader};
use crate::database::{Role, Status, Supervisor};
use host::net::TcpStream;
use host::time::timeout;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// What is in a node's shared memory; none if it does not answer in time.
pub(super) async fn memory(address: SocketAddr, within: Duration) -> Option<Told> {
    tell(address, Ask::State, within).await
}

/// Tells a node's daemon whom to follow. Whether it was told.
pub(super) async fn tell_to_follow(address: SocketAddr, node: u32, within: Duration) -> bool {
    tell(address, Ask::Follow(node), within).await.is_some()
}

/// An operator's `repmgr service pause` and `unpause`.
#[derive(Debug)]
pub struct Operator {
    nodes: BTreeMap<u32, SocketAddr>,
    within: Duration,
}

/// Nodes that were not told; the others were.
#[derive(Debug, thiserror::Error)]
#[error("these were not told: {0:?}")]
pub struct NotTold(pub Vec<u32>);

impl Operator {
    /// Of all nodes of a configuration.
    pub fn new(config: &Config) -> Operator {
        let nodes = config.nodes.iter().map(|(id, node)| (*id, node.memory)).collect();
        Operator { nodes, within: config.options.connect_timeout }
    }

    /// Tells each daemon, one after the other, to fail nothing over, or to do so again.
    ///
    /// # Errors
    ///
    /// Names those that do not answer.
    pub async fn pause(&self, paused: bool) -> Result<(), NotTold> {
        let mut not_told = Vec::new();
        for (id, memory) in &self.nodes {
            if tell(*memory, Ask::Pause(paused), self.within).await.is_none() {
                not_told.push(*id);
            }
        }
        if not_told.is_empty() { Ok(()) } else { Err(NotTold(not_told)) }
    }
}

async fn tell(address: SocketAddr, ask: Ask, within: Duration) -> Option<Told> {
    let asking = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (read, mut half) = stream.into_split();
        transport::write_now(&mut half, &ask, &mut Vec::new()).await?;
        FrameReader::new(read).next().await.map_err(io::Error::other)
    };
    timeout(within, asking).await.ok()?.ok()
}

/// What a database says to a new connection, if it runs and answers in time.
pub(super) async fn ping(database: SocketAddr, connect_timeout: Duration) -> Option<Status> {
    let status = Supervisor::new(database).patience(connect_timeout).status().await.ok();
    status.filter(is_up)
}

/// A row of what `repmgr cluster show` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The node.
    pub node: u32,
    /// What its database says that it is; none if it does not answer.
    pub role: Option<Role>,
}

/// `repmgr cluster show`: the nodes in the table of this node's database, each asked what it is, one after the other.
/// None if this node's database does not answer.
pub async fn cluster_show(config: &Config) -> Option<Vec<Shown>> {
    let within = config.options.connect_timeout;
    let nodes = table::read(config.own().database?, within).await?;
    let mut shown = Vec::new();
    for node in nodes.0.into_keys() {
        if let Some(database) = config.nodes.get(&node).and_then(|known| known.database) {
            shown.push(Shown { node, role: ping(database, within).await.map(|status| status.role) });
        }
    }
    Some(shown)
}

/// The latest successful promotion of which a node's database knows; none if there was none, or it does not answer.
pub async fn latest_promotion(config: &Config, node: u32) -> Option<Event> {
    let database = config.nodes.get(&node)?.database?;
    table::read_events(database, config.options.connect_timeout).await?.latest()
}
