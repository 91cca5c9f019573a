//! TCP frames of 64 bytes, length-delimited, and UDP datagrams of 64 bytes through `host`: three nodes, link model on. `benches/peers` does the same work
//! on madsim's own network and on turmoil.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures::{SinkExt, StreamExt};
use host::net::{TcpListener, TcpStream, UdpSocket};
use host::world::{Config, Latency, lab};
use std::net::IpAddr;
use std::time::Duration;
use tokio_util::bytes::Bytes;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

const FRAMES: u64 = 20_000;
const PORT: u16 = 7000;

async fn echo() -> std::io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0".parse::<IpAddr>().expect("an address"), PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut frames = Framed::new(stream, LengthDelimitedCodec::new());
            while let Some(Ok(frame)) = frames.next().await {
                if frames.send(frame.freeze()).await.is_err() {
                    break;
                }
            }
        });
    }
}

async fn ping(server: &'static str, outstanding: usize, frames: u64) -> std::io::Result<()> {
    let mut stream = Framed::new(TcpStream::connect((server, PORT)).await?, LengthDelimitedCodec::new());
    for _ in 0..outstanding {
        stream.send(Bytes::from_static(&[0; 64])).await?;
    }
    for _ in 0..frames {
        let frame = stream.next().await.expect("the echo goes on")?;
        stream.send(frame.freeze()).await?;
    }
    Ok(())
}

async fn echo_datagrams() -> std::io::Result<()> {
    let socket = UdpSocket::bind(("0.0.0.0", PORT)).await?;
    let mut bytes = [0; 64];
    loop {
        let (len, from) = socket.recv_from(&mut bytes).await?;
        socket.send_to(&bytes[..len], from).await?;
    }
}

async fn ping_datagrams(server: &'static str, outstanding: usize, datagrams: u64) -> std::io::Result<()> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).await?;
    socket.connect((server, PORT)).await?;
    let mut bytes = [0; 64];
    for _ in 0..outstanding {
        socket.send(&bytes).await?;
    }
    for _ in 0..datagrams {
        let len = socket.recv(&mut bytes).await?;
        socket.send(&bytes[..len]).await?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Over {
    Tcp,
    Udp,
}

/// Two clients' tasks on n1 play ping-pong with n2 and n3; every frame travels twice.
fn ping_pong(seed: u64, over: Over, outstanding: usize) {
    let latency = Latency::uniform(Duration::from_millis(1), Duration::from_millis(10));
    lab::run(Config { latency, ..Config::new(seed, lab::machines(3)) }, async |lab| {
        let client = lab.machine();
        for _ in ["n2", "n3"] {
            let server = lab.machine();
            match over {
                Over::Tcp => lab.on(server, echo()),
                Over::Udp => lab.on(server, echo_datagrams()),
            };
        }
        let both = lab.on(client, async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let half = FRAMES / 4;
            match over {
                Over::Tcp => {
                    tokio::try_join!(ping("n2", outstanding, half), ping("n3", outstanding, half))
                }
                Over::Udp => tokio::try_join!(
                    ping_datagrams("n2", outstanding, half),
                    ping_datagrams("n3", outstanding, half)
                ),
            }
        });
        both.await.expect("the task ends").expect("nothing fails");
    });
}

fn frames(criterion: &mut Criterion) {
    for (name, over) in [("tcp frames", Over::Tcp), ("udp datagrams", Over::Udp)] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(FRAMES)).sample_size(20);
        for outstanding in [8, 1] {
            group.bench_function(BenchmarkId::new("outstanding", outstanding), |bencher| {
                bencher.iter(|| ping_pong(1, over, outstanding));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, frames);
criterion_main!(benches);
