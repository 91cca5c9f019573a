//! Who follows the primary, with Agrajag: applications' pools and HAProxies, and who tells them.

use super::options::{Manager, Options};
use super::places::Places;
use protocols::agrajag::{self, Consumers};
use protocols::{repmgr, router};
use std::net::SocketAddr;

/// Where an application is told who the master is, and a HAProxy takes commands.
const ENDPOINT_PORT: u16 = 8080;

impl Places<'_> {
    /// Where those who are told who the master is are told it.
    pub(super) fn endpoints(&self) -> Vec<SocketAddr> {
        self.routers.iter().map(endpoint).collect()
    }

    /// Whom the script of a promotion tells, with Agrajag.
    pub(super) fn push(&self, options: &Options) -> Option<repmgr::Push> {
        let waits = match (options.manager, options.agrajag.consumers) {
            (Manager::Agrajag, Consumers::Push) => true,
            (Manager::Agrajag, Consumers::PushAndForget) => false,
            _ => return None,
        };
        let applications = self.endpoints();
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
}

/// Where whatever listens there is told who the master is.
fn endpoint(listen: &SocketAddr) -> SocketAddr {
    SocketAddr::new(listen.ip(), ENDPOINT_PORT)
}
