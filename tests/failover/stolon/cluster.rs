//! Three keepers, each beside its database and a sentinel, two proxies, and an operator on a machine of its own. Where the
//! cluster is a standby of another there is one machine more, with the other's primary.

use crate::support::{self, STORES, address, host, seconds, stores};
use futures::future::BoxFuture;
use host::disk::Disk;
use host::net::claim_address;
use host::process;
use host::world::{self, Death};
use protocols::common::Change;
use protocols::database::{
    self, Client, ClientError, Condition, Replication, Role, Start, Supervisor, View, Write,
};
use protocols::stolon::{
    ClusterData, DbRole, DbUid, KeeperConfig, Never, Operator, Options, Phase, ProxyConfig, SentinelConfig,
    keeper, proxy, sentinel,
};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The machines of keepers, by whose numbers keepers and databases are known.
pub const KEEPERS: [u8; 3] = [4, 5, 6];
pub const PROXIES: [u8; 2] = [7, 8];
/// The primary that a standby cluster follows.
pub const REMOTE: u8 = 9;

/// Options that become others.
pub fn change(options: serde_json::Value) -> Change {
    serde_json::from_value(options).unwrap()
}

/// Asynchronous and synchronous, each with and without rewinding.
pub fn variants() -> Vec<Options> {
    let rewinds = [false, true].into_iter().map(|rewind| Options { rewind, ..Options::default() });
    let synchronous = |options: Options| Options { synchronous_replication: true, ..options };
    rewinds.flat_map(|options| [options.clone(), synchronous(options)]).collect()
}

pub fn synchronous() -> Options {
    Options { synchronous_replication: true, ..Options::default() }
}

/// Synchronous, and no standby has to be there.
pub fn synchronous_0() -> [Options; 2] {
    [false, true].map(|rewind| Options { min_synchronous_standbys: 0, rewind, ..synchronous() })
}

/// Standbys of another cluster. Whether writes would wait makes no difference to them.
pub fn standby_clusters() -> [Options; 2] {
    let of = |options| Options { standby_of: Some(address(REMOTE)), ..options };
    [of(Options::default()), of(synchronous())]
}

/// Whether writes wait for standbys.
pub fn is_synchronous(options: &Options) -> bool {
    options.synchronous_replication && options.standby_of.is_none()
}

/// What a cluster begins with.
#[derive(Clone, Default)]
pub struct Setup {
    pub options: Options,
    pub database: database::Options,
    /// What the databases of these keepers are never chosen for.
    pub never: BTreeMap<u8, Never>,
}

impl From<Options> for Setup {
    fn from(options: Options) -> Setup {
        Setup { options, ..Setup::default() }
    }
}

/// Runs a case on a cluster that is well.
pub fn case<F: Future<Output = ()> + Send + 'static>(
    setup: impl Into<Setup>,
    run: impl FnOnce(Cluster) -> F + Send + 'static,
) {
    run_boxed(setup.into(), Box::new(move |cluster| Box::pin(run(cluster))));
}

fn run_boxed(setup: Setup, run: Box<dyn FnOnce(Cluster) -> BoxFuture<'static, ()> + Send>) {
    let addresses = Addresses::default();
    let cluster =
        Cluster { writes: 0, addresses: addresses.clone(), follows: setup.options.standby_of.is_some() };
    let machines = KEEPERS.len() + PROXIES.len() + usize::from(cluster.follows);
    let boot = move |machine| boot(machine, setup.clone(), addresses.of(machine));
    let case = move || -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut cluster = cluster;
            cluster.begins().await;
            run(cluster).await;
        })
    };
    support::case(machines as u8, Box::new(boot), Box::new(case));
}

/// Where databases listen: what their machines are told when they start.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<BTreeMap<u8, SocketAddr>>>);

impl Addresses {
    fn of(&self, machine: u8) -> SocketAddr {
        self.0.lock().unwrap().get(&machine).copied().unwrap_or(address(machine))
    }
}

