//! A client of the store: it finds the leader, and says what it does not know.

use super::message::{
    Compare, Condition, Event, Hello, KeyValue, LeaseId, Operation, Refusal, Reply, Request, Txn, TxnReply,
};
use crate::common::transport::{self, FrameReader, ReadError};
use host::net::{OwnedWriteHalf, TcpStream};
use host::time::{Instant, sleep, timeout};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// How long one replica has to take a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// The pause before another replica is asked.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a request was not done, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing was done.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nothing was done: no replica leads, or can be reached.
    #[error("no replica leads: {0}")]
    Unavailable(&'static str),
    /// Nothing is known: the answer was lost, or the store does not know itself.
    #[error("whether it was done is not known: {0}")]
    Unknown(&'static str),
    /// A watch ends: what comes next is gone. Read the keys, and watch from the revision after.
    #[error("the watch fell behind")]
    Compacted,
}

impl ClientError {
    /// Whether it is certain that the request did nothing, and will not.
    pub fn is_definite(&self) -> bool {
        !matches!(self, ClientError::Unknown(_))
    }
}

/// A client, with one request at a time.
///
/// ```no_run
/// # async fn example(replicas: Vec<std::net::SocketAddr>) -> Result<(), protocols::store::ClientError> {
/// use protocols::store::Client;
/// use std::time::Duration;
///
/// let mut store = Client::new(replicas);
/// let lease = store.grant(Duration::from_secs(30)).await?;
/// if store.create("leader", "n1", Some(lease)).await? {
///     println!("n1 leads, as long as it renews its lease");
/// }
/// store.keep_alive(lease).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    replicas: Vec<SocketAddr>,
    /// The replica to ask next.
    next: usize,
    patience: Duration,
    connection: Option<Connection>,
}

#[derive(Debug)]
struct Connection {
    frames: FrameReader,
    half: OwnedWriteHalf,
    scratch: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Connection> {
        let connecting = timeout(CONNECT, TcpStream::connect(address));
        let stream = connecting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        let (read, mut half) = stream.into_split();
        let mut scratch = Vec::new();
        transport::write_now(&mut half, &Hello::Client, &mut scratch).await?;
        Ok(Connection { frames: FrameReader::new(read), half, scratch })
    }

    async fn ask(&mut self, request: &Request) -> Result<Reply, ReadError> {
        transport::write_now(&mut self.half, request, &mut self.scratch).await?;
        self.frames.next().await
    }
}

impl Client {
    /// A client of the store with these replicas, in order of their numbers. It looks for a leader for 5 s.
    pub fn new(replicas: Vec<SocketAddr>) -> Client {
        let next = (host::entropy::u64() % replicas.len().max(1) as u64) as usize;
        Client { replicas, next, patience: Duration::from_secs(5), connection: None }
    }

