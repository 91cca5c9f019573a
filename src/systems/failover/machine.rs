//! What runs on each machine. On a database's run several processes, which talk over sockets of the machine.

use super::fact::SERVICE_WITHIN;
use super::options::{Manager, Options, Part, Places};
use host::process;
use protocols::{database, patroni, router, stolon, store};
use sim::NodeContext;
use std::io;
use std::net::SocketAddr;

/// The names of the processes of which a fault may strike one.
pub(super) const PROCESSES: &[&str] = &["database", "agent", "keeper", "sentinel"];

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
            let config = store::Config { id: node.id.into(), replicas, options };
            Box::pin(store::run(config, node.disk())).await
        }
        Part::Database => Box::pin(database(&node, places)).await,
        Part::Router => {
            if let Some(bound) = node.options.service_within {
                host::probe!(SERVICE_WITHIN, bound.as_millis() as u64);
            }
            Box::pin(router(&node, places)).await
        }
    }
}

/// A database, and what manages it.
async fn database(node: &NodeContext<Options>, places: Places<'_>) -> io::Result<()> {
    let (id, options, mut address) = (node.id, &node.options, node.nodes[node.id as usize - 1]);
    if options.moving_databases {
        address.set_port(MOVED_PORTS.start + (host::entropy::u64() % MOVED_PORTS.len() as u64) as u16);
    }
    let config = database::Config { id, address, options: options.database.clone() };
    let database = process::run("database", || database::run(config.clone(), node.disk()));
    let stores = places.stores.to_vec();
    match options.manager {
        Manager::Patroni => {
            let (health, options) = (health(address), options.patroni());
            let config = patroni::Config { id, database: address, health, store: stores, options };
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
    }
}

/// What clients talk to.
async fn router(node: &NodeContext<Options>, places: Places<'_>) -> io::Result<()> {
    let (id, options, address) = (node.id, &node.options, node.nodes[node.id as usize - 1]);
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
    }
}

/// Where the agent of the database that listens there answers.
fn health(database: SocketAddr) -> SocketAddr {
    SocketAddr::new(database.ip(), HEALTH_PORT)
}