/// What a machine runs that is none of the store's.
fn boot(machine: u8, setup: Setup, listens: SocketAddr) -> BoxFuture<'static, ()> {
    let Setup { options, database, mut never } = setup;
    let (id, stores) = (u32::from(machine), stores());
    if PROXIES.contains(&machine) {
        let config = ProxyConfig { id, address: listens, stores, options };
        return Box::pin(async move { proxy(config).await.unwrap() });
    }
    let database = database::Config { id, address: listens, options: database };
    if machine == REMOTE {
        return Box::pin(primary(database));
    }
    let never = never.remove(&machine).unwrap_or_default();
    let keeps =
        KeeperConfig { id, database: listens, stores: stores.clone(), options: options.clone(), never };
    let watches = SentinelConfig { id, stores, options };
    Box::pin(async move {
        if listens.ip() != address(machine).ip() {
            claim_address(listens.ip()).unwrap();
        }
        let database = process::run("database", || database::run(database.clone(), Disk::of_this_machine()));
        let keeper = process::run("keeper", || keeper(keeps.clone(), Disk::of_this_machine()));
        let sentinel = process::run("sentinel", || sentinel(watches.clone()));
        let (database, keeper, sentinel) = tokio::join!(database, keeper, sentinel);
        database.and(keeper).and(sentinel).unwrap();
    })
}

