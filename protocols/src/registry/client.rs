//! A client of the registry: one connection to one node.

use super::{
    message::{self, ClientReply, ClientRequest, Failure, Hello, Refusal},
    process::{NodeId, Pid},
    transport::{self, FrameReader, ReadError},
};
use host::net::{OwnedWriteHalf, TcpStream};
use std::{io, net::SocketAddr};

/// Why an operation gave no result. Only [`Refused`](ClientError::Refused) is definite: after any other error the
/// operation may have happened, may yet happen, or never will.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Unknown outcome: the process' node did not answer the node asked in time.
    #[error("the process' node did not answer in time")]
    CallTimeout,
    /// Unknown outcome: the process' node went down before it answered.
    #[error("{node} went down before it answered")]
    NodeDown {
        /// The process' node.
        node: NodeId,
    },
    /// Unknown outcome: the connection to the node asked failed. Connect anew.
    #[error("the connection to the node failed: {0}")]
    Io(#[from] io::Error),
}

impl ClientError {
    /// Whether it is certain that the operation did nothing.
    pub fn is_definite(&self) -> bool {
        matches!(self, ClientError::Refused(_))
    }
}

/// A connection to one registry node, with one operation at a time.
///
/// ```no_run
/// # async fn example() -> Result<(), protocols::registry::ClientError> {
/// use protocols::registry::Client;
///
/// let mut client = Client::connect(([127, 0, 0, 1], 7000).into()).await?;
/// let pid = client.spawn().await?;
/// client.register("printer", pid, "on floor 2").await?;
/// assert_eq!(client.lookup("printer").await?, Some((pid, "on floor 2".to_owned())));
/// # Ok(())
/// # }
/// ```
///
/// A dropped future of an operation, as after the caller's own time-out, leaves its answer under way: the client then
/// refuses further use with [`ClientError::Io`].
pub struct Client {
    frames: FrameReader,
    half: OwnedWriteHalf,
    scratch: Vec<u8>,
    /// A request is on its way, or was when its future was dropped or failed.
    busy: bool,
}

impl Client {
    /// Connects to a node.
    ///
    /// # Errors
    ///
    /// When the node cannot be reached.
    pub async fn connect(address: SocketAddr) -> Result<Client, ClientError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (read, mut half) = stream.into_split();
        let mut scratch = Vec::new();
        transport::write_now(&mut half, &Hello::Client, &mut scratch).await?;
        Ok(Client { frames: FrameReader::new(read), half, scratch, busy: false })
    }

    /// Starts a process on this client's node.
    ///
    /// # Errors
    ///
    /// [`ClientError::Io`]: the process may run, nameless.
    pub async fn spawn(&mut self) -> Result<Pid, ClientError> {
        match self.request(&ClientRequest::Spawn).await? {
            ClientReply::Spawned(pid) => Ok(pid),
            other => Err(unexpected(&other)),
        }
    }

    /// Ends a process, wherever it runs. To end one that is already dead is no error.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unreachable`], or an unknown outcome.
    pub async fn kill(&mut self, pid: Pid) -> Result<(), ClientError> {
        self.request_done(&ClientRequest::Kill { pid }).await
    }

    /// Gives a process a name, or the name's entry new metadata.
    ///
    /// # Errors
    ///
    /// [`Refusal::Taken`], [`Refusal::NotAlive`], [`Refusal::Unreachable`], a name or metadata out of bounds, or an
    /// unknown outcome.
    pub async fn register(&mut self, name: &str, pid: Pid, meta: &str) -> Result<(), ClientError> {
        message::check_name(name)?;
        message::check_meta(meta)?;
        self.request_done(&ClientRequest::Register { name: name.to_owned(), pid, meta: meta.to_owned() })
            .await
    }

    /// Frees a name, whoever holds it.
    ///
    /// # Errors
    ///
    /// [`Refusal::Undefined`], [`Refusal::RaceCondition`], [`Refusal::Unreachable`], a name out of bounds, or an
    /// unknown outcome.
    pub async fn unregister(&mut self, name: &str) -> Result<(), ClientError> {
        message::check_name(name)?;
        self.request_done(&ClientRequest::Unregister { name: name.to_owned() }).await
    }

    /// What this client's node believes of a name: the process and its metadata.
    ///
    /// # Errors
    ///
    /// A name out of bounds, or [`ClientError::Io`].
    pub async fn lookup(&mut self, name: &str) -> Result<Option<(Pid, String)>, ClientError> {
        message::check_name(name)?;
        match self.request(&ClientRequest::Lookup { name: name.to_owned() }).await? {
            ClientReply::Found(found) => Ok(found),
            other => Err(unexpected(&other)),
        }
    }

    async fn request_done(&mut self, request: &ClientRequest) -> Result<(), ClientError> {
        match self.request(request).await? {
            ClientReply::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    async fn request(&mut self, request: &ClientRequest) -> Result<ClientReply, ClientError> {
        if std::mem::replace(&mut self.busy, true) {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "an earlier request was abandoned").into());
        }
        transport::write_now(&mut self.half, request, &mut self.scratch).await?;
        let reply = self.frames.next().await.map_err(|error| match error {
            ReadError::Closed => io::Error::from(io::ErrorKind::UnexpectedEof),
            ReadError::Malformed => io::ErrorKind::InvalidData.into(),
            ReadError::Io(error) => error,
        })?;
        self.busy = false;
        match reply {
            ClientReply::Failed(Failure::Refused(refusal)) => Err(refusal.into()),
            ClientReply::Failed(Failure::CallTimeout) => Err(ClientError::CallTimeout),
            ClientReply::Failed(Failure::NodeDown(node)) => Err(ClientError::NodeDown { node }),
            reply => Ok(reply),
        }
    }
}

fn unexpected(reply: &ClientReply) -> ClientError {
    io::Error::new(io::ErrorKind::InvalidData, format!("an answer to another question: {reply:?}")).into()
}
