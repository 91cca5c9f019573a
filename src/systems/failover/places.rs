//! Which machine is what, and where everybody listens.

use super::options::{Manager, Options};
use protocols::{agrajag, bouncer, repmgr, vrrp};
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

    /// The orchestrator beside the node of repmgr's with this number.
    pub(super) fn orchestrator(&self, id: u32, options: &Options) -> agrajag::Config {
        let (repmgr, stores) = (self.repmgr(id, options), self.stores.to_vec());
        let applications = self.endpoints();
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
    use protocols::patroni;

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