/// A database that is a primary whenever it runs.
async fn primary(config: database::Config) {
    let mut supervisor = Supervisor::new(config.address);
    let starts = async {
        while supervisor.start(Start::Primary).await.is_err() {
            seconds(1).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = database::run(config, Disk::of_this_machine()) => ended.unwrap(),
        () = starts => {}
    }
}

/// The cluster, and how many writes were tried.
pub struct Cluster {
    writes: u64,
    addresses: Addresses,
    /// It is, or was, a standby of another cluster.
    pub follows: bool,
}

impl Cluster {
    /// Waits until there is a master with two standbys, and writes.
    pub async fn begins(&mut self) {
        self.well().await;
        self.write("begins").await.unwrap();
    }

    pub async fn data(&self) -> Option<ClusterData> {
        Operator::new(&stores()).cluster().await.unwrap_or_default()
    }

    pub async fn until(&self, what: &str, mut holds: impl FnMut(&ClusterData) -> bool) -> ClusterData {
        let mut last = None;
        for _ in 0..200 {
            last = self.data().await;
            if let Some(data) = last.as_ref().filter(|data| holds(data)) {
                return data.clone();
            }
            seconds(1).await;
        }
        panic!("never {what}: {last:#?}");
    }

    /// Waits until all is as it is to be. Returns the master's keeper.
    pub async fn well(&self) -> u8 {
        self.well_among(&KEEPERS).await
    }

    /// Waits until the databases of these keepers are what they are to be, and proxies route to one of them.
    pub async fn well_among(&self, keepers: &[u8]) -> u8 {
        let data = self.until("well", |data| is_well(data, keepers)).await;
        // Proxies look again, and standbys stream.
        seconds(7).await;
        let master = data.master_keeper().unwrap() as u8;
        for keeper in keepers {
            let is_primary = *keeper == master && data.options.standby_of.is_none();
            let expected = match is_primary {
                true => (Role::Primary, Replication::Idle),
                false => (Role::Standby, Replication::Streaming),
            };
            assert_eq!((view(*keeper).role, view(*keeper).replication), expected, "{:#?}", view(*keeper));
        }
        master
    }

    /// Waits until the master has one standby, and all is as it is to be. Returns the keepers of both.
    pub async fn well_with_one_standby(&self) -> (u8, u8) {
        let data = self.until("one standby", |data| data.dbs.len() == 2).await;
        let with_one: Vec<u8> =
            KEEPERS.into_iter().filter(|keeper| data.db_of((*keeper).into()).is_some()).collect();
        let master = self.well_among(&with_one).await;
        (master, with_one.into_iter().find(|keeper| *keeper != master).unwrap())
    }

    /// Waits until another keeper than `former` has the master. Returns it.
    pub async fn fails_over(&self, former: u8) -> u8 {
        let another = |data: &ClusterData| data.master_keeper() != Some(former.into());
        self.until("another master", another).await.master_keeper().unwrap() as u8
    }

    /// The keepers of the standbys that writes wait for, and of the others.
    pub async fn standbys(&self) -> (Vec<u8>, Vec<u8>) {
        let data = self.data().await.unwrap();
        let master = &data.dbs[&data.master.unwrap()];
        let waits_for = master.spec.synchronous.clone().unwrap_or_default().standbys;
        let keeper = |uid: &DbUid| data.dbs[uid].spec.keeper as u8;
        let standbys = data.dbs.keys().filter(|uid| Some(**uid) != data.master);
        let (synchronous, others): (Vec<_>, Vec<_>) = standbys.partition(|uid| waits_for.contains(uid));
        (synchronous.into_iter().map(keeper).collect(), others.into_iter().map(keeper).collect())
    }

    /// The name of a keeper's database.
    pub async fn uid(&self, keeper: u8) -> Option<DbUid> {
        self.data().await.unwrap().db_of(keeper.into()).map(|(uid, _)| uid)
    }

    pub fn operator(&self) -> Operator {
        Operator::new(&stores())
    }

    /// Writes where writes are taken: through a proxy, or with the other cluster's primary.
    pub async fn write(&mut self, key: &str) -> Result<bool, ClientError> {
        let there = if self.follows { REMOTE } else { PROXIES[0] };
        self.write_through(there, key).await
    }

    pub async fn write_through(&mut self, machine: u8, key: &str) -> Result<bool, ClientError> {
        self.writes += 1;
        write(Client::new(address(machine)), self.writes, key).await
    }

    /// Where a keeper's database listens, when its machine starts next.
    pub fn moves(&self, keeper: u8, to: SocketAddr) {
        self.addresses.0.lock().unwrap().insert(keeper, to);
    }

    /// What was written under a key is there, with the master and in the end with all that run.
    pub async fn everywhere(&self, key: &str, keepers: &[u8]) {
        let read = Client::new(address(PROXIES[1])).get(key).await;
        let value = read.unwrap().expect("it was acknowledged");
        seconds(2).await;
        for keeper in keepers {
            assert_eq!(
                Client::new(self.addresses.of(*keeper)).get(key).await.unwrap(),
                Some(value.clone()),
                "{keeper}"
            );
        }
        let ends: BTreeSet<_> =
            keepers.iter().map(|keeper| (view(*keeper).timeline, view(*keeper).durable)).collect();
        assert_eq!(ends.len(), 1, "all have the same: {ends:?}");
    }
}

/// Whether the databases of these keepers are what they are to be, and proxies route to one of them.
fn is_well(data: &ClusterData, keepers: &[u8]) -> bool {
    let Some(master) = data.master.and_then(|uid| data.dbs.get(&uid)) else { return false };
    let good = |keeper: &u8| {
        data.db_of((*keeper).into())
            .is_some_and(|(_, db)| db.status.healthy && db.status.generation == db.generation)
    };
    let one_of_them = |uid: &DbUid| keepers.contains(&(data.dbs[uid].spec.keeper as u8));
    let waits = master.spec.synchronous.as_ref();
    let in_sync = waits.is_some_and(|waits| {
        let standbys = &waits.standbys;
        !standbys.is_empty() && *standbys == master.status.synchronous && standbys.iter().all(one_of_them)
    });
    let role = data.options.standby_of.map_or(DbRole::Master, |primary| DbRole::Relay { primary });
    data.phase == Phase::Normal
        && master.spec.role == role
        && keepers.iter().all(good)
        && data.master.as_ref().is_some_and(one_of_them)
        && data.proxy.master == data.master
        && data.proxy.enabled.len() == PROXIES.len()
        && in_sync == is_synchronous(&data.options)
}

pub async fn write(client: Client, id: u64, key: &str) -> Result<bool, ClientError> {
    let write = Write { id, key: key.to_owned(), value: id.to_string(), condition: Condition::None };
    client.patience(Duration::from_secs(3)).write(write).await
}

pub fn view(machine: u8) -> View {
    world::view(host(machine)).unwrap()
}

pub fn others(keeper: u8) -> Vec<u8> {
    KEEPERS.into_iter().filter(|other| *other != keeper).collect()
}

pub fn crash(machine: u8) {
    world::crash(host(machine), Death::Power);
}

pub fn restart(machine: u8) {
    world::restart(host(machine));
}

pub fn all_stores() -> Vec<u8> {
    (1..=STORES).collect()
}
