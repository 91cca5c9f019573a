//! What is around the rules: what runs on each machine. A database runs beside what belongs to it, as processes do.

mod auditor;
mod reader;
mod subscriber;
mod vault;

use super::options::Config;
use crate::database::{self, Repair, Role, Start, Supervisor};
use host::disk::Disk;
use host::process;
use host::time::sleep;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

/// The processes of which a fault may strike one.
pub const PROCESSES: &[&str] = &["database", "reader", "subscriber"];

/// What a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The database that takes writes.
    Source,
    /// A standby of it, and what is asked to read there.
    Replica,
    /// A database of its own, and what brings it the tables of the set.
    Target,
    /// What compares all three, and drills restores.
    Auditor,
}

/// Runs what a machine is, until the future is dropped.
///
/// # Errors
///
/// When the configuration is out of bounds or the set names an unknown table (`InvalidInput`), or an address cannot be
/// bound.
pub async fn run(part: Part, config: Config, disk: Disk) -> io::Result<()> {
    config.validate()?;
    match part {
        Part::Source => database(&config, 1, config.source, Start::Primary, disk).await,
        Part::Replica => {
            let start = Start::Standby { upstream: Some(config.source), repair: Repair::RewindOrClone };
            let reader = process::run("reader", || reader::run(&config));
            tokio::try_join!(database(&config, 2, config.replica, start, disk), reader).map(drop)
        }
        Part::Target => {
            let subscriber = process::run("subscriber", || subscriber::run(&config));
            tokio::try_join!(database(&config, 3, config.target, Start::Primary, disk), subscriber).map(drop)
        }
        Part::Auditor => auditor::run(&config, disk).await,
    }
}

/// A database that is started again whenever it is stopped: its role never changes.
async fn database(config: &Config, id: u32, address: SocketAddr, start: Start, disk: Disk) -> io::Result<()> {
    let own = database::Config { id, address, options: config.options.database.clone() };
    let database = process::run("database", || database::run(own.clone(), disk.clone()));
    tokio::select! {
        biased;
        ended = database => ended,
        never = keep_started(config, address, &start) => match never {},
    }
}

async fn keep_started(config: &Config, address: SocketAddr, start: &Start) -> Infallible {
    let mut supervisor = Supervisor::new(address).patience(config.options.patience);
    loop {
        if supervisor.status().await.is_ok_and(|status| status.role == Role::Stopped) {
            // If it does not start now, it may next time.
            let _ = supervisor.start(start.clone()).await;
        }
        sleep(config.options.retry).await;
    }
}
