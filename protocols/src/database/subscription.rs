//! What others than standbys get from a database: a snapshot of its contents, and the changes after it, in order.
//!
//! It is the protocol of standbys, as logical replication in PostgreSQL has the one of physical replication. A
//! subscription has a number as a standby has one, and is listed among them; writes do not wait for it.

use super::message::{Change, Confirmed, Hello, Next, Place, Streamed};
use super::rules::timeline::{History, Lsn};
use crate::common::transport::{self, FrameReader};
use host::net::{OwnedWriteHalf, TcpStream};
use host::time::timeout;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// The contents of a database as of one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The timelines of the log up to it.
    pub history: History,
    /// The entry.
    pub last: Lsn,
    /// What was visible then.
    pub contents: BTreeMap<String, String>,
}

/// A key that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Put {
    /// The entry that says so.
    pub lsn: Lsn,
    /// The key.
    pub key: String,
    /// Its value from now on.
    pub value: String,
}

/// Why there is no subscription, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    /// The database cannot be reached, does not answer, or hung up.
    #[error("the database does not answer: {0}")]
    Unreachable(#[from] io::Error),
    /// What comes next is no longer in its log, or what came is not in it: begin with a snapshot.
    #[error("the log does not go on from there")]
    Gone,
}

/// The changes of a database, in the order of its log.
#[derive(Debug)]
pub struct Subscription {
    frames: FrameReader,
    half: OwnedWriteHalf,
    patience: Duration,
    history: History,
    last: Lsn,
}

impl Snapshot {
    /// Takes one, while writes go on.
    ///
    /// # Errors
    ///
    /// [`SubscriptionError::Unreachable`].
    pub async fn of(
        database: SocketAddr,
        number: u32,
        patience: Duration,
    ) -> Result<Snapshot, SubscriptionError> {
        match greet(database, &Hello::Clone(number), patience).await? {
            (Streamed::Base { base, .. }, ..) => {
                Ok(Snapshot { history: base.history, last: base.last, contents: base.contents })
            }
            _ => Err(io::Error::from(io::ErrorKind::ConnectionRefused).into()),
        }
    }
}

impl Subscription {
    /// What comes after an entry of a log with this history.
    ///
    /// # Errors
    ///
    /// See [`SubscriptionError`].
    pub async fn after(
        database: SocketAddr,
        number: u32,
        (history, last): (History, Lsn),
        patience: Duration,
    ) -> Result<Subscription, SubscriptionError> {
        let hello = Hello::Standby(Place { id: number, history: history.clone(), last });
        match greet(database, &hello, patience).await? {
            (Streamed::From { after, .. }, frames, half) if after == last => {
                Ok(Subscription { frames, half, patience, history, last })
            }
            (Streamed::Diverged { .. } | Streamed::TooFarBehind, ..) => Err(SubscriptionError::Gone),
            _ => Err(io::Error::from(io::ErrorKind::ConnectionRefused).into()),
        }
    }

    /// The next changes; none for a while is an answer, too.
    ///
    /// # Errors
    ///
    /// See [`SubscriptionError`].
    pub async fn next(&mut self) -> Result<Vec<Put>, SubscriptionError> {
        let heard = timeout(self.patience, self.frames.next()).await;
        let heard = heard.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map_err(io::Error::other)?;
        let (Streamed::Entries(Next { first, entries }) | Streamed::Awaited(Next { first, entries })) = heard
        else {
            return Err(io::Error::from(io::ErrorKind::InvalidData).into());
        };
        if first != self.last.next() {
            return Err(io::Error::from(io::ErrorKind::InvalidData).into());
        }
        let mut puts = Vec::new();
        for entry in entries {
            self.last = self.last.next();
            self.history.push(entry.timeline, self.last);
            if let Change::Put { key, value, .. } = entry.change {
                puts.push(Put { lsn: self.last, key, value });
            }
        }
        Ok(puts)
    }

    /// Where it is.
    pub fn place(&self) -> (&History, Lsn) {
        (&self.history, self.last)
    }

    /// Tells the database that all up to here is dealt with.
    ///
    /// # Errors
    ///
    /// [`SubscriptionError::Unreachable`].
    pub async fn confirm(&mut self) -> Result<(), SubscriptionError> {
        let (confirmed, mut scratch) = (Confirmed(self.last), Vec::new());
        let confirming = transport::write_now(&mut self.half, &confirmed, &mut scratch);
        let confirmed = timeout(self.patience, confirming).await;
        Ok(confirmed.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?)
    }
}

/// Says hello, and hears the first answer.
async fn greet(
    database: SocketAddr,
    hello: &Hello,
    patience: Duration,
) -> io::Result<(Streamed, FrameReader, OwnedWriteHalf)> {
    let greeting = async {
        let stream = TcpStream::connect(database).await?;
        stream.set_nodelay(true)?;
        let (read, mut half) = stream.into_split();
        transport::write_now(&mut half, hello, &mut Vec::new()).await?;
        let mut frames = FrameReader::new(read);
        let first = frames.next().await.map_err(io::Error::other)?;
        Ok((first, frames, half))
    };
    timeout(patience, greeting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
