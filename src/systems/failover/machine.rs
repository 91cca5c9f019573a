//! What runs on each machine. On a database's run several processes, which talk over sockets of the machine.

use super::fact::SERVICE_WITHIN;
use super::options::{Manager, Options, Part, Places};
use host::process;
use protocols::{database, store};
use sim::NodeContext;
use std::io;

/// The names of the processes of which a fault may strike one.
pub(super) const PROCESSES: &[&str] = &["database", "agent", "keeper", "sentinel"];

/// Runs a machine.
pub(super) async fn run(node: NodeContext<Options>) -> io::Result<()> {
    let places = Places::of(&node.nodes, &node.options)?;
    match places.part(node.id) {
        Part::Store => {
            let (replicas, options) = (places.stores.to_vec(), node.options.store.clone());
            store::run(store::Config { id: node.id.into(), replicas, options }, node.disk()).await
        }
        Part::Database => {
            let address = node.nodes[node.id as usize - 1];
            let config = database::Config { id: node.id, address, options: node.options.database.clone() };
            let database = process::run("database", || database::run(config.clone(), node.disk()));
            match node.options.manager {
                Manager::Patroni | Manager::Stolon => database.await,
            }
        }
        Part::Router => {
            if let Some(bound) = node.options.service_within {
                host::probe!(SERVICE_WITHIN, bound.as_nanos() as u64 / 1_000_000);
            }
            std::future::pending().await
        }
    }
}
