//! Bytes between two connections.

use host::net::TcpStream;
use std::io;
use tokio::io::copy;

/// Copies bytes both ways until either connection ends. Both are closed when this returns, or is dropped.
///
/// # Errors
///
/// That of the connection which failed first.
pub(crate) async fn forward(one: TcpStream, other: TcpStream) -> io::Result<()> {
    let ((mut from_one, mut to_one), (mut from_other, mut to_other)) = (one.into_split(), other.into_split());
    tokio::select! {
        biased;
        ended = copy(&mut from_one, &mut to_other) => ended.map(drop),
        ended = copy(&mut from_other, &mut to_one) => ended.map(drop),
    }
}
