//! A web service: `axum` on `hyper`, with a replicated counter behind it.
//!
//! `POST /add` counts one more, saves that, and answers with how many additions this node has taken in all its lives.
//! `GET /count` is the sum of what the node knows. Twice a second each node puts its counts to its peers'
//! `PUT /counts`, and each takes the larger count of each. Nothing of it knows the simulation: the router is handed to
//! hyper, and hyper the connections that `host::net` accepts. (`axum::serve` would open tokio's own.)
//!
//! What was answered must be there after any crash: the counts are written to a new file, synced, and renamed over the
//! old one. With the flaw `unsynced` that sync is left out, and a power loss takes back what somebody was told.
//!
//! Judged: **durability** (no node counts fewer of its own additions than it has answered for), **convergence**.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::routing::{get, post, put};
use host::disk::Disk;
use host::net::{TcpListener, TcpStream};
use host::probe::Value;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sim::check::{Checkers, Views};
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const SAVED: &str = "counts.json";
const UNDER_WAY: &str = "counts.json.new";
/// How often a node tells its peers what it knows.
const TELL: Duration = Duration::from_millis(500);
/// How long a peer may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// The system.
#[derive(Debug)]
pub struct Web;

/// `[cluster] options`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// A known defect, switched on.
    pub flaw: Option<Flaw>,
}

/// Known defects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// Counts are written and renamed, and never synced.
    Unsynced,
}

/// Additions, by the number of the node that took them.
type Counts = BTreeMap<u32, u64>;

/// What a node believes.
#[derive(Debug, Serialize)]
pub struct View {
    counts: Counts,
}

/// What a client can be told to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Count one more.
    Add,
    /// How many are there?
    Count,
}

struct Node {
    id: u32,
    flaw: Option<Flaw>,
    disk: Disk,
    counts: Mutex<Counts>,
    /// One saves at a time.
    saving: tokio::sync::Mutex<()>,
}

impl Node {
    fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Counts) -> T) -> T {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Saves what is known now, and returns that: all of it is there after a crash.
    async fn save(&self) -> io::Result<Counts> {
        let _alone = self.saving.lock().await;
        let counts = self.counts();
        let file = self.disk.create(UNDER_WAY).await?;
        file.write_all_at(&serde_json::to_vec(&counts)?, 0).await?;
        if self.flaw != Some(Flaw::Unsynced) {
            file.sync_all().await?;
        }
        self.disk.rename(UNDER_WAY, SAVED).await?;
        self.disk.sync_dir("").await?;
        Ok(counts)
    }
}

// ---- the handlers: ordinary axum ----

fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/add", post(add))
        .route("/count", get(count))
        .route("/counts", put(merge))
        .with_state(node)
}

async fn add(State(node): State<Arc<Node>>) -> Result<String, StatusCode> {
    node.change(|counts| *counts.entry(node.id).or_default() += 1);
    let saved = node.save().await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    host::probe!("answered", saved[&node.id]);
    Ok(saved[&node.id].to_string())
}

async fn count(State(node): State<Arc<Node>>) -> String {
    node.counts().values().sum::<u64>().to_string()
}

async fn merge(State(node): State<Arc<Node>>, body: Bytes) -> Result<&'static str, StatusCode> {
    let heard: Counts = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    node.change(|counts| {
        for (of, count) in heard {
            let known = counts.entry(of).or_default();
            if count > *known {
                host::sometimes!("heard of more");
            }
            *known = count.max(*known);
        }
    });
    Ok("heard")
}

// ---- around them: connections, files, peers ----

/// Accepts connections, and hands each to hyper with the router.
async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(router.clone());
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

/// A connection to a node, by hyper's client.
async fn connect(node: SocketAddr) -> io::Result<SendRequest<Full<Bytes>>> {
    let stream = TokioIo::new(TcpStream::connect(node).await?);
    let (sender, connection) =
        hyper::client::conn::http1::handshake(stream).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    Ok(sender)
}

