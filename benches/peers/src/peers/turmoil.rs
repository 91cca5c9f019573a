//! turmoil: real tokio, stepped in ticks of 1 ms (its default).

use super::{Peer, on_fresh_thread};
use crate::work::{self, DIAL_AFTER, ECHOING, EMPTY_RUN_NODES, LATENCY_MAX, LATENCY_MIN, PORT};
use futures::future::try_join_all;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use turmoil::net::{TcpListener, TcpStream, UdpSocket};
use turmoil::{Builder, Sim};

pub struct Turmoil;

impl Peer for Turmoil {
    fn name(&self) -> &'static str {
        "turmoil"
    }

    fn tcp(&self, seed: u64, frames: u64, window: u64) -> u64 {
        let echoes = work::echoes_per_connection(frames);
        on_fresh_thread(|| {
            let mut sim = sim(seed);
            for n in ECHOING {
                sim.host(name(n), listen);
            }
            sim.client("sending", async move {
                real_tokio::time::sleep(DIAL_AFTER).await;
                try_join_all(ECHOING.map(|n| real_tokio::spawn(dial(n, echoes, window)))).await?;
                Ok(())
            });
            sim.run().expect("the sending node ends");
        });
        work::frames_delivered(echoes)
    }

    fn udp(&self, seed: u64, datagrams: u64, window: u64) -> u64 {
        let echoes = work::echoes_per_connection(datagrams);
        on_fresh_thread(|| {
            let mut sim = sim(seed);
            for n in ECHOING {
                sim.host(name(n), async || {
                    work::echo_datagrams(UdpSocket::bind(("0.0.0.0", PORT)).await?).await;
                    Ok(())
                });
            }
            sim.client("sending", async move {
                real_tokio::time::sleep(DIAL_AFTER).await;
                try_join_all(ECHOING.map(|n| real_tokio::spawn(exchange_with(n, echoes, window)))).await?;
                Ok(())
            });
            sim.run().expect("the sending node ends");
        });
        work::frames_delivered(echoes)
    }

    fn empty_run(&self, seed: u64) {
        on_fresh_thread(|| {
            let mut sim = sim(seed);
            for n in EMPTY_RUN_NODES {
                sim.client(name(n), async { Ok(()) });
            }
            sim.run().expect("nothing can fail");
        });
    }
}

async fn listen() -> turmoil::Result {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        real_tokio::spawn(work::echo(stream));
    }
}

async fn dial(n: u8, echoes: u64, window: u64) {
    let stream = TcpStream::connect((name(n), PORT)).await.expect("it listens");
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

async fn exchange_with(n: u8, echoes: u64, window: u64) {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).await.expect("a free port");
    let to = SocketAddr::new(turmoil::lookup(name(n)), PORT);
    work::exchange_datagrams(socket, to, echoes, window).await;
}

fn sim(seed: u64) -> Sim<'static> {
    let sim = Builder::new()
        .rng_seed(seed)
        .simulation_duration(Duration::MAX)
        .min_message_latency(LATENCY_MIN)
        .max_message_latency(LATENCY_MAX)
        .build();
    sim.set_message_latency_curve(LATENCY_CURVE);
    sim
}

fn name(n: u8) -> String {
    format!("n{n}")
}

/// turmoil's latencies are exponential, in whole ms, capped at the maximum; with this rate their mean is that of the
/// uniform distribution the others draw from: 1 ms + Σ exp(−1.4 k / 9) ms for k in 1..=9 ≈ 5.5 ms. At its default, 5,
/// a frame waits half as long, and turmoil is about twice as fast.
const LATENCY_CURVE: f64 = 1.4;
