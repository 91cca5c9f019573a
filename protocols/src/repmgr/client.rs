//! Who asks a node's shared memory: the other daemons.

use super::message::{Ask, Told};
use crate::common::transport::{self, FrameReader};
use host::net::TcpStream;
use host::time::timeout;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// What is in a node's shared memory; none if it does not answer in time.
pub(super) async fn memory(address: SocketAddr, within: Duration) -> Option<Told> {
    tell(address, Ask::State, within).await
}

/// Tells a node's daemon whom to follow. Whether it was told.
pub(super) async fn tell_to_follow(address: SocketAddr, node: u32, within: Duration) -> bool {
    tell(address, Ask::Follow(node), within).await.is_some()
}

async fn tell(address: SocketAddr, ask: Ask, within: Duration) -> Option<Told> {
    let asking = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (read, mut half) = stream.into_split();
        transport::write_now(&mut half, &ask, &mut Vec::new()).await?;
        FrameReader::new(read).next().await.map_err(io::Error::other)
    };
    timeout(within, asking).await.ok()?.ok()
}
