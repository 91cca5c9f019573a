//! What a client listens to: the messages of a process, and the events of a node.

use super::{
    client::{Client, ClientError},
    events::Event,
    message::{ClientReply, ClientRequest},
    process::Pid,
    scope::DEFAULT_SCOPE,
};
use futures::{Stream, stream};
use std::net::SocketAddr;

/// A message to a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whatever the sender wrote.
    pub body: String,
    /// The sender waits for an answer: see [`Inbox::answer`].
    pub question: Option<u64>,
}

/// The messages of one process, read over a connection of its own to the process' node.
pub struct Inbox {
    client: Client,
}

impl Inbox {
    /// Reads a process' messages from now on, in place of whoever did before.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotAlive`](super::Refusal::NotAlive), or the node cannot be reached.
    pub async fn attach(node: SocketAddr, pid: Pid) -> Result<Inbox, ClientError> {
        let mut client = Client::connect(node).await?;
        client.request_done(&ClientRequest::Attach { pid }).await?;
        Ok(Inbox { client })
    }

    /// The next message; none when the process has died.
    ///
    /// # Errors
    ///
    /// [`ClientError::Io`]: the connection failed, as it does when the node stops.
    pub async fn next(&mut self) -> Result<Option<Message>, ClientError> {
        match self.client.receive().await? {
            Some(ClientReply::Message { body, question }) => Ok(Some(Message { body, question })),
            Some(other) => Err(super::client::unexpected(&other)),
            None => Ok(None),
        }
    }

    /// Answers a question. A message that is none is left alone.
    ///
    /// # Errors
    ///
    /// [`ClientError::Io`].
    pub async fn answer(&mut self, message: &Message, body: &str) -> Result<(), ClientError> {
        let Some(question) = message.question else { return Ok(()) };
        self.client.send(&ClientRequest::Say { question, body: body.to_owned() }).await
    }
}

/// What is registered and joined at a node, and then each change of it. Ends when the connection does.
///
/// # Errors
///
/// When the node cannot be reached.
pub async fn watch(node: SocketAddr) -> Result<impl Stream<Item = Event> + Send, ClientError> {
    watch_scope(node, DEFAULT_SCOPE).await
}

/// The same, in another scope. Ends at once if the node has not added it.
///
/// # Errors
///
/// When the node cannot be reached.
pub async fn watch_scope(
    node: SocketAddr,
    scope: &str,
) -> Result<impl Stream<Item = Event> + Send + use<>, ClientError> {
    let mut client = Client::connect(node).await?;
    client.scope(scope).send(&ClientRequest::Watch).await?;
    Ok(Box::pin(stream::unfold(client, |mut client| async move {
        match client.receive().await {
            Ok(Some(ClientReply::Event(event))) => Some((event, client)),
            _ => None,
        }
    })))
}
