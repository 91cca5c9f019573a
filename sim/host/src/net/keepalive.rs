//! When a connection that says nothing is given up: options that tokio leaves to `socket2`.

use super::TcpStream;
use std::io;
use std::time::Duration;

/// Probing a silent peer, as `SO_KEEPALIVE` does with `TCP_KEEPIDLE`, `TCP_KEEPINTVL` and `TCP_KEEPCNT`.
///
/// A peer whose kernel answers is alive, whatever its process does. One that has forgotten the connection answers by
/// RST. After `count` probes without an answer the connection fails with `TimedOut`: a silent, dead peer is found out
/// after `idle + count * interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// How long the connection is silent before the first probe; Linux counts whole seconds, from 1.
    pub idle: Duration,
    /// Between two probes; Linux counts whole seconds, from 1.
    pub interval: Duration,
    /// So many probes without an answer are the end.
    pub count: u32,
}

impl Default for Keepalive {
    /// Linux's: two hours, 75 seconds, 9.
    fn default() -> Self {
        Keepalive { idle: Duration::from_secs(7200), interval: Duration::from_secs(75), count: 9 }
    }
}

/// Probes the peer of a connection from now on, or no more. New connections do not.
///
/// # Errors
///
/// `InvalidInput` for an option that the system does not take, such as a count of 0.
pub fn set_keepalive(stream: &TcpStream, keepalive: Option<Keepalive>) -> io::Result<()> {
    #[cfg(madsim)]
    return stream.set_keepalive(keepalive);
    #[cfg(not(madsim))]
    {
        let socket = socket2::SockRef::from(stream);
        let Some(Keepalive { idle, interval, count }) = keepalive else { return socket.set_keepalive(false) };
        let options =
            socket2::TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(count);
        socket.set_tcp_keepalive(&options)
    }
}

/// How long sent data may stay without an acknowledgement before the connection fails with `TimedOut`:
/// `TCP_USER_TIMEOUT`, in whole milliseconds. Two minutes in the simulation; some fifteen by default on Linux.
///
/// # Errors
///
/// `NotConnected` when this machine has died.
pub fn set_user_timeout(stream: &TcpStream, timeout: Duration) -> io::Result<()> {
    #[cfg(madsim)]
    return stream.set_user_timeout(timeout);
    #[cfg(not(madsim))]
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(timeout))
}
