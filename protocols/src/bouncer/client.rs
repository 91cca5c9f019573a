//! A hand on the pooler's console: `psql -c COMMAND pgbouncer`, a connection each time.

use super::message::{Answer, Command, Scope};
use crate::common::transport::{self, FrameReader};
use host::net::TcpStream;
use host::time::timeout;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Why a command was not done, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Nobody answers there, or not in time; or the connection was lost. Whether it is done is not known.
    #[error("the pooler does not answer: {0}")]
    Unreachable(#[from] io::Error),
    /// It was not done.
    #[error("the pooler did not: {0}")]
    Refused(String),
}

/// A hand on the console of one pooler.
#[derive(Debug)]
pub struct Console {
    address: SocketAddr,
    connect_timeout: Option<Duration>,
}

impl Console {
    /// Of the pooler whose console is there. It waits for a connection as long as the system does, as `psql` does.
    pub fn new(address: SocketAddr) -> Console {
        Console { address, connect_timeout: None }
    }

    /// Waits so long for a connection: `PGCONNECT_TIMEOUT`. For answers it waits as long as there is a connection.
    #[must_use]
    pub fn connect_timeout(self, connect_timeout: Option<Duration>) -> Console {
        Console { connect_timeout, ..self }
    }

    /// Holds every query from now on. Done when none is under way.
    ///
    /// # Errors
    ///
    /// See [`ConsoleError`]; this holds for all commands. A pooler that is paused as a whole cannot be paused again.
    pub async fn pause(&self, scope: Scope) -> Result<(), ConsoleError> {
        self.tell(Command::Pause(scope)).await
    }

    /// Lets those go on that are held. What is not paused cannot be resumed.
    ///
    /// # Errors
    ///
    /// See [`ConsoleError`].
    pub async fn resume(&self, scope: Scope) -> Result<(), ConsoleError> {
        self.tell(Command::Resume(scope)).await
    }

    /// Replaces the file that says where the database is, and lets the pooler read it.
    ///
    /// # Errors
    ///
    /// See [`ConsoleError`].
    pub async fn reload(&self, target: SocketAddr) -> Result<(), ConsoleError> {
        self.tell(Command::Reload(target)).await
    }

    async fn tell(&self, command: Command) -> Result<(), ConsoleError> {
        let connecting = TcpStream::connect(self.address);
        let stream = match self.connect_timeout {
            Some(within) => {
                timeout(within, connecting).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??
            }
            None => connecting.await?,
        };
        stream.set_nodelay(true)?;
        let (read, mut half) = stream.into_split();
        transport::write_now(&mut half, &command, &mut Vec::new()).await?;
        match FrameReader::new(read).next().await.map_err(io::Error::other)? {
            Answer::Done => Ok(()),
            Answer::Error(why) => Err(ConsoleError::Refused(why)),
        }
    }
}
