//! A client of the bank: a connection to each branch it needs, and the patience to get every answer.

use super::{
    account::Account,
    message::{AccountId, Act, Answer, Ask, Audit, BranchId, Hello, Id, Question, Reply, Told},
    refusal::Refusal,
    rules,
};
use crate::common::transport::{self, FrameReader};
use host::net::{OwnedWriteHalf, TcpStream};
use host::time::timeout;
use std::{collections::BTreeMap, io, net::SocketAddr, time::Duration};

/// How long one attempt waits for its answer, before the request is sent again on another connection.
const ATTEMPT: Duration = Duration::from_secs(1);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing was done: the branch cannot be reached, and was not asked.
    #[error("{branch} cannot be reached: {error}")]
    Unreachable {
        /// The branch of the account.
        branch: BranchId,
        /// Why.
        error: io::Error,
    },
    /// Nothing was done: the branch's disk is full.
    #[error("the disk of {branch} is full")]
    Full {
        /// The branch of the account.
        branch: BranchId,
    },
    /// An audit needs every branch, and one does not answer. Nothing was to be done.
    #[error("a branch does not answer")]
    Unavailable,
    /// Nothing is known: no answer came. Ask again, with the same id.
    #[error("{branch} did not answer in {attempts} attempts")]
    NoAnswer {
        /// The branch of the account.
        branch: BranchId,
        /// How often it was asked.
        attempts: u32,
    },
}

impl ClientError {
    /// Whether it is certain that the request did nothing, and will not.
    pub fn is_definite(&self) -> bool {
        !matches!(self, ClientError::NoAnswer { .. })
    }
}

/// A client, with one request at a time.
///
/// ```no_run
/// # async fn example(branches: Vec<std::net::SocketAddr>) -> Result<(), protocols::bank::ClientError> {
/// use protocols::bank::{AccountId, Act, Answer, Client};
///
/// let mut client = Client::new(branches);
/// let (rent, savings) = (AccountId(3), AccountId(17));
/// let id = client.new_id();
/// client.request(id, Act::Deposit(rent, 100)).await?;
/// let id = client.new_id();
/// match client.request(id, Act::Transfer(rent, savings, 40)).await? {
///     Answer::Done => println!("it has arrived"),
///     Answer::Refunded(why) => println!("it came back: {why}"),
///     Answer::Refused(why) => println!("it never left: {why}"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// A request is sent again, with its id, until it is answered; the bank does it once. A dropped future of a request
/// leaves it to its fate. Ask again with the same id to learn that.
#[derive(Debug)]
pub struct Client {
    branches: Vec<SocketAddr>,
    id: u64,
    requests: u32,
    attempts_max: u32,
    connections: BTreeMap<BranchId, Connection>,
    tags: u64,
}

#[derive(Debug)]
struct Connection {
    frames: FrameReader,
    half: OwnedWriteHalf,
}

