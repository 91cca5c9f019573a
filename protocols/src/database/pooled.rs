//! Both ends of a connection that a pooler passes on: as a client has it, and as a database has it.

use super::message::{Hello, Refusal, Reply, Request};
use crate::common::transport::{self, FrameReader};
use futures::FutureExt as _;
use host::net::{OwnedWriteHalf, TcpStream};
use std::io;
use std::net::SocketAddr;

/// What a client asks, whatever it is.
#[derive(Debug)]
pub(crate) struct Query(Request);

/// What a database answers, whatever it is.
#[derive(Debug)]
pub(crate) struct Answer(Reply);

/// A connection to a database.
#[derive(Debug)]
pub(crate) struct Server(Ends);

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Session(Ends);

#[derive(Debug)]
struct Ends {
    frames: FrameReader,
    half: OwnedWriteHalf,
    scratch: Vec<u8>,
}

impl Ends {
    fn of(stream: TcpStream) -> Ends {
        let (read, half) = stream.into_split();
        Ends { frames: FrameReader::new(read), half, scratch: Vec::new() }
    }

    async fn say(&mut self, reply: &Reply) -> io::Result<()> {
        transport::write_now(&mut self.half, reply, &mut self.scratch).await
    }
}

impl Server {
    /// A connection to a database that is ready, and whether it takes writes.
    ///
    /// # Errors
    ///
    /// When nobody answers there, or what does is not ready.
    pub async fn login(address: SocketAddr) -> io::Result<(Server, bool)> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut ends = Ends::of(stream);
        transport::write_now(&mut ends.half, &Hello::Client, &mut ends.scratch).await?;
        match ends.frames.next().await.map_err(io::Error::other)? {
            Reply::Ready { writable } => Ok((Server(ends), writable)),
            Reply::Refused(refusal) => Err(io::Error::other(refusal)),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Passes a query on, and waits for the answer.
    ///
    /// # Errors
    ///
    /// When the connection is lost: whether the query was done is not known.
    pub async fn ask(&mut self, query: &Query) -> io::Result<Answer> {
        transport::write_now(&mut self.0.half, &query.0, &mut self.0.scratch).await?;
        Ok(Answer(self.0.frames.next().await.map_err(io::Error::other)?))
    }

    /// Whether a connection that waits for nothing is still there.
    pub fn is_open(&mut self) -> bool {
        self.0.frames.next::<Reply>().now_or_never().is_none()
    }
}

impl Session {
    /// A client that has said hello; none of whoever says something else.
    pub async fn greet(stream: TcpStream) -> Option<Session> {
        // Who has hung up already is found out below.
        let _ = stream.set_nodelay(true);
        let mut ends = Ends::of(stream);
        let hello: Hello = ends.frames.next().await.ok()?;
        (hello == Hello::Client).then_some(Session(ends))
    }

    /// Lets it ask.
    pub async fn ready(&mut self, writable: bool) -> io::Result<()> {
        self.0.say(&Reply::Ready { writable }).await
    }

    /// Its next query; none when it has left. Safe to cancel.
    pub async fn query(&mut self) -> Option<Query> {
        self.0.frames.next().await.ok().map(Query)
    }

    /// Whether one that waits for an answer has left. It says nothing meanwhile.
    pub fn has_left(&mut self) -> bool {
        self.0.frames.next::<Request>().now_or_never().is_some()
    }

    /// Passes an answer on.
    pub async fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        self.0.say(&answer.0).await
    }

    /// Says that nothing was done.
    pub async fn refuse(&mut self) -> io::Result<()> {
        self.0.say(&Reply::Refused(Refusal::NotRunning)).await
    }
}
