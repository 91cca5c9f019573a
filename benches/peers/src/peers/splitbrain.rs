//! splitbrain's network, in a run that is set up and taken down as the testbed does it.

use super::{Peer, SPLITBRAIN};
use crate::work::{self, DIAL_AFTER, ECHOING, EMPTY_RUN_NODES, LATENCY_MAX, LATENCY_MIN, PORT, SENDING};
use futures::future::join_all;
use host::net::{TcpListener, TcpStream, UdpSocket};
use host::world::lab::{self, Lab};
use host::world::{Config, Latency, Machine, MachineId};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;

pub struct Splitbrain;

impl Peer for Splitbrain {
    fn name(&self) -> &'static str {
        SPLITBRAIN
    }

    fn tcp(&self, seed: u64, frames: u64, window: u64) -> u64 {
        let echoes = work::echoes_per_connection(frames);
        run(seed, SENDING..=ECHOING[ECHOING.len() - 1], async |lab, nodes| {
            let (sending, echoing) = nodes.split_first().expect("the sending node comes first");
            for (node, n) in echoing.iter().zip(ECHOING) {
                lab.on(*node, listen(n));
            }
            let connections = lab.on(*sending, async move {
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
        run(seed, SENDING..=ECHOING[ECHOING.len() - 1], async |lab, nodes| {
            let (sending, echoing) = nodes.split_first().expect("the sending node comes first");
            for (node, n) in echoing.iter().zip(ECHOING) {
                lab.on(*node, async move { work::echo_datagrams(socket(n, PORT).await).await });
            }
            let exchanges = lab.on(*sending, async move {
                tokio::time::sleep(DIAL_AFTER).await;
                join_all(ECHOING.map(|n| tokio::spawn(exchange_with(n, echoes, window)))).await
            });
            let ended = exchanges.await.expect("the sending node ends");
            assert!(ended.iter().all(Result::is_ok), "both sockets have their echoes");
        });
        work::frames_delivered(echoes)
    }

    fn empty_run(&self, seed: u64) {
        run(seed, EMPTY_RUN_NODES, async |lab, nodes| {
            join_all(nodes.iter().map(|node| lab.on(*node, async {}))).await;
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
fn run(seed: u64, nodes: RangeInclusive<u8>, body: impl AsyncFnOnce(Lab, &[MachineId]) + Send) {
    let machines = nodes.map(|n| Machine::new(format!("n{n}"), ip(n))).collect();
    let latency = Latency::uniform(LATENCY_MIN, LATENCY_MAX);
    let config = Config { latency, ..Config::new(seed, machines) };
    let count = config.machines.len();
    lab::run(config, async |lab| {
        let machines: Vec<MachineId> = (0..count).map(|_| lab.machine()).collect();
        body(lab, &machines).await;
    });
}

fn ip(n: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, n).into()
}
