//! The router: one future, with its checks and its sessions in it.

use super::options::{Backend, Config, Options};
use super::rules::Health;
use crate::common::{forward, http};
use futures::future::{AbortHandle, Abortable};
use futures::stream::{FuturesUnordered, StreamExt as _};
use host::net::{TcpListener, TcpStream};
use host::time::{Instant, sleep, sleep_until, timeout};
use host::{probe, sometimes};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// Runs a router until the future is dropped.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`), or the address cannot be bound.
pub async fn run(config: Config) -> io::Result<()> {
    config.validate()?;
    let listener = TcpListener::bind(config.listen).await?;
    serve(listener, config).await
}

/// Runs a router on a listener that is already bound.
///
/// # Errors
///
/// As [`run`].
pub async fn serve(listener: TcpListener, config: Config) -> io::Result<()> {
    config.validate()?;
    let mut router = Router::new(&config);
    probe!("routes", "nowhere");
    let now = Instant::now();
    let mut checks: FuturesUnordered<_> = config
        .backends
        .iter()
        .enumerate()
        .map(|(place, backend)| check(place, *backend, &config.options, now))
        .collect();
    let mut sessions = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            Some((place, good, next)) = checks.next() => {
                router.on_answer(place, good);
                checks.push(check(place, config.backends[place], &config.options, next));
            }
            Some(number) = sessions.next() => router.forget(number),
            stream = accept(&listener) => {
                // Nobody is up, or there are too many: the connection is closed.
                if let Some((number, place, ended)) = router.open() {
                    let backend = config.backends[place];
                    let session = Abortable::new(lead(stream, backend, config.options.connect_timeout), ended);
                    sessions.push(async move {
                        let _ = session.await;
                        number
                    });
                }
            }
        }
    }
}

/// What a router knows, and whom it lets through.
struct Router<'a> {
    config: &'a Config,
    health: Vec<Health>,
    /// Which backend each session leads to, and how it is shut.
    sessions: BTreeMap<u64, (usize, AbortHandle)>,
    next: u64,
}

impl<'a> Router<'a> {
    fn new(config: &'a Config) -> Router<'a> {
        let Options { rise, fall, .. } = config.options;
        let health = vec![Health::new(rise, fall); config.backends.len()];
        Router { config, health, sessions: BTreeMap::new(), next: 0 }
    }

    /// The first backend that is up.
    fn target(&self) -> Option<usize> {
        self.health.iter().position(|health| health.is_up())
    }

    /// Takes an answer in. The sessions of a backend that goes down are shut.
    fn on_answer(&mut self, place: usize, good: bool) {
        let (before, was_up) = (self.target(), self.health[place].is_up());
        self.health[place].on_answer(good);
        if was_up && !self.health[place].is_up() {
            for (_, session) in self.sessions.values().filter(|(to, _)| *to == place) {
                sometimes!("sessions of a backend that went down are shut");
                session.abort();
            }
        }
        let after = self.target();
        if before != after {
            let routes = after.map(|place| self.config.backends[place].address.to_string());
            probe!("routes", routes.unwrap_or_else(|| "nowhere".to_owned()));
        }
    }

    /// A session to the backend that is up: its number, where it leads, and how it learns that it is shut.
    fn open(&mut self) -> Option<(u64, usize, futures::future::AbortRegistration)> {
        let place = self.target().filter(|_| self.sessions.len() < self.config.options.connections_max)?;
        let (shut, ended) = AbortHandle::new_pair();
        self.next += 1;
        self.sessions.insert(self.next, (place, shut));
        Some((self.next, place, ended))
    }

    fn forget(&mut self, number: u64) {
        self.sessions.remove(&number);
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // Out of sockets, for a moment.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Asks a backend at that time: whether it may be led to, and when it is asked next.
async fn check(place: usize, backend: Backend, options: &Options, at: Instant) -> (usize, bool, Instant) {
    sleep_until(at).await;
    let answer = http::ask(backend.health, "GET", "/primary", b"", options.check_timeout).await;
    let good = answer.is_ok_and(|response| response.status == 200);
    (place, good, at.max(Instant::now() - options.check_every) + options.check_every)
}

/// Passes bytes on, both ways, until either end is closed.
async fn lead(client: TcpStream, backend: Backend, connect_timeout: Duration) -> io::Result<()> {
    let connecting = timeout(connect_timeout, TcpStream::connect(backend.address));
    let server = connecting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    forward(client, server).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn config() -> Config {
        let at = |last: u8| SocketAddr::from(([10, 0, 0, last], 7000));
        let backends = [1, 2].map(|last| Backend { address: at(last), health: at(last) }).to_vec();
        let options = Options { rise: 1, fall: 1, connections_max: 2, ..Options::default() };
        Config { listen: at(9), backends, options }
    }

    #[test]
    fn the_first_backend_that_is_up_is_led_to() {
        let config = config();
        let mut router = Router::new(&config);
        assert!(router.open().is_none());
        router.on_answer(1, true);
        assert_eq!(router.target(), Some(1));
        router.on_answer(0, true);
        assert_eq!(router.target(), Some(0));
    }

    #[test]
    fn sessions_of_a_backend_that_goes_down_are_shut_and_the_others_stay() {
        let config = config();
        let mut router = Router::new(&config);
        router.on_answer(1, true);
        let (_, _, ended) = router.open().unwrap();
        router.on_answer(0, true);
        let (_, _, stays) = router.open().unwrap();
        router.on_answer(1, false);
        assert!(ended.handle().is_aborted());
        assert!(!stays.handle().is_aborted());
    }

    #[test]
    fn no_more_sessions_are_open_than_may_be() {
        let config = config();
        let mut router = Router::new(&config);
        router.on_answer(0, true);
        let (first, _, _) = router.open().unwrap();
        assert!(router.open().is_some() && router.open().is_none());
        router.forget(first);
        assert!(router.open().is_some());
    }
}
