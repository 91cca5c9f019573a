//! A protocol of your own under splitbrain, whole: a replicated counter that gossips.
//!
//! ```sh
//! cargo run --release --example counter -- sweep examples/counter --seeds 0..200
//! cargo test --example counter
//! ```
//!
//! Every node counts its own additions and remembers what it heard of the others'; every 100 ms it tells each peer all
//! it knows, and whoever hears takes the larger count of each. A node that crashes forgets its own count, so it starts
//! a new one each time: counts are by node *and incarnation*. Without that (the option `forgetful`) a restarted node
//! counts from zero under its old name, its peers keep the larger old count, and additions are lost without a trace.

use host::net::{TcpListener, TcpStream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sim::check::Checkers;
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// Additions by node and incarnation.
type Counts = BTreeMap<String, u64>;

/// What a node believes: its own name of this life, and all counts.
#[derive(Debug, Serialize)]
struct View {
    me: String,
    counts: Counts,
}

// ---- the protocol: ordinary tokio, on `host` for sockets and entropy ----

struct Node {
    me: String,
    counts: Mutex<Counts>,
}

impl Node {
    fn add(&self) {
        let mut counts = self.counts.lock().expect("no panic holds it");
        let mine = counts.entry(self.me.clone()).or_default();
        *mine += 1;
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
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Sends a line and waits for the answer. A peer that does not answer within a second is given up.
async fn ask(stream: &mut BufReader<TcpStream>, line: &str) -> io::Result<String> {
    say(stream.get_mut(), line).await?;
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(1), stream.read_line(&mut answer)).await??;
    if answer.is_empty() {
        Err(io::ErrorKind::UnexpectedEof.into())
    } else {
        Ok(answer.trim_end().to_owned())
    }
}

/// Writes a line, and tells the trace of a replay what it is.
async fn say(stream: &mut TcpStream, line: &str) -> io::Result<()> {
    let bytes = format!("{line}\n");
    host::trace::message(bytes.as_bytes(), format_args!("{line}"));
    stream.write_all(bytes.as_bytes()).await
}

// ---- the system: how a node boots, what clients do, what is checked ----

struct Counter;

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// A restarted node counts under its old name.
    forgetful: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Add,
    Sum,
}

impl System for Counter {
    type Options = Options;
    type Op = Op;
    type Ret = String;
    type View = View;

    const NAME: &'static str = "counter";

    fn operations() -> &'static [Operation<Op>] {
        &[Operation("add", |_, _| Op::Add), Operation("sum", |_, _| Op::Sum)]
    }

    fn probes() -> Vec<&'static str> {
        vec!["added"]
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        let incarnation = if node.options.forgetful { 0 } else { host::entropy::u64() };
        let me = format!("n{}/{incarnation:x}", node.id);
        let this = Arc::new(Node { me, counts: Mutex::default() });
        let seen = this.clone();
        host::view::register(move || View { me: seen.me.clone(), counts: seen.counts() });
        let address = node.address();
        let listener = TcpListener::bind(address).await?;
        for (_, peer) in node.peers() {
            let this = this.clone();
            tokio::spawn(async move {
                loop {
                    // Whatever ended the connection: there will be another.
                    let _ = this.gossip(peer).await;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            });
        }
        loop {
            let (stream, _) = listener.accept().await?;
            let this = this.clone();
            tokio::spawn(async move { this.serve(stream).await });
        }
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, String> {
        CounterClient { node: client.nodes[client.id as usize % client.nodes.len()], stream: None }
    }

    fn checkers(&self) -> Checkers<Op, String, View> {
        let mut most = BTreeMap::new();
        Checkers::<Op, String, View>::new()
            .convergence(|views| {
                let mut up = views.up();
                let Some((first, view)) = up.next() else { return Ok(()) };
                match up.find(|(_, other)| other.counts != view.counts) {
                    Some((other, _)) => Err(format!("n{first} and n{other} do not count the same")),
                    None => Ok(()),
                }
            })
            // Evaluated whenever a node publishes a probe. It is what `forgetful` breaks.
            .invariant("monotonic", move |seen| {
                for (_, view) in seen.views.up() {
                    let count = view.counts.get(&view.me).copied().unwrap_or_default();
                    let most = most.entry(view.me.clone()).or_insert(0);
                    if count < *most {
                        return Err(format!("{} counts {count} after {most}", view.me));
                    }
                    *most = count;
                }
                Ok(())
            })
    }
}

struct CounterClient {
    node: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Client<Op, String> for CounterClient {
    async fn call(&mut self, op: &Op) -> Outcome<String> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => match TcpStream::connect(self.node).await {
                Ok(stream) => BufReader::new(stream),
                Err(error) => return Outcome::Fail(error.to_string()),
            },
        };
        let question = if matches!(op, Op::Add) { "add" } else { "sum" };
        match ask(&mut stream, question).await {
            Ok(answer) => {
                self.stream = Some(stream);
                Outcome::Ok(answer)
            }
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }
}

fn main() -> std::process::ExitCode {
    sim::cli::main(&[&Counter])
}

#[test]
fn the_counter_converges() {
    sim::test(&Counter).scenarios("examples/counter").seeds(50).run();
}
