//! What a scenario can choose.

use super::places::Places;
use protocols::patroni::{StandbyCluster, Synchronous};
use protocols::{agrajag, bouncer, database, patroni, repmgr, router, stolon, store, vrrp};
use schemars::JsonSchema;
use serde::Deserialize;
use sim::Tolerated;
use sim::scenario::Time;
use std::collections::BTreeMap;

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
    /// Whether the databases follow a primary elsewhere, as a standby cluster of Patroni's: it is in the routers'
    /// place, and clients talk to it.
    pub standby_cluster: bool,
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
    /// What Patroni is told about single databases, by the names of their machines.
    pub tags: BTreeMap<String, patroni::Tags>,
    /// The routers to databases that Patroni manages.
    pub router: router::Options,
    /// Whether a database listens on another port each time its machine starts. Only stolon's proxies find out.
    pub moving_databases: bool,
    /// stolon, if it is the manager: its proxies are the routers.
    pub stolon: stolon::Options,
    /// keepalived, if it is the manager. There is no store then, and no router: both are 0.
    pub vrrp: vrrp::Keepalived,
    /// UCARP, if it is the manager; the same holds.
    pub ucarp: vrrp::Ucarp,
    /// keepalived's `priority`, UCARP's `advskew` or repmgr's `priority` of single machines, by their names.
    pub priorities: BTreeMap<String, u8>,
    /// repmgr, if it or Agrajag is the manager. Without Agrajag there is no store: `stores` is 0, and its routers are
    /// PgBouncers.
    pub repmgr: repmgr::Options,
    /// These.
    pub bouncer: bouncer::Options,
    /// repmgr's witnesses: so many machines between the databases and the routers.
    pub witnesses: u32,
    /// repmgr's `location` of single machines, by their names; of all others it is `default`.
    pub locations: BTreeMap<String, String>,
    /// Agrajag, if it is the manager: repmgr manages the databases, and the routers are applications' pools.
    pub agrajag: agrajag::Options,
}

/// Who manages the databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Manager {
    /// An agent beside each database, and a lock in the store.
    Patroni,
    /// Keepers, sentinels and proxies.
    Stolon,
    /// keepalived: an address that moves, and scripts.
    Vrrp,
    /// UCARP: the same.
    Ucarp,
    /// A daemon beside each database, and a script that tells PgBouncers.
    Repmgr,
    /// The same daemons, and orchestrators beside them that publish in the store who is the primary.
    Agrajag,
}

impl Manager {
    /// Whether clients find the primary by an address that moves.
    pub(super) fn moves_an_address(self) -> bool {
        matches!(self, Manager::Vrrp | Manager::Ucarp)
    }

    /// Whether repmgr's daemons promote.
    pub(super) fn is_repmgrs(self) -> bool {
        matches!(self, Manager::Repmgr | Manager::Agrajag)
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            manager: Manager::Patroni,
            stores: 3,
            routers: 1,
            standby_cluster: false,
            synchronous: false,
            service_within: None,
            store: store::Options::default(),
            database: database::Options::default(),
            patroni: patroni::Options::default(),
            tags: BTreeMap::new(),
            router: router::Options::default(),
            moving_databases: false,
            stolon: stolon::Options::default(),
            vrrp: vrrp::Keepalived::default(),
            ucarp: vrrp::Ucarp::default(),
            priorities: BTreeMap::new(),
            repmgr: repmgr::Options::default(),
            bouncer: bouncer::Options::default(),
            witnesses: 0,
            locations: BTreeMap::new(),
            agrajag: agrajag::Options::default(),
        }
    }
}

impl Options {
    /// Patroni's, synchronous if all are, and following the first of the routers' machines if they are to.
    pub(super) fn patroni(&self, places: Places<'_>) -> patroni::Options {
        let mut options = self.patroni.clone();
        if self.standby_cluster {
            options.standby_cluster = Some(StandbyCluster { primary: places.routers[0] });
        }
        if self.synchronous && options.synchronous_mode == Synchronous::Off {
            options.synchronous_mode = Synchronous::On;
        }
        options
    }

    /// Whether what was acknowledged may be lost with its primary.
    fn is_asynchronous(&self) -> bool {
        let waits = match self.manager {
            // A primary elsewhere is never replaced.
            Manager::Patroni => self.standby_cluster || self.patroni.synchronous_mode != Synchronous::Off,
            Manager::Stolon => self.stolon.synchronous_replication,
            // Nobody tells databases whom to wait for.
            Manager::Vrrp | Manager::Ucarp | Manager::Repmgr | Manager::Agrajag => return true,
        };
        !waits && !self.synchronous
    }

