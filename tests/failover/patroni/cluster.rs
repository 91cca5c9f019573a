//! Three store replicas, three databases with their agents, and a router, each on a machine of its own.

use crate::support::{self, STORES, address, host, link, stores};
use host::disk::Disk;
use host::process;
use host::world::{self, Death};
use protocols::database::{self, Client, ClientError, Condition, Replication, Role, View, Write};
use protocols::patroni::{self, Operator, Options, StandbyCluster, Tags};
use protocols::router::{self, Backend};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const DATABASES: [u8; 3] = [4, 5, 6];
const ROUTER: u8 = 7;
pub const REMOTE: u8 = 8;

/// Runs a case on a cluster that has just been switched on.
pub fn case<F: Future<Output = ()> + Send + 'static>(
    options: Options,
    case: impl FnOnce(Cluster) -> F + Send + 'static,
) {
    case_of_tagged(options, |_| Tags::default(), case);
}

/// The same, where members have tags, by their numbers.
pub fn case_of_tagged<F: Future<Output = ()> + Send + 'static>(
    options: Options,
    tags: fn(u8) -> Tags,
    case: impl FnOnce(Cluster) -> F + Send + 'static,
) {
    let boot = move |id| -> futures::future::BoxFuture<'static, ()> {
        if id == ROUTER { Box::pin(route()) } else { Box::pin(manage(id, options.clone(), tags(id))) }
    };
    support::case(4, Box::new(boot), Box::new(|| Box::pin(case(Cluster))));
}

/// The same, and a database of its own beside: the primary elsewhere that a standby cluster follows.
pub fn case_of_standbys<F: Future<Output = ()> + Send + 'static>(
    case: impl FnOnce(Cluster) -> F + Send + 'static,
) {
    let standby_cluster = Some(StandbyCluster { primary: address(REMOTE) });
    let options = Options { standby_cluster, ..Options::default() };
    let boot = move |id| -> futures::future::BoxFuture<'static, ()> {
        match id {
            REMOTE => Box::pin(run_database(id)),
            ROUTER => Box::pin(route()),
            _ => Box::pin(manage(id, options.clone(), Tags::default())),
        }
    };
    support::case(5, Box::new(boot), Box::new(|| Box::pin(case(Cluster))));
}

async fn run_database(id: u8) {
    let options = database::Options::default();
    let config = database::Config { id: id.into(), address: address(id), options };
    database::run(config, Disk::of_this_machine()).await.unwrap();
}

async fn route() {
    let backends = DATABASES.map(|id| Backend { address: address(id), health: health(id) }).to_vec();
    let config = router::Config { listen: address(ROUTER), backends, options: router::Options::default() };
    router::run(config).await.unwrap();
}

async fn manage(id: u8, options: Options, tags: Tags) {
    let disk = Disk::of_this_machine();
    let config =
        database::Config { id: id.into(), address: address(id), options: database::Options::default() };
    let database = process::run("database", || {
        let (config, disk) = (config.clone(), disk.clone());
        async move { database::run(config, disk).await.unwrap() }
    });
    let config = patroni::Config { tags, ..agent(id, options) };
    let agent = process::run("agent", || {
        let config = config.clone();
        async move { patroni::run(config).await.unwrap() }
    });
    tokio::join!(database, agent);
}

/// The agent of this machine's database.
pub fn agent(id: u8, options: Options) -> patroni::Config {
    let (database, health, tags) = (address(id), health(id), Tags::default());
    patroni::Config { id: id.into(), database, health, store: stores(), options, tags }
}

/// Where an agent listens.
pub fn health(id: u8) -> SocketAddr {
    SocketAddr::new(address(id).ip(), 7001)
}

pub fn operator() -> Operator {
    Operator::new(stores(), &Options::default().scope)
}

/// All replicas of the store.
pub fn the_store() -> Vec<u8> {
    (1..=STORES).collect()
}

