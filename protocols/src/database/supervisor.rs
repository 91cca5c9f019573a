//! A manager's hand on a database.

use super::message::{Hello, Obeyed, Order, Repair, Start, Status, Sync};
use crate::common::transport::{self, FrameReader};
use host::net::{OwnedWriteHalf, TcpStream};
use host::time::timeout;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Why an order was not obeyed, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// The database cannot be reached, or has not answered in time. Whether it obeys is not known.
    #[error("the database does not answer: {0}")]
    Unreachable(String),
    /// The database cannot do that now, and says why.
    #[error("the database did not: {0}")]
    Refused(String),
}

/// A manager's hand on a database: one order at a time, each answered when it is done.
#[derive(Debug)]
pub struct Supervisor {
    address: SocketAddr,
    patience: Duration,
    connection: Option<(FrameReader, OwnedWriteHalf)>,
}

impl Supervisor {
    /// Of the database that listens there. It waits 5 s for an answer.
    pub fn new(address: SocketAddr) -> Supervisor {
        Supervisor { address, patience: Duration::from_secs(5), connection: None }
    }

    /// Waits so long for an answer.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Supervisor {
        Supervisor { patience, ..self }
    }

    /// What the database says about itself.
    ///
    /// # Errors
    ///
    /// See [`SupervisorError`]; this holds for all orders.
    pub async fn status(&mut self) -> Result<Status, SupervisorError> {
        match self.order(&Order::Status).await? {
            Obeyed::Status(status) => Ok(*status),
            _ => Err(SupervisorError::Refused("it answers another question".to_owned())),
        }
    }

    /// Starts a stopped database. Done when it runs: when a standby has recovered (it may not stream yet), and when a
    /// primary takes requests or waits only for its standbys.
    ///
    /// # Errors
    ///
    /// See [`SupervisorError`]. A log that is corrupt is [`SupervisorError::Refused`], with the place.
    pub async fn start(&mut self, start: Start) -> Result<(), SupervisorError> {
        self.done(&Order::Start(start)).await
    }

    /// Stops it fast: connections are closed, a primary's standbys get what it has, for `stop_timeout` at most. A
    /// stopped one stays so.
    ///
    /// # Errors
    ///
    /// See [`SupervisorError`].
    pub async fn stop(&mut self) -> Result<(), SupervisorError> {
        self.done(&Order::Stop).await
    }

    /// Makes a standby the primary: it begins a new timeline. Done when that is durable. A primary stays one.
    ///
    /// # Errors
    ///
    /// See [`SupervisorError`].
    pub async fn promote(&mut self) -> Result<(), SupervisorError> {
        self.done(&Order::Promote).await
    }

    /// Lets a standby follow another upstream, or none. Done at once; `status` says how it goes.
    ///
    /// # Errors
    ///
    /// See [`SupervisorError`].
    pub async fn follow(
        &mut self,
        upstream: Option<SocketAddr>,
        repair: Repair,
    ) -> Result<(), SupervisorError> {
        self.done(&Order::Follow { upstream, repair }).await
    }

    /// Says which standbys writes wait for, from now on, whenever it is a primary. Done when that is durable.
    ///
    /// # Errors
    ///
    /// See [`SupervisorError`].
    pub async fn set_sync(&mut self, sync: Sync) -> Result<(), SupervisorError> {
        self.done(&Order::SetSync(sync)).await
    }

    /// Arms the watchdog: unless petted again within this time, the database stops at once. None disarms it.
    ///
    /// # Errors
    ///
    /// See [`SupervisorError`].
    pub async fn pet(&mut self, within: Option<Duration>) -> Result<(), SupervisorError> {
        self.done(&Order::Pet(within)).await
    }

    async fn done(&mut self, order: &Order) -> Result<(), SupervisorError> {
        self.order(order).await.map(drop)
    }

    async fn order(&mut self, order: &Order) -> Result<Obeyed, SupervisorError> {
        let connection = self.connection.take();
        let asking = ask(connection, self.address, order);
        match timeout(self.patience, asking).await {
            Ok(Ok((connection, answer))) => {
                self.connection = Some(connection);
                match answer {
                    Obeyed::No(why) => Err(SupervisorError::Refused(why)),
                    obeyed => Ok(obeyed),
                }
            }
            Ok(Err(error)) => Err(SupervisorError::Unreachable(error.to_string())),
            Err(_) => Err(SupervisorError::Unreachable(format!("not within {:?}", self.patience))),
        }
    }
}

type Connection = (FrameReader, OwnedWriteHalf);

async fn ask(
    connection: Option<Connection>,
    address: SocketAddr,
    order: &Order,
) -> io::Result<(Connection, Obeyed)> {
    let mut scratch = Vec::new();
    let (mut frames, mut half) = match connection {
        Some(connection) => connection,
        None => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (read, mut half) = stream.into_split();
            transport::write_now(&mut half, &Hello::Supervisor, &mut scratch).await?;
            (FrameReader::new(read), half)
        }
    };
    transport::write_now(&mut half, order, &mut scratch).await?;
    let answer = frames.next().await.map_err(io::Error::other)?;
    Ok(((frames, half), answer))
}
