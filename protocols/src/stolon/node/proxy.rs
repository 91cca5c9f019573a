//! A proxy: it sends connections to the master, and to nobody else.
//!
//! It says which generation it knows of *after* it has dropped what that forbids and *before* it does what that allows:
//! a sentinel that has read it may rely on it.

use crate::common::forward;
use crate::stolon::message::{ClusterData, ProxyInfo};
use crate::stolon::options::Options;
use crate::stolon::records::{Leased, Records, RecordsError};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use host::net::{TcpListener, TcpStream};
use host::time::{Instant, sleep, timeout};
use host::{probe, sometimes};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

/// One proxy.
#[derive(Debug, Clone)]
pub struct ProxyConfig {
    /// Its number.
    pub id: u32,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where the store's replicas listen.
    pub stores: Vec<SocketAddr>,
    /// Until the store says otherwise.
    pub options: Options,
}

/// Runs a proxy until the future is dropped; its connections end with it.
///
/// # Errors
///
/// When the options are out of bounds (`InvalidInput`), or the address cannot be bound.
pub async fn proxy(config: ProxyConfig) -> io::Result<()> {
    config.options.validate()?;
    let listener = TcpListener::bind(config.address).await?;
    let proxy = Proxy { config, routing: Mutex::default() };
    match tokio::join!(proxy.accept(&listener), proxy.control()) {}
}

struct Proxy {
    config: ProxyConfig,
    routing: Mutex<Routing>,
}

/// Where connections go, and those that are there.
#[derive(Default)]
struct Routing {
    to: Option<SocketAddr>,
    connections: FuturesUnordered<BoxFuture<'static, ()>>,
}

/// What a check found.
struct Checked {
    interval: Duration,
    timeout: Duration,
}

impl Proxy {
    fn routing(&self) -> MutexGuard<'_, Routing> {
        self.routing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Routes there from now on. Connections that go elsewhere are dropped.
    fn route(&self, to: Option<SocketAddr>) {
        let mut routing = self.routing();
        if routing.to != to {
            *routing = Routing { to, ..Routing::default() };
            probe!("routes", to.map_or_else(|| "nowhere".to_owned(), |to| to.to_string()));
        }
    }

    async fn accept(&self, listener: &TcpListener) -> Infallible {
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = listener.accept() => accepted,
                never = self.forward() => match never {},
            };
            let Ok((client, _)) = accepted else {
                sleep(ACCEPT_AGAIN).await;
                continue;
            };
            let routing = self.routing();
            // Where nothing is routed, the connection is closed at once.
            if let Some(to) = routing.to {
                routing.connections.push(Box::pin(connect(client, to, self.config.options.request_timeout)));
            }
        }
    }

    /// Forwards what connections bring. No task of its own: a proxy that stands still forwards nothing.
    async fn forward(&self) -> Infallible {
        poll_fn(|context| {
            while let Poll::Ready(Some(())) = self.routing().connections.poll_next_unpin(context) {}
            Poll::Pending
        })
        .await
    }

    /// Checks every so often. Without a good check for long enough nothing is routed, whatever a check waits for.
    async fn control(&self) -> Infallible {
        let mut records = Records::new(&self.config.stores, self.config.options.store_timeout);
        let mut record = Leased::proxy(self.config.id);
        let mut checked = Checked {
            interval: self.config.options.proxy_check_interval,
            timeout: self.config.options.proxy_timeout,
        };
        let mut deadline = None;
        loop {
            let check = self.check(&mut records, &mut record, checked.timeout);
            match before(deadline, check).await {
                Some(Ok(good)) => {
                    deadline = Some(Instant::now() + good.timeout);
                    checked = good;
                }
                Some(Err(error)) => tracing::debug!(proxy = self.config.id, %error, "check"),
                None => deadline = self.give_up(),
            }
            if before(deadline, sleep(checked.interval)).await.is_none() {
                deadline = self.give_up();
            }
        }
    }

    /// Routes nowhere. The next time-out begins with the next good check.
    fn give_up(&self) -> Option<Instant> {
        sometimes!("proxy gives up");
        self.route(None);
        None
    }

    async fn check(
        &self,
        records: &mut Records,
        record: &mut Leased,
        timeout: Duration,
    ) -> Result<Checked, RecordsError> {
        let Some(data) = records.cluster().await?.data else {
            self.route(None);
            return Ok(Checked { interval: self.config.options.proxy_check_interval, timeout });
        };
        let to = master(&data).filter(|_| data.proxy.enabled.contains(&self.config.id));
        if self.routing().to != to {
            self.route(None);
        }
        // Until this check is good, the time-out of the last one counts.
        let longest = data.options.proxy_timeout.max(timeout);
        let info =
            ProxyInfo { info: host::entropy::u64(), generation: data.proxy.generation, timeout: longest };
        record.write(records, &info, (2 * longest).max(data.options.lease_min)).await?;
        self.route(to);
        Ok(Checked { interval: data.options.proxy_check_interval, timeout: data.options.proxy_timeout })
    }
}

/// Where the master listens, if connections may go there.
fn master(data: &ClusterData) -> Option<SocketAddr> {
    data.dbs.get(&data.proxy.master?)?.status.address
}

/// What a future comes to before the deadline; none if it passes. The future is dropped then.
async fn before<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => timeout(deadline.saturating_duration_since(Instant::now()), future).await.ok(),
        None => Some(future.await),
    }
}

/// One connection, from a client to the master.
async fn connect(client: TcpStream, to: SocketAddr, patience: Duration) {
    let Ok(Ok(master)) = timeout(patience, TcpStream::connect(to)).await else { return };
    if client.set_nodelay(true).and_then(|()| master.set_nodelay(true)).is_ok() {
        // Both ends learn that it failed by its end.
        let _ = forward(client, master).await;
    }
}

/// The pause after a connection could not be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
