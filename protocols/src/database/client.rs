//! A client of one database, or of a router in front of several.

use super::message::{Hello, Refusal, Reply, Request, Write};
use crate::common::transport::{self, FrameReader};
use host::net::{OwnedWriteHalf, TcpStream};
use host::time::timeout;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Why a request was not done, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing was done.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nothing was done: nobody answers there, or what does is not ready.
    #[error("nobody answers: {0}")]
    Unreachable(io::Error),
    /// Whether it was done is not known.
    #[error("whether it was done is not known: {0}")]
    Unknown(&'static str),
}

impl ClientError {
    /// Whether it is certain that nothing was done, and will not be.
    pub fn is_definite(&self) -> bool {
        !matches!(self, ClientError::Unknown(_))
    }
}

/// A client with one request at a time. It keeps its connection as long as it works, and dials again when it does not.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    patience: Duration,
    of_primary: bool,
    connection: Option<(FrameReader, OwnedWriteHalf)>,
    scratch: Vec<u8>,
}

impl Client {
    /// Of what listens there. It waits 5 s for an answer.
    pub fn new(address: SocketAddr) -> Client {
        let patience = Duration::from_secs(5);
        Client { address, patience, of_primary: false, connection: None, scratch: Vec::new() }
    }

    /// Waits so long for a connection, and as long for an answer.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Client {
        Client { patience, ..self }
    }

    /// Takes only connections to a primary, to read, too. PostgreSQL's clients call it
    /// `target_session_attrs=read-write`.
    #[must_use]
    pub fn of_primary(self) -> Client {
        Client { of_primary: true, ..self }
    }

    /// What is under a key.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn get(&mut self, key: &str) -> Result<Option<String>, ClientError> {
        match self.request(&Request::Get { key: key.to_owned() }).await? {
            Reply::Value(value) => Ok(value),
            _ => Err(ClientError::Unknown("the answer is to another question")),
        }
    }

    /// Writes. Returns whether the condition held.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn write(&mut self, write: Write) -> Result<bool, ClientError> {
        match self.request(&Request::Write(write)).await? {
            Reply::Written(written) => Ok(written),
            _ => Err(ClientError::Unknown("the answer is to another question")),
        }
    }

    async fn request(&mut self, request: &Request) -> Result<Reply, ClientError> {
        let (mut frames, mut half) = match self.connection.take() {
            Some(connection) => connection,
            None => match timeout(self.patience, self.connect()).await {
                Ok(connected) => connected?,
                Err(_) => return Err(unreachable(io::ErrorKind::TimedOut)),
            },
        };
        let scratch = &mut self.scratch;
        let asking = async {
            transport::write_now(&mut half, request, scratch).await?;
            frames.next().await
        };
        match timeout(self.patience, asking).await {
            Ok(Ok(Reply::Refused(refusal))) => {
                // Another connection may lead to another database.
                Err(refusal.into())
            }
            Ok(Ok(reply)) => {
                self.connection = Some((frames, half));
                Ok(reply)
            }
            Ok(Err(_)) => Err(ClientError::Unknown("the connection was lost")),
            Err(_) => Err(ClientError::Unknown("no answer came")),
        }
    }

    /// A connection to a database that is ready: until then it has been asked nothing.
    async fn connect(&mut self) -> Result<(FrameReader, OwnedWriteHalf), ClientError> {
        let connecting = async {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            let (read, mut half) = stream.into_split();
            transport::write_now(&mut half, &Hello::Client, &mut self.scratch).await?;
            let mut frames = FrameReader::new(read);
            Ok((frames.next().await.map_err(io::Error::other)?, frames, half))
        };
        match connecting.await.map_err(ClientError::Unreachable)? {
            (Reply::Ready { writable: false }, ..) if self.of_primary => Err(Refusal::ReadOnly.into()),
            (Reply::Ready { .. }, frames, half) => Ok((frames, half)),
            (Reply::Refused(refusal), ..) => Err(refusal.into()),
            _ => Err(unreachable(io::ErrorKind::InvalidData)),
        }
    }
}

fn unreachable(kind: io::ErrorKind) -> ClientError {
    ClientError::Unreachable(kind.into())
}
