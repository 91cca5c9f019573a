//! A client of the bucket: what writes logs there, and what cleans up.

use super::message::{Ask, ObjectId, Refusal, Told};
use crate::common::transport::{self, FrameReader};
use host::net::TcpStream;
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
    /// Nothing was done: the bucket cannot be reached.
    #[error("the bucket cannot be reached: {0}")]
    Unreachable(io::Error),
    /// Whether it was done is not known. The same again does it once.
    #[error("no answer came")]
    Unknown,
}

impl ClientError {
    /// Whether it is certain that nothing was done, and will not be.
    pub fn is_definite(&self) -> bool {
        !matches!(self, ClientError::Unknown)
    }
}

/// A client with one request at a time, each on a connection of its own.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    bucket: SocketAddr,
    patience: Duration,
}

impl Client {
    /// Of the bucket that listens there. It waits 3 s for an answer.
    pub fn new(bucket: SocketAddr) -> Client {
        Client { bucket, patience: Duration::from_secs(3) }
    }

    /// Puts an object under a key. The same again is the same object.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; another object under that key is [`Refusal::Exists`].
    pub async fn put(&self, key: &str, body: &[u8]) -> Result<ObjectId, ClientError> {
        match self.ask(&Ask::Put { key: key.to_owned(), body: body.to_vec() }).await? {
            Told::Stored(id) => Ok(id),
            _ => Err(ClientError::Unknown),
        }
    }

    /// What is under a key.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn get(&self, key: &str) -> Result<Vec<u8>, ClientError> {
        match self.ask(&Ask::Get { key: key.to_owned() }).await? {
            Told::Object(_, body) => Ok(body),
            _ => Err(ClientError::Unknown),
        }
    }

    /// Deletes what is under a key, whether its lines have arrived or not.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn delete(&self, key: &str) -> Result<ObjectId, ClientError> {
        match self.ask(&Ask::Delete { key: key.to_owned() }).await? {
            Told::Deleted(id) => Ok(id),
            _ => Err(ClientError::Unknown),
        }
    }

    async fn ask(&self, ask: &Ask) -> Result<Told, ClientError> {
        let connecting = timeout(self.patience, TcpStream::connect(self.bucket)).await;
        let connected = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = connected.map_err(ClientError::Unreachable)?;
        let asking = async {
            stream.set_nodelay(true)?;
            let (read, mut half) = stream.into_split();
            transport::write_now(&mut half, ask, &mut Vec::new()).await?;
            FrameReader::new(read).next().await
        };
        match timeout(self.patience, asking).await {
            Ok(Ok(Told::Refused(refusal))) => Err(refusal.into()),
            Ok(Ok(told)) => Ok(told),
            Ok(Err(_)) | Err(_) => Err(ClientError::Unknown),
        }
    }
}
