//! madsim's own network, on madsim's runtime.
#![expect(clippy::disallowed_types, reason = "madsim's own network is what this file measures")]

use super::{Peer, on_fresh_thread};
use crate::work::{self, DIAL_AFTER, ECHOING, EMPTY_RUN_NODES, LATENCY_MAX, LATENCY_MIN, PORT, SENDING};
use futures::future::join_all;
use madsim::Config;
use madsim::runtime::{NodeHandle, Runtime};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

pub struct Madsim;

impl Peer for Madsim {
    fn name(&self) -> &'static str {
        "madsim"
    }

    fn tcp(&self, seed: u64, frames: u64, window: u64) -> u64 {
        let echoes = work::echoes_per_connection(frames);
        on_fresh_thread(|| {
            let runtime = runtime(seed);
            for n in ECHOING {
                node(&runtime, n).spawn(listen(n));
            }
            let sending = node(&runtime, SENDING).spawn(async move {
                tokio::time::sleep(DIAL_AFTER).await;
                join_all(ECHOING.map(|n| tokio::spawn(dial(n, echoes, window)))).await
            });
            let ended = runtime.block_on(sending).expect("the sending node ends");
            assert!(ended.iter().all(Result::is_ok), "both connections have their echoes");
        });
        work::frames_delivered(echoes)
    }

    fn udp(&self, seed: u64, datagrams: u64, window: u64) -> u64 {
        let echoes = work::echoes_per_connection(datagrams);
        on_fresh_thread(|| {
            let runtime = runtime(seed);
            for n in ECHOING {
                node(&runtime, n).spawn(async move { work::echo_datagrams(socket(n, PORT).await).await });
            }
            let sending = node(&runtime, SENDING).spawn(async move {
                tokio::time::sleep(DIAL_AFTER).await;
                join_all(ECHOING.map(|n| tokio::spawn(exchange_with(n, echoes, window)))).await
            });
            let ended = runtime.block_on(sending).expect("the sending node ends");
            assert!(ended.iter().all(Result::is_ok), "both sockets have their echoes");
        });
        work::frames_delivered(echoes)
    }

    fn empty_run(&self, seed: u64) {
        on_fresh_thread(|| {
            let runtime = runtime(seed);
            let nodes = EMPTY_RUN_NODES.map(|n| node(&runtime, n).spawn(async {}));
            runtime.block_on(join_all(nodes));
        });
    }
}

async fn listen(n: u8) {
    let listener = TcpListener::bind(address(n)).await.expect("the port is free");
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(work::echo(stream));
    }
}

async fn dial(n: u8, echoes: u64, window: u64) {
    let stream = TcpStream::connect(address(n)).await.expect("it listens");
    work::exchange(stream, echoes, window).await;
}

impl work::Datagrams for UdpSocket {
    async fn send_to(&self, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
        UdpSocket::send_to(self, to, bytes).await.map(|()| bytes.len())
    }

    async fn recv_from(&self, into: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        UdpSocket::recv_from(self, into).await
    }
}

async fn socket(n: u8, port: u16) -> UdpSocket {
    UdpSocket::bind((address(n).ip(), port)).await.expect("the port is free")
}

async fn exchange_with(n: u8, echoes: u64, window: u64) {
    work::exchange_datagrams(socket(SENDING, 0).await, address(n), echoes, window).await;
}

fn runtime(seed: u64) -> Runtime {
    let mut config = Config::default();
    config.net.send_latency = LATENCY_MIN..LATENCY_MAX;
    Runtime::with_seed_and_config(seed, config)
}

fn node(runtime: &Runtime, n: u8) -> NodeHandle {
    runtime.create_node().ip(address(n).ip()).build()
}

fn address(n: u8) -> SocketAddr {
    (Ipv4Addr::new(10, 0, 0, n), PORT).into()
}