    /// Looks for a leader for so long.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Client {
        Client { patience, ..self }
    }

    /// The same, for what it asks from now on.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Does a transaction.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; this holds for all requests.
    pub async fn txn(&mut self, txn: Txn) -> Result<TxnReply, ClientError> {
        match self.request(Request::Txn(txn)).await? {
            Reply::Txn(reply) => Ok(reply),
            _ => Err(ClientError::Unknown("the answer is to another question")),
        }
    }

    /// What is under a key now.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn get(&mut self, key: &str) -> Result<Option<KeyValue>, ClientError> {
        Ok(self.read(key, false).await?.1.pop())
    }

    /// What is under all keys that begin so now, and the revision.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn get_prefix(&mut self, prefix: &str) -> Result<(u64, Vec<KeyValue>), ClientError> {
        self.read(prefix, true).await
    }

    pub(super) async fn read(
        &mut self,
        key: &str,
        prefix: bool,
    ) -> Result<(u64, Vec<KeyValue>), ClientError> {
        match self.request(Request::Read { key: key.to_owned(), prefix }).await? {
            Reply::Read { revision, pairs } => Ok((revision, pairs)),
            _ => Err(ClientError::Unknown("the answer is to another question")),
        }
    }

    /// Puts a value under a key. Returns the revision.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn put(&mut self, key: &str, value: &str, lease: Option<LeaseId>) -> Result<u64, ClientError> {
        let put = Operation::Put { key: key.to_owned(), value: value.to_owned(), lease };
        Ok(self.txn(Txn { success: vec![put], ..Txn::default() }).await?.revision)
    }

    /// Deletes a key. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn delete(&mut self, key: &str) -> Result<bool, ClientError> {
        let delete = Operation::Delete { key: key.to_owned() };
        let reply = self.txn(Txn { success: vec![delete], ..Txn::default() }).await?;
        Ok(reply.results.first().is_some_and(|deleted| !deleted.is_empty()))
    }

    /// Puts a value under a key that does not exist. Returns whether it did.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn create(
        &mut self,
        key: &str,
        value: &str,
        lease: Option<LeaseId>,
    ) -> Result<bool, ClientError> {
        self.put_if(key, Condition::Version(0), value, lease).await
    }

    /// Puts a value under a key of which something holds. Returns whether it did.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn put_if(
        &mut self,
        key: &str,
        condition: Condition,
        value: &str,
        lease: Option<LeaseId>,
    ) -> Result<bool, ClientError> {
        let compare = vec![Compare { key: key.to_owned(), condition }];
        let put = Operation::Put { key: key.to_owned(), value: value.to_owned(), lease };
        Ok(self.txn(Txn { compare, success: vec![put], failure: vec![] }).await?.succeeded)
    }

    /// A lease that ends so long after it was last renewed, not before, and perhaps later.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn grant(&mut self, ttl: Duration) -> Result<LeaseId, ClientError> {
        match self.request(Request::Grant { ttl_ms: ttl.as_millis() as u64 }).await? {
            Reply::Granted { lease } => Ok(lease),
            _ => Err(ClientError::Unknown("the answer is to another question")),
        }
    }

    /// Renews a lease: it does not end for its whole time, counted from this call.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; [`Refusal::NoSuchLease`] if it has ended.
    pub async fn keep_alive(&mut self, lease: LeaseId) -> Result<Duration, ClientError> {
        match self.request(Request::KeepAlive { lease }).await? {
            Reply::Alive { ttl_ms } => Ok(Duration::from_millis(ttl_ms)),
            _ => Err(ClientError::Unknown("the answer is to another question")),
        }
    }

    /// Ends a lease, and deletes all keys that go with it.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn revoke(&mut self, lease: LeaseId) -> Result<(), ClientError> {
        self.request(Request::Revoke { lease }).await.map(drop)
    }

    /// Makes a replica a member, which first copies what there is, and then votes. One that was a member before begins
    /// anew, empty.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; a [`Refusal`] if it is one, another change is under way, or some members are not connected.
    pub async fn add_member(&mut self, replica: u64) -> Result<(), ClientError> {
        self.request(Request::AddMember { replica }).await.map(drop)
    }

    /// Removes a replica from the members. It may be the leader; then another is elected.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; a [`Refusal`] if it is none, or the last, another change is under way, or too few others are
    /// connected.
    pub async fn remove_member(&mut self, replica: u64) -> Result<(), ClientError> {
        self.request(Request::RemoveMember { replica }).await.map(drop)
    }

    /// The changes of all keys that begin so, from a revision on, as one replica comes to know them.
    ///
    /// # Errors
    ///
    /// [`ClientError::Unavailable`] when no replica can be reached.
    pub async fn watch_prefix(&mut self, prefix: &str, from: u64) -> Result<Watch, ClientError> {
        for _ in 0..self.replicas.len() {
            self.next = (self.next + 1) % self.replicas.len();
            let request = Request::Watch { key: prefix.to_owned(), prefix: true, from };
            if let Ok(mut connection) = Connection::open(self.replicas[self.next]).await {
                let Connection { half, scratch, .. } = &mut connection;
                if transport::write_now(half, &request, scratch).await.is_ok() {
                    return Ok(Watch { connection, next: from });
                }
            }
        }
        Err(ClientError::Unavailable("no replica can be reached"))
    }

    async fn request(&mut self, request: Request) -> Result<Reply, ClientError> {
        let deadline = Instant::now() + self.patience;
        let mut why = "nobody was asked";
        while Instant::now() < deadline {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => match Connection::open(self.replicas[self.next]).await {
                    Ok(connection) => connection,
                    Err(_) => {
                        why = "a replica cannot be reached";
                        self.look_elsewhere(None).await;
                        continue;
                    }
                },
            };
            let Ok(answered) = timeout(self.patience, connection.ask(&request)).await else {
                self.look_elsewhere(None).await;
                return Err(ClientError::Unknown("no answer came"));
            };
            match answered {
                Ok(Reply::NotLeader(leader)) => {
                    why = "the replica does not lead";
                    self.look_elsewhere(leader).await;
                }
                Ok(Reply::NoMember) => {
                    why = "the replica is no member";
                    self.look_elsewhere(None).await;
                }
                Ok(Reply::Unknown) => return Err(ClientError::Unknown("the store does not know")),
                Ok(Reply::Refused(refusal)) => {
                    self.connection = Some(connection);
                    return Err(refusal.into());
                }
                Ok(reply) => {
                    self.connection = Some(connection);
                    return Ok(reply);
                }
                Err(_) => {
                    self.look_elsewhere(None).await;
                    return Err(ClientError::Unknown("the connection was lost"));
                }
            }
        }
        Err(ClientError::Unavailable(why))
    }

    async fn look_elsewhere(&mut self, leader: Option<u64>) {
        let hint = leader.map(|leader| leader as usize - 1).filter(|hint| *hint < self.replicas.len());
        self.next = hint.unwrap_or((self.next + 1) % self.replicas.len());
        if hint.is_none() {
            sleep(PAUSE).await;
        }
    }
}

/// Changes of keys, in order.
#[derive(Debug)]
pub struct Watch {
    connection: Connection,
    next: u64,
}

impl Watch {
    /// The next changes: whole revisions.
    ///
    /// # Errors
    ///
    /// [`ClientError::Compacted`] when the store no longer has what comes next, [`ClientError::Unavailable`] when the
    /// connection is lost: watch again from [`Watch::next_revision`].
    pub async fn next(&mut self) -> Result<Vec<Event>, ClientError> {
        match self.connection.frames.next().await {
            Ok(Reply::Events(events)) => {
                if let Some(last) = events.last() {
                    self.next = last.revision + 1;
                }
                Ok(events)
            }
            Ok(Reply::Compacted) => Err(ClientError::Compacted),
            Ok(_) | Err(_) => Err(ClientError::Unavailable("the connection was lost")),
        }
    }

    /// The revision after the last change that was seen.
    pub fn next_revision(&self) -> u64 {
        self.next
    }
}
