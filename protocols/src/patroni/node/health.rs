//! How an agent answers routers, operators with `curl`, and other agents.
//!
//! | request | 200 if | body |
//! |---|---|---|
//! | `GET /`, `/primary`, `/read-write` | this agent has the lock, however its database is, and this is no standby cluster | as `/patroni` |
//! | `GET /leader` | this agent has the lock | as `/patroni` |
//! | `GET /standby_leader` | it has that of a standby cluster, and its database runs as a standby | as `/patroni` |
//! | `GET /replica` | it runs as a standby, and has no tag `noloadbalance` | as `/patroni` |
//! | `GET /read-only` | one of `/primary`, `/standby_leader` and `/replica` is | as `/patroni` |
//! | `GET /sync` | `/replica` is, and it has every acknowledged write | as `/patroni` |
//! | `GET /quorum` | `/replica` is, and it is a voter | as `/patroni` |
//! | `GET /async` | `/replica` is, and it is neither | as `/patroni` |
//! | `GET /health` | it runs | as `/patroni` |
//! | `GET /readiness` | this agent has the lock, or it streams and lacks no more than `maximum_lag_on_failover` | as `/patroni` |
//! | `GET /liveness` | the agent's next look is not late by `ttl` (by two, unless its database is a primary), or there is a pause | as `/patroni` |
//! | `GET /patroni` | always | how the database is, as it says when it is asked |
//! | `GET /failsafe` | always | whom a primary must ask if it has no store |
//! | `POST /failsafe` | a primary that has no store may go on | |
//! | `POST /reinitialize` | another leads: this one's database begins anew, with a copy | |
//!
//! Otherwise it is 503. `HEAD` and `OPTIONS` are answered like `GET`, without the body. What follows a question mark is
//! not looked at. How old the lock is and whether a look is late is told by the wall clock (`ha.py` and `__main__.py`:
//! `time.time()`).

use crate::common::http::{self, Request, Response};
use crate::database::{Lsn, Replication, Role, Supervisor};
use crate::patroni::options::{Config, Options};
use crate::patroni::rules::{Others, Told};
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt as _};
use host::net::{TcpListener, TcpStream};
use host::time::{Instant, sleep, timeout};
use host::{clock, sometimes};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// Until when this agent has the lock, and when it looks again, by the wall clock.
    pub leads_until_ns: Option<u64>,
    pub next_look_ns: Option<u64>,
    /// What the last leader had, as the store says.
    pub kept: Lsn,
    pub standby_cluster: bool,
    pub synchronous: bool,
    pub votes: bool,
    pub paused: bool,
    pub failsafe: BTreeMap<u32, SocketAddr>,
    /// A primary without a store that has said that it goes on: its number, its database, until when that counts.
    pub failsafe_leader: Option<(u32, SocketAddr, Instant)>,
    /// An operator wants the database to begin anew.
    pub reinitialises: bool,
    pub options: Arc<Options>,
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
    let (told, streams) = look(config, shown).await;
    let facts = shown.facts().clone();
    let role = told.role;
    let code = match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/failsafe") => return agree(request, shown, role),
        ("POST", "/reinitialize") => return reinitialise(config.id, shown),
        ("GET", "/failsafe") => {
            return Response { status: 200, body: json(&facts.failsafe) };
        }
        ("GET" | "HEAD" | "OPTIONS", "/patroni") => 200,
        ("GET" | "HEAD" | "OPTIONS", path) => {
            match is_so(path, &told, streams, &facts, &facts.options, clock::unix_ns()) {
                Some(true) => 200,
                Some(false) => 503,
                None => 404,
            }
        }
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

