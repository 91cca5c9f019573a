//! What applications have: a pool that follows what is published, and leads connections to the master.

use super::message::{self, MASTER, Master, PRESENT};
use super::options::{Consumers, Flaw, Options, PoolConfig};
use super::rules;
use crate::common::forward;
use crate::store::zookeeper::{Change, Error, Event, Zookeeper};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use host::net::{TcpListener, TcpStream};
use host::time::{sleep, timeout};
use host::{probe, sometimes};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

/// The pause after a connection could not be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// The pause before what could not be read is read again.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// Runs a pool until the future is dropped; its connections end with it.
///
/// # Errors
///
/// When the options are out of bounds (`InvalidInput`), or the address cannot be bound.
pub async fn pool(config: PoolConfig) -> io::Result<()> {
    config.options.validate()?;
    let listener = TcpListener::bind(config.listen).await?;
    let zookeeper = Zookeeper::new(config.stores.clone(), config.options.zookeeper.clone());
    let pool = Pool { config: &config, zookeeper: &zookeeper, routing: Mutex::default() };
    let never = match config.options.consumers {
        Consumers::Watch => {
            probe!("leads to", 0u32);
            tokio::select! {
                biased;
                never = zookeeper.keep() => never,
                never = pool.follows() => never,
                never = pool.accepts(&listener) => never,
            }
        }
        Consumers::Ask => tokio::select! {
            biased;
            never = zookeeper.keep() => never,
            never = pool.ignores() => never,
            never = pool.accepts(&listener) => never,
        },
        Consumers::Push | Consumers::PushAndForget | Consumers::Poll => {
            let endpoint = TcpListener::bind(config.endpoint).await?;
            let (node, database) = config.first;
            pool.takes(Master { node, database, promoted_ns: 0 });
            tokio::select! {
                biased;
                never = super::endpoint::endpoint(&endpoint, |master| pool.takes(master)) => never,
                never = pool.accepts(&listener) => never,
            }
        }
        Consumers::Haproxy => {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "consumers: a pool is no HAProxy"));
        }
    };
    match never {}
}

struct Pool<'a> {
    config: &'a PoolConfig,
    zookeeper: &'a Zookeeper,
    routing: Mutex<Routing<'a>>,
}

/// Where connections go, and those that are there.
#[derive(Default)]
struct Routing<'a> {
    to: Option<(u32, SocketAddr)>,
    /// When that master was promoted, if the pool was told of it.
    promoted_ns: u64,
    connections: FuturesUnordered<BoxFuture<'a, ()>>,
}

/// What a pool has read.
#[derive(Default)]
struct Known {
    master: Option<Master>,
    present: BTreeSet<u32>,
}

impl<'a> Pool<'a> {
    /// Reads again whenever it is told of anything. What it cannot read it tries to, and goes on with what it knows.
    async fn follows(&self) -> Infallible {
        let (mut known, flaw) = (Known::default(), self.config.options.flaw);
        loop {
            let changed = match self.zookeeper.event().await {
                Event::Connected => false,
                Event::Watch(fired) => fired.change != Change::None,
                // Watches end with a session, and are set in the next.
                Event::Expired | Event::Suspended => continue,
            };
            // The flaw: nothing has changed, has it?
            let looks = flaw != Some(Flaw::OneShotWatchMissed) || changed || known.master.is_none();
            while let Err(error) = self.reads(&mut known, looks).await {
                tracing::debug!(%error, "read");
                sleep(READ_AGAIN).await;
            }
            let proceed = self.config.options.proceed;
            if known.master.is_some() && known.present.is_empty() {
                sometimes!("nobody is present");
            }
            self.leads(rules::leads_to(known.master.as_ref(), &known.present, proceed));
        }
    }

    /// Reads, and sets watches. `looks`: whether it takes in who the master is.
    async fn reads(&self, known: &mut Known, looks: bool) -> Result<(), Error> {
        let node = self.zookeeper.get_and_watch(MASTER).await?;
        if let Some(node) = node.filter(|_| looks)
            && let Some(master) = Master::read(&node.data)
        {
            probe!("master read", master.node, master.promoted_ns, node.modified);
            known.master = Some(master);
        }
        let names = self.zookeeper.children_and_watch(PRESENT).await?;
        known.present = names.iter().filter_map(|name| message::present(name)).collect();
        let numbers: Vec<String> = known.present.iter().map(u32::to_string).collect();
        probe!("present", numbers.join(" "));
        Ok(())
    }

    /// It asks for each connection, and whatever the store tells it besides is no matter.
    async fn ignores(&self) -> Infallible {
        loop {
            let _ = self.zookeeper.event().await;
        }
    }

    /// What it is told, unless it knows of a later one. Whether it leads there now.
    fn takes(&self, master: Master) -> bool {
        let Master { node, database, promoted_ns } = master;
        {
            let mut routing = self.routing();
            if !rules::takes(routing.promoted_ns, promoted_ns, self.config.options.flaw) {
                return false;
            }
            routing.promoted_ns = promoted_ns;
        }
        probe!("told", node, promoted_ns);
        self.leads(Some((node, database)));
        true
    }

    /// Leads there from now on. Connections that go elsewhere are closed.
    fn leads(&self, to: Option<(u32, SocketAddr)>) {
        let mut routing = self.routing();
        if routing.to != to {
            if !routing.connections.is_empty() {
                sometimes!("connections to an old master are closed");
            }
            *routing = Routing { to, promoted_ns: routing.promoted_ns, ..Routing::default() };
            probe!("leads to", to.map_or(0, |(node, _)| node));
        }
    }

    async fn accepts(&self, listener: &TcpListener) -> Infallible {
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = listener.accept() => accepted,
                never = self.forwards() => match never {},
            };
            let Ok((client, _)) = accepted else {
                sleep(ACCEPT_AGAIN).await;
                continue;
            };
            let (options, routing) = (&self.config.options, self.routing());
            // Where nothing is known, the connection is closed at once.
            if options.consumers == Consumers::Ask {
                routing.connections.push(Box::pin(ask_and_connect(client, self.zookeeper, options)));
            } else if let Some((_, to)) = routing.to {
                routing.connections.push(Box::pin(connect(client, to, options.connect_timeout)));
            }
        }
    }

    /// Forwards what connections bring. No task of its own: a pool that stands still forwards nothing.
    async fn forwards(&self) -> Infallible {
        poll_fn(|context| {
            while let Poll::Ready(Some(())) = self.routing().connections.poll_next_unpin(context) {}
            Poll::Pending
        })
        .await
    }

    fn routing(&self) -> MutexGuard<'_, Routing<'a>> {
        self.routing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection, to whoever is the master in the store just then. It stays there, whoever that is later.
async fn ask_and_connect(client: TcpStream, zookeeper: &Zookeeper, options: &Options) {
    let asked = timeout(options.tell_timeout, zookeeper.get(MASTER)).await;
    let master = asked.ok().and_then(Result::ok).flatten().and_then(|node| Master::read(&node.data));
    match master {
        Some(master) => connect(client, master.database, options.connect_timeout).await,
        None => sometimes!("a connection is refused as the store does not say who the master is"),
    }
}

/// One connection, from a client to the master.
async fn connect(client: TcpStream, to: SocketAddr, within: Duration) {
    let Ok(Ok(master)) = timeout(within, TcpStream::connect(to)).await else { return };
    if client.set_nodelay(true).and_then(|()| master.set_nodelay(true)).is_ok() {
        // Both ends learn that it failed by its end.
        let _ = forward(client, master).await;
    }
}
