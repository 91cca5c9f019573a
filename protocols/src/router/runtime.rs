//! HAProxy's runtime API, as far as it sends the one server elsewhere.

use crate::common::transport::{self, FrameReader};
use host::net::TcpStream;
use host::time::timeout;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// `set server app/primary addr … port …`, and `shutdown sessions server app/primary` if that has changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SetServer(pub SocketAddr);

/// Whether it has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Set(pub bool);

/// A hand on the runtime API of one router.
#[derive(Debug, Clone, Copy)]
pub struct Runtime {
    address: SocketAddr,
    patience: Duration,
}

impl Runtime {
    /// Of the router whose runtime API is there; it has so long for each command.
    pub fn new(address: SocketAddr, patience: Duration) -> Runtime {
        Runtime { address, patience }
    }

    /// Sends connections there from now on, and shuts those that go elsewhere. Whether that is news to it.
    ///
    /// # Errors
    ///
    /// When it does not answer in time: whether it was done is not known then.
    pub async fn set_server(&self, server: SocketAddr) -> io::Result<bool> {
        let asking = async {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            let (read, mut half) = stream.into_split();
            transport::write_now(&mut half, &SetServer(server), &mut Vec::new()).await?;
            let Set(changed) = FrameReader::new(read).next().await.map_err(io::Error::other)?;
            Ok(changed)
        };
        timeout(self.patience, asking).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

/// The next command of a connection; none if it has ended.
pub(super) async fn command(stream: TcpStream) -> Option<(SetServer, host::net::OwnedWriteHalf)> {
    let (read, half) = stream.into_split();
    Some((FrameReader::new(read).next().await.ok()?, half))
}

/// Answers a command. Whoever gave it may have gone.
pub(super) async fn answer(mut half: host::net::OwnedWriteHalf, set: Set) {
    let _ = transport::write_now(&mut half, &set, &mut Vec::new()).await;
}
