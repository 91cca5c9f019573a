//! Three store replicas, three databases with what manages them, and a router, each on a machine of its own; and an
//! operator.

use futures::future::BoxFuture;
use host::disk::Disk;
use host::process;
use host::world::{self, Config, Death, Latency, Machine, Machines, World};
use protocols::database::{self, Client, ClientError, Condition, Replication, Role, View, Write};
use protocols::store;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub const STORES: [u8; 3] = [1, 2, 3];
pub const DATABASES: [u8; 3] = [4, 5, 6];
pub const ROUTER: u8 = 7;
const OPERATOR: u8 = 8;

/// What runs beside the database of this machine, or in front of all of them on the router's.
pub type Manager = Arc<dyn Fn(u8) -> BoxFuture<'static, ()> + Send + Sync>;

/// Runs a case on a cluster that has just been switched on. It is not generic, but for its face: an executor for every
/// case would take minutes to compile.
pub fn case<F: Future<Output = ()> + Send + 'static>(
    manager: Manager,
    case: impl FnOnce(Cluster) -> F + Send + 'static,
) {
    run_boxed(manager, Box::new(move |cluster| Box::pin(case(cluster))));
}

fn run_boxed(manager: Manager, case: Box<dyn FnOnce(Cluster) -> BoxFuture<'static, ()> + Send>) {
    sim::run::on_fresh_thread(1, move || {
        let runtime = madsim::runtime::Runtime::with_seed_and_config(1, madsim::Config::default());
        runtime.add_simulator::<Machines>();
        runtime.block_on(async move {
            let machine = |id: u8| Machine {
                name: format!("n{id}"),
                ip: address(id).ip(),
                clock_offset_ns: 0,
                clock_drift_ppb: 0,
            };
            let installed = world::install(Config {
                seed: 1,
                machines: (1..=OPERATOR).map(machine).collect(),
                latency: Latency::uniform(Duration::from_millis(1), Duration::from_millis(5)),
                loss: 0.0,
                buggify: false,
                recording: false,
            });
            let handle = madsim::runtime::Handle::current();
            for id in 1..OPERATOR {
                let manager = Arc::clone(&manager);
                let boot = move || boot(id, Arc::clone(&manager));
                handle.create_node().name(format!("n{id}")).init(boot).build();
            }
            let operator = handle.create_node().name(format!("n{OPERATOR}")).build();
            operator.spawn(case(Cluster)).await.unwrap();
            (0..usize::from(OPERATOR)).for_each(|machine| world::crash(machine, Death::Power));
            installed.dismantle().await;
        });
    });
}

/// What runs on a machine.
fn boot(id: u8, manager: Manager) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let disk = Disk::of_this_machine();
        if STORES.contains(&id) {
            let replicas = STORES.map(address).to_vec();
            let config = store::Config { id: id.into(), replicas, options: store::Options::default() };
            store::run(config, disk).await.unwrap();
        } else if DATABASES.contains(&id) {
            let options = database::Options::default();
            let config = database::Config { id: id.into(), address: address(id), options };
            let database = process::run("database", || {
                let (config, disk) = (config.clone(), disk.clone());
                async move { database::run(config, disk).await.unwrap() }
            });
            tokio::join!(database, manager(id));
        } else {
            manager(id).await;
        }
    })
}

pub fn address(id: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, id)), 7000)
}

/// Where a manager listens.
pub fn health(id: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, id)), 7001)
}

fn host(id: u8) -> usize {
    usize::from(id) - 1
}

pub async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
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
        self.links(id, from, World::cut);
    }

    pub fn mend(self, id: u8, to: &[u8]) {
        self.links(id, to, World::mend);
    }

    fn links(self, id: u8, others: &[u8], act: fn(&mut World, usize, usize)) {
        for other in others {
            let (a, b) = (host(id), host(*other));
            world::with(|world| {
                act(world, a, b);
                act(world, b, a);
            });
        }
    }
}
