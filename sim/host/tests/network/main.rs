//! Laws of the simulated world alone: links, lost packets, deaths, clocks, and the digest.
//!
//! Unless a case says otherwise, links take exactly 10 ms and lose nothing, n2 has dialled n1, and the test plays both
//! ends itself: a socket belongs to the machine that opened it, whoever reads and writes it.
#![cfg(madsim)]
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod datagrams;
mod deaths;
mod handshake;
mod links;
mod lost_packets;
mod machines;
mod messages;
mod names;
mod overload;
mod qualities;
mod replay;
mod silence;

use host::net::{TcpListener, TcpStream};
use host::world::{self, MachineId};
use std::io;
use std::time::Duration;
use support::Cluster;
use tokio::io::AsyncReadExt;

/// The machines of most cases.
const N1: MachineId = MachineId::numbered(1);
const N2: MachineId = MachineId::numbered(2);
const PORT: u16 = 7000;
const ADDRESS: &str = "10.0.0.1:7000";

/// Timers fire up to this much late: madsim's polls cost time.
const SLACK: Duration = Duration::from_micros(100);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Simulated time since the run began.
fn now() -> Duration {
    Duration::from_nanos(world::with(|world| world.now_ns()))
}

async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Runs a case on two machines.
fn simulate<F: Future<Output = ()>>(test: impl FnOnce(Cluster) -> F + Send) {
    support::simulate(support::machines(1, 2), test);
}

async fn listen(cluster: &Cluster) -> TcpListener {
    cluster.on(N1, TcpListener::bind(("0.0.0.0", PORT))).await.unwrap().unwrap()
}

async fn dial(cluster: &Cluster) -> io::Result<TcpStream> {
    cluster.on(N2, TcpStream::connect(ADDRESS)).await.unwrap()
}

/// A connection: n1's end, then that of n2, which has dialled. The listener is gone.
async fn connection(cluster: &Cluster) -> (TcpStream, TcpStream) {
    let listener = listen(cluster).await;
    let dialler = dial(cluster).await.unwrap();
    (listener.accept().await.unwrap().0, dialler)
}

fn cut(from: MachineId, to: MachineId) {
    world::with(|world| world.cut(from, to));
}

fn mend(from: MachineId, to: MachineId) {
    world::with(|world| world.mend(from, to));
}

fn hold(from: MachineId, to: MachineId) {
    world::with(|world| world.hold(from, to));
}

fn release(from: MachineId, to: MachineId) {
    world::with(|world| world.release(from, to));
}

fn part() {
    cut(N1, N2);
    cut(N2, N1);
}

fn heal() {
    mend(N1, N2);
    mend(N2, N1);
}

/// When the next byte arrives, after `since`.
async fn byte_after(stream: &mut TcpStream, since: Duration) -> Duration {
    stream.read_u8().await.unwrap();
    now() - since
}

#[track_caller]
fn assert_about(time: Duration, expected: Duration) {
    assert!(expected <= time && time <= expected + SLACK, "{time:?}, and not {expected:?}");
}

fn kind<T>(outcome: io::Result<T>) -> io::ErrorKind {
    outcome.err().expect("an error").kind()
}
