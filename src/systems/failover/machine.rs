//! What runs on each machine. On a database's run several processes, which talk over sockets of the machine.

use super::fact::{ELSEWHERE, MAY_CASCADE, MAY_LACK, MAY_NOT_LEAD, RAFT, STAYS};
use super::options::{Manager, Options};
use super::places::{Part, Places};
use host::process;
use host::time::sleep;
use protocols::database::{Role, Start, Supervisor};
use protocols::{agrajag, bouncer, database, patroni, repmgr, router, stolon, store, vrrp};
use sim::NodeContext;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The names of the processes of which a fault may strike one.
pub(super) const PROCESSES: &[&str] =
    &["database", "agent", "keeper", "sentinel", "keepalived", "ucarp", "repmgrd", "agrajag"];

/// How often a primary that nobody manages is looked after.
const START_EVERY: Duration = Duration::from_secs(1);
/// Where agents answer routers and each other.
const HEALTH_PORT: u16 = 7001;

/// Where databases listen that listen elsewhere each time.
const MOVED_PORTS: std::ops::Range<u16> = 7100..8100;

/// Runs a machine.
pub(super) async fn run(node: NodeContext<Options>) -> io::Result<()> {
    let places = Places::of(&node.nodes, &node.options)?;
    // Each is large, and a machine's future is moved several times before it runs.
    match places.part(node.id) {
        Part::Store => {
            let (replicas, options) = (places.stores.to_vec(), node.options.store.clone());
            let config = store::Config { id: node.id.into(), replicas, options, says: RAFT };
            Box::pin(store::run(config, node.disk())).await
        }
        Part::Database => match node.options.daemon(node.id) {
            Some(variant) => Box::pin(behind_an_address(&node, places, variant)).await,
            None if node.options.manager.is_repmgrs() => Box::pin(beside_repmgrd(&node, places)).await,
            None => Box::pin(database(&node, places)).await,
        },
        Part::Witness => Box::pin(witness(&node, places)).await,
        Part::Router => {
            if node.options.standby_cluster {
                return primary_elsewhere(&node).await;
            }
            Box::pin(router(&node, places)).await
        }
    }
}

/// A database, and the daemon that takes the address, or not. Clients meet it at whichever address its machine has.
async fn behind_an_address(
    node: &NodeContext<Options>,
    places: Places<'_>,
    variant: vrrp::Variant,
) -> io::Result<()> {
    if let Some(ms) = node.options.stays_for_ms() {
        host::probe!(STAYS, ms);
    }
    let name = match variant {
        vrrp::Variant::Keepalived(_) => "keepalived",
        vrrp::Variant::Ucarp(_) => "ucarp",
    };
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), node.address().port());
    let config = database::Config { id: node.id, address, options: node.options.database.clone() };
    let database = process::run("database", || database::run(config.clone(), node.disk()));
    let config = places.daemon(node.id, variant);
    let (notify, scripts) = vrrp::notify();
    let daemon = process::run(name, || vrrp::run(config.clone(), notify.clone()));
    tokio::select! {
        biased;
        ended = database => ended,
        ended = daemon => ended,
        never = vrrp::scripts(config.clone(), scripts) => match never {},
    }
}

/// A database, and what manages it.
async fn database(node: &NodeContext<Options>, places: Places<'_>) -> io::Result<()> {
    let (id, options, mut address) = (node.id, &node.options, node.address());
    if options.moving_databases {
        address.set_port(MOVED_PORTS.start + (host::entropy::u64() % MOVED_PORTS.len() as u64) as u16);
    }
    let config = database::Config { id, address, options: options.database.clone() };
    let database = process::run("database", || database::run(config.clone(), node.disk()));
    let stores = places.stores.to_vec();
    match options.manager {
        Manager::Patroni => {
            let cascades = options.standby_cluster;
            let (health, tags, options) = (health(address), options.tags(id), options.patroni(places));
            if !tags.may_lead() {
                host::probe!(MAY_NOT_LEAD);
            }
            host::probe!(MAY_LACK, options.maximum_lag_on_failover);
            if cascades || tags.replicatefrom.is_some() {
                host::probe!(MAY_CASCADE);
            }
            let config = patroni::Config { id, database: address, health, store: stores, options, tags };
            let agent = process::run("agent", || patroni::run(config.clone()));
            tokio::try_join!(database, agent).map(drop)
        }
        Manager::Stolon => {
            let options = options.stolon();
            let keeper = stolon::KeeperConfig {
                id,
                database: address,
                stores: stores.clone(),
                options: options.clone(),
                never: stolon::Never::default(),
            };
            let sentinel = stolon::SentinelConfig { id, stores, options };
            let keeper = process::run("keeper", || stolon::keeper(keeper.clone(), node.disk()));
            let sentinel = process::run("sentinel", || stolon::sentinel(sentinel.clone()));
            tokio::try_join!(database, keeper, sentinel).map(drop)
        }
        Manager::Vrrp | Manager::Ucarp => unreachable!("a daemon moves the address"),
        Manager::Repmgr | Manager::Agrajag => unreachable!("a daemon is beside it"),
    }
}

