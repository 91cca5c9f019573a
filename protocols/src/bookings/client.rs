//! A client of a booking service: a connection, and the patience to get every answer from whoever has the say.

use super::{
    message::{Answer, Ask, Command, Hello, Id, Question, Reply, Told},
    rules::Booking,
};
use crate::common::transport::{self, FrameReader};
use host::net::{OwnedWriteHalf, TcpStream};
use host::time::timeout;
use std::{io, net::SocketAddr, time::Duration};

/// How long one attempt waits for its answer, before the question is sent again on another connection.
const ATTEMPT: Duration = Duration::from_secs(1);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing was done: no node could be reached, or none has the say, or its disk is full.
    #[error("nothing was done: {0}")]
    Refused(String),
    /// Nothing is known: no answer came. Ask again, with the same id.
    #[error("no answer in {attempts} attempts")]
    NoAnswer {
        /// How often it was asked.
        attempts: u32,
    },
}

impl ClientError {
    /// Whether it is certain that the command did nothing, and will not.
    pub fn is_definite(&self) -> bool {
        matches!(self, ClientError::Refused(_))
    }
}

/// A client, with one command at a time.
///
/// ```no_run
/// # async fn example(nodes: Vec<std::net::SocketAddr>, stay: protocols::bookings::Stay)
/// #     -> Result<(), protocols::bookings::ClientError> {
/// use protocols::bookings::{Answer, Client, Command};
///
/// let mut client = Client::new(nodes);
/// let id = client.new_id();
/// match client.request(id, Command::Book(stay)).await? {
///     Answer::Booked { price, .. } => println!("booked, for {price}"),
///     Answer::Refused(why) => println!("not booked: {why}"),
///     other => println!("{other:?}"),
/// }
/// let undo = client.new_id();
/// client.request(undo, Command::Cancel(id)).await?;
/// # Ok(())
/// # }
/// ```
///
/// A command is sent again, with its id, until it is answered; the service does it once. A client that was given an
/// answer to a later command is not told of an earlier one again.
#[derive(Debug)]
pub struct Client {
    nodes: Vec<SocketAddr>,
    /// Who answered last.
    current: usize,
    id: u64,
    commands: u32,
    attempts_max: u32,
    connection: Option<Connection>,
    tags: u64,
}

#[derive(Debug)]
struct Connection {
    node: usize,
    frames: FrameReader,
    half: OwnedWriteHalf,
}

impl Client {
    /// A client of the service with these nodes.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub fn new(nodes: Vec<SocketAddr>) -> Client {
        assert!(!nodes.is_empty(), "a service has a node");
        let id = host::entropy::u64();
        Client { nodes, current: 0, id, commands: 0, attempts_max: u32::MAX, connection: None, tags: 0 }
    }

    /// Gives a question up after so many attempts; without this it is tried for ever.
    #[must_use]
    pub fn attempts(self, attempts_max: u32) -> Client {
        Client { attempts_max, ..self }
    }

    /// An id for a new command.
    pub fn new_id(&mut self) -> Id {
        self.commands += 1;
        Id { client: self.id, number: self.commands }
    }

    /// Asks for something to be done, once, however often it is asked with this id.
    ///
    /// # Errors
    ///
    /// When no node can be reached that has the say and room, or none answers.
    pub async fn request(&mut self, id: Id, command: Command) -> Result<Answer, ClientError> {
        match self.ask(&Question::Do { id, command }).await? {
            Reply::Answer(answer) => Ok(answer),
            other => Err(ClientError::Refused(format!("{other:?}"))),
        }
    }

    /// What stands of a booking, as far as the node knows that answers: it may be behind.
    ///
    /// # Errors
    ///
    /// As [`request`](Client::request).
    pub async fn find(&mut self, booking: Id) -> Result<Option<Booking>, ClientError> {
        match self.ask(&Question::Find(booking)).await? {
            Reply::Found(booking) => Ok(booking),
            other => Err(ClientError::Refused(format!("{other:?}"))),
        }
    }

    /// Tells a node, by its number from 1, to take over. It is asked once.
    ///
    /// # Errors
    ///
    /// As [`request`](Client::request).
    pub async fn take_over(&mut self, node: u16) -> Result<Answer, ClientError> {
        self.current = usize::from(node).saturating_sub(1) % self.nodes.len();
        self.connection = None;
        match self.attempt(&Question::TakeOver).await {
            Ok(Some(Reply::Answer(answer))) => Ok(answer),
            Ok(Some(other)) => Err(ClientError::Refused(format!("{other:?}"))),
            Ok(None) => Err(ClientError::NoAnswer { attempts: 1 }),
            Err(error) => Err(ClientError::Refused(error.to_string())),
        }
    }

    /// Asks one node after the other until one answers that can.
    async fn ask(&mut self, question: &Question) -> Result<Reply, ClientError> {
        // Attempts that may have reached a node and were not answered.
        let (mut open, mut tried) = (0, 0);
        loop {
            let no = match self.attempt(question).await {
                Ok(Some(Reply::NotPrimary)) => "no node has the say".to_owned(),
                Ok(Some(Reply::Full)) => "the disk is full".to_owned(),
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {
                    open += 1;
                    String::new()
                }
                Err(error) => error.to_string(),
            };
            tried += 1;
            if open == 0 && tried as usize >= self.nodes.len() && self.current + 1 >= self.nodes.len() {
                self.current = 0;
                return Err(ClientError::Refused(no));
            }
            if tried >= self.attempts_max.max(self.nodes.len() as u32) {
                return Err(ClientError::NoAnswer { attempts: tried });
            }
            self.current = (self.current + 1) % self.nodes.len();
            host::time::sleep(PAUSE).await;
        }
    }

    /// Asks the current node once. None: it was asked, and did not answer.
    async fn attempt(&mut self, question: &Question) -> io::Result<Option<Reply>> {
        let mut connection = match self.connection.take().filter(|there| there.node == self.current) {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        self.tags += 1;
        let ask = Ask { tag: self.tags, what: question.clone() };
        // Without an answer the connection is gone, and with it whatever was under way.
        let Ok(Some(reply)) = timeout(ATTEMPT, connection.call(&ask)).await else { return Ok(None) };
        self.connection = Some(connection);
        Ok(Some(reply))
    }

    async fn connect(&self) -> io::Result<Connection> {
        let node = self.current;
        let connect = async {
            let stream = TcpStream::connect(self.nodes[node]).await?;
            stream.set_nodelay(true)?;
            let (read, mut half) = stream.into_split();
            transport::write_now(&mut half, &Hello::Client, &mut Vec::new()).await?;
            Ok(Connection { node, frames: FrameReader::new(read), half })
        };
        timeout(ATTEMPT, connect).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Connection {
    /// Asks and waits. None: the connection has failed.
    async fn call(&mut self, ask: &Ask) -> Option<Reply> {
        transport::write_now(&mut self.half, ask, &mut Vec::new()).await.ok()?;
        loop {
            match self.frames.next().await {
                Ok(Told { tag, reply }) if tag == ask.tag => return Some(reply),
                // About a question that was given up.
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}
