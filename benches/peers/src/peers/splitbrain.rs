//! splitbrain's network, in a run that is set up and taken down as the testbed does it.

use super::{Peer, SPLITBRAIN, on_fresh_thread};
use crate::work::{self, DIAL_AFTER, ECHOING, EMPTY_RUN_NODES, LATENCY_MAX, LATENCY_MIN, PORT, SENDING};
use futures::future::join_all;
use host::net::{TcpListener, TcpStream, UdpSocket};
use host::world::{self, Config, Death, Latency, Machine, MachineId, Machines};
use madsim::runtime::{Handle, NodeHandle, Runtime};
use real_tokio::runtime::{Builder, RngSeed};
use real_tokio::task::unconstrained;
use std::collections::hash_map::RandomState;
use std::hint::black_box;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

pub struct Splitbrain;

impl Peer for Splitbrain {
    fn name(&self) -> &'static str {
        SPLITBRAIN
    }

    fn tcp(&self, seed: u64, frames: u64, window: u64) -> u64 {
        let echoes = work::echoes_per_connection(frames);
        run(seed, SENDING..=ECHOING[ECHOING.len() - 1], async |nodes| {
            let (sending, echoing) = nodes.split_first().expect("the sending node comes first");
            for (node, n) in echoing.iter().zip(ECHOING) {
                node.spawn(listen(n));
            }
            let connections = sending.spawn(async move {
                tokio::time::sleep(DIAL_AFTER).await;
                join_all(ECHOING.map(|n| tokio::spawn(dial(n, echoes, window)))).await
            });
            let ended = connections.await.expect("the sending node ends");
            assert!(ended.iter().all(Result::is_ok), "both connections have their echoes");
        });
        work::frames_delivered(echoes)
    }

    fn udp(&self, seed: u64, datagrams: u64, window: u64) -> u64 {
        let echoes = work::echoes_per_connection(datagrams);
        run(seed, SENDING..=ECHOING[ECHOING.len() - 1], async |nodes| {
            let (sending, echoing) = nodes.split_first().expect("the sending node comes first");
            for (node, n) in echoing.iter().zip(ECHOING) {
                node.spawn(async move { work::echo_datagrams(socket(n, PORT).await).await });
            }
            let exchanges = sending.spawn(async move {
                tokio::time::sleep(DIAL_AFTER).await;
                join_all(ECHOING.map(|n| tokio::spawn(exchange_with(n, echoes, window)))).await
            });
            let ended = exchanges.await.expect("the sending node ends");
            assert!(ended.iter().all(Result::is_ok), "both sockets have their echoes");
        });
        work::frames_delivered(echoes)
    }

    fn empty_run(&self, seed: u64) {
        run(seed, EMPTY_RUN_NODES, async |nodes| {
            join_all(nodes.iter().map(|node| node.spawn(async {}))).await;
        });
    }
}

async fn listen(n: u8) {
    let listener = TcpListener::bind((ip(n), PORT)).await.expect("the port is free");
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(work::echo(stream));
    }
}

async fn dial(n: u8, echoes: u64, window: u64) {
    let stream = TcpStream::connect((ip(n), PORT)).await.expect("it listens");
    work::exchange(stream, echoes, window).await;
}

impl work::Datagrams for UdpSocket {
    async fn send_to(&self, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
        UdpSocket::send_to(self, bytes, to).await
    }

    async fn recv_from(&self, into: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        UdpSocket::recv_from(self, into).await
    }
}

async fn socket(n: u8, port: u16) -> UdpSocket {
    UdpSocket::bind((ip(n), port)).await.expect("the port is free")
}

async fn exchange_with(n: u8, echoes: u64, window: u64) {
    work::exchange_datagrams(socket(SENDING, 0).await, (ip(n), PORT).into(), echoes, window).await;
}

/// One run by the whole recipe for determinism, which its cost includes.
fn run(seed: u64, nodes: RangeInclusive<u8>, body: impl AsyncFnOnce(&[NodeHandle]) + Send) {
    let rng_seed = RngSeed::from_bytes(&seed.to_le_bytes());
    let tokio =
        Builder::new_current_thread().rng_seed(rng_seed).build().expect("no I/O driver, nothing to fail");
    on_fresh_thread(|| {
        runtime(seed).block_on(async { black_box(RandomState::new()) });
        tokio.block_on(unconstrained(async {
            let runtime = runtime(seed);
            runtime.add_simulator::<Machines>();
            runtime.block_on(in_world(seed, nodes, body));
        }));
    });
}

async fn in_world<F>(seed: u64, nodes: RangeInclusive<u8>, body: F)
where
    F: AsyncFnOnce(&[NodeHandle]),
{
    let machines: Vec<_> = nodes.map(machine).collect();
    let latency = Latency::uniform(LATENCY_MIN, LATENCY_MAX);
    let config = Config { seed, machines, latency, loss: 0.0, buggify: false, recording: false };
    let count = config.machines.len();
    let _world = world::install(config);
    let handles: Vec<_> = (0..count).map(|_| Handle::current().create_node().build()).collect();
    body(&handles).await;
    // Unfinished tasks would outlive the runtime: kill the nodes, and let their futures go.
    MachineId::first(count).for_each(|host| world::crash(host, Death::Process));
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn runtime(seed: u64) -> Runtime {
    Runtime::with_seed_and_config(seed, madsim::Config::default())
}

fn machine(n: u8) -> Machine {
    Machine { name: format!("n{n}"), ip: ip(n), clock_offset_ns: 0, clock_drift_ppb: 0 }
}

fn ip(n: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, n).into()
}
