//! A client of the provisioner: it asks for a build until it is told that it is built.

use super::message::{Ask, BuildId, Hello, Told};
use crate::common::transport::{self, FrameReader, ReadError};
use host::net::{OwnedWriteHalf, TcpStream};
use host::time::{sleep, timeout};
use std::{io, net::SocketAddr, time::Duration};

/// After so long without an answer a build is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(15);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// The pause before a lost or refused connection is dialled again.
const PAUSE: Duration = Duration::from_secs(1);

/// A client, with one build at a time.
///
/// ```no_run
/// # async fn example(controller: std::net::SocketAddr) {
/// use std::time::Duration;
///
/// let mut client = protocols::provisioner::Client::new(controller);
/// let waited = client.build(Duration::from_secs(30)).await;
/// println!("built; the agent came after {waited:?}");
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    controller: SocketAddr,
    id: u64,
    builds: u32,
}

impl Client {
    /// A client of this controller.
    pub fn new(controller: SocketAddr) -> Client {
        Client { controller, id: host::entropy::u64(), builds: 0 }
    }

    /// Has something built that takes an agent so long. Returns how long it waited for its agent.
    ///
    /// It is asked for until it is built, over as many connections as that takes. A dropped future leaves the build to
    /// its fate.
    pub async fn build(&mut self, lasts: Duration) -> Duration {
        self.builds += 1;
        let ask = Ask { id: BuildId { client: self.id, number: self.builds }, lasts };
        loop {
            match self.ask(ask).await {
                Ok(waited) => return waited,
                Err(error) => tracing::debug!(%error, "asks again"),
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks on one connection, until that fails.
    async fn ask(&self, ask: Ask) -> Result<Duration, ReadError> {
        let (mut frames, mut half) = timeout(CONNECT, self.connect())
            .await
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))?;
        loop {
            transport::write_now(&mut half, &ask, &mut Vec::new()).await?;
            match timeout(ASK_AGAIN, frames.next::<Told>()).await {
                Ok(Ok(Told { id, waited })) if id == ask.id => return Ok(waited),
                Ok(Ok(_)) => return Err(ReadError::Malformed),
                Ok(Err(error)) => return Err(error),
                Err(_) => {}
            }
        }
    }

    async fn connect(&self) -> io::Result<(FrameReader, OwnedWriteHalf)> {
        let stream = TcpStream::connect(self.controller).await?;
        stream.set_nodelay(true)?;
        let (read, mut half) = stream.into_split();
        transport::write_now(&mut half, &Hello::Client, &mut Vec::new()).await?;
        Ok((FrameReader::new(read), half))
    }
}