    /// What the manager does not promise under these options.
    pub(super) fn tolerates(&self) -> Vec<Tolerated> {
        let mut tolerates = Vec::new();
        if self.manager.moves_an_address() {
            // RFC 5798, 6.4.2: a backup whose timer fires becomes a master, whoever else is one.
            let because = "who hears no master is one: a partition, or a pause, has two";
            let gives_up = ["durability", "linearizable", "one-writable", "split-brain"];
            return gives_up.map(|checker| Tolerated { checker, because }).into();
        }
        if self.manager.is_repmgrs() {
            // repmgr's documentation, Network splits, and Fencing a failed master node.
            let because = "fencing is the operator's: whoever was the primary stays one until he comes";
            let gives_up = ["convergence", "durability", "linearizable", "one-writable", "split-brain"];
            tolerates.extend(gives_up.map(|checker| Tolerated { checker, because }));
            if self.manager == Manager::Repmgr && self.repmgr.promote.first == repmgr::First::Pause {
                let because = "whoever runs the script may die, and then nobody resumes what it has paused";
                tolerates.push(Tolerated { checker: "held", because });
            }
            return tolerates;
        }
        if self.is_asynchronous() {
            // Patroni's documentation, Replication modes: "the cluster is allowed to lose some committed transactions
            // to ensure availability", up to `maximum_lag_on_failover`. stolon's, Synchronous replication: "the new
            // elected master may be behind".
            let because = "asynchronous replication loses what the new primary had not received";
            tolerates.extend(["durability", "linearizable"].map(|checker| Tolerated { checker, because }));
        }
        if self.manager == Manager::Stolon {
            // stolon's documentation, Architecture.
            let because = "the proxies are the fence: a keeper without the store leaves its primary running";
            tolerates.push(Tolerated { checker: "one-writable", because });
        }
        tolerates
    }

    /// What Patroni is told about the database of the machine with this number.
    pub(super) fn tags(&self, id: u32) -> patroni::Tags {
        self.tags.get(&format!("n{id}")).cloned().unwrap_or_default()
    }

    /// The daemon of the machine with this number; none where no address moves.
    pub(super) fn daemon(&self, id: u32) -> Option<vrrp::Variant> {
        let own = self.priorities.get(&format!("n{id}")).copied();
        match self.manager {
            Manager::Vrrp => {
                let mut options = self.vrrp.clone();
                options.priority = own.unwrap_or(options.priority);
                Some(vrrp::Variant::Keepalived(options))
            }
            Manager::Ucarp => {
                let mut options = self.ucarp.clone();
                options.advskew = own.unwrap_or(options.advskew);
                Some(vrrp::Variant::Ucarp(options))
            }
            Manager::Patroni | Manager::Stolon | Manager::Repmgr | Manager::Agrajag => None,
        }
    }

    /// Within so long nobody takes over from a master that he hears, or that a node he sees has seen, in ms; none where he
    /// may.
    pub(super) fn stays_for_ms(&self) -> Option<u64> {
        let intervals = match self.manager {
            Manager::Vrrp if self.vrrp.nopreempt => 3 * self.vrrp.advert_int.as_millis() as u64,
            Manager::Ucarp if !self.ucarp.preempt => {
                u64::from(self.ucarp.deadratio) * 1000 * u64::from(self.ucarp.advbase)
            }
            _ if self.manager.is_repmgrs() && self.repmgr.primary_visibility_consensus => {
                2 * self.repmgr.monitor_interval_secs.as_millis() as u64
            }
            _ => return None,
        };
        Some(intervals)
    }

    /// stolon's, synchronous if all are.
    pub(super) fn stolon(&self) -> stolon::Options {
        let synchronous_replication = self.synchronous || self.stolon.synchronous_replication;
        stolon::Options { synchronous_replication, ..self.stolon.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_synchronous_replication_writes_may_be_lost_and_stolon_has_its_fence_in_the_proxies() {
        let tolerates = |options: &str| -> Vec<&str> {
            let options: Options = toml::from_str(options).unwrap();
            options.tolerates().iter().map(|tolerated| tolerated.checker).collect()
        };
        assert_eq!(tolerates("manager = 'patroni'"), ["durability", "linearizable"]);
        assert_eq!(tolerates("synchronous = true"), [""; 0]);
        assert_eq!(tolerates("patroni = { synchronous_mode = 'quorum' }"), [""; 0]);
        assert_eq!(tolerates("standby_cluster = true"), [""; 0]);
        assert_eq!(tolerates("manager = 'stolon'"), ["durability", "linearizable", "one-writable"]);
        assert_eq!(tolerates("manager = 'stolon'\nsynchronous = true"), ["one-writable"]);
        let by_address = ["durability", "linearizable", "one-writable", "split-brain"];
        assert_eq!(tolerates("manager = 'repmgr'"), [&["convergence"][..], &by_address].concat());
        let pauses = tolerates("manager = 'repmgr'\nrepmgr = { promote = { first = 'pause' } }");
        assert_eq!(pauses.last(), Some(&"held"));
        assert_eq!(tolerates("manager = 'vrrp'"), by_address);
        assert_eq!(tolerates("manager = 'ucarp'\nsynchronous = true"), by_address);
        assert_eq!(
            tolerates("manager = 'stolon'\nstolon = { synchronous_replication = true }"),
            ["one-writable"]
        );
    }
}
