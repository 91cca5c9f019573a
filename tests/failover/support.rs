//! A simulated world of machines, and the store that every manager uses.

use futures::future::BoxFuture;
use host::disk::Disk;
use host::world::{self, Config, Latency, Machine, MachineId, lab};
use protocols::store;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::time::sleep;

/// Replicas of the store: machines 1 to 3.
pub const STORES: u8 = 3;

/// What a machine runs.
pub type Boot = Box<dyn Fn(u8) -> BoxFuture<'static, ()> + Send + Sync>;

/// Runs a case on a machine of its own, in a world of the store's replicas and of `machines` more, numbered on from them.
pub fn case(machines: u8, boot: Boot, case: Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>) {
    let last = STORES + machines;
    let boot = std::sync::Arc::new(boot);
    let mut machines = lab::machines(last);
    machines.push(Machine::new("c1", [10, 0, 0, 100]));
    let latency = Latency::uniform(Duration::from_millis(1), Duration::from_millis(5));
    lab::run(Config { latency, ..Config::new(1, machines) }, async move |lab| {
        for id in 1..=last {
            let boot = std::sync::Arc::clone(&boot);
            lab.boot(move || {
                if id > STORES {
                    return boot(id);
                }
                let options = store::Options::default();
                let config = store::Config { id: id.into(), replicas: stores(), options, says: store::ROLE };
                Box::pin(async move { store::run(config, Disk::of_this_machine()).await.unwrap() })
            });
        }
        lab.on(lab.machine(), case()).await.unwrap();
    });
}

/// Every process listens on one port.
pub fn address(machine: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, machine)), 7000)
}

/// Where the store's replicas listen.
pub fn stores() -> Vec<SocketAddr> {
    (1..=STORES).map(address).collect()
}

/// A machine as the world numbers it.
pub fn host(machine: u8) -> MachineId {
    MachineId::numbered(machine.into())
}

pub async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

/// Cuts the links between a machine and others, or mends them.
pub fn link(machine: u8, others: &[u8], up: bool) {
    for other in others {
        let (a, b) = (host(machine), host(*other));
        let change = if up { world::World::mend } else { world::World::cut };
        world::with(|world| {
            change(world, a, b);
            change(world, b, a);
        });
    }
}
