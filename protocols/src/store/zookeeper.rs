//! ZooKeeper's face of the store: znodes with versions, sessions with ephemeral nodes, watches that fire once.
//!
//! # What it is
//!
//! A client. A *session* is a lease, renewed every third of its time, which is between 2 and 20 ticks whatever was asked
//! for; when it has ended, its client changes nothing. An *ephemeral* node goes with the session that created it, and
//! `set` leaves it that session's, whoever calls. A *version* counts what was set since the node was created, from 0;
//! `set` and `delete` compare it. A *watch* is set by the read that it belongs to, fires once, and says what happened, not
//! what is there now; its event is queued before newer data are returned to anybody (`zookeeper/watches.rs`). Watches
//! hang on one connection to one replica, the *line*. When that is lost there are two kinds of client: Java's sets its
//! watches again, and is told of those whose node has changed; kazoo's keeps the session, tells each watch `None` once,
//! and forgets it. With the session all watches end.
//!
//! # The source
//!
//! ZooKeeper's programmer's guide (Data Access, Sessions, Watches), what 3.8.0 with its Java client and kazoo 2.10.0
//! were seen to do. Where this is another:
//!
//! * Reads are linearizable; a ZooKeeper's may be old. Requests do not wait for the line.
//! * A line that lacks what a read has shown for two thirds of the session's time is lost. (There, no answer to pings.)
//! * Parents need not be created, and cannot be deleted; `children` of what is not there is empty.
//! * [`Zookeeper::recreate`] is a `multi` of a deletion and a creation, and goes on with the versions of what it
//!   replaces.
//! * Missing: sequential nodes, access lists, quotas, chroots, `sync`, `multi` in general, read-only mode.
//!
//! # Invariants
//!
//! * Nobody is returned data that are newer than a watch of his on them, before the event of that watch is queued.
//! * A watch fires at most once.
//!
//! # What it gives up
//!
//! Changes between an event and the next read are not told: whoever does not read again, with a watch, misses them.

mod options;
mod watches;

pub use options::{Kind, Options};
pub use watches::{Change, Fired};

use super::client::{Client, ClientError, Watch};
use super::message::{Compare, Condition, KeyValue, LeaseId, Operation, Refusal, Txn};
use host::time::{Instant, sleep, sleep_until};
use host::{probe, sometimes};
use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use watches::{Found, Kept, Watches};

/// The pause before what failed is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// Why a request was not done, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such node.
    #[error("there is no such node")]
    NoNode,
    /// There is such a node already.
    #[error("there is such a node already")]
    NodeExists,
    /// The node has another version.
    #[error("the node has another version")]
    BadVersion,
    /// The session has ended, or there is none yet.
    #[error("there is no session")]
    SessionExpired,
    /// Whether it was done is not known, if anything was to be.
    #[error("the connection was lost: {0}")]
    ConnectionLoss(ClientError),
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Error {
        match error {
            ClientError::Refused(Refusal::NoSuchLease) => Error::SessionExpired,
            error => Error::ConnectionLoss(error),
        }
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Znode {
    /// What is in it.
    pub data: String,
    /// How often it was set since it was created.
    pub version: u64,
    /// The change that made it so: `mzxid`.
    pub modified: u64,
    /// The session with which it goes: `ephemeralOwner`.
    pub owner: Option<LeaseId>,
}

impl Znode {
    fn of(pair: KeyValue) -> Znode {
        let KeyValue { value: data, version, modified, lease: owner, .. } = pair;
        Znode { data, version: version - 1, modified, owner }
    }
}

/// Whether a node goes with the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It stays.
    Persistent,
    /// It goes.
    Ephemeral,
}

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The session is there: a new one, or again.
    Connected,
    /// Nobody answers: whether the session lives on is not known.
    Suspended,
    /// The session has ended, and with it its nodes and watches. Another one begins.
    Expired,
    /// A watch fired.
    Watch(Fired),
}

/// A client. It is alive as long as somebody waits for [`Zookeeper::keep`].
#[derive(Debug)]
pub struct Zookeeper {
    replicas: Vec<SocketAddr>,
    options: Options,
    shared: Mutex<Shared>,
    told: Notify,
}

