//! repmgr's daemon and PgBouncer on the operating system's sockets: the same code as in the simulation.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use host::disk::Disk;
use protocols::bouncer::{self, PoolMode};
use protocols::database::{self, Client, Condition, Role, Supervisor, Write};
use protocols::repmgr::{self, Config, Memory, Node, Options};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// Two databases, each with its daemon, and a pooler.
struct Machines {
    databases: Vec<SocketAddr>,
    memories: Vec<SocketAddr>,
    listen: SocketAddr,
    console: SocketAddr,
}

impl Machines {
    fn free() -> Machines {
        // All are held at once, so that no two are alike.
        let held: Vec<_> = (0..6).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        let at: Vec<SocketAddr> = held.iter().map(|listener| listener.local_addr().unwrap()).collect();
        Machines { databases: at[..2].to_vec(), memories: at[2..4].to_vec(), listen: at[4], console: at[5] }
    }

    fn config(&self, index: usize) -> Config {
        let options = Options {
            monitor_interval_secs: Duration::from_millis(200),
            reconnect_attempts: 2,
            reconnect_interval: Duration::from_millis(200),
            rejoin: true,
            ..Options::default()
        };
        let nodes = self.databases.iter().zip(&self.memories).map(|(database, memory)| Node {
            database: Some(*database),
            memory: *memory,
            location: "default".to_owned(),
            priority: 100,
        });
        let nodes = (1..).zip(nodes).collect();
        Config { id: index as u32 + 1, nodes, poolers: vec![self.console], push: None, options }
    }

    async fn start(&self, index: usize, folder: &Path) -> JoinHandle<io::Result<()>> {
        let (config, memory) = (self.config(index), Memory::default());
        let disk = Disk::at(&folder.join(index.to_string())).await.unwrap();
        let (id, address, at) = (config.id, self.databases[index], self.memories[index]);
        let database = database::Config { id, address, options: database::Options::default() };
        tokio::spawn(async move {
            tokio::select! {
                ended = database::run(database, disk.clone()) => ended,
                ended = repmgr::memory(at, memory.clone(), disk.clone()) => match ended? {},
                ended = repmgr::run(config.clone(), memory.clone(), disk.clone()) => ended,
                never = repmgr::service(config.clone(), disk.clone()) => match never {},
            }
        })
    }

    async fn pool(&self, folder: &Path) -> JoinHandle<io::Result<()>> {
        let options = bouncer::Options {
            pool_mode: PoolMode::Transaction,
            server_login_retry: Duration::from_millis(300),
            ..bouncer::Options::default()
        };
        let (listen, console, target) = (self.listen, self.console, self.databases[0]);
        let disk = Disk::at(&folder.join("pooler")).await.unwrap();
        tokio::spawn(bouncer::run(bouncer::Config { listen, console, target, options }, disk))
    }

    /// Waits until the databases are this.
    async fn become_so(&self, roles: [Option<Role>; 2]) {
        let began = Instant::now();
        loop {
            let mut all = true;
            for (database, role) in self.databases.iter().zip(roles) {
                let Some(role) = role else { continue };
                let status = Supervisor::new(*database).status().await;
                all &= status.is_ok_and(|status| status.role == role);
            }
            if all {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "the databases do not become {roles:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the second database has heard that it is registered, and its daemon has begun: one that began before
    /// has ended, and is started again after 5 s.
    async fn daemons_have_begun(&self) {
        let began = Instant::now();
        loop {
            let table = Client::new(self.databases[1]).get("repmgr.nodes").await;
            if table.is_ok_and(|table| table.is_some_and(|table| table.contains("standby"))) {
                return sleep(Duration::from_secs(6)).await;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "the standby is not registered");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a client of the pooler has written.
    async fn writes(&self, id: u64) {
        let mut client = Client::new(self.listen).of_primary();
        let began = Instant::now();
        loop {
            let write =
                Write { id, key: "key".to_owned(), value: id.to_string(), condition: Condition::None };
            match client.write(write).await {
                Ok(_) => return,
                Err(error) => assert!(began.elapsed() < Duration::from_secs(30), "{error}"),
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn a_primary_that_ends_is_replaced_and_rejoins_and_the_pooler_is_told() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let machines = Machines::free();
    let first = machines.start(0, folder.path()).await;
    let _second = machines.start(1, folder.path()).await;
    let _pooler = machines.pool(folder.path()).await;
    machines.become_so([Some(Role::Primary), Some(Role::Standby)]).await;
    machines.daemons_have_begun().await;
    machines.writes(1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    machines.become_so([None, Some(Role::Primary)]).await;
    machines.writes(2).await;
    let _first = machines.start(0, folder.path()).await;
    machines.become_so([Some(Role::Standby), Some(Role::Primary)]).await;
    machines.writes(3).await;
}
