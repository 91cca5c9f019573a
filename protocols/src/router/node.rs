//! The router: one future, with its checks and its sessions in it.

use super::options::{Backend, Config, Options};
use super::rules::Health;
use super::runtime::{self, Set, SetServer};
use crate::common::{forward, http};
use futures::future::{AbortHandle, Abortable};
use futures::stream::{FuturesUnordered, StreamExt as _};
use host::net::{TcpListener, TcpStream};
use host::time::{Instant, sleep, sleep_until, timeout};
use host::{probe, sometimes};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
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
    leads(&listener, None, &config).await
}

/// Runs a router whose one server is its first backend, until the runtime API there is told otherwise. Nobody checks it.
///
/// # Errors
///
/// As [`run`].
pub async fn run_set(config: Config, runtime: SocketAddr) -> io::Result<()> {
    config.validate()?;
    let (listener, runtime) = (TcpListener::bind(config.listen).await?, TcpListener::bind(runtime).await?);
    leads(&listener, Some(&runtime), &config).await
}

async fn leads(listener: &TcpListener, runtime: Option<&TcpListener>, config: &Config) -> io::Result<()> {
    let mut router = Router::new(config);
    probe!("routes", router.routes());
    let start = Instant::now();
    let (mut checks, mut commands) = (FuturesUnordered::new(), FuturesUnordered::new());
    let mut answers = FuturesUnordered::new();
    for (place, backend) in config.backends.iter().enumerate().filter(|_| runtime.is_none()) {
        let at = start + first_check(place, config);
        checks.push(check(place, *backend, &config.options, at));
    }
    let mut sessions = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            Some((place, good)) = checks.next() => {
                router.on_answer(place, good);
                // From the end of this one, so that checks of one backend never overlap.
                let next = Instant::now() + config.options.check_every;
                checks.push(check(place, config.backends[place], &config.options, next));
            }
            Some(command) = commands.next() => {
                if let Some((SetServer(server), half)) = command {
                    answers.push(runtime::answer(half, Set(router.set(server))));
                }
            }
            Some(()) = answers.next() => {}
            Some(number) = sessions.next() => router.forget(number),
            stream = accept_if(runtime) => commands.push(runtime::command(stream)),
            stream = accept(listener) => {
                // Nobody is up, or there are too many: the connection is closed.
                if let Some((number, place, ended)) = router.open() {
                    let backend = router.backends[place];
                    let session = Abortable::new(lead(stream, backend, &config.options), ended);
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
    /// As they were set.
    backends: Vec<Backend>,
    health: Vec<Health>,
    /// Which backend each session leads to, and how it is shut.
    sessions: BTreeMap<u64, (usize, AbortHandle)>,
    next: u64,
}

impl<'a> Router<'a> {
    fn new(config: &'a Config) -> Router<'a> {
        let Options { rise, fall, .. } = config.options;
        let health = vec![Health::new(rise, fall); config.backends.len()];
        let backends = config.backends.clone();
        Router { config, backends, health, sessions: BTreeMap::new(), next: 0 }
    }

    /// The first backend that is up.
    fn target(&self) -> Option<usize> {
        self.health.iter().position(|health| health.is_up())
    }

    /// Where it is.
    fn routes(&self) -> String {
        let target = self.target().map(|place| self.backends[place].address.to_string());
        target.unwrap_or_else(|| "nowhere".to_owned())
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
        if before != self.target() {
            probe!("routes", self.routes());
        }
    }

    /// Its first server is there from now on. Whether it was not; its sessions are shut then.
    fn set(&mut self, server: SocketAddr) -> bool {
        let changed = self.backends[0].address != server;
        if changed {
            self.backends[0].address = server;
            for (_, session) in self.sessions.values() {
                sometimes!("sessions of a server that was set elsewhere are shut");
                session.abort();
            }
            probe!("routes", self.routes());
        }
        changed
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

async fn accept_if(listener: Option<&TcpListener>) -> TcpStream {
    match listener {
        Some(listener) => accept(listener).await,
        None => std::future::pending().await,
    }
}

/// When a backend is asked first: first checks are spread over one interval (HAProxy's `start_checks`).
fn first_check(place: usize, config: &Config) -> Duration {
    config.options.check_every * place as u32 / config.backends.len() as u32
}

/// Asks a backend at that time whether it may be led to.
async fn check(place: usize, backend: Backend, options: &Options, at: Instant) -> (usize, bool) {
    sleep_until(at).await;
    let answer = http::ask(backend.health, "GET", "/primary", b"", options.patience()).await;
    (place, answer.is_ok_and(|response| response.status == 200))
}

/// Passes bytes on, both ways, until either end is closed.
async fn lead(client: TcpStream, backend: Backend, options: &Options) -> io::Result<()> {
    let server = connect(backend.address, options).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    forward(client, server).await
}

/// A connection to a backend, which is tried again before the session is given up; never another (no `option
/// redispatch`). After a refusal there is a pause, after silence there is none.
async fn connect(address: SocketAddr, options: &Options) -> io::Result<TcpStream> {
    let mut tries = 0;
    loop {
        let connecting = timeout(options.connect_timeout, TcpStream::connect(address)).await;
        match connecting {
            Ok(Ok(stream)) => return Ok(stream),
            _ if tries < options.retries => sometimes!("a session is tried again"),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
        tries += 1;
        if connecting.is_ok() {
            sleep(options.turn_around()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let at = |last: u8| SocketAddr::from(([10, 0, 0, last], 7000));
        let backends = [1, 2].map(|last| Backend { address: at(last), health: at(last) }).to_vec();
        let options = Options { rise: 1, fall: 1, connections_max: 2, ..Options::default() };
        Config { listen: at(9), backends, options }
    }

    #[test]
    fn the_first_backend_that_is_up_is_led_to_and_who_was_never_asked_is() {
        let config = config();
        let mut router = Router::new(&config);
        assert_eq!(router.target(), Some(0));
        router.on_answer(0, false);
        assert_eq!(router.target(), Some(1));
        router.on_answer(1, false);
        assert!(router.open().is_none());
        router.on_answer(1, true);
        assert_eq!(router.target(), Some(1));
        router.on_answer(0, true);
        assert_eq!(router.target(), Some(0));
    }

    /// HAProxy 3.0.11, seen.
    #[test]
    fn first_checks_are_spread_over_the_first_interval() {
        let config = Config { backends: config().backends.repeat(2)[..3].to_vec(), ..config() };
        let at = [0, 1, 2].map(|place| first_check(place, &config).as_secs());
        assert_eq!(at, [0, 1, 2]);
    }

    #[test]
    fn sessions_of_a_backend_that_goes_down_are_shut_and_the_others_stay() {
        let config = config();
        let mut router = Router::new(&config);
        router.on_answer(0, false);
        router.on_answer(1, true);
        let (_, _, ended) = router.open().unwrap();
        router.on_answer(0, true);
        let (_, _, stays) = router.open().unwrap();
        router.on_answer(1, false);
        assert!(ended.handle().is_aborted());
        assert!(!stays.handle().is_aborted());
    }

    /// HAProxy's management guide, `set server`: the address of the server is replaced, whatever it was before.
    #[test]
    fn a_server_that_is_set_elsewhere_is_led_to_and_its_sessions_are_shut() {
        let config = config();
        let mut router = Router::new(&config);
        let (_, _, ended) = router.open().unwrap();
        let elsewhere = SocketAddr::from(([10, 0, 0, 3], 7000));
        assert!(router.set(elsewhere));
        assert!(ended.handle().is_aborted());
        assert_eq!(router.routes(), elsewhere.to_string());
        let (_, _, stays) = router.open().unwrap();
        assert!(!router.set(elsewhere), "it is there");
        assert!(!stays.handle().is_aborted());
        assert!(router.set(config.backends[0].address), "an older one is taken as well");
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