/// Whether what a path asks for is so at this time; none if it asks for nothing. `streams`: whether entries come.
fn is_so(
    path: &str,
    told: &Told,
    streams: bool,
    facts: &Facts,
    options: &Options,
    now_ns: u64,
) -> Option<bool> {
    let leads = facts.leads_until_ns.is_some_and(|until| now_ns < until);
    let is_standby = told.role == Some(Role::Standby);
    let primary = leads && !facts.standby_cluster;
    let standby_leader = leads && facts.standby_cluster && is_standby;
    let replica = is_standby && !primary && !standby_leader && !told.tags.noloadbalance;
    Some(match path {
        "/" | "/primary" | "/read-write" => primary,
        "/leader" => leads,
        "/standby_leader" => standby_leader,
        "/replica" => replica,
        "/read-only" => primary || standby_leader || replica,
        "/sync" => replica && facts.synchronous,
        "/quorum" => replica && facts.votes,
        "/async" => replica && !facts.synchronous && !facts.votes,
        "/health" => matches!(told.role, Some(Role::Primary | Role::Standby)),
        "/readiness" => {
            let lacks = facts.kept.0.saturating_sub(told.lsn.0);
            leads || is_standby && streams && lacks <= options.maximum_lag_on_failover
        }
        "/liveness" => {
            let tolerated = if told.role == Some(Role::Primary) { options.ttl } else { 2 * options.ttl };
            let late_ns = facts.next_look_ns.map_or(0, |next| now_ns.saturating_sub(next));
            facts.paused || u128::from(late_ns) < tolerated.as_nanos()
        }
        _ => return None,
    })
}

/// Whether a primary that cannot reach the store may go on, as far as this agent is concerned: yes, unless it has a
/// primary itself.
fn agree(request: &Request, shown: &Shown, role: Option<Role>) -> Response {
    let no = |status: u16, why: &str| Response { status, body: json(&why) };
    let Ok(GoesOn { id, database }) = serde_json::from_slice(&request.body) else {
        return no(400, "no such message");
    };
    let options = shown.facts().options.clone();
    if !options.failsafe_mode {
        return no(502, "failsafe mode is off");
    }
    if role == Some(Role::Primary) {
        return no(500, "this is a primary");
    }
    shown.facts().failsafe_leader = Some((id, database, Instant::now() + options.ttl));
    Response { status: 200, body: json(&"Accepted") }
}

/// Patroni's answers (`ha.py`, `reinitialize`).
fn reinitialise(me: u32, shown: &Shown) -> Response {
    let mut facts = shown.facts();
    let no = |why: &str| Response { status: 503, body: json(&why) };
    match facts.leader {
        None => no("Cluster has no leader, can not reinitialize"),
        Some(leader) if leader == me => no("I am the leader, can not reinitialize"),
        Some(_) => {
            facts.reinitialises = true;
            Response { status: 200, body: json(&"reinitialize started") }
        }
    }
}

