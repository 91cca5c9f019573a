//! The protocol: ordinary tokio, on `host` for sockets and entropy.

use host::net::{TcpListener, TcpStream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// How often a node tells its peers what it knows.
const GOSSIP: Duration = Duration::from_millis(100);
/// A peer that does not answer within this is given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// What can be chosen: `[cluster] options` of a scenario.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// A known defect, switched on: a restarted node counts under its old name.
    pub forgetful: bool,
}

/// Additions by node and incarnation.
pub type Counts = BTreeMap<String, u64>;

/// What a node believes: its own name of this life, and all counts.
#[derive(Debug, Serialize)]
pub struct View {
    /// Its own name.
    pub me: String,
    /// What it knows.
    pub counts: Counts,
}

struct Node {
    me: String,
    counts: Mutex<Counts>,
}

/// Runs a node, until it is dropped.
pub async fn run(id: u32, nodes: Vec<SocketAddr>, options: Options) -> io::Result<()> {
    let incarnation = if options.forgetful { 0 } else { host::entropy::u64() };
    let node = Arc::new(Node { me: format!("n{id}/{incarnation:x}"), counts: Mutex::default() });
    // Checkers read this between two steps, without a message.
    let seen = Arc::clone(&node);
    host::view::register(move || View { me: seen.me.clone(), counts: seen.counts() });

    let address = nodes[id as usize - 1];
    let listener = TcpListener::bind(address).await?;
    for peer in nodes.into_iter().filter(|peer| *peer != address) {
        let node = Arc::clone(&node);
        tokio::spawn(async move {
            loop {
                // Whatever ended the connection: there will be another.
                let _ = node.gossip(peer).await;
                tokio::time::sleep(GOSSIP).await;
            }
        });
    }
    loop {
        let (stream, _) = listener.accept().await?;
        let node = Arc::clone(&node);
        tokio::spawn(async move { node.serve(stream).await });
    }
}

impl Node {
    fn add(&self) {
        let mut counts = self.counts.lock().expect("no panic holds it");
        let mine = counts.entry(self.me.clone()).or_default();
        *mine += 1;
        // Invariants are evaluated now, faults can wait for it, and the trace shows it.
        host::probe!("added", *mine);
    }

    fn merge(&self, heard: Counts) {
        let mut counts = self.counts.lock().expect("no panic holds it");
        for (node, count) in heard {
            let known = counts.entry(node).or_default();
            *known = count.max(*known);
        }
    }

    fn counts(&self) -> Counts {
        self.counts.lock().expect("no panic holds it").clone()
    }

    /// Answers one connection: a line in, a line out.
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut lines = BufReader::new(stream).lines();
        while let Some(line) = lines.next_line().await? {
            let answer = match line.as_str() {
                "add" => {
                    self.add();
                    "added".to_owned()
                }
                "sum" => self.counts().values().sum::<u64>().to_string(),
                gossip => {
                    self.merge(serde_json::from_str(gossip)?);
                    "heard".to_owned()
                }
            };
            say(lines.get_mut().get_mut(), &answer).await?;
        }
        Ok(())
    }

    /// Tells one peer everything, for as long as the connection holds.
    async fn gossip(&self, peer: SocketAddr) -> io::Result<()> {
        let mut stream = BufReader::new(TcpStream::connect(peer).await?);
        loop {
            ask(&mut stream, &serde_json::to_string(&self.counts())?).await?;
            tokio::time::sleep(GOSSIP).await;
        }
    }
}

/// Sends a line and waits for the answer.
pub async fn ask(stream: &mut BufReader<TcpStream>, line: &str) -> io::Result<String> {
    say(stream.get_mut(), line).await?;
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_line(&mut answer)).await??;
    if answer.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(answer.trim_end().to_owned()) }
}

/// Writes a line, and tells the trace of a replay what it is.
async fn say(stream: &mut TcpStream, line: &str) -> io::Result<()> {
    let bytes = format!("{line}\n");
    host::trace::message(bytes.as_bytes(), format_args!("{line}"));
    stream.write_all(bytes.as_bytes()).await
}
