//! What a scenario can choose, and which machine is what.

use protocols::patroni::Synchronous;
use protocols::{database, patroni, router, stolon, store};
use schemars::JsonSchema;
use serde::Deserialize;
use sim::scenario::Time;
use std::io;
use std::net::SocketAddr;

/// `[cluster] options`: machines are numbered from the store's replicas to the databases to the routers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Who manages the databases.
    pub manager: Manager,
    /// How many replicas the store has: the first machines.
    pub stores: u32,
    /// How many routers there are: the last machines.
    pub routers: u32,
    /// Whether a write waits for a standby: the manager's own way of that, where its options say nothing else.
    pub synchronous: bool,
    /// No longer than this may pass without a write while clients work; without it, any time may.
    pub service_within: Option<Time>,
    /// The store.
    pub store: store::Options,
    /// The databases.
    pub database: database::Options,
    /// Patroni, if it is the manager.
    pub patroni: patroni::Options,
    /// The routers to databases that Patroni manages.
    pub router: router::Options,
    /// Whether a database listens on another port each time its machine starts. Only stolon's proxies find out.
    pub moving_databases: bool,
    /// stolon, if it is the manager: its proxies are the routers.
    pub stolon: stolon::Options,
}

/// Who manages the databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Manager {
    /// An agent beside each database, and a lock in the store.
    Patroni,
    /// Keepers, sentinels and proxies.
    Stolon,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            manager: Manager::Patroni,
            stores: 3,
            routers: 1,
            synchronous: false,
            service_within: None,
            store: store::Options::default(),
            database: database::Options::default(),
            patroni: patroni::Options::default(),
            router: router::Options::default(),
            moving_databases: false,
            stolon: stolon::Options::default(),
        }
    }
}

impl Options {
    /// Patroni's, synchronous if all are.
    pub(super) fn patroni(&self) -> patroni::Options {
        let mut options = self.patroni.clone();
        if self.synchronous && options.synchronous_mode == Synchronous::Off {
            options.synchronous_mode = Synchronous::On;
        }
        options
    }

    /// stolon's, synchronous if all are.
    pub(super) fn stolon(&self) -> stolon::Options {
        let synchronous_replication = self.synchronous || self.stolon.synchronous_replication;
        stolon::Options { synchronous_replication, ..self.stolon.clone() }
    }
}

/// Where everybody listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    pub(super) stores: &'a [SocketAddr],
    pub(super) databases: &'a [SocketAddr],
    pub(super) routers: &'a [SocketAddr],
}

impl<'a> Places<'a> {
    /// Of a cluster with these machines.
    ///
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn of(nodes: &'a [SocketAddr], options: &Options) -> io::Result<Self> {
        let (stores, routers) = (options.stores as usize, options.routers as usize);
        if stores == 0 || routers == 0 || nodes.len() <= stores + routers {
            let message = format!(
                "cluster.nodes: {} are too few for {stores} store replicas, one database and {routers} routers",
                nodes.len()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        if options.moving_databases && options.manager != Manager::Stolon {
            let message = "moving_databases: only stolon's proxies find out where a database listens now";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let (stores, others) = nodes.split_at(stores);
        let (databases, routers) = others.split_at(others.len() - routers);
        Ok(Places { stores, databases, routers })
    }

    /// What the machine with this number is, from 1.
    pub(super) fn part(&self, id: u32) -> Part {
        let index = id as usize - 1;
        match index.checked_sub(self.stores.len()) {
            None => Part::Store,
            Some(index) if index < self.databases.len() => Part::Database,
            Some(_) => Part::Router,
        }
    }
}

/// What a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A replica of the store.
    Store,
    /// A database, and what manages it.
    Database,
    /// What clients talk to.
    Router,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: u16) -> Vec<SocketAddr> {
        (1..=count).map(|port| ([127, 0, 0, 1], port).into()).collect()
    }

    #[test]
    fn machines_are_replicas_of_the_store_then_databases_then_routers() {
        let nodes = nodes(7);
        let places = Places::of(&nodes, &Options::default()).unwrap();
        let parts: Vec<Part> = (1..=7).map(|id| places.part(id)).collect();
        let (store, database) = ([Part::Store; 3], [Part::Database; 3]);
        assert_eq!(parts, [&store[..], &database, &[Part::Router]].concat());
        assert_eq!(places.routers, &nodes[6..]);
    }

    #[test]
    fn a_cluster_without_a_database_is_refused() {
        let error = Places::of(&nodes(4), &Options::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cluster.nodes: 4 are too few for 3 store replicas, one database and 1 routers"
        );
    }

    #[test]
    fn databases_that_move_need_a_manager_that_finds_them() {
        let moving = |manager| Options { manager, moving_databases: true, ..Options::default() };
        assert!(Places::of(&nodes(7), &moving(Manager::Stolon)).is_ok());
        let error = Places::of(&nodes(7), &moving(Manager::Patroni)).unwrap_err();
        assert!(error.to_string().starts_with("moving_databases: "));
    }
}
