//! What clients can be told to do, and how they do it.

use crate::node::ask;
use host::net::TcpStream;
use serde::{Deserialize, Serialize};
use sim::{Client, Outcome};
use std::net::SocketAddr;
use tokio::io::BufReader;

/// An operation. Its name is the `f` of the history.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Count one more.
    Add,
    /// How many are there?
    Sum,
}

/// A client, and its connection, if it has one.
pub struct CounterClient {
    node: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl CounterClient {
    /// A client of a node, not yet connected.
    pub fn new(node: SocketAddr) -> Self {
        CounterClient { node, stream: None }
    }
}

impl Client<Op, String> for CounterClient {
    async fn call(&mut self, op: &Op) -> Outcome<String> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => match TcpStream::connect(self.node).await {
                Ok(stream) => BufReader::new(stream),
                // Nothing was asked, so nothing has happened.
                Err(error) => return Outcome::Fail(error.to_string()),
            },
        };
        let question = if matches!(op, Op::Add) { "add" } else { "sum" };
        match ask(&mut stream, question).await {
            Ok(answer) => {
                self.stream = Some(stream);
                Outcome::Ok(answer)
            }
            // It may have happened: no checker may take it as absent.
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }
}