/// A database with its node's shared memory, and repmgr's daemon; and Agrajag's orchestrator, if it is the manager.
async fn beside_repmgrd(node: &NodeContext<Options>, places: Places<'_>) -> io::Result<()> {
    if let Some(ms) = node.options.stays_for_ms() {
        host::probe!(STAYS, ms);
    }
    let (id, address) = (node.id, node.address());
    let config = database::Config { id, address, options: node.options.database.clone() };
    let repmgr = places.repmgr(id, &node.options);
    // Where a standby follows one that rejoined, nobody sends it elsewhere.
    host::probe!(MAY_CASCADE);
    let (memory, at) = (repmgr::Memory::default(), repmgr.nodes[&id].memory);
    let database = process::run("database", || {
        let (config, memory) = (config.clone(), memory.clone());
        async move {
            tokio::select! {
                biased;
                ended = database::run(config, node.disk()) => ended,
                ended = repmgr::memory(at, memory, node.disk()) => match ended? {},
            }
        }
    });
    let daemon = process::run("repmgrd", || repmgr::run(repmgr.clone(), memory.clone(), node.disk()));
    let orchestrator = async {
        if node.options.manager != Manager::Agrajag {
            return std::future::pending().await;
        }
        let config = places.orchestrator(id, &node.options);
        process::run("agrajag", || agrajag::run(config.clone(), memory.clone())).await
    };
    tokio::select! {
        biased;
        ended = database => ended,
        ended = daemon => ended,
        ended = orchestrator => ended,
        never = repmgr::service(repmgr.clone(), node.disk()) => match never {},
    }
}

/// A node of repmgr's without data.
async fn witness(node: &NodeContext<Options>, places: Places<'_>) -> io::Result<()> {
    let repmgr = places.repmgr(node.id, &node.options);
    let (memory, at) = (repmgr::Memory::default(), repmgr.nodes[&node.id].memory);
    let database = process::run("database", || repmgr::memory(at, memory.clone(), node.disk()));
    let daemon = process::run("repmgrd", || repmgr::run(repmgr.clone(), memory.clone(), node.disk()));
    tokio::select! {
        biased;
        ended = database => match ended? {},
        ended = daemon => ended,
    }
}

/// A primary that nobody here manages: whenever it stops it is started again.
async fn primary_elsewhere(node: &NodeContext<Options>) -> io::Result<()> {
    host::probe!(ELSEWHERE);
    let (id, address) = (node.id, node.address());
    let config = database::Config { id, address, options: node.options.database.clone() };
    let database = process::run("database", || database::run(config.clone(), node.disk()));
    tokio::select! {
        biased;
        ended = database => ended,
        never = keep_started(address) => match never {},
    }
}

async fn keep_started(address: SocketAddr) -> Infallible {
    let mut supervisor = Supervisor::new(address);
    loop {
        if supervisor.status().await.is_ok_and(|status| status.role == Role::Stopped) {
            // If it does not start now, it may next time.
            let _ = supervisor.start(Start::Primary).await;
        }
        sleep(START_EVERY).await;
    }
}

/// What clients talk to.
async fn router(node: &NodeContext<Options>, places: Places<'_>) -> io::Result<()> {
    let (id, options, address) = (node.id, &node.options, node.address());
    match options.manager {
        Manager::Patroni => {
            let backend =
                |address: &SocketAddr| router::Backend { address: *address, health: health(*address) };
            let backends = places.databases.iter().map(backend).collect();
            router::run(router::Config { listen: address, backends, options: options.router.clone() }).await
        }
        Manager::Stolon => {
            let (stores, options) = (places.stores.to_vec(), options.stolon());
            stolon::proxy(stolon::ProxyConfig { id, address, stores, options }).await
        }
        Manager::Repmgr => bouncer::run(places.bouncer(address, options), node.disk()).await,
        Manager::Agrajag if options.agrajag.consumers == agrajag::Consumers::Haproxy => {
            let (config, runtime) = places.haproxy(address, options);
            router::run_set(config, runtime).await
        }
        Manager::Agrajag => agrajag::pool(places.pool(address, options)).await,
        Manager::Vrrp | Manager::Ucarp => unreachable!("there is no router"),
    }
}

/// Where the agent of the database that listens there answers.
fn health(database: SocketAddr) -> SocketAddr {
    SocketAddr::new(database.ip(), HEALTH_PORT)
}
