//! An application's endpoint: who the master is, as it is told.

use super::message::Master;
use crate::common::http::{self, Response};
use crate::common::master::PATH;
use futures::stream::{FuturesUnordered, StreamExt as _};
use host::net::{TcpListener, TcpStream};
use host::time::{sleep, timeout};
use std::convert::Infallible;
use std::io;
use std::time::Duration;

/// The pause after a connection could not be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// How long whoever tells something has for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hands over what it is told, and answers whether it was taken.
pub(super) async fn endpoint(listener: &TcpListener, takes: impl Fn(Master) -> bool) -> Infallible {
    let mut answering = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            Some(_) = answering.next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => answering.push(timeout(PATIENCE, answer(stream, &takes))),
                // Out of sockets, for a moment.
                Err(_) => sleep(ACCEPT_AGAIN).await,
            },
        }
    }
}

async fn answer(mut stream: TcpStream, takes: &impl Fn(Master) -> bool) -> io::Result<()> {
    let request = http::read_request(&mut stream).await?;
    let master = std::str::from_utf8(&request.body).ok().and_then(Master::read);
    let status = match (request.path == PATH && request.method == "POST", master) {
        (true, Some(master)) if takes(master) => 200,
        (true, Some(_)) => 409,
        (true, None) => 400,
        (false, _) => 404,
    };
    http::respond(&mut stream, &request, &Response { status, body: Vec::new() }).await
}
