//! Laws of the simulated disk alone: what a death leaves, what faults do, how long it takes.
//!
//! Unless a case says otherwise there is one machine with a default disk without garbage, and the test is the operator:
//! it starts tasks on the machine, pulls the plug, and starts it again.

mod corruption;
mod crashes;
mod directories;
mod faults;
mod lives;
mod oracle;
mod random;
mod replay;
mod time;

use crate::support::{Cluster, machines, simulate};
use host::disk::{Disk, OpenOptions};
use host::world::{self, Death, DiskFault, DiskSettings, MachineId, World};
use std::collections::BTreeSet;
use std::time::Duration;

const N1: MachineId = MachineId::numbered(1);
const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const SECTOR: usize = 512;

/// Runs a case on a disk that is set up like this.
fn with_disk<T: Send, F: Future<Output = T>>(
    seed: u64,
    settings: DiskSettings,
    case: impl FnOnce(Cluster) -> F + Send,
) -> T {
    simulate(machines(seed, 1), |cluster| async move {
        steer(|world| world.set_disk(N1, settings)).expect("the settings are in range");
        case(cluster).await
    })
}

/// Runs a case.
fn on_a_machine<T: Send, F: Future<Output = T>>(seed: u64, case: impl FnOnce(Cluster) -> F + Send) -> T {
    with_disk(seed, without_garbage(), case)
}

/// Every outcome that a case has in this many seeds.
fn outcomes<T: Ord + Send, F: Future<Output = T>>(
    seeds: u64,
    case: impl Fn(Cluster) -> F + Send + Sync,
) -> BTreeSet<T> {
    (0..seeds).map(|seed| on_a_machine(seed, &case)).collect()
}

fn without_garbage() -> DiskSettings {
    DiskSettings { garbage: 0.0, ..DiskSettings::default() }
}

/// Does something on the machine, in its present life.
async fn on<T, F>(cluster: &Cluster, task: impl FnOnce(Disk) -> F + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let task = cluster.on(N1, async move { task(Disk::of_this_machine()).await });
    task.await.expect("the machine lives as long as its task")
}

fn steer<T>(act: impl FnOnce(&mut World) -> T) -> T {
    world::with(act)
}

fn begin(fault: DiskFault) {
    steer(|world| world.set_disk_fault(N1, fault)).expect("the fault is in range");
}

fn end(fault: DiskFault) {
    assert!(steer(|world| world.clear_disk_fault(N1, fault)), "{fault:?} is under way");
}

/// The machine dies and is started again.
fn die(death: Death) {
    world::crash(N1, death);
    world::restart(N1);
}

fn lose_power() {
    die(Death::Power);
}

/// A file with durable contents and a durable name.
async fn durable(disk: &Disk, name: &str, bytes: &[u8]) {
    let file = disk.create(name).await.unwrap();
    file.write_all_at(bytes, 0).await.unwrap();
    file.sync_all().await.unwrap();
    disk.sync_dir(".").await.unwrap();
}

fn appending() -> OpenOptions {
    OpenOptions::new().append(true).create(true)
}

/// Simulated time since the run began.
fn now() -> Duration {
    Duration::from_nanos(steer(|world| world.now_ns()))
}

fn us(us: u64) -> Duration {
    Duration::from_micros(us)
}
