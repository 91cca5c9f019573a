//! The pooler: one future, with its clients, its dial and its console in it.

use super::message::{Answer, Command};
use super::options::{Config, PoolMode};
use super::rules::{Next, Pool};
use crate::common::transport::{self, FrameReader};
use crate::common::versioned;
use crate::database::{Query, Server, Session};
use futures::stream::{FuturesUnordered, StreamExt as _};
use host::disk::Disk;
use host::net::{TcpListener, TcpStream};
use host::time::{Instant, sleep, sleep_until, timeout};
use host::{probe, sometimes};
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// What says where the database is.
const FILE: &str = "pgbouncer.database.ini";
const NEXT: &str = "pgbouncer.database.ini.next";
const FILE_VERSION: u8 = 1;

/// Runs a pooler until the future is dropped.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`), an address cannot be bound, or the disk does not answer as
/// it should.
pub async fn run(config: Config, disk: Disk) -> io::Result<()> {
    config.options.validate()?;
    let (clients, console) =
        (TcpListener::bind(config.listen).await?, TcpListener::bind(config.console).await?);
    let target = load(&disk).await?.unwrap_or(config.target);
    probe!("points to", target.to_string());
    probe!("pooler", "open");
    let (dial, mut to_dial) = mpsc::unbounded_channel();
    let pooler = Pooler {
        pool: Mutex::new(Pool::new(target, config.options.clone())),
        idle: Mutex::default(),
        changed: Notify::new(),
        dial,
        began: Instant::now(),
        config: &config,
        disk,
    };
    let (mut sessions, mut dials, mut commands) =
        (FuturesUnordered::new(), FuturesUnordered::new(), FuturesUnordered::new());
    loop {
        tokio::select! {
            biased;
            Some((generation, login)) = dials.next() => pooler.logged_in(generation, login),
            Some((target, generation)) = to_dial.recv() => dials.push(pooler.login(target, generation)),
            Some(()) = commands.next() => {}
            Some(_) = sessions.next() => {}
            stream = accept(&console) => commands.push(pooler.obey(stream)),
            stream = accept(&clients) => {
                // There are too many: the connection is closed.
                if sessions.len() < config.options.max_client_conn as usize {
                    sessions.push(pooler.serve(stream));
                }
            }
        }
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

/// A pooler as its clients share it.
struct Pooler<'a> {
    pool: Mutex<Pool>,
    /// Servers that are free; the last that came is taken first.
    idle: Mutex<Vec<Server>>,
    /// Something of that has changed.
    changed: Notify,
    dial: mpsc::UnboundedSender<(SocketAddr, u64)>,
    began: Instant,
    config: &'a Config,
    disk: Disk,
}

/// A client has gone, or was sent away.
struct Gone;

impl Pooler<'_> {
    /// A client, from its login to its end.
    async fn serve(&self, stream: TcpStream) -> Result<(), Gone> {
        let login = timeout(self.config.options.client_login_timeout, self.log_in(stream));
        let mut session = login.await.map_err(|_| Gone)??;
        let mut kept: Option<Link<'_>> = None;
        loop {
            let query = session.query().await.ok_or(Gone)?;
            let mut link = match kept.take() {
                Some(link) => link,
                None => {
                    let mut link = self.link(&mut session).await?;
                    if session.has_left() {
                        sometimes!("a server is made for a client that has gone");
                        link.works = false;
                        return Err(Gone);
                    }
                    link
                }
            };
            self.pass(&mut session, &mut link, &query).await?;
            if self.config.options.pool_mode == PoolMode::Session {
                kept = Some(link);
            }
        }
    }

    /// As soon as it is known what to tell it.
    async fn log_in(&self, stream: TcpStream) -> Result<Session, Gone> {
        let mut session = Session::greet(stream).await.ok_or(Gone)?;
        let known = self.pool().writable();
        let writable = match known {
            Some(writable) => writable,
            None => {
                drop(self.link(&mut session).await?);
                self.pool().writable().ok_or(Gone)?
            }
        };
        session.ready(writable).await.map_err(|_| Gone)?;
        Ok(session)
    }

    /// A server for a client, which waits for it. Nobody looks whether it is still there: it keeps its place if not.
    async fn link(&self, session: &mut Session) -> Result<Link<'_>, Gone> {
        let until = Instant::now() + self.config.options.query_wait_timeout;
        let linked = tokio::select! {
            biased;
            linked = self.get_linked() => linked,
            () = sleep_until(until) => {
                sometimes!("a query has waited too long");
                None
            }
        };
        let Some(link) = linked else {
            // Whoever was sent away may have gone.
            let _ = session.refuse().await;
            return Err(Gone);
        };
        Ok(link)
    }

    /// A server; none if there is none, and nobody may wait for one.
    async fn get_linked(&self) -> Option<Link<'_>> {
        let mut waits = false;
        loop {
            let changed = self.changed.notified();
            self.forget_closed();
            let now = self.began.elapsed();
            let next = self.pool().need(now, waits);
            let until = match next {
                Next::Link => {
                    let server = self.idle().pop()?;
                    let generation = {
                        let mut pool = self.pool();
                        pool.linked();
                        pool.target().1
                    };
                    return Some(Link { pooler: self, server: Some(server), generation, works: true });
                }
                Next::Dial => {
                    self.dials(now);
                    None
                }
                Next::Refuse => {
                    sometimes!("a client is sent away as the last login failed");
                    if self.pool().dials_for_the_next(now) {
                        self.dials(now);
                    }
                    return None;
                }
                Next::Wait(until) => self.began.checked_add(until),
            };
            if self.pool().is_paused() {
                sometimes!("a query is held");
            }
            waits = true;
            match until {
                Some(until) => drop(host::time::timeout_at(until, changed).await),
                None => changed.await,
            }
        }
    }

    fn dials(&self, now: Duration) {
        let target = {
            let mut pool = self.pool();
            pool.dials(now);
            pool.target()
        };
        // The pooler that dials is this one.
        let _ = self.dial.send(target);
    }

    async fn login(&self, target: SocketAddr, generation: u64) -> (u64, Option<(Server, bool)>) {
        let login = timeout(self.config.options.server_connect_timeout, Server::login(target));
        (generation, login.await.ok().and_then(Result::ok))
    }

    fn logged_in(&self, generation: u64, login: Option<(Server, bool)>) {
        let (server, writable) = login.unzip();
        let kept = self.pool().logged_in(generation, writable);
        self.idle().extend(server.filter(|_| kept));
        self.changed.notify_waiters();
    }

    /// Free servers that have closed by themselves.
    fn forget_closed(&self) {
        let closed = {
            let mut idle = self.idle();
            let before = idle.len();
            idle.retain_mut(Server::is_open);
            before - idle.len()
        };
        self.pool().closed(closed as u32);
    }

    /// A query goes to its server, and the answer back. Whoever leaves meanwhile takes the server with him.
    async fn pass(&self, session: &mut Session, link: &mut Link<'_>, query: &Query) -> Result<(), Gone> {
        let Some(server) = &mut link.server else { return Err(Gone) };
        link.works = false;
        let answer = tokio::select! {
            biased;
            answer = server.ask(query) => answer.map_err(|_| Gone)?,
            _ = session.query() => return Err(Gone),
        };
        link.works = true;
        session.answer(&answer).await.map_err(|_| Gone)
    }

    /// A connection of the console: one command.
    async fn obey(&self, stream: TcpStream) {
        let (read, mut half) = stream.into_split();
        let Ok(command) = FrameReader::new(read).next().await else { return };
        let answer = self.command(command).await;
        // Whoever gave the command may have gone; it is obeyed all the same.
        let _ = transport::write_now(&mut half, &answer, &mut Vec::new()).await;
    }

    async fn command(&self, command: Command) -> Answer {
        match command {
            Command::Pause(scope) => {
                let answer = self.pool().pause(scope);
                if answer == Answer::Done {
                    probe!("pooler", "paused");
                    self.idle().clear();
                    self.until_still().await;
                }
                answer
            }
            Command::Resume(scope) => {
                let (answer, is_paused) = {
                    let mut pool = self.pool();
                    (pool.resume(scope), pool.is_paused())
                };
                if answer == Answer::Done && !is_paused {
                    probe!("pooler", "open");
                    self.changed.notify_waiters();
                }
                answer
            }
            Command::Reload(target) => {
                if let Err(error) = save(&self.disk, target).await {
                    return Answer::Error(error.to_string());
                }
                if self.pool().reload(target) {
                    probe!("points to", target.to_string());
                    self.idle().clear();
                    self.changed.notify_waiters();
                }
                Answer::Done
            }
        }
    }

    async fn until_still(&self) {
        loop {
            let changed = self.changed.notified();
            let is_over = {
                let pool = self.pool();
                pool.is_still() || !pool.is_paused()
            };
            if is_over {
                return;
            }
            changed.await;
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Server>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A server that is a client's for now. It is released when this is dropped.
struct Link<'a> {
    pooler: &'a Pooler<'a>,
    server: Option<Server>,
    generation: u64,
    /// Nothing is under way on it.
    works: bool,
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        let kept = self.pooler.pool().released(self.generation, self.works);
        self.pooler.idle().extend(self.server.take().filter(|_| kept));
        self.pooler.changed.notify_waiters();
    }
}

async fn load(disk: &Disk) -> io::Result<Option<SocketAddr>> {
    match disk.read(FILE).await {
        Ok(bytes) => Ok(versioned::decode(FILE_VERSION, &bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn save(disk: &Disk, target: SocketAddr) -> io::Result<()> {
    let file = disk.create(NEXT).await?;
    file.write_all_at(&versioned::encode(FILE_VERSION, &target), 0).await?;
    file.sync_all().await?;
    disk.rename(NEXT, FILE).await?;
    disk.sync_dir(".").await
}
