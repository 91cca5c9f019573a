//! Connections that come in, to a member or to a replica that is none.

use super::message::Hello;
use super::options::Config;
use crate::common::Tasks;
use crate::common::transport::{FrameReader, ReadError};
use host::net::{OwnedWriteHalf, TcpListener, TcpStream};
use host::sometimes;
use host::time::{sleep, timeout};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};

/// Serves whoever connects.
pub(super) async fn accept<T: Future<Output = ()> + Send + 'static>(
    listener: &TcpListener,
    config: &Config,
    tasks: &mut Tasks,
    serve: impl Fn(TcpStream) -> T,
) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => tasks.spawn(serve(stream)),
            Err(error) => {
                // One connection failed, or the system is short of something: the replica lives on.
                tracing::debug!(replica = config.id, %error, "accept failed");
                sleep(config.options.redial).await;
            }
        }
    }
}

/// Hears who has connected, and serves whoever says hello.
pub(super) async fn greet<T: Future<Output = Result<(), ReadError>>>(
    stream: TcpStream,
    config: &Config,
    malformed_frames: &AtomicU64,
    serve: impl FnOnce(Hello, FrameReader, OwnedWriteHalf) -> T,
) {
    // Without it answers wait for acknowledgements. Who has hung up already is found out below.
    let _ = stream.set_nodelay(true);
    let (read, half) = stream.into_split();
    let mut frames = FrameReader::new(read);
    let served = match timeout(config.options.request_timeout, frames.next()).await {
        Ok(Ok(hello)) => serve(hello, frames, half).await,
        Ok(Err(error)) => Err(error),
        // Who does not even say hello is no loss.
        Err(_) => Ok(()),
    };
    if let Err(ReadError::Malformed) = served {
        sometimes!("malformed frame dropped");
        malformed_frames.fetch_add(1, Ordering::Relaxed);
    }
}
