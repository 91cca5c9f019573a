//! What the nodes do, on whatever stream a peer gives them.

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// Sends frames, each as soon as an echo is back, with `window` of them outstanding, until `echoes` have returned.
pub async fn exchange(stream: impl AsyncRead + AsyncWrite + Unpin, echoes: u64, window: u64) {
    let mut frames = Framed::new(stream, LengthDelimitedCodec::new());
    for _ in 0..window.min(echoes) {
        frames.send(Bytes::from_static(&[0; FRAME_BYTES])).await.expect("the connection stands");
    }
    for received in 0..echoes {
        let frame = frames.next().await.expect("no end before the last echo").expect("a whole frame");
        if received + window < echoes {
            frames.send(frame.freeze()).await.expect("the connection stands");
        }
    }
}

/// Sends every frame back, until the other end closes.
pub async fn echo(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut frames = Framed::new(stream, LengthDelimitedCodec::new());
    while let Some(Ok(frame)) = frames.next().await {
        if frames.send(frame.freeze()).await.is_err() {
            return;
        }
    }
}

/// A peer's UDP socket.
pub trait Datagrams: Send + Sync {
    /// Sends one.
    fn send_to(&self, bytes: &[u8], to: SocketAddr) -> impl Future<Output = io::Result<usize>> + Send;

    /// Receives one.
    fn recv_from(&self, into: &mut [u8]) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send;
}

/// Sends datagrams, each as soon as an echo is back, with `window` of them outstanding, until `echoes` have returned.
pub async fn exchange_datagrams(socket: impl Datagrams, to: SocketAddr, echoes: u64, window: u64) {
    let mut bytes = [0; FRAME_BYTES];
    for _ in 0..window.min(echoes) {
        socket.send_to(&bytes, to).await.expect("the echoing node is there");
    }
    for received in 0..echoes {
        let (len, _) = socket.recv_from(&mut bytes).await.expect("no end before the last echo");
        if received + window < echoes {
            socket.send_to(&bytes[..len], to).await.expect("the echoing node is there");
        }
    }
}

/// Sends every datagram back, for ever.
pub async fn echo_datagrams(socket: impl Datagrams) {
    let mut bytes = [0; FRAME_BYTES];
    while let Ok((len, from)) = socket.recv_from(&mut bytes).await {
        if socket.send_to(&bytes[..len], from).await.is_err() {
            return;
        }
    }
}

/// Echoes that each of the two connections waits for, so that `frames` cross the network in all.
pub fn echoes_per_connection(frames: u64) -> u64 {
    frames / (2 * ECHOING.len() as u64)
}

/// Frames that crossed the network, there and back, once both connections had their echoes.
pub fn frames_delivered(echoes_per_connection: u64) -> u64 {
    echoes_per_connection * 2 * ECHOING.len() as u64
}

/// What a frame carries, without its length prefix.
pub const FRAME_BYTES: usize = 64;

/// The node that sends; it dials the others.
pub const SENDING: u8 = 1;

/// The nodes that echo.
pub const ECHOING: [u8; 2] = [2, 3];

/// Nodes of an empty run.
pub const EMPTY_RUN_NODES: RangeInclusive<u8> = 1..=5;

/// Where the echoing nodes listen.
pub const PORT: u16 = 7000;

/// When the sending node dials: by then the others listen.
pub const DIAL_AFTER: Duration = Duration::from_millis(20);

/// The least one-way latency of every link.
pub const LATENCY_MIN: Duration = Duration::from_millis(1);

/// The greatest one-way latency of every link.
pub const LATENCY_MAX: Duration = Duration::from_millis(10);
