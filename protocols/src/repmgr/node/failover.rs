//! What a daemon does once its primary is given up: it holds its election, and promotes its database, follows another
//! or waits.

use super::{Daemon, LOOKS_EVERY, table};
use crate::database::{Lsn, Repair, Replication, Role, Status, Supervisor};
use crate::repmgr::client;
use crate::repmgr::message::{Kind, Nodes};
use crate::repmgr::rules::can_follow;
use crate::repmgr::rules::election::{self, Election, Own, Said, Sibling, Upstream};
use crate::repmgr::rules::service::Folder;
use host::probe;
use host::sometimes;
use host::time::{Instant, sleep};
use std::net::SocketAddr;
use std::time::Duration;

impl Daemon<'_> {
    /// Its primary is given up. Whether it has another one, or is one, so that it begins anew.
    pub(super) async fn fails_over(&mut self, database: SocketAddr, upstream: u32) -> bool {
        let within = self.config.options.connect_timeout;
        let disconnects = self.config.options.standby_disconnect_on_failover;
        if disconnects {
            self.disconnects(database, upstream).await;
        }
        let nodes = table::read(database, within).await;
        let elected = self.elects(database, upstream, nodes.as_ref()).await;
        if disconnects && let Some(address) = self.node(upstream).and_then(|node| node.database) {
            // Its receiver may dial again; whether it does is another matter.
            let _ = Supervisor::new(database).follow(Some(address), Repair::No).await;
        }
        match elected {
            Election::Won => self.promotes_itself(database, upstream).await,
            Election::Follow(primary) => self.follows(database, primary).await,
            Election::Cancelled(why) => {
                probe!("election cancelled", why);
                self.degrades();
                self.memory.forgets_whom_to_follow();
                false
            }
            Election::Lost | Election::NotCandidate => match self.waits_to_be_told().await {
                Some(primary) if primary == upstream => true,
                Some(primary) => self.follows(database, primary).await,
                None => false,
            },
        }
    }

    pub(super) fn degrades(&mut self) {
        sometimes!("a daemon waits in degraded state");
        self.degraded_since = Some(Instant::now());
    }

    /// Stops streaming, and waits until its siblings have.
    async fn disconnects(&self, database: SocketAddr, upstream: u32) {
        let options = &self.config.options;
        let _ = Supervisor::new(database).follow(None, Repair::No).await;
        let nodes = table::read(database, options.connect_timeout).await.unwrap_or_default();
        let began = Instant::now();
        loop {
            let mut streams = false;
            for sibling in nodes.siblings(self.config.id, upstream) {
                let status = self.ping_node(sibling).await;
                streams |= status.is_some_and(|status| status.replication == Replication::Streaming);
            }
            if !streams || began.elapsed() >= options.sibling_nodes_disconnect_timeout {
                return;
            }
            sleep(LOOKS_EVERY).await;
        }
    }

    /// Asks its siblings, one after the other, and counts.
    async fn elects(&self, database: SocketAddr, upstream: u32, nodes: Option<&Nodes>) -> Election {
        let (Some(nodes), Some(status)) = (nodes, self.ping(database).await) else {
            return Election::NotCandidate;
        };
        let (Some(primary), node) = (self.node(upstream), self.config.own()) else {
            return Election::NotCandidate;
        };
        let mut siblings = Vec::new();
        for id in nodes.siblings(self.config.id, upstream) {
            let Some(node) = self.node(id) else { continue };
            let said = self.asks(id, &status).await;
            let (priority, location, is_witness) = (node.priority, &*node.location, node.database.is_none());
            siblings.push(Sibling { id, priority, location, is_witness, said });
        }
        let own = Own {
            id: self.config.id,
            priority: node.priority,
            location: &node.location,
            received: status.durable,
        };
        let upstream = Upstream { id: upstream, location: &primary.location };
        let seen = siblings.iter().filter(|sibling| sibling.said.is_some()).count();
        let elected = election::elect(&own, upstream, &siblings, &self.config.options);
        probe!("election", name(elected), 1 + seen as u64, 1 + siblings.len() as u64);
        if elected == Election::Won
            && let Some(ago) = election::last_sight(upstream, &siblings)
        {
            if ago < election::sight(&self.config.options) {
                sometimes!("a standby wins while another node sees the primary");
            }
            probe!("takes over", upstream.id, ago.as_millis() as u64);
        }
        elected
    }

    /// What a sibling says; none if it cannot be reached.
    async fn asks(&self, id: u32, own: &Status) -> Option<Said> {
        let is_witness = self.node(id)?.database.is_none();
        let status = if is_witness { None } else { Some(self.ping_node(id).await?) };
        let told = self.told(id).await;
        if is_witness && told.is_none() {
            return None;
        }
        let told = told.unwrap_or_default();
        let primary = status.as_ref().filter(|status| status.role == Role::Primary);
        Some(Said {
            daemon: told.daemon,
            primary: primary.map(|primary| can_follow(own, primary)),
            saw: told.upstream.zip(told.seen_ms.map(Duration::from_millis)),
            received: status.map_or(Lsn(0), |status| status.durable),
        })
    }

    async fn promotes_itself(&mut self, database: SocketAddr, upstream: u32) -> bool {
        if self.promote_command(database).await {
            self.tells_siblings(database, upstream, self.config.id).await;
            return true;
        }
        if self.ping_node(upstream).await.is_some_and(|status| status.role == Role::Primary) {
            sometimes!("the primary reappears before another is promoted");
            self.tells_siblings(database, upstream, upstream).await;
            return true;
        }
        self.degrades();
        false
    }

    /// Its former siblings are to follow this one.
    async fn tells_siblings(&self, database: SocketAddr, upstream: u32, follow: u32) {
        let within = self.config.options.connect_timeout;
        let nodes = table::read(database, within).await.unwrap_or_default();
        for sibling in nodes.siblings(self.config.id, upstream) {
            if let Some(node) = self.node(sibling)
                && !client::tell_to_follow(node.memory, follow, within).await
            {
                sometimes!("a sibling could not be told whom to follow");
            }
        }
    }

    /// Waits until somebody says whom to follow; none if nobody does in time.
    pub(super) async fn waits_to_be_told(&mut self) -> Option<u32> {
        let until = Instant::now() + self.config.options.primary_notification_timeout;
        while Instant::now() < until {
            if let Some(primary) = self.memory.told_to_follow() {
                return Some(primary);
            }
            sleep(LOOKS_EVERY).await;
        }
        self.degrades();
        None
    }

    /// `follow_command`: `repmgr standby follow`. Whether it follows, or its old primary is there again.
    pub(super) async fn follows(&mut self, database: SocketAddr, primary: u32) -> bool {
        if self.standby_follow(database, primary).await.is_some() {
            probe!("follows", primary);
            self.upstream = Some(primary);
            return true;
        }
        let upstream = self.upstream.filter(|upstream| *upstream != primary);
        if let Some(upstream) = upstream
            && self.ping_node(upstream).await.is_some_and(|status| status.role == Role::Primary)
        {
            return true;
        }
        self.degrades();
        false
    }

    async fn standby_follow(&self, database: SocketAddr, primary: u32) -> Option<()> {
        let (id, within) = (self.config.id, self.config.options.connect_timeout);
        let address = self.node(primary)?.database?;
        let target = self.ping(address).await.filter(|status| status.role == Role::Primary)?;
        let own = self.ping(database).await.filter(|status| status.role == Role::Standby)?;
        if !can_follow(&own, &target) {
            sometimes!("a standby cannot follow without a rewind");
            return None;
        }
        self.folders.save(Folder::Standby(address)).await.ok()?;
        Supervisor::new(database).follow(Some(address), Repair::No).await.ok()?;
        table::change(address, within, |nodes| nodes.follows(id, Kind::Standby, primary)).await
    }
}

/// The name of an outcome in probes.
fn name(elected: Election) -> &'static str {
    match elected {
        Election::Won => "won",
        Election::Lost => "lost",
        Election::NotCandidate => "no candidate",
        Election::Cancelled(_) => "cancelled",
        Election::Follow(_) => "follow",
    }
}
