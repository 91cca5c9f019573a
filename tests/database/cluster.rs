//! Three databases and their operator, who sits on a machine of its own.

use futures::future::BoxFuture;
use host::disk::Disk;
use host::world::{self, Config, Death, Latency, Machine, MachineId, lab};
use protocols::database::{
    self, Client, ClientError, Condition, Options, Repair, Replication, Role, Start, Status, Supervisor,
    Sync, View, Write,
};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::time::sleep;

const DATABASES: u8 = 3;

/// Runs a case with three stopped databases.
pub fn case<F: Future<Output = ()> + Send + 'static>(
    options: Options,
    case: impl FnOnce(Cluster) -> F + Send + 'static,
) {
    run_boxed(options, Box::new(move |cluster| Box::pin(case(cluster))));
}

/// Not generic: an executor for every case would take minutes to compile.
fn run_boxed(options: Options, case: Box<dyn FnOnce(Cluster) -> BoxFuture<'static, ()> + Send>) {
    let mut machines = lab::machines(DATABASES);
    machines.push(Machine::new("c1", [10, 0, 0, 100]));
    let latency = Latency::uniform(Duration::from_millis(1), Duration::from_millis(5));
    lab::run(Config { latency, ..Config::new(1, machines) }, async move |lab| {
        for id in 1..=DATABASES {
            let config = database::Config { id: id.into(), address: address(id), options: options.clone() };
            lab.boot(move || {
                let config = config.clone();
                async move { database::run(config, Disk::of_this_machine()).await.unwrap() }
            });
        }
        lab.on(lab.machine(), case(Cluster)).await.unwrap();
    });
}

pub fn address(id: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, id)), 7000)
}

pub fn host(id: u8) -> MachineId {
    MachineId::numbered(id.into())
}

pub async fn seconds(seconds: f64) {
    sleep(Duration::from_secs_f64(seconds)).await;
}

/// Databases are numbered from 1.
#[derive(Clone, Copy)]
pub struct Cluster;

impl Cluster {
    pub fn supervisor(self, id: u8) -> Supervisor {
        Supervisor::new(address(id))
    }

    pub async fn status(self, id: u8) -> Status {
        self.supervisor(id).status().await.unwrap()
    }

    pub fn view(self, id: u8) -> View {
        world::view(host(id)).unwrap()
    }

    /// Starts 1 as the primary and the others as its standbys, and waits until they stream.
    pub async fn start(self) {
        self.supervisor(1).start(Start::Primary).await.unwrap();
        for id in 2..=DATABASES {
            self.start_standby(id, 1, Repair::RewindOrClone).await;
        }
        seconds(2.0).await;
        assert_eq!(self.view(1).standbys, [2, 3]);
    }

    pub async fn start_standby(self, id: u8, upstream: u8, repair: Repair) {
        let start = Start::Standby { upstream: Some(address(upstream)), repair };
        self.supervisor(id).start(start).await.unwrap();
    }

    pub async fn follow(self, id: u8, upstream: u8, repair: Repair) {
        self.supervisor(id).follow(Some(address(upstream)), repair).await.unwrap();
    }

    /// Writes of `id` wait for one of these.
    pub async fn sync(self, id: u8, of: &[u32]) {
        let sync = Sync { required: 1, of: of.iter().copied().collect() };
        self.supervisor(id).set_sync(sync).await.unwrap();
    }

    pub async fn write(self, id: u8, key: &str, value: u64) -> Result<bool, ClientError> {
        self.write_if(id, key, value, Condition::None).await
    }

    pub async fn write_if(
        self,
        id: u8,
        key: &str,
        value: u64,
        condition: Condition,
    ) -> Result<bool, ClientError> {
        let write = Write { id: value, key: key.to_owned(), value: value.to_string(), condition };
        Client::new(address(id)).patience(Duration::from_secs(2)).write(write).await
    }

    pub async fn read(self, id: u8, key: &str) -> Result<Option<String>, ClientError> {
        Client::new(address(id)).patience(Duration::from_secs(2)).get(key).await
    }

    pub fn crash(self, id: u8, death: Death) {
        world::crash(host(id), death);
    }

    pub fn restart(self, id: u8) {
        world::restart(host(id));
    }

    /// The links of `id` to others fail.
    pub fn isolate(self, id: u8, from: &[u8]) {
        for other in from {
            let (a, b) = (host(id), host(*other));
            world::with(|world| {
                world.cut(a, b);
                world.cut(b, a);
            });
        }
    }

    pub fn reconnect(self, id: u8, to: &[u8]) {
        for other in to {
            let (a, b) = (host(id), host(*other));
            world::with(|world| {
                world.mend(a, b);
                world.mend(b, a);
            });
        }
    }

    pub fn is(self, id: u8, role: Role, replication: Replication) {
        let view = self.view(id);
        assert_eq!((view.role, view.replication), (role, replication), "{view:?}");
    }
}