/// How its database is, and whether entries stream to it.
async fn look(config: &Config, shown: &Shown) -> (Told, bool) {
    let by_quorum = shown.facts().options.synchronous_mode.is_quorum();
    let tags = config.tags.clone();
    match Supervisor::new(config.database).patience(DATABASE_PATIENCE).status().await {
        Ok(status) => {
            let told = Told {
                role: Some(status.role),
                timeline: status.timeline().map_or(0, |timeline| timeline.number),
                tag: status.timeline().map(|timeline| timeline.tag).filter(|_| by_quorum),
                lsn: status.durable,
                tags,
            };
            (told, status.replication == Replication::Streaming)
        }
        Err(_) => (Told { role: None, timeline: 0, tag: None, lsn: Lsn(0), tags }, false),
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

/// As an operator: has an agent begin its database anew. What it answers, if that is no.
///
/// # Errors
///
/// When it does not answer.
pub(in crate::patroni) async fn order_reinitialise(health: SocketAddr) -> std::io::Result<Option<String>> {
    let response = http::ask(health, "POST", "/reinitialize", b"", PATIENCE).await?;
    let why = || serde_json::from_slice(&response.body).unwrap_or_default();
    Ok((response.status != 200).then(why))
}

/// Whether an agent answers there.
pub(super) async fn is_alive(health: SocketAddr) -> bool {
    http::ask(health, "GET", "/liveness", b"", PATIENCE).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patroni::tags::Tags;

    const NOW_NS: u64 = 1_000_000_000_000;
    const SECOND_NS: u64 = 1_000_000_000;

    fn told(role: Option<Role>) -> Told {
        Told { role, timeline: 1, tag: None, lsn: Lsn(100), tags: Tags::default() }
    }

    fn leader() -> Facts {
        Facts { leads_until_ns: Some(NOW_NS + SECOND_NS), ..Facts::default() }
    }

    /// Which of these paths are 200.
    fn fine(paths: &[&'static str], told: &Told, streams: bool, facts: &Facts) -> Vec<&'static str> {
        let is_so = |path: &str| is_so(path, told, streams, facts, &Options::default(), NOW_NS).unwrap();
        paths.iter().copied().filter(|path| is_so(path)).collect()
    }

    const LEADERS: [&str; 4] = ["/", "/primary", "/read-write", "/leader"];

    /// Patroni 4.1.0, seen: PostgreSQL killed, `/primary` stays 200 for 7 to 11 s while `/health` is 503.
    #[test]
    fn who_has_the_lock_is_the_primary_whatever_its_database_does() {
        for role in [None, Some(Role::Stopped), Some(Role::Starting)] {
            assert_eq!(fine(&LEADERS, &told(role), false, &leader()), LEADERS);
            assert_eq!(fine(&["/health", "/replica"], &told(role), false, &leader()), [""; 0]);
        }
        let over = Facts { leads_until_ns: Some(NOW_NS), ..Facts::default() };
        assert_eq!(fine(&LEADERS, &told(Some(Role::Primary)), false, &over), [""; 0]);
    }

    /// `api.py`, `do_GET`.
    #[test]
    fn a_standby_is_read_from_unless_its_tag_says_otherwise() {
        let paths = ["/replica", "/read-only", "/sync", "/quorum", "/async", "/health", "/readiness"];
        let standby = told(Some(Role::Standby));
        let alone = ["/replica", "/read-only", "/async", "/health"];
        assert_eq!(fine(&paths, &standby, false, &Facts::default()), alone);
        let synchronous = Facts { synchronous: true, ..Facts::default() };
        let named = ["/replica", "/read-only", "/sync", "/health", "/readiness"];
        assert_eq!(fine(&paths, &standby, true, &synchronous), named);
        let votes = Facts { votes: true, ..Facts::default() };
        assert_eq!(fine(&["/quorum", "/async"], &standby, true, &votes), ["/quorum"]);
        let tags = Tags { noloadbalance: true, ..Tags::default() };
        let kept_away = Told { tags, ..standby };
        assert_eq!(fine(&paths, &kept_away, true, &Facts::default()), ["/health", "/readiness"]);
        assert_eq!(fine(&["/read-only"], &told(None), false, &leader()), ["/read-only"]);
    }

    #[test]
    fn the_leader_of_a_standby_cluster_is_no_primary() {
        let facts = Facts { standby_cluster: true, ..leader() };
        let paths = ["/primary", "/leader", "/standby_leader", "/replica", "/read-only"];
        let standby = told(Some(Role::Standby));
        assert_eq!(fine(&paths, &standby, true, &facts), ["/leader", "/standby_leader", "/read-only"]);
    }

    /// `api.py`, `_readiness`.
    #[test]
    fn who_lacks_more_than_may_be_lost_is_not_ready() {
        let ready = |kept| {
            let facts = Facts { kept: Lsn(kept), ..Facts::default() };
            fine(&["/readiness"], &told(Some(Role::Standby)), true, &facts).len()
        };
        assert_eq!([ready(100 + 1024), ready(100 + 1025)], [1, 0]);
    }

    /// Patroni 4.1.0, seen: 503 when the loop is late by ttl, by 2·ttl on a standby; never in a pause.
    #[test]
    fn an_agent_that_is_late_by_its_lease_does_not_live() {
        let lives = |role, late, paused| {
            let next_look_ns = Some(NOW_NS - late * SECOND_NS);
            let facts = Facts { next_look_ns, paused, ..Facts::default() };
            fine(&["/liveness"], &told(Some(role)), false, &facts).len() == 1
        };
        assert!(lives(Role::Primary, 29, false) && !lives(Role::Primary, 30, false));
        assert!(lives(Role::Standby, 59, false) && !lives(Role::Standby, 60, false));
        assert!(lives(Role::Primary, 1000 - 1, true));
    }
}
