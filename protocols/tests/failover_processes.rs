//! A failover cluster as ten processes on loopback, with real files, and SIGKILL.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use protocols::database::{Client, Condition, Role, Supervisor, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const LOOP_WAIT: Duration = Duration::from_secs(1);
/// Longer than the lock lives: its least.
const PATIENCE: Duration = Duration::from_secs(60);
const AGENT: &str = r#"{
    "ttl": "20s", "loop_wait": "1s", "retry_timeout": "3s", "safety_margin": "1s", "synchronous_mode": "on"
}"#;
const ROUTER: &str = r#"{ "check_every": "200ms", "check_timeout": "200ms" }"#;

/// A process, and its end with it.
struct Process(Child);

impl Process {
    fn start(program: &str, arguments: &[&str]) -> Process {
        Process(Command::new(program).args(arguments).spawn().unwrap())
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where everybody listens.
struct Places {
    stores: Vec<SocketAddr>,
    databases: Vec<SocketAddr>,
    agents: Vec<SocketAddr>,
    router: SocketAddr,
}

impl Places {
    fn free() -> Places {
        // All are held at once, so that no two are alike.
        let free: Vec<_> = (0..10).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        let at = |places: std::ops::Range<usize>| {
            free[places].iter().map(|listener| listener.local_addr().unwrap()).collect::<Vec<_>>()
        };
        Places { stores: at(0..3), databases: at(3..6), agents: at(6..9), router: at(9..10)[0] }
    }

    fn store_list(&self) -> String {
        self.stores.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    fn store(&self, number: usize, folder: &Path) -> Process {
        let folder = folder.join(format!("store-{number}"));
        let program = env!("CARGO_BIN_EXE_store-replica");
        Process::start(program, &[&number.to_string(), folder.to_str().unwrap(), &self.store_list()])
    }

    fn database(&self, number: usize, folder: &Path) -> Process {
        let folder = folder.join(format!("database-{number}"));
        let (program, address) = (env!("CARGO_BIN_EXE_database"), self.databases[number - 1].to_string());
        Process::start(program, &[&number.to_string(), folder.to_str().unwrap(), &address])
    }

    fn agent(&self, number: usize) -> Process {
        let (database, health) =
            (self.databases[number - 1].to_string(), self.agents[number - 1].to_string());
        let arguments = [&number.to_string(), &database, &health, &self.store_list(), AGENT];
        Process::start(env!("CARGO_BIN_EXE_patroni-agent"), &arguments)
    }

    fn router(&self) -> Process {
        let backends = self.databases.iter().zip(&self.agents);
        let backends: Vec<String> = backends.map(|(database, agent)| format!("{database}@{agent}")).collect();
        let arguments = [&self.router.to_string(), &backends.join(","), ROUTER];
        Process::start(env!("CARGO_BIN_EXE_router"), &arguments)
    }

    /// The number of the one primary.
    async fn primary(&self) -> Option<usize> {
        let mut primary = None;
        for (index, address) in self.databases.iter().enumerate() {
            let status = Supervisor::new(*address).patience(Duration::from_secs(1)).status().await;
            if status.is_ok_and(|status| status.role == Role::Primary) {
                primary = Some(index + 1);
            }
        }
        primary
    }

    /// How many standbys a primary's writes wait for, and how many stream from it.
    async fn standbys(&self, primary: usize) -> (usize, usize) {
        let status = Supervisor::new(self.databases[primary - 1]).status().await;
        status.map_or((0, 0), |status| (status.sync.of.len(), status.standbys.len()))
    }

    /// Waits until there is a primary with two standbys, one of them synchronous.
    async fn settle(&self) -> usize {
        let began = Instant::now();
        loop {
            if let Some(primary) = self.primary().await
                && self.standbys(primary).await == (1, 2)
            {
                // Until the store knows it too.
                sleep(LOOP_WAIT * 4).await;
                return primary;
            }
            assert!(began.elapsed() < PATIENCE, "no primary with two standbys");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Writes until it is done, each time under the same id.
async fn write(client: &mut Client, id: u64) {
    let began = Instant::now();
    let write = Write { id, key: format!("key-{id}"), value: id.to_string(), condition: Condition::None };
    while client.write(write.clone()).await.is_err() {
        assert!(began.elapsed() < PATIENCE, "no write is done");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_primary_that_is_killed_is_replaced_and_nothing_that_it_acknowledged_is_lost() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (folder, places) = (folder.path(), Places::free());
    let _stores: Vec<Process> = (1..=3).map(|number| places.store(number, folder)).collect();
    let mut databases: Vec<Process> = (1..=3).map(|number| places.database(number, folder)).collect();
    let mut agents: Vec<Process> = (1..=3).map(|number| places.agent(number)).collect();
    let _router = places.router();
    let first = places.settle().await;

    let mut client = Client::new(places.router).patience(Duration::from_millis(500));
    for id in 1..=200 {
        write(&mut client, id).await;
    }
    databases[first - 1].kill();
    agents[first - 1].kill();
    // How long that takes is for the simulation to say: its clock does not depend on the machine.
    for id in 201..=300 {
        write(&mut client, id).await;
    }

    databases[first - 1] = places.database(first, folder);
    agents[first - 1] = places.agent(first);
    let second = places.settle().await;
    assert_ne!(second, first);
    for id in 1..=300 {
        assert_eq!(client.get(&format!("key-{id}")).await.unwrap(), Some(id.to_string()));
    }
}
