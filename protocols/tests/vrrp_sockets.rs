//! keepalived's daemon on the operating system's sockets: the same code as in the simulation, with databases beside it.
//! The address is the operating system's to move, so there is none.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use host::disk::Disk;
use protocols::database::{self, Role, Supervisor};
use protocols::vrrp::{self, Config, Keepalived, Variant, Version};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// Two machines, each of a database, a daemon and its scripts.
struct Machines {
    databases: Vec<SocketAddr>,
    daemons: Vec<SocketAddr>,
}

impl Machines {
    fn free() -> Machines {
        let any = (Ipv4Addr::LOCALHOST, 0);
        // All are held at once, so that no two are alike.
        let listeners: Vec<_> = (0..2).map(|_| TcpListener::bind(any).unwrap()).collect();
        let sockets: Vec<_> = (0..2).map(|_| UdpSocket::bind(any).unwrap()).collect();
        Machines {
            databases: listeners.iter().map(|listener| listener.local_addr().unwrap()).collect(),
            daemons: sockets.iter().map(|socket| socket.local_addr().unwrap()).collect(),
        }
    }

    fn config(&self, index: usize) -> Config {
        let other = 1 - index;
        let options = Keepalived {
            version: Version::V3,
            advert_int: Duration::from_millis(100),
            priority: if index == 0 { 150 } else { 100 },
            nopreempt: true,
            ..Keepalived::default()
        };
        Config {
            id: index as u32 + 1,
            address: self.daemons[index],
            peers: vec![(other as u32 + 1, self.daemons[other])],
            virtual_addresses: Vec::new(),
            database: self.databases[index],
            // With two, the primary is the other one.
            primary: self.databases[other],
            variant: Variant::Keepalived(options),
        }
    }

    async fn start(&self, index: usize, folder: &Path) -> JoinHandle<io::Result<()>> {
        let config = self.config(index);
        let folder = folder.join(index.to_string());
        let disk = Disk::at(&folder).await.unwrap();
        let address = config.database;
        let database = database::Config { id: config.id, address, options: database::Options::default() };
        let (notify, scripts) = vrrp::notify();
        tokio::spawn(async move {
            tokio::select! {
                ended = database::run(database, disk) => ended,
                ended = vrrp::run(config.clone(), notify) => ended,
                never = vrrp::scripts(config.clone(), scripts) => match never {},
            }
        })
    }

    /// Waits until the databases are this.
    async fn become_so(&self, roles: &[(usize, Role)]) {
        let began = Instant::now();
        loop {
            let mut all = true;
            for (index, role) in roles {
                let status = Supervisor::new(self.databases[*index]).status().await;
                all &= status.is_ok_and(|status| status.role == *role);
            }
            if all {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "the databases do not become {roles:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn a_master_that_ends_is_succeeded_and_follows_when_it_comes_back() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let machines = Machines::free();
    let first = machines.start(0, folder.path()).await;
    let _second = machines.start(1, folder.path()).await;
    machines.become_so(&[(0, Role::Primary), (1, Role::Standby)]).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    machines.become_so(&[(1, Role::Primary)]).await;
    let _first = machines.start(0, folder.path()).await;
    machines.become_so(&[(0, Role::Standby), (1, Role::Primary)]).await;
}

#[tokio::test]
async fn a_virtual_address_is_refused_where_the_operating_system_moves_it() {
    let machines = Machines::free();
    let address = IpAddr::V4(Ipv4Addr::new(10, 0, 255, 254));
    let config = Config { virtual_addresses: vec![address], ..machines.config(0) };
    let error = vrrp::run(config, vrrp::notify().0).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
}