#[derive(Debug, Default)]
struct Shared {
    session: Option<LeaseId>,
    watches: Watches,
    events: VecDeque<Event>,
    /// The connection for requests, while none is under way.
    client: Option<Client>,
}

impl Zookeeper {
    /// A client of the store with these replicas.
    pub fn new(replicas: Vec<SocketAddr>, options: Options) -> Zookeeper {
        Zookeeper { replicas, options, shared: Mutex::default(), told: Notify::new() }
    }

    /// The next of what it is told, in order. Safe to cancel.
    pub async fn event(&self) -> Event {
        loop {
            if let Some(event) = self.lock().events.pop_front() {
                return event;
            }
            self.told.notified().await;
        }
    }

    /// The session, if there is one.
    pub fn session(&self) -> Option<LeaseId> {
        self.lock().session
    }

    /// What is in a node; none if there is none.
    ///
    /// # Errors
    ///
    /// See [`Error`]; this holds for all requests.
    pub async fn get(&self, path: &str) -> Result<Option<Znode>, Error> {
        self.read(path).await.map(|(_, node)| node)
    }

    /// The same, and sets a watch: on what is there, or on what is not there yet.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get_and_watch(&self, path: &str) -> Result<Option<Znode>, Error> {
        self.lock().watches.asks(Kept::Data(path.to_owned()));
        let read = self.read(path).await;
        let (revision, exists) = match &read {
            Ok((revision, node)) => (Some(*revision), node.is_some()),
            Err(_) => (None, false),
        };
        self.answered(&Kept::Data(path.to_owned()), revision, Found { exists, modified: 0 })?;
        read.map(|(_, node)| node)
    }

    /// The names of the nodes below one, and sets a watch on whether one comes or goes.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn children_and_watch(&self, path: &str) -> Result<BTreeSet<String>, Error> {
        self.lock().watches.asks(Kept::Children(path.to_owned()));
        let below = format!("{path}/");
        let read = self.request(async |client: &mut Client| client.get_prefix(&below).await).await;
        let revision = read.as_ref().ok().map(|(revision, _)| *revision);
        self.answered(&Kept::Children(path.to_owned()), revision, Found { exists: true, modified: 0 })?;
        let names = read?.1.into_iter().filter_map(|pair| pair.key.strip_prefix(&below).map(str::to_owned));
        Ok(names.filter(|name| !name.contains('/')).collect())
    }

    /// Creates a node.
    ///
    /// # Errors
    ///
    /// [`Error::NodeExists`], even if it is this session's own; see [`Error`].
    pub async fn create(&self, path: &str, data: &str, mode: Mode) -> Result<u64, Error> {
        let owner = if mode == Mode::Ephemeral { self.session() } else { None };
        let put = Self::put(path, data, owner);
        self.change(path, Condition::Version(0), put).await?.ok_or(Error::NodeExists)
    }

    /// Replaces a node that somebody else created, if it still is the one that was seen, by an ephemeral one of this
    /// session's: a `multi` of a deletion and a creation.
    ///
    /// # Errors
    ///
    /// [`Error::BadVersion`] if it is another one; see [`Error`].
    pub async fn recreate(&self, path: &str, seen: &Znode, data: &str) -> Result<u64, Error> {
        let put = Self::put(path, data, self.session());
        self.change(path, Condition::Modified(seen.modified), put).await?.ok_or(Error::BadVersion)
    }

    /// Sets what is in a node, if it has this version, or whichever it has. It stays whose it is. Returns the change.
    ///
    /// # Errors
    ///
    /// [`Error::NoNode`], [`Error::BadVersion`]; see [`Error`].
    pub async fn set(&self, path: &str, data: &str, version: Option<u64>) -> Result<u64, Error> {
        loop {
            let node = self.get(path).await?.ok_or(Error::NoNode)?;
            if version.is_some_and(|version| version != node.version) {
                return Err(Error::BadVersion);
            }
            // Or else somebody was faster, or it went with its session: look again.
            let put = Self::put(path, data, node.owner);
            if let Some(change) = self.change(path, Condition::Modified(node.modified), put).await? {
                return Ok(change);
            }
        }
    }

    /// Deletes a node, if it has this version, or whichever it has.
    ///
    /// # Errors
    ///
    /// [`Error::NoNode`], [`Error::BadVersion`]; see [`Error`].
    pub async fn delete(&self, path: &str, version: Option<u64>) -> Result<(), Error> {
        loop {
            let node = self.get(path).await?.ok_or(Error::NoNode)?;
            if version.is_some_and(|version| version != node.version) {
                return Err(Error::BadVersion);
            }
            let delete = Operation::Delete { key: path.to_owned() };
            if self.change(path, Condition::Modified(node.modified), delete).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Keeps the session and the line, and begins another when one has ended. The session ends by itself when this is
    /// dropped.
    pub async fn keep(&self) -> Infallible {
        loop {
            let mut client = self.client().patience(self.options.negotiated() / 6);
            let asked = Instant::now();
            match begin(&mut client, self.options.negotiated()).await {
                Ok(session) => {
                    self.lock().session = Some(session);
                    self.tell(Event::Connected);
                    probe!("session", session.0);
                    self.keeps_session(&mut client, session, asked).await;
                    let mut shared = self.lock();
                    (shared.session, shared.watches) = (None, Watches::default());
                    drop(shared);
                    sometimes!("a session has ended");
                    self.tell(Event::Expired);
                }
                Err(_) => sleep(AGAIN).await,
            }
        }
    }

    /// Until it has ended.
    async fn keeps_session(&self, client: &mut Client, session: LeaseId, granted: Instant) {
        let timeout = self.options.negotiated();
        let (mut renewed, mut suspended) = (granted, false);
        let mut ping = granted + timeout / 3;
        let mut line = Line::default();
        loop {
            if line.watch.is_none() {
                self.dials(client, &mut line).await;
            }
            tokio::select! {
                biased;
                () = sleep_until(ping) => {
                    let asked = Instant::now();
                    match client.keep_alive(session).await {
                        Ok(_) => {
                            if std::mem::take(&mut suspended) {
                                self.tell(Event::Connected);
                            }
                            (renewed, ping) = (asked, asked + timeout / 3);
                            self.looks_after(client, &mut line).await;
                        }
                        Err(ClientError::Refused(_)) => return,
                        Err(_) => {
                            ping = Instant::now() + AGAIN;
                            if !suspended && renewed.elapsed() > 2 * timeout / 3 {
                                suspended = true;
                                self.tell(Event::Suspended);
                                self.loses(&mut line);
                            }
                        }
                    }
                }
                came = line.next() => match came {
                    Ok(events) => {
                        let mut shared = self.lock();
                        let fired: Vec<Fired> =
                            events.iter().filter_map(|event| shared.watches.on_change(event)).flatten().collect();
                        drop(shared);
                        fired.into_iter().for_each(|fired| self.tell(Event::Watch(fired)));
                    }
                    Err(()) => self.loses(&mut line),
                },
            }
        }
    }

    /// Dials a replica for the line. If there was one before, what became of watches is as the kind of client has it.
    async fn dials(&self, client: &mut Client, line: &mut Line) {
        let Ok((revision, pairs)) = client.get_prefix("").await else { return sleep(AGAIN).await };
        let Ok(watch) = client.watch_prefix("", revision + 1).await else { return sleep(AGAIN).await };
        *line = Line { watch: Some(watch), lacks_since: None };
        let fired = self.lock().watches.set_again(revision, |path| {
            let pair = pairs.iter().find(|pair| pair.key == path);
            Found { exists: pair.is_some(), modified: pair.map_or(0, |pair| pair.modified) }
        });
        fired.into_iter().for_each(|fired| self.tell(Event::Watch(fired)));
    }

    fn loses(&self, line: &mut Line) {
        if line.watch.is_none() {
            return;
        }
        sometimes!("the line of a session is lost");
        line.watch = None;
        let forgotten = self.lock().watches.line_lost(self.options.client);
        if !forgotten.is_empty() {
            sometimes!("a watch is forgotten");
        }
        forgotten.into_iter().for_each(|fired| self.tell(Event::Watch(fired)));
    }

    /// A line that lacks for too long what a read shows is lost.
    async fn looks_after(&self, client: &mut Client, line: &mut Line) {
        let (Some(watch), Ok((revision, _))) = (&line.watch, client.get_prefix("").await) else { return };
        if watch.next_revision() > revision {
            line.lacks_since = None;
            return;
        }
        let since = *line.lacks_since.get_or_insert_with(Instant::now);
        if since.elapsed() > 2 * self.options.negotiated() / 3 {
            self.loses(line);
        }
    }

    /// A read of one node: at which change, and what is in it. The event of a watch on older data is told first.
    async fn read(&self, path: &str) -> Result<(u64, Option<Znode>), Error> {
        let (revision, mut pairs) =
            self.request(async |client: &mut Client| client.read(path, false).await).await?;
        let node = pairs.pop().map(Znode::of);
        let found = Found { exists: node.is_some(), modified: node.as_ref().map_or(0, |node| node.modified) };
        let fired = self.lock().watches.on_read(path, revision, found);
        fired.into_iter().for_each(|fired| self.tell(Event::Watch(fired)));
        Ok((revision, node))
    }

    /// The read of a watch was answered, or not.
    fn answered(&self, watch: &Kept, revision: Option<u64>, found: Found) -> Result<(), Error> {
        let Some(revision) = revision else {
            self.lock().watches.withdraws(watch);
            return Ok(());
        };
        let set = self.lock().watches.answered(watch, revision, found.exists);
        match set {
            Some(fired) => fired.into_iter().for_each(|fired| self.tell(Event::Watch(fired))),
            None => {
                let lost = ClientError::Unavailable("the line was lost meanwhile");
                return Err(Error::ConnectionLoss(lost));
            }
        }
        Ok(())
    }

    fn put(path: &str, data: &str, owner: Option<LeaseId>) -> Operation {
        Operation::Put { key: path.to_owned(), value: data.to_owned(), lease: owner }
    }

    /// Changes a node of which this holds, and returns the change; none if it does not hold. A session that has ended
    /// changes nothing.
    async fn change(
        &self,
        path: &str,
        condition: Condition,
        change: Operation,
    ) -> Result<Option<u64>, Error> {
        let session = self.session().ok_or(Error::SessionExpired)?;
        let of_another = matches!(change, Operation::Put { lease: Some(owner), .. } if owner != session);
        let lives = Compare { key: mark(session), condition: Condition::Version(1) };
        let holds = Compare { key: path.to_owned(), condition };
        let failure = vec![Operation::Get { key: mark(session), prefix: false }];
        let txn = Txn { compare: vec![lives, holds], success: vec![change], failure };
        match self.request(async |client: &mut Client| client.txn(txn).await).await {
            Ok(reply) if reply.succeeded => Ok(Some(reply.revision)),
            Ok(reply) if reply.results.iter().all(Vec::is_empty) => Err(Error::SessionExpired),
            Ok(_) => Ok(None),
            // It went with its session.
            Err(Error::SessionExpired) if of_another => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn request<T>(
        &self,
        ask: impl AsyncFnOnce(&mut Client) -> Result<T, ClientError>,
    ) -> Result<T, Error> {
        let kept = self.lock().client.take();
        let mut client = kept.unwrap_or_else(|| self.client());
        let answered = ask(&mut client).await;
        self.lock().client = Some(client);
        answered.map_err(Error::from)
    }

    fn client(&self) -> Client {
        Client::new(self.replicas.clone()).patience(self.options.negotiated() / 3)
    }

    fn tell(&self, event: Event) {
        self.lock().events.push_back(event);
        self.told.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where it stands that a session lives.
fn mark(session: LeaseId) -> String {
    format!("zookeeper/session/{:016x}", session.0)
}

/// Begins a session.
async fn begin(client: &mut Client, timeout: Duration) -> Result<LeaseId, ClientError> {
    let session = client.grant(timeout).await?;
    client.put(&mark(session), "", Some(session)).await?;
    Ok(session)
}

/// The connection on which watches hang.
#[derive(Debug, Default)]
struct Line {
    watch: Option<Watch>,
    /// Since when it lacks something that a read has shown.
    lacks_since: Option<Instant>,
}

impl Line {
    /// What comes next; without a line, nothing ever.
    async fn next(&mut self) -> Result<Vec<super::message::Event>, ()> {
        match &mut self.watch {
            Some(watch) => watch.next().await.map_err(drop),
            None => std::future::pending().await,
        }
    }
}