/// Machines are numbered from 1, as their databases are.
#[derive(Clone, Copy)]
pub struct Cluster;

impl Cluster {
    pub fn view(self, id: u8) -> Option<View> {
        world::view(host(id)).filter(|_| world::is_up(host(id)))
    }

    pub fn primaries(self) -> Vec<u8> {
        let is_primary = |id: &u8| self.view(*id).is_some_and(|view| view.role == Role::Primary);
        DATABASES.into_iter().filter(is_primary).collect()
    }

    /// The one that is a primary; none if there is none, or more than one.
    pub fn primary(self) -> Option<u8> {
        if let [one] = self.primaries()[..] { Some(one) } else { None }
    }

    /// The two others.
    pub fn others(self, than: u8) -> [u8; 2] {
        let others: Vec<u8> = DATABASES.into_iter().filter(|id| *id != than).collect();
        [others[0], others[1]]
    }

    pub fn is_standby(self, id: u8) -> bool {
        self.view(id)
            .is_some_and(|view| (view.role, view.replication) == (Role::Standby, Replication::Streaming))
    }

    /// How long it took.
    pub async fn until(self, within: u64, what: &str, holds: impl Fn(Cluster) -> bool) -> Duration {
        let began = Instant::now();
        while !holds(self) {
            let views = DATABASES.map(|id| self.view(id));
            assert!(
                began.elapsed() < Duration::from_secs(within),
                "not within {within} s: {what}; {views:#?}"
            );
            sleep(Duration::from_millis(50)).await;
        }
        began.elapsed()
    }

    /// Waits until one is the primary and the others stream from it. Which it is.
    pub async fn settles(self) -> u8 {
        self.until(120, "a primary and two standbys", |cluster| {
            cluster.primary().is_some_and(|one| cluster.others(one).iter().all(|id| cluster.is_standby(*id)))
        })
        .await;
        self.primary().unwrap()
    }

    /// Writes through the router.
    pub async fn write(self, key: &str, value: u64) -> Result<bool, ClientError> {
        self.write_at(ROUTER, key, value).await
    }

    /// Writes to a database itself.
    pub async fn write_at(self, id: u8, key: &str, value: u64) -> Result<bool, ClientError> {
        let write =
            Write { id: value, key: key.to_owned(), value: value.to_string(), condition: Condition::None };
        Client::new(address(id)).patience(Duration::from_secs(2)).write(write).await
    }

    pub async fn read(self, key: &str) -> Result<Option<String>, ClientError> {
        Client::new(address(ROUTER)).patience(Duration::from_secs(2)).get(key).await
    }

    /// Writes through the router until one is acknowledged. How long it took.
    pub async fn writes_again(self, within: u64, key: &str, value: u64) -> Duration {
        let began = Instant::now();
        while self.write(key, value).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(within), "no write within {within} s");
            sleep(Duration::from_millis(100)).await;
        }
        began.elapsed()
    }

    pub fn crash(self, id: u8) {
        world::crash(host(id), Death::Process);
    }

    /// It crashes, and its disk is lost.
    pub fn wipe(self, id: u8) {
        world::crash(host(id), Death::Wiped);
    }

    pub fn restart(self, id: u8) {
        world::restart(host(id));
    }

    pub fn crash_process(self, id: u8, name: &str) {
        world::crash_process(host(id), name);
    }

    pub fn restart_process(self, id: u8, name: &str) {
        world::restart_process(host(id), name);
    }

    pub fn pause_process(self, id: u8, name: &str) {
        world::pause_process(host(id), name);
    }

    pub fn resume_process(self, id: u8, name: &str) {
        world::resume_process(host(id), name);
    }

    /// The links of `id` to others fail, both ways.
    pub fn cut(self, id: u8, from: &[u8]) {
        link(id, from, false);
    }

    pub fn mend(self, id: u8, to: &[u8]) {
        link(id, to, true);
    }
}
