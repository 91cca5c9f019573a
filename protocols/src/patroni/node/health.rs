//! How an agent answers routers, operators with `curl`, and other agents.
//!
//! | request | 200 if | body |
//! |---|---|---|
//! | `GET /`, `/primary`, `/leader` | the database runs as a primary, and this agent has the lock | as `/patroni` |
//! | `GET /standby_leader` | it runs as a standby, and this agent has the lock | as `/patroni` |
//! | `GET /replica` | it runs as a standby | as `/patroni` |
//! | `GET /sync` | it does, and has every acknowledged write | as `/patroni` |
//! | `GET /quorum` | it does, and is a voter | as `/patroni` |
//! | `GET /health` | it runs | as `/patroni` |
//! | `GET /liveness`, `/patroni` | always | how the database is, as it says when it is asked |
//! | `GET /failsafe` | always | whom a primary must ask if it has no store |
//! | `POST /failsafe` | a primary that has no store may go on | |
//!
//! Otherwise it is 503. `HEAD` and `OPTIONS` are answered like `GET`, without the body.

use crate::common::http::{self, Request, Response};
use crate::database::{Lsn, Role, Supervisor};
use crate::patroni::options::Config;
use crate::patroni::rules::{Others, Told};
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt as _};
use host::net::{TcpListener, TcpStream};
use host::sometimes;
use host::time::{Instant, sleep, timeout};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long another agent has to take a connection, and then to answer. Patroni's (`ha.py`: `timeout=2` of `urllib3`,
/// which counts each).
const PATIENCE: http::Patience =
    http::Patience { connect: Duration::from_secs(2), answer: Duration::from_secs(2) };
/// How long the database has to answer, so that there is an answer at all.
const DATABASE_PATIENCE: Duration = Duration::from_secs(1);
/// How long a client has to ask.
const REQUEST_PATIENCE: Duration = Duration::from_secs(10);

/// What an agent shows of itself.
#[derive(Debug, Default)]
pub(super) struct Shown(Mutex<Facts>);

/// What it is that it shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub leader: Option<u32>,
    /// Until when this agent has the lock.
    pub leads_until: Option<Instant>,
    pub synchronous: bool,
    pub votes: bool,
    pub paused: bool,
    pub failsafe: BTreeMap<u32, SocketAddr>,
    /// A primary without a store that has said that it goes on: its number, its database, until when that counts.
    pub failsafe_leader: Option<(u32, SocketAddr, Instant)>,
}

impl Shown {
    pub fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of most answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Report {
    id: u32,
    state: String,
    #[serde(flatten)]
    told: Told,
    leader: Option<u32>,
    pause: bool,
    failsafe_mode_is_active: bool,
}

/// What a primary that has no store says to the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct GoesOn {
    id: u32,
    database: SocketAddr,
}

/// Answers for ever.
pub(super) async fn serve(listener: &TcpListener, config: &Config, shown: &Shown) -> std::io::Error {
    let mut clients = FuturesUnordered::new();
    loop {
        let accepting = async {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => return stream,
                    // Out of sockets, for a moment.
                    Err(_) => sleep(Duration::from_millis(100)).await,
                }
            }
        };
        tokio::select! {
            biased;
            Some(()) = clients.next() => {}
            stream = accepting => clients.push(answer(stream, config, shown)),
        }
    }
}

async fn answer(mut stream: TcpStream, config: &Config, shown: &Shown) {
    let answering = async {
        let request = http::read_request(&mut stream).await?;
        let response = respond(&request, config, shown).await;
        http::respond(&mut stream, &request, &response).await
    };
    match timeout(REQUEST_PATIENCE, answering).await {
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
            sometimes!("malformed request dropped");
        }
        // A client that goes away is its own affair.
        Ok(_) | Err(_) => {}
    }
}

