//! A session: writes at the source, reads at the replica.

use super::message::{Needs, Read, ReadTold, Token};
use super::options::Config;
use super::rules;
use crate::common::transport::{self, FrameReader};
use crate::database::{self, Condition, Role, Supervisor, Write};
use host::net::TcpStream;
use host::time::timeout;
use std::io;

/// Why something was not done, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The source did not.
    #[error(transparent)]
    Source(#[from] database::ClientError),
    /// It was written, and where is not known: there is no token.
    #[error("it was written, and there is no token")]
    NoToken,
    /// The replica is not as far as was asked for.
    #[error("the replica is behind")]
    Behind,
    /// The reader or its replica does not answer.
    #[error("the replica does not answer: {0}")]
    Unavailable(io::Error),
    /// No table has such a name.
    #[error("table: {0:?} is no name of a table")]
    Name(String),
    /// What is there is no number.
    #[error("sequence: {0:?} is no number")]
    Sequence(String),
}

impl ClientError {
    /// Whether it is certain that nothing was written, and will not be.
    pub fn is_definite(&self) -> bool {
        match self {
            ClientError::Source(error) => error.is_definite(),
            ClientError::NoToken => false,
            _ => true,
        }
    }
}

/// A session, with one request at a time.
#[derive(Debug)]
pub struct Client {
    config: Config,
    source: database::Client,
    places: Supervisor,
}

impl Client {
    /// Not yet connected.
    pub fn new(config: Config) -> Client {
        let patience = config.options.patience;
        let source = database::Client::new(config.source).patience(patience).of_primary();
        let places = Supervisor::new(config.source).patience(patience);
        Client { config, source, places }
    }

    /// Makes a table, if there is none of that name.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn make_table(&mut self, table: &str) -> Result<(), ClientError> {
        let key = rules::table_key(table);
        self.named(table)?.write(key, String::new(), Condition::Absent).await.map(drop)
    }

    /// Writes a row. What is read with the token shows this write, or a later one.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn write_row(&mut self, table: &str, row: u64, value: &str) -> Result<Token, ClientError> {
        let key = rules::row_key(table, row);
        self.named(table)?.write(key, value.to_owned(), Condition::None).await?;
        let status = self.places.status().await.map_err(|_| ClientError::NoToken)?;
        // One that has just begun anew does not show all that it has.
        if status.role == Role::Primary { Ok(Token(status.visible)) } else { Err(ClientError::NoToken) }
    }

    /// Takes the next number of a table's sequence; none: somebody else took it.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn next_number(&mut self, table: &str) -> Result<Option<u64>, ClientError> {
        let key = rules::sequence_key(table);
        let (last, condition) = match self.named(table)?.source.get(&key).await? {
            None => (0, Condition::Absent),
            Some(last) => {
                let number = last.parse().map_err(|_| ClientError::Sequence(last.clone()))?;
                (number, Condition::Is(last))
            }
        };
        let next: u64 = last + 1;
        Ok(self.write(key, next.to_string(), condition).await?.then_some(next))
    }

    /// Reads a row at the replica.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn read_row(
        &mut self,
        table: &str,
        row: u64,
        needs: Needs,
    ) -> Result<Option<String>, ClientError> {
        let read = Read { key: rules::row_key(self.named(table).map(|_| table)?, row), needs };
        let patience = self.config.options.patience + self.config.options.read_timeout;
        let asking = async {
            let stream = TcpStream::connect(self.config.reader).await?;
            stream.set_nodelay(true)?;
            let (frames, mut half) = stream.into_split();
            transport::write_now(&mut half, &read, &mut Vec::new()).await?;
            FrameReader::new(frames).next().await.map_err(io::Error::other)
        };
        let told = timeout(patience, asking).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        match told.map_err(ClientError::Unavailable)? {
            ReadTold::Value(value) => Ok(value),
            ReadTold::Behind => Err(ClientError::Behind),
            ReadTold::Unavailable => Err(ClientError::Unavailable(io::ErrorKind::ConnectionRefused.into())),
        }
    }

    fn named(&mut self, table: &str) -> Result<&mut Client, ClientError> {
        if rules::is_table(table) { Ok(self) } else { Err(ClientError::Name(table.to_owned())) }
    }

    async fn write(&mut self, key: String, value: String, condition: Condition) -> Result<bool, ClientError> {
        // The database does not compare ids; they only must not be 0.
        let id = host::entropy::u64() | 1;
        Ok(self.source.write(Write { id, key, value, condition }).await?)
    }
}
