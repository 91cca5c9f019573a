//! What a daemon does day by day: it looks after a primary beside it, after the one that its standby follows, or, as a
//! witness, after whoever is the primary.

use super::{Daemon, LOOKS_EVERY, table};
use crate::database::{Role, Status};
use crate::repmgr::message::{Kind, Nodes};
use host::probe;
use host::sometimes;
use host::time::{Instant, sleep};
use std::net::SocketAddr;

/// What came of asking an upstream again and again.
enum Again {
    /// It answers.
    There(Box<Status>),
    /// Somebody says whom to follow instead.
    Told(u32),
    /// It does not.
    Gone,
}

impl Daemon<'_> {
    /// Monitors, until there is another upstream, or the database beside it is something else.
    pub(super) async fn monitors(&mut self, database: SocketAddr) {
        while let Some(status) = self.ping(database).await {
            let goes_on = match status.role {
                Role::Primary => self.monitors_primary(database).await,
                _ => self.monitors_standby(database).await,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Looks after the primary beside it, and after nobody else: that there is another one it never learns. Whether it
    /// begins anew at once.
    async fn monitors_primary(&mut self, database: SocketAddr) -> bool {
        self.memory.begins(None);
        probe!("monitors", self.config.id, "primary");
        (self.upstream, self.degraded_since) = (None, None);
        loop {
            match self.ping(database).await {
                Some(status) if status.role != Role::Primary => return true,
                Some(_) => {}
                None => sometimes!("a primary's own daemon does not reach it"),
            }
            sleep(self.config.options.monitor_interval_secs).await;
        }
    }

    /// Looks after the upstream of the standby beside it. Whether it begins anew at once; otherwise it ends.
    async fn monitors_standby(&mut self, database: SocketAddr) -> bool {
        let within = self.config.options.connect_timeout;
        let Some(nodes) = table::read(database, within).await else { return false };
        let registered = nodes.0.get(&self.config.id).and_then(|record| record.upstream);
        let upstream = match self.upstream.take().or(registered) {
            Some(upstream) => upstream,
            None => match self.primary_among(self.in_order(&nodes)).await {
                Some(primary) => primary,
                None => return false,
            },
        };
        self.memory.begins(Some(upstream));
        // An upstream that is not there when it begins is a reason to end.
        if self.ping_node(upstream).await.is_none() {
            return false;
        }
        probe!("monitors", upstream, "standby");
        (self.upstream, self.degraded_since) = (Some(upstream), None);
        let mut expected = true;
        loop {
            let mut seen = self.ping_node(upstream).await;
            if seen.is_none() && expected {
                expected = false;
                match self.asks_again(upstream).await {
                    Again::There(status) => seen = Some(*status),
                    Again::Told(primary) => {
                        self.follows(database, primary).await;
                        return true;
                    }
                    Again::Gone => {
                        probe!("upstream given up", upstream);
                        if self.memory.is_paused() {
                            sometimes!("a paused daemon holds no election");
                            self.degrades();
                        } else if self.fails_over(database, upstream).await {
                            return true;
                        }
                    }
                }
            }
            if let Some(status) = seen {
                self.memory.sees(upstream);
                (expected, self.degraded_since) = (true, None);
                if status.role != Role::Primary {
                    // Whoever is the primary now is monitored, if there is one.
                    let nodes = table::read(database, within).await.unwrap_or_default();
                    self.upstream = self.primary_among(self.in_order(&nodes)).await;
                    return self.upstream.is_some();
                }
            } else if self.degraded_since.is_some() && self.finds_another(database, upstream).await {
                return true;
            }
            self.says_how_its_database_is(database, upstream).await;
            match self.ping(database).await {
                Some(status) if status.role != Role::Standby => return true,
                _ => {}
            }
            sleep(self.config.options.monitor_interval_secs).await;
        }
    }

    /// In degraded state: whether this database was promoted meanwhile, or a sibling was, and is followed. There is no second
    /// election: that a pause ends changes nothing but that it looks again.
    async fn finds_another(&mut self, database: SocketAddr, upstream: u32) -> bool {
        if self.ping(database).await.is_some_and(|status| status.role == Role::Primary) {
            return true;
        }
        if self.memory.is_paused() {
            return false;
        }
        let nodes = table::read(database, self.config.options.connect_timeout).await.unwrap_or_default();
        let siblings = nodes.siblings(self.config.id, upstream);
        match self.primary_among(siblings).await {
            Some(primary) => {
                sometimes!("a daemon finds another primary in degraded state");
                self.follows(database, primary).await
            }
            None => false,
        }
    }

    /// A node whose database is down is not active, and is again when it is up: its primary writes it down.
    async fn says_how_its_database_is(&self, database: SocketAddr, primary: u32) {
        let (id, within) = (self.config.id, self.config.options.connect_timeout);
        let Some(at) = self.node(primary).and_then(|node| node.database) else { return };
        if self.ping(database).await.is_none() {
            table::change(at, within, |nodes| {
                if let Some(own) = nodes.0.get_mut(&id) {
                    own.active = false;
                }
            })
            .await;
        }
    }

    /// Asks an upstream again, `reconnect_attempts` times; in between it looks whether it was told whom to follow.
    async fn asks_again(&self, upstream: u32) -> Again {
        let options = &self.config.options;
        for attempt in 1..=options.reconnect_attempts {
            if let Some(status) = self.ping_node(upstream).await {
                sometimes!("an upstream answers again");
                return Again::There(Box::new(status));
            }
            if attempt == options.reconnect_attempts {
                break;
            }
            let until = Instant::now() + options.reconnect_interval;
            while Instant::now() < until {
                if let Some(primary) = self.memory.told_to_follow() {
                    return Again::Told(primary);
                }
                sleep(LOOKS_EVERY.min(options.reconnect_interval)).await;
            }
        }
        Again::Gone
    }

    /// A witness's daemon, until the primary is another one: it sees, and has no vote of its own.
    pub(super) async fn witnesses(&mut self) {
        let mut nodes = Nodes::default();
        loop {
            let Some(primary) = self.primary_among(self.in_order(&nodes)).await else { return };
            let Some(copy) = self.copies_table(primary, true).await else { return };
            nodes = copy;
            self.memory.begins(Some(primary));
            probe!("monitors", primary, "witness");
            (self.upstream, self.degraded_since) = (Some(primary), None);
            self.watches(primary, &mut nodes).await;
        }
    }

    async fn watches(&mut self, primary: u32, nodes: &mut Nodes) {
        let (mut expected, mut copied) = (true, Instant::now());
        loop {
            let mut seen = self.ping_node(primary).await;
            if seen.is_none() && expected {
                expected = false;
                match self.asks_again(primary).await {
                    Again::There(status) => seen = Some(*status),
                    Again::Told(other) if self.witness_follows(other, nodes).await => return,
                    Again::Told(_) => self.degrades(),
                    Again::Gone => match self.waits_to_be_told().await {
                        Some(other) if other == primary || self.witness_follows(other, nodes).await => return,
                        _ => self.degrades(),
                    },
                }
            }
            if let Some(status) = seen {
                self.memory.sees(primary);
                (expected, self.degraded_since) = (true, None);
                if copied.elapsed() >= self.config.options.witness_sync_interval {
                    if status.role != Role::Primary {
                        return;
                    }
                    copied = Instant::now();
                    if let Some(copy) = self.copies_table(primary, false).await {
                        *nodes = copy;
                    }
                }
            } else if self.degraded_since.is_some() {
                let others = nodes.siblings(self.config.id, primary);
                if let Some(other) = self.primary_among(others).await
                    && self.witness_follows(other, nodes).await
                {
                    return;
                }
            }
            sleep(self.config.options.monitor_interval_secs).await;
        }
    }

    /// The table, as a primary has it; a witness that begins registers itself there.
    async fn copies_table(&self, primary: u32, registers: bool) -> Option<Nodes> {
        let (id, within) = (self.config.id, self.config.options.connect_timeout);
        let address = self.node(primary)?.database?;
        if registers {
            table::change(address, within, |nodes| nodes.follows(id, Kind::Witness, primary)).await?;
        }
        table::read(address, within).await
    }

    /// Whether this one is a primary, and the witness is registered there now, and has its table.
    async fn witness_follows(&self, primary: u32, nodes: &mut Nodes) -> bool {
        if self.ping_node(primary).await.is_none_or(|status| status.role != Role::Primary) {
            return false;
        }
        let copy = self.copies_table(primary, true).await;
        copy.map(|copy| *nodes = copy).is_some()
    }

    /// The nodes in the order in which a primary is looked for: all, where the table has none.
    fn in_order(&self, nodes: &Nodes) -> Vec<u32> {
        match &nodes.in_order()[..] {
            [] => self.config.nodes.keys().copied().collect(),
            known => known.to_vec(),
        }
    }
}
