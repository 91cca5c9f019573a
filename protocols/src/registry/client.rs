//! A client of the registry: one connection to one node.

use super::{
    message::{self, ClientReply, ClientRequest, Failure, Hello, Refusal},
    process::{NodeId, Pid},
    scope::ScopeName,
    transport::{self, FrameReader, ReadError},
};
use host::net::{OwnedWriteHalf, TcpStream};
use std::{
    io,
    net::SocketAddr,
    ops::{Deref, DerefMut},
    time::Duration,
};

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
    /// What requests are about.
    scope: ScopeName,
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
        Ok(Client { frames: FrameReader::new(read), half, scratch, scope: ScopeName::default(), busy: false })
    }

    /// This client in another scope than the default one, for as long as the result is held:
    /// `client.scope("eu").register("printer", pid, "").await?`.
    ///
    /// Every operation but [`spawn`](Client::spawn) and [`kill`](Client::kill) is about a scope, and is refused with
    /// [`Refusal::NoSuchScope`] by a node that has not added it.
    pub fn scope(&mut self, name: &str) -> InScope<'_> {
        let outer = std::mem::replace(&mut self.scope, ScopeName::new(name));
        InScope { client: self, outer }
    }

    /// Lets this client's node take part in the scope from now on: `client.scope("eu").add_scope().await?`. If it does
    /// already, nothing changes.
    ///
    /// # Errors
    ///
    /// A name out of bounds, or [`ClientError::Io`].
    pub async fn add_scope(&mut self) -> Result<(), ClientError> {
        message::check_name(self.scope.as_str())?;
        self.request_done(&ClientRequest::AddScope).await
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

    /// Gives a name's entry new metadata, made of the old. Reads at this node, and writes at the process' node: a
    /// change in between is overwritten.
    ///
    /// # Errors
    ///
    /// [`Refusal::Undefined`], and as [`register`](Client::register).
    pub async fn update(
        &mut self,
        name: &str,
        change: impl FnOnce(Pid, &str) -> String,
    ) -> Result<(Pid, String), ClientError> {
        let (pid, meta) = self.lookup(name).await?.ok_or(Refusal::Undefined)?;
        let changed = change(pid, &meta);
        self.register(name, pid, &changed).await?;
        Ok((pid, changed))
    }

    /// How many names this client's node has: all, or those of one owner.
    ///
    /// # Errors
    ///
    /// [`ClientError::Io`].
    pub async fn count(&mut self, owner: Option<NodeId>) -> Result<u64, ClientError> {
        self.request_count(&ClientRequest::Count { node: owner }).await
    }

    /// Makes a process a member of a group, or gives its membership new metadata.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotAlive`], [`Refusal::Unreachable`], a name or metadata out of bounds, or an unknown outcome.
    pub async fn join(&mut self, group: &str, pid: Pid, meta: &str) -> Result<(), ClientError> {
        message::check_name(group)?;
        message::check_meta(meta)?;
        let (group, meta) = (group.to_owned(), meta.to_owned());
        self.request_done(&ClientRequest::Join { group, pid, meta }).await
    }

    /// Ends a membership.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotInGroup`], [`Refusal::Unreachable`], or an unknown outcome.
    pub async fn leave(&mut self, group: &str, pid: Pid) -> Result<(), ClientError> {
        self.request_done(&ClientRequest::Leave { group: group.to_owned(), pid }).await
    }

    /// The metadata of a member of a group, as this client's node knows it.
    ///
    /// # Errors
    ///
    /// [`ClientError::Io`].
    pub async fn member(&mut self, group: &str, pid: Pid) -> Result<Option<String>, ClientError> {
        let members = self.members(group).await?;
        Ok(members.into_iter().find(|(member, _)| *member == pid).map(|(_, meta)| meta))
    }

    /// Gives a member new metadata, made of the old, as [`update`](Client::update) does for a name.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotInGroup`], and as [`join`](Client::join).
    pub async fn update_member(
        &mut self,
        group: &str,
        pid: Pid,
        change: impl FnOnce(&str) -> String,
    ) -> Result<String, ClientError> {
        let meta = self.member(group, pid).await?.ok_or(Refusal::NotInGroup)?;
        let changed = change(&meta);
        self.join(group, pid, &changed).await?;
        Ok(changed)
    }

    /// The members of a group, with their metadata, as this client's node knows them.
    ///
    /// # Errors
    ///
    /// [`ClientError::Io`].
    pub async fn members(&mut self, group: &str) -> Result<Vec<(Pid, String)>, ClientError> {
        match self.request(&ClientRequest::Members { group: group.to_owned() }).await? {
            ClientReply::Members(members) => Ok(members),
            other => Err(unexpected(&other)),
        }
    }

    /// The names of all groups that have members.
    ///
    /// # Errors
    ///
    /// [`ClientError::Io`].
    pub async fn groups(&mut self) -> Result<Vec<String>, ClientError> {
        match self.request(&ClientRequest::Groups).await? {
            ClientReply::Groups(groups) => Ok(groups),
            other => Err(unexpected(&other)),
        }
    }

    /// Sends a message to each member of a group, and says how many there are. Nobody says whether it arrives.
    ///
    /// # Errors
    ///
    /// A message out of bounds, or [`ClientError::Io`].
    pub async fn publish(&mut self, group: &str, body: &str) -> Result<u64, ClientError> {
        let (group, body) = (group.to_owned(), body.to_owned());
        self.request_count(&ClientRequest::Publish { group, body, local: false }).await
    }

    /// The same, to members on this client's node only.
    ///
    /// # Errors
    ///
    /// A message out of bounds, or [`ClientError::Io`].
    pub async fn local_publish(&mut self, group: &str, body: &str) -> Result<u64, ClientError> {
        let (group, body) = (group.to_owned(), body.to_owned());
        self.request_count(&ClientRequest::Publish { group, body, local: true }).await
    }

    /// Asks each member of a group: who answered what, and who did not within the time-out.
    ///
    /// # Errors
    ///
    /// A question out of bounds, or [`ClientError::Io`].
    pub async fn multi_call(
        &mut self,
        group: &str,
        body: &str,
        timeout: Duration,
    ) -> Result<(Vec<(Pid, String)>, Vec<Pid>), ClientError> {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let (group, body) = (group.to_owned(), body.to_owned());
        match self.request(&ClientRequest::MultiCall { group, body, timeout_ms }).await? {
            ClientReply::Answers(answers, silent) => Ok((answers, silent)),
            other => Err(unexpected(&other)),
        }
    }

    /// Crashes the scope process of this client's node, which comes back at once and learns everything anew.
    ///
    /// # Errors
    ///
    /// [`ClientError::Io`].
    pub async fn crash_scope(&mut self) -> Result<(), ClientError> {
        self.request_done(&ClientRequest::CrashScope).await
    }

    async fn request_count(&mut self, request: &ClientRequest) -> Result<u64, ClientError> {
        match self.request(request).await? {
            ClientReply::Counted(count) => Ok(count),
            other => Err(unexpected(&other)),
        }
    }

    /// Says something that has no answer.
    pub(super) async fn send(&mut self, request: &ClientRequest) -> Result<(), ClientError> {
        Ok(transport::write_now(&mut self.half, &(&self.scope, request), &mut self.scratch).await?)
    }

    /// The next that comes unasked; none when the node has hung up.
    pub(super) async fn receive(&mut self) -> Result<Option<ClientReply>, ClientError> {
        match self.frames.next().await {
            Ok(reply) => Ok(Some(reply)),
            Err(ReadError::Closed) => Ok(None),
            Err(ReadError::Malformed) => Err(io::Error::from(io::ErrorKind::InvalidData).into()),
            Err(ReadError::Io(error)) => Err(error.into()),
        }
    }

    pub(super) async fn request_done(&mut self, request: &ClientRequest) -> Result<(), ClientError> {
        match self.request(request).await? {
            ClientReply::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    async fn request(&mut self, request: &ClientRequest) -> Result<ClientReply, ClientError> {
        if std::mem::replace(&mut self.busy, true) {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "an earlier request was abandoned").into());
        }
        transport::write_now(&mut self.half, &(&self.scope, request), &mut self.scratch).await?;
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

/// A client whose operations are about one scope: see [`Client::scope`].
pub struct InScope<'a> {
    client: &'a mut Client,
    outer: ScopeName,
}

impl Deref for InScope<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client
    }
}

impl DerefMut for InScope<'_> {
    fn deref_mut(&mut self) -> &mut Client {
        self.client
    }
}

impl Drop for InScope<'_> {
    fn drop(&mut self) {
        self.client.scope = std::mem::take(&mut self.outer);
    }
}

pub(super) fn unexpected(reply: &ClientReply) -> ClientError {
    io::Error::new(io::ErrorKind::InvalidData, format!("an answer to another question: {reply:?}")).into()
}