async fn respond(request: &Request, config: &Config, shown: &Shown) -> Response {
    let told = look(config).await;
    let facts = shown.facts().clone();
    let role = told.role;
    let status = |fine: bool| if fine { 200 } else { 503 };
    let leads = facts.leads_until.is_some_and(|until| Instant::now() < until);
    let code = match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/failsafe") => return agree(request, config, shown, role),
        ("GET", "/failsafe") => {
            return Response { status: 200, body: json(&facts.failsafe) };
        }
        ("GET" | "HEAD" | "OPTIONS", path) => match path {
            "/" | "/primary" | "/leader" => status(role == Some(Role::Primary) && leads),
            "/standby_leader" => status(role == Some(Role::Standby) && leads),
            "/replica" => status(role == Some(Role::Standby)),
            "/sync" => status(role == Some(Role::Standby) && facts.synchronous),
            "/quorum" => status(role == Some(Role::Standby) && facts.votes),
            "/health" => status(matches!(role, Some(Role::Primary | Role::Standby))),
            "/liveness" | "/patroni" => 200,
            _ => 404,
        },
        _ => 405,
    };
    let report = Report {
        id: config.id,
        state: if role.is_some_and(|role| role != Role::Stopped) { "running" } else { "stopped" }.to_owned(),
        told,
        leader: facts.leader,
        pause: facts.paused,
        failsafe_mode_is_active: facts.failsafe_leader.is_some_and(|(_, _, until)| Instant::now() < until),
    };
    Response { status: code, body: json(&report) }
}

/// Whether a primary that cannot reach the store may go on, as far as this agent is concerned: yes, unless it has a
/// primary itself.
fn agree(request: &Request, config: &Config, shown: &Shown, role: Option<Role>) -> Response {
    let no = |status: u16, why: &str| Response { status, body: json(&why) };
    let Ok(GoesOn { id, database }) = serde_json::from_slice(&request.body) else {
        return no(400, "no such message");
    };
    if !config.options.failsafe_mode {
        return no(502, "failsafe mode is off");
    }
    if role == Some(Role::Primary) {
        return no(500, "this is a primary");
    }
    shown.facts().failsafe_leader = Some((id, database, Instant::now() + config.options.ttl));
    Response { status: 200, body: json(&"Accepted") }
}

async fn look(config: &Config) -> Told {
    let by_quorum = config.options.synchronous_mode.is_quorum();
    match Supervisor::new(config.database).patience(DATABASE_PATIENCE).status().await {
        Ok(status) => Told {
            role: Some(status.role),
            timeline: status.timeline().map_or(0, |timeline| timeline.number),
            tag: status.timeline().map(|timeline| timeline.tag).filter(|_| by_quorum),
            lsn: status.durable,
            tags: config.tags.clone(),
        },
        Err(_) => Told { role: None, timeline: 0, tag: None, lsn: Lsn(0), tags: config.tags.clone() },
    }
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    // Plain data with text or numbers for keys: it can always be written.
    serde_json::to_vec(value).expect("plain data")
}

/// Asks other agents, all at once, how they are.
pub(super) async fn ask_others(others: &BTreeMap<u32, SocketAddr>) -> Others {
    let asking = others.iter().map(|(id, health)| async move {
        let response = http::ask(*health, "GET", "/patroni", b"", PATIENCE).await.ok();
        let told = response.and_then(|response| serde_json::from_slice::<Report>(&response.body).ok());
        (*id, told.filter(|report| report.id == *id).map(|report| report.told))
    });
    join_all(asking).await.into_iter().collect()
}

/// As a primary that has no store: whether all the others agree that it goes on.
pub(super) async fn ask_to_go_on(config: &Config, others: &BTreeMap<u32, SocketAddr>) -> bool {
    let body = json(&GoesOn { id: config.id, database: config.database });
    let asking = others.values().map(|health| http::ask(*health, "POST", "/failsafe", &body, PATIENCE));
    let answers = join_all(asking).await;
    answers.iter().all(|answer| answer.as_ref().is_ok_and(|response| response.status == 200))
}

/// Whether an agent answers there.
pub(super) async fn is_alive(health: SocketAddr) -> bool {
    http::ask(health, "GET", "/liveness", b"", PATIENCE).await.is_ok()
}
