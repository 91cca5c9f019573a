//! What a scenario can choose, and which machine is what.

use protocols::agrajag::Consumers;
use protocols::patroni::{StandbyCluster, Synchronous};
use protocols::{agrajag, bouncer, database, patroni, repmgr, router, stolon, store, vrrp};
use schemars::JsonSchema;
use serde::Deserialize;
use sim::Tolerated;
use sim::scenario::Time;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The address that moves, where one does.
const VIRTUAL: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 255, 254));
/// Where adverts come to: VRRP's number among protocols.
const ADVERT_PORT: u16 = 112;
/// Where the shared memory of a node of repmgr's is read.
const MEMORY_PORT: u16 = 7002;
/// Where a PgBouncer takes commands.
const CONSOLE_PORT: u16 = 6432;
/// Where an application is told who the master is, and a HAProxy takes commands.
const ENDPOINT_PORT: u16 = 8080;

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

/// Where everybody listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    pub(super) stores: &'a [SocketAddr],
    pub(super) databases: &'a [SocketAddr],
    pub(super) witnesses: &'a [SocketAddr],
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
        let (witnesses, by_repmgr) = (options.witnesses as usize, options.manager == Manager::Repmgr);
        if by_repmgr && stores > 0 || !options.manager.is_repmgrs() && witnesses > 0 {
            let message = "cluster.options: with repmgr there is no store, and with it or Agrajag alone there are witnesses";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let moves_an_address = options.manager.moves_an_address();
        if moves_an_address && stores + routers > 0 {
            let message = "cluster.options: where an address moves, stores and routers are 0";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let is_small = !moves_an_address && (stores == 0 && !by_repmgr || routers == 0);
        if is_small || nodes.len() <= stores + witnesses + routers {
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
        let (others, routers) = others.split_at(others.len() - routers);
        let (databases, witnesses) = others.split_at(others.len() - witnesses);
        let places = Places { stores, databases, witnesses, routers };
        let checked = places.check(options);
        checked.map(|()| places).map_err(|message| io::Error::new(io::ErrorKind::InvalidInput, message))
    }

    /// # Errors
    ///
    /// Names the option that is not one of this cluster.
    fn check(&self, options: &Options) -> Result<(), String> {
        let by_patroni = options.manager == Manager::Patroni;
        if options.standby_cluster && (self.routers.len() > 1 || !by_patroni) {
            return Err(
                "cluster.options.standby_cluster: it is Patroni's, and follows one primary".to_owned()
            );
        }
        if !options.tags.is_empty() && !by_patroni {
            return Err("cluster.options.tags: they are Patroni's".to_owned());
        }
        let first = self.stores.len() + 1;
        let names: Vec<String> = (first..first + self.databases.len()).map(|id| format!("n{id}")).collect();
        let (tags, priorities) = (options.tags.keys(), options.priorities.keys());
        let named = tags.map(|name| ("tags", name)).chain(priorities.map(|name| ("priorities", name)));
        let by_repmgr = options.manager.is_repmgrs();
        let end = first + self.databases.len() + self.witnesses.len();
        let is_one = |name: &String| by_repmgr && (first..end).any(|id| *name == format!("n{id}"));
        for (option, machine) in named {
            // A witness may have a priority, which nobody asks for.
            let may = names.contains(machine) || (option == "priorities" && is_one(machine));
            if !may {
                return Err(format!("cluster.options.{option}: {machine} is no database's machine"));
            }
        }
        if !options.priorities.is_empty() && !options.manager.moves_an_address() && !by_repmgr {
            return Err("cluster.options.priorities: they are keepalived's, UCARP's or repmgr's".to_owned());
        }
        if let Some(machine) = options.locations.keys().find(|name| !is_one(name)) {
            return Err(format!("cluster.options.locations: {machine} is no node of repmgr's"));
        }
        if by_repmgr {
            let checked = options.repmgr.validate().map_err(|message| ("repmgr", message));
            let checked = checked.and(options.bouncer.validate().map_err(|message| ("bouncer", message)));
            let checked = checked.and(options.agrajag.validate().map_err(|message| ("agrajag", message)));
            return checked.map_err(|(part, message)| format!("cluster.options.{part}.{message}"));
        }
        (first..first + self.databases.len()).try_for_each(|id| {
            let checked = match options.daemon(id as u32) {
                Some(vrrp::Variant::Keepalived(options)) => ("vrrp", options.validate()),
                Some(vrrp::Variant::Ucarp(options)) => ("ucarp", options.validate()),
                None => return Ok(()),
            };
            checked.1.map_err(|message| format!("cluster.options.{}.{message}", checked.0))
        })
    }

    /// Where the client with this number finds the primary.
    pub(super) fn entrance(&self, client: u32) -> SocketAddr {
        match self.routers {
            [] => self.behind_the_address(),
            routers => routers[client as usize % routers.len()],
        }
    }

    /// The database of whoever has the address that moves.
    fn behind_the_address(&self) -> SocketAddr {
        SocketAddr::new(VIRTUAL, self.databases[0].port())
    }

    /// Where daemons hear each other.
    pub(super) fn daemons(&self) -> impl Iterator<Item = SocketAddr> {
        self.databases.iter().map(|database| SocketAddr::new(database.ip(), ADVERT_PORT))
    }

    /// The daemon of the machine with this number.
    pub(super) fn daemon(&self, id: u32, variant: vrrp::Variant) -> vrrp::Config {
        let database = self.databases[id as usize - 1];
        vrrp::Config {
            id,
            address: SocketAddr::new(database.ip(), ADVERT_PORT),
            peers: (1..).zip(self.daemons()).filter(|(peer, _)| *peer != id).collect(),
            virtual_addresses: vec![VIRTUAL],
            database,
            primary: self.behind_the_address(),
            variant,
        }
    }

    /// The node of repmgr's with this number.
    pub(super) fn repmgr(&self, id: u32, options: &Options) -> repmgr::Config {
        let memory = |machine: &SocketAddr| SocketAddr::new(machine.ip(), MEMORY_PORT);
        let databases = self.databases.iter().map(|database| (Some(*database), memory(database)));
        let witnesses = self.witnesses.iter().map(|witness| (None, memory(witness)));
        let nodes = (self.stores.len() as u32 + 1..).zip(databases.chain(witnesses)).map(
            |(id, (database, memory))| {
                let name = format!("n{id}");
                let location = options.locations.get(&name).cloned().unwrap_or_else(|| "default".to_owned());
                let priority =
                    options.priorities.get(&name).map_or(options.repmgr.priority, |own| (*own).into());
                (id, repmgr::Node { database, memory, location, priority })
            },
        );
        // With Agrajag the script tells nobody.
        let told = if options.manager == Manager::Repmgr { self.routers } else { &[] };
        let poolers = told.iter().map(console).collect();
        let push = self.push(options);
        repmgr::Config { id, nodes: nodes.collect(), poolers, push, options: options.repmgr.clone() }
    }

    /// Whom the script of a promotion tells, with Agrajag.
    fn push(&self, options: &Options) -> Option<repmgr::Push> {
        let waits = match (options.manager, options.agrajag.consumers) {
            (Manager::Agrajag, Consumers::Push) => true,
            (Manager::Agrajag, Consumers::PushAndForget) => false,
            _ => return None,
        };
        let applications = self.routers.iter().map(endpoint).collect();
        Some(repmgr::Push { applications, waits, timeout: options.agrajag.tell_timeout })
    }

    /// The application's pool that listens there, and begins with the first database where it is told of others.
    pub(super) fn pool(&self, listen: SocketAddr, options: &Options) -> agrajag::PoolConfig {
        agrajag::PoolConfig {
            listen,
            endpoint: endpoint(&listen),
            first: (self.stores.len() as u32 + 1, self.databases[0]),
            stores: self.stores.to_vec(),
            options: options.agrajag.clone(),
        }
    }

    /// The HAProxy that listens there, and begins with the first database; and its runtime API.
    pub(super) fn haproxy(&self, listen: SocketAddr, options: &Options) -> (router::Config, SocketAddr) {
        let first = router::Backend { address: self.databases[0], health: self.databases[0] };
        let config = router::Config { listen, backends: vec![first], options: options.router.clone() };
        (config, endpoint(&listen))
    }

    /// The orchestrator beside the node of repmgr's with this number.
    pub(super) fn orchestrator(&self, id: u32, options: &Options) -> agrajag::Config {
        let (repmgr, stores) = (self.repmgr(id, options), self.stores.to_vec());
        let applications = self.routers.iter().map(endpoint).collect();
        agrajag::Config { repmgr, stores, applications, options: options.agrajag.clone() }
    }

    /// The PgBouncer that listens there, which begins with the first database.
    pub(super) fn bouncer(&self, listen: SocketAddr, options: &Options) -> bouncer::Config {
        let (console, target) = (console(&listen), self.databases[0]);
        bouncer::Config { listen, console, target, options: options.bouncer.clone() }
    }

    /// What the machine with this number is, from 1.
    pub(super) fn part(&self, id: u32) -> Part {
        let index = id as usize - 1;
        match index.checked_sub(self.stores.len()) {
            None => Part::Store,
            Some(index) if index < self.databases.len() => Part::Database,
            Some(index) if index < self.databases.len() + self.witnesses.len() => Part::Witness,
            Some(_) => Part::Router,
        }
    }
}

/// Where the PgBouncer that listens there takes commands.
fn console(listen: &SocketAddr) -> SocketAddr {
    SocketAddr::new(listen.ip(), CONSOLE_PORT)
}

/// Where whatever listens there is told who the master is.
fn endpoint(listen: &SocketAddr) -> SocketAddr {
    SocketAddr::new(listen.ip(), ENDPOINT_PORT)
}

/// What a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A replica of the store.
    Store,
    /// A database, and what manages it.
    Database,
    /// A witness.
    Witness,
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
    fn a_standby_cluster_follows_the_machine_in_the_routers_place() {
        let nodes = nodes(8);
        let options = Options { standby_cluster: true, ..Options::default() };
        let places = Places::of(&nodes, &options).unwrap();
        let follows = options.patroni(places).standby_cluster.map(|remote| remote.primary);
        assert_eq!(follows, Some(nodes[7]));
        let two = Options { routers: 2, ..options };
        let message = Places::of(&nodes, &two).unwrap_err().to_string();
        assert_eq!(message, "cluster.options.standby_cluster: it is Patroni's, and follows one primary");
    }

    #[test]
    fn only_a_database_has_tags() {
        let nodes = nodes(7);
        let tagged = |machine: &str| {
            let tags = patroni::Tags { nosync: true, ..patroni::Tags::default() };
            let options = Options { tags: [(machine.to_owned(), tags)].into(), ..Options::default() };
            Places::of(&nodes, &options).map(|_| (options.tags(4).nosync, options.tags(5).nosync))
        };
        assert_eq!(tagged("n5").unwrap(), (false, true));
        for machine in ["n3", "n7", "n8", "n0", "five"] {
            let message = format!("cluster.options.tags: {machine} is no database's machine");
            assert_eq!(tagged(machine).unwrap_err().to_string(), message);
        }
        let tags = [("n5".to_owned(), patroni::Tags::default())].into();
        let stolon = Options { manager: Manager::Stolon, tags, ..Options::default() };
        let message = Places::of(&nodes, &stolon).unwrap_err().to_string();
        assert_eq!(message, "cluster.options.tags: they are Patroni's");
    }

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

    #[test]
    fn a_cluster_without_a_database_is_refused() {
        let error = Places::of(&nodes(4), &Options::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cluster.nodes: 4 are too few for 3 store replicas, one database and 1 routers"
        );
    }

    #[test]
    fn where_an_address_moves_there_are_databases_alone_and_clients_go_to_the_address() {
        let nodes = nodes(3);
        let options = Options { manager: Manager::Vrrp, stores: 0, routers: 0, ..Options::default() };
        let places = Places::of(&nodes, &options).unwrap();
        assert_eq!([1, 2, 3].map(|id| places.part(id)), [Part::Database; 3]);
        assert_eq!(places.entrance(2), SocketAddr::new(VIRTUAL, 1));
        let message = Places::of(&nodes, &Options { stores: 3, ..options }).unwrap_err().to_string();
        assert_eq!(message, "cluster.options: where an address moves, stores and routers are 0");
    }

    #[test]
    fn only_a_machine_that_is_there_has_a_priority_and_none_of_0() {
        let nodes = nodes(3);
        let refused = |manager, machine: &str, priority| {
            let priorities = [(machine.to_owned(), priority)].into();
            let (stores, routers) = if manager == Manager::Patroni { (1, 1) } else { (0, 0) };
            let options = Options { manager, stores, routers, priorities, ..Options::default() };
            Places::of(&nodes, &options).map(|_| options.daemon(2)).map_err(|error| error.to_string())
        };
        let of_n2 = vrrp::Keepalived { priority: 7, ..vrrp::Keepalived::default() };
        assert_eq!(refused(Manager::Vrrp, "n2", 7), Ok(Some(vrrp::Variant::Keepalived(of_n2))));
        for (manager, machine, priority, message) in [
            (Manager::Vrrp, "n4", 7, "cluster.options.priorities: n4 is no database's machine"),
            (Manager::Vrrp, "n2", 0, "cluster.options.vrrp.priority: 0 is below 1"),
            (
                Manager::Patroni,
                "n2",
                7,
                "cluster.options.priorities: they are keepalived's, UCARP's or repmgr's",
            ),
        ] {
            assert_eq!(refused(manager, machine, priority).unwrap_err(), message);
        }
        assert!(refused(Manager::Ucarp, "n2", 0).is_ok());
    }

    #[test]
    fn with_repmgr_there_are_databases_witnesses_and_poolers() {
        let nodes = nodes(4);
        let repmgr = Options { manager: Manager::Repmgr, stores: 0, ..Options::default() };
        let options = Options { witnesses: 1, ..repmgr.clone() };
        let places = Places::of(&nodes, &options).unwrap();
        let parts = [1, 2, 3, 4].map(|id| places.part(id));
        assert_eq!(parts, [Part::Database, Part::Database, Part::Witness, Part::Router]);
        let refused = |options| Places::of(&nodes, &options).unwrap_err().to_string();
        let message = "cluster.options: with repmgr there is no store, and with it or Agrajag alone there are witnesses";
        assert_eq!(refused(Options { stores: 1, ..repmgr.clone() }), message);
        assert_eq!(refused(Options { manager: Manager::Stolon, ..options.clone() }), message);
        let locations = [("n4".to_owned(), "north".to_owned())].into();
        let message = "cluster.options.locations: n4 is no node of repmgr's";
        assert_eq!(refused(Options { locations, ..options }), message);
        let never = repmgr::Options { reconnect_attempts: 0, ..repmgr::Options::default() };
        let message = "cluster.options.repmgr.reconnect_attempts: 0 is below 1";
        assert_eq!(refused(Options { repmgr: never, ..repmgr }), message);
    }

    #[test]
    fn databases_that_move_need_a_manager_that_finds_them() {
        let moving = |manager| Options { manager, moving_databases: true, ..Options::default() };
        assert!(Places::of(&nodes(7), &moving(Manager::Stolon)).is_ok());
        let error = Places::of(&nodes(7), &moving(Manager::Patroni)).unwrap_err();
        assert!(error.to_string().starts_with("moving_databases: "));
    }
}