impl Client {
    /// A client of the bank with these branches, in order of their numbers.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub fn new(branches: Vec<SocketAddr>) -> Client {
        assert!(!branches.is_empty(), "a bank has branches");
        let id = host::entropy::u64();
        Client { branches, id, requests: 0, attempts_max: u32::MAX, connections: BTreeMap::new(), tags: 0 }
    }

    /// Gives a request up after so many attempts of a second; without this it is tried for ever.
    #[must_use]
    pub fn attempts(self, attempts_max: u32) -> Client {
        Client { attempts_max, ..self }
    }

    /// An id for a new request.
    pub fn new_id(&mut self) -> Id {
        self.requests += 1;
        Id { client: self.id, number: self.requests }
    }

    /// Asks for something to be done, once, however often it is asked with this id.
    ///
    /// # Errors
    ///
    /// When the branch cannot be reached, has no room, or does not answer.
    pub async fn request(&mut self, id: Id, act: Act) -> Result<Answer, ClientError> {
        match self.ask(self.home(act.account()), Question::Do { id, act }).await? {
            Reply::Answer(answer) => Ok(answer),
            _ => Err(ClientError::Unavailable),
        }
    }

    /// Asks for something to be done, and does not wait for the answer.
    ///
    /// # Errors
    ///
    /// [`ClientError::Unreachable`].
    pub async fn abandon(&mut self, id: Id, act: Act) -> Result<(), ClientError> {
        let branch = self.home(act.account());
        let mut connection =
            self.connection(branch).await.map_err(|error| ClientError::Unreachable { branch, error })?;
        // It has left or it has not: nobody waits to hear.
        let _ = connection.send(&Ask { tag: 0, what: Question::Do { id, act } }).await;
        Ok(())
    }

    /// What is on an account, or why there is nothing to tell.
    ///
    /// # Errors
    ///
    /// As [`request`](Client::request).
    pub async fn balance(&mut self, account: AccountId) -> Result<Result<Account, Refusal>, ClientError> {
        match self.ask(self.home(account), Question::Balance(account)).await? {
            Reply::Account(account) => Ok(Ok(account)),
            Reply::Answer(Answer::Refused(refusal)) => Ok(Err(refusal)),
            _ => Err(ClientError::Unavailable),
        }
    }

    /// Audits the whole bank, through one of its branches.
    ///
    /// # Errors
    ///
    /// [`ClientError::Unavailable`], and as [`request`](Client::request).
    pub async fn audit(&mut self, through: BranchId) -> Result<Audit, ClientError> {
        match self.ask(through, Question::Audit).await? {
            Reply::Audit(audit) => Ok(audit),
            _ => Err(ClientError::Unavailable),
        }
    }

    /// Which branch has an account.
    pub fn home(&self, account: AccountId) -> BranchId {
        rules::home(account, self.branches.len() as u16)
    }

    /// Sends a question until it is answered.
    async fn ask(&mut self, branch: BranchId, what: Question) -> Result<Reply, ClientError> {
        // Attempts that may have reached the branch and were not answered.
        let mut open = 0;
        for attempt in 0..self.attempts_max {
            if attempt > 0 {
                host::time::sleep(PAUSE).await;
            }
            let mut connection = match self.connection(branch).await {
                Ok(connection) => connection,
                Err(error) if open == 0 => return Err(ClientError::Unreachable { branch, error }),
                Err(_) => continue,
            };
            self.tags += 1;
            let ask = Ask { tag: self.tags, what };
            open += 1;
            match timeout(ATTEMPT, connection.call(&ask)).await {
                Ok(Some(Reply::Full)) if open == 1 => {
                    self.connections.insert(branch, connection);
                    return Err(ClientError::Full { branch });
                }
                // An earlier attempt may still be done.
                Ok(Some(Reply::Full)) => {
                    self.connections.insert(branch, connection);
                    open -= 1;
                }
                Ok(Some(reply)) => {
                    self.connections.insert(branch, connection);
                    return Ok(reply);
                }
                // The connection is gone, and with it whatever was under way.
                Ok(None) | Err(_) => {}
            }
        }
        Err(ClientError::NoAnswer { branch, attempts: open })
    }

    /// The connection to a branch, old or new. Put it back where it is of use.
    async fn connection(&mut self, branch: BranchId) -> io::Result<Connection> {
        if let Some(connection) = self.connections.remove(&branch) {
            return Ok(connection);
        }
        let address = usize::from(branch.0).checked_sub(1).and_then(|index| self.branches.get(index));
        let address = address.ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
        let connect = async {
            let stream = TcpStream::connect(*address).await?;
            stream.set_nodelay(true)?;
            let (read, mut half) = stream.into_split();
            transport::write_now(&mut half, &Hello::Client, &mut Vec::new()).await?;
            Ok(Connection { frames: FrameReader::new(read), half })
        };
        timeout(ATTEMPT, connect).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Connection {
    async fn send(&mut self, ask: &Ask) -> io::Result<()> {
        transport::write_now(&mut self.half, ask, &mut Vec::new()).await
    }

    /// Asks and waits. None: the connection has failed.
    async fn call(&mut self, ask: &Ask) -> Option<Reply> {
        self.send(ask).await.ok()?;
        loop {
            match self.frames.next().await {
                Ok(Told { tag, reply }) if tag == ask.tag => return Some(reply),
                // About a request that was abandoned.
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}