/// One request, and its answer's body, if that is a success.
async fn ask(
    sender: &mut SendRequest<Full<Bytes>>,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> io::Result<Bytes> {
    let request = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "node")
        .body(Full::new(Bytes::from(body)))
        .map_err(io::Error::other)?;
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    if status.is_success() { Ok(body) } else { Err(io::Error::other(format!("{status}"))) }
}

/// Tells a peer all that is known, for as long as the connection holds.
async fn tell(node: &Node, peer: SocketAddr) -> io::Result<()> {
    let mut sender = connect(peer).await?;
    loop {
        let counts = serde_json::to_vec(&node.counts())?;
        tokio::time::timeout(PATIENCE, ask(&mut sender, Method::PUT, "/counts", counts)).await??;
        tokio::time::sleep(TELL).await;
    }
}

impl System for Web {
    type Options = Options;
    type Op = Op;
    type Ret = u64;
    type View = View;

    const NAME: &'static str = "web";

    fn operations() -> &'static [Operation<Op>] {
        &[Operation("add", |_, _| Op::Add), Operation("count", |_, _| Op::Count)]
    }

    fn probes() -> Vec<&'static str> {
        vec!["answered", "heard of more"]
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        let disk = node.disk();
        let saved = if disk.exists(SAVED).await? { disk.read(SAVED).await? } else { Vec::new() };
        // An empty or torn file is nothing that was ever saved: the flaw's.
        let counts = serde_json::from_slice(&saved).unwrap_or_default();
        let this = Arc::new(Node {
            id: node.id,
            flaw: node.options.flaw,
            disk,
            counts: Mutex::new(counts),
            saving: tokio::sync::Mutex::default(),
        });
        let seen = Arc::clone(&this);
        host::view::register(move || View { counts: seen.counts() });
        let address = node.address();
        for (_, peer) in node.peers() {
            let this = Arc::clone(&this);
            tokio::spawn(async move {
                loop {
                    // Whatever ended the connection: there will be another.
                    let _ = tell(&this, peer).await;
                    tokio::time::sleep(TELL).await;
                }
            });
        }
        serve(TcpListener::bind(address).await?, router(this)).await
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, u64> {
        Browser { node: client.nodes[client.id as usize % client.nodes.len()], sender: None }
    }

    fn checkers(&self) -> Checkers<Op, u64, View> {
        let mut answered: BTreeMap<u32, u64> = BTreeMap::new();
        Checkers::<Op, u64, View>::new()
            .invariant("durability", move |seen| {
                if let Some(probe) = seen.on("answered")
                    && let (Some(machine), [Value::Uint(count)]) = (probe.host, &probe.values[..])
                {
                    let most = answered.entry(machine.number()).or_default();
                    *most = (*count).max(*most);
                }
                for (node, view) in seen.views.up() {
                    let (has, most) = (view.counts.get(&node), answered.get(&node));
                    if has < most {
                        return Err(format!("n{node} answered for {most:?} additions, and has {has:?}"));
                    }
                }
                Ok(())
            })
            .convergence(all_count_the_same)
    }
}

fn all_count_the_same(views: &Views<View>) -> Result<(), String> {
    let mut up = views.up();
    let Some((first, view)) = up.next() else { return Ok(()) };
    match up.find(|(_, other)| other.counts != view.counts) {
        Some((other, _)) => Err(format!("n{first} and n{other} do not count the same")),
        None => Ok(()),
    }
}

struct Browser {
    node: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Client<Op, u64> for Browser {
    async fn call(&mut self, op: &Op) -> Outcome<u64> {
        let mut sender = match self.sender.take() {
            Some(sender) => sender,
            None => match connect(self.node).await {
                Ok(sender) => sender,
                Err(error) => return Outcome::Fail(error.to_string()),
            },
        };
        let (method, path) = match op {
            Op::Add => (Method::POST, "/add"),
            Op::Count => (Method::GET, "/count"),
        };
        match ask(&mut sender, method, path, Vec::new()).await {
            Ok(answer) => {
                self.sender = Some(sender);
                Outcome::Ok(String::from_utf8_lossy(&answer).parse().unwrap_or_default())
            }
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }
}
