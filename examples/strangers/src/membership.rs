//! Who is there? `foca`, a SWIM membership protocol that does no I/O, over UDP.
//!
//! A node gives foca the datagrams that come and the timers that are due, and does what foca asks for: send this, wake
//! me then. Who a node is, foca leaves to its user: here its address, and the wall clock at the start of its life, so
//! that the same address can come back as somebody newer. With the flaw `keeps-identity` it comes back as who it was,
//! and those who had declared that one dead do not let it in.
//!
//! Clients ask a node over TCP who is there.
//!
//! Judged: **itself** (nobody lists itself), **forward** (who knows a life of an address never goes back to an earlier
//! one), **convergence** (in the end everyone lists all others, in their present lives).

use foca::{AccumulatingRuntime, Config, Foca, OwnedNotification, PeriodicParams, PostcardCodec, Timer};
use host::entropy::Generator;
use host::net::{TcpListener, TcpStream, UdpSocket};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sim::check::{Checkers, Seen, Views};
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};

/// How often a node that knows nobody asks all others to let it in.
const KNOCK: Duration = Duration::from_secs(1);

/// The system.
#[derive(Debug)]
pub struct Membership;

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
    /// A node that starts again is who it was.
    KeepsIdentity,
}

/// Who a node is: an address, and which of its lives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    address: SocketAddr,
    life: u64,
}

impl foca::Identity for Identity {
    type Addr = SocketAddr;

    fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Who is declared dead comes back as somebody newer. Life 0 does not: it is the flaw's.
    fn renew(&self) -> Option<Self> {
        (self.life > 0).then(|| Identity { life: self.life + 1, ..self.clone() })
    }

    fn win_addr_conflict(&self, other: &Self) -> bool {
        self.life > other.life
    }
}

/// What a node believes.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    me: Identity,
    members: Vec<Identity>,
}

/// What a client can be told to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Ask who is there.
    Members,
}

type Swim = Foca<Identity, PostcardCodec, Generator, foca::NoCustomBroadcast>;

/// foca, and what it has asked for.
struct Node {
    swim: Swim,
    runtime: AccumulatingRuntime<Identity>,
    /// By when they are due, and in which order they were asked for.
    timers: BTreeMap<(Instant, u64), Timer<Identity>>,
    asked: u64,
    socket: UdpSocket,
}

impl Node {
    /// Does what foca has asked for.
    async fn act(&mut self) -> io::Result<()> {
        while let Some((to, datagram)) = self.runtime.to_send() {
            self.socket.send_to(&datagram, to.address).await?;
        }
        while let Some((after, timer)) = self.runtime.to_schedule() {
            self.asked += 1;
            self.timers.insert((Instant::now() + after, self.asked), timer);
        }
        while let Some(notification) = self.runtime.to_notify() {
            match notification {
                OwnedNotification::MemberUp(_) => host::sometimes!("somebody is there"),
                OwnedNotification::MemberDown(_) => host::sometimes!("somebody is taken for dead"),
                OwnedNotification::Rename(..) => host::sometimes!("somebody is there in another life"),
                OwnedNotification::Rejoin(_) => host::sometimes!("taken for dead and back"),
                _ => {}
            }
            host::probe!("changed", format!("{notification:?}"));
        }
        Ok(())
    }

    fn view(&self) -> View {
        let mut members: Vec<Identity> = self.swim.iter_members().map(|member| member.id().clone()).collect();
        members.sort();
        View { me: self.swim.identity().clone(), members }
    }
}

/// What foca complains of is what somebody else sent: it is not heard, and that is all.
fn heard(outcome: &Result<(), foca::Error>) {
    if outcome.is_err() {
        host::sometimes!("foca refused something");
    }
}

fn config() -> Config {
    let often = |frequency, members| {
        Some(PeriodicParams { frequency, num_members: NonZeroUsize::new(members).expect("not zero") })
    };
    Config {
        probe_period: Duration::from_secs(1),
        probe_rtt: Duration::from_millis(300),
        suspect_to_down_after: Duration::from_secs(3),
        notify_down_members: true,
        periodic_announce: often(Duration::from_secs(5), 1),
        periodic_announce_to_down_members: often(Duration::from_secs(5), 2),
        periodic_gossip: often(Duration::from_millis(200), 3),
        ..Config::simple()
    }
}

impl System for Membership {
    type Options = Options;
    type Op = Op;
    type Ret = usize;
    type View = View;

    const NAME: &'static str = "membership";

    fn operations() -> &'static [Operation<Op>] {
        &[Operation("members", |_, _| Op::Members)]
    }

    fn probes() -> Vec<&'static str> {
        vec![
            "changed",
            "foca refused something",
            "somebody is there",
            "somebody is taken for dead",
            "somebody is there in another life",
            "taken for dead and back",
        ]
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        let address = node.address();
        let life = match node.options.flaw {
            Some(Flaw::KeepsIdentity) => 0,
            None => host::clock::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_err(io::Error::other)?
                .as_millis() as u64,
        };
        let swim = Foca::new(Identity { address, life }, config(), host::entropy::generator(), PostcardCodec);
        let (runtime, socket) = (AccumulatingRuntime::new(), UdpSocket::bind(address).await?);
        let mut this = Node { swim, runtime, timers: BTreeMap::new(), asked: 0, socket };

        let view = Arc::new(Mutex::new(this.view()));
        let seen = Arc::clone(&view);
        host::view::register(move || seen.lock().unwrap_or_else(PoisonError::into_inner).clone());
        tokio::spawn(answer(TcpListener::bind(address).await?, Arc::clone(&view)));

        let others: Vec<SocketAddr> = node.nodes.into_iter().filter(|other| *other != address).collect();
        let (mut datagram, mut knock) = (vec![0; 2048], tokio::time::interval(KNOCK));
        loop {
            let received = async { this.socket.recv_from(&mut datagram).await };
            enum Next {
                Datagram(usize),
                Timer(Timer<Identity>),
                Knock,
            }
            let first = this.timers.first_key_value().map(|((at, _), _)| *at);
            let timer = async {
                match first {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let next = tokio::select! {
                received = received => Next::Datagram(received?.0),
                () = timer => Next::Timer(this.timers.pop_first().expect("it was due").1),
                _ = knock.tick() => Next::Knock,
            };
            match next {
                Next::Datagram(length) => {
                    heard(&this.swim.handle_data(&datagram[..length], &mut this.runtime));
                }
                Next::Timer(timer) => heard(&this.swim.handle_timer(timer, &mut this.runtime)),
                Next::Knock if this.swim.num_members() == 0 => {
                    for address in &others {
                        let to = Identity { address: *address, life: 0 };
                        heard(&this.swim.announce(to, &mut this.runtime));
                    }
                }
                Next::Knock => {}
            }
            *view.lock().unwrap_or_else(PoisonError::into_inner) = this.view();
            this.act().await?;
        }
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, usize> {
        Asker(client.nodes[client.id as usize % client.nodes.len()])
    }

    fn checkers(&self) -> Checkers<Op, usize, View> {
        let mut newest = BTreeMap::new();
        Checkers::<Op, usize, View>::new()
            .invariant("itself", |seen| {
                let of = |(node, view): (u32, &View)| {
                    let itself = view.members.iter().any(|member| member.address == view.me.address);
                    if itself { Err(format!("n{node} lists itself")) } else { Ok(()) }
                };
                seen.views.up().try_for_each(of)
            })
            .invariant("forward", move |seen| forward(&mut newest, seen))
            .convergence(everyone_lists_all_others)
    }
}

/// Answers every connection with who is there.
async fn answer(listener: TcpListener, view: Arc<Mutex<View>>) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let members = view.lock().unwrap_or_else(PoisonError::into_inner).members.len();
        // Who does not wait for the answer does not want it.
        tokio::spawn(async move { stream.write_all(format!("{members}").as_bytes()).await });
    }
}

/// Who knows a life of an address does not go back to an earlier one; somebody new may know less.
fn forward(newest: &mut BTreeMap<(Identity, SocketAddr), u64>, seen: &Seen<'_, View>) -> Result<(), String> {
    for (node, view) in seen.views.up() {
        for member in &view.members {
            let known = newest.entry((view.me.clone(), member.address)).or_insert(member.life);
            if member.life < *known {
                return Err(format!(
                    "n{node} lists life {} of {}, after {known}",
                    member.life, member.address
                ));
            }
            *known = member.life;
        }
    }
    Ok(())
}

fn everyone_lists_all_others(views: &Views<View>) -> Result<(), String> {
    for (node, view) in views.up() {
        for (other, its) in views.up().filter(|(other, _)| *other != node) {
            if !view.members.contains(&its.me) {
                return Err(format!("n{node} does not list n{other} in its present life"));
            }
        }
        if view.members.len() + 1 != views.up().count() {
            return Err(format!("n{node} lists {} members", view.members.len()));
        }
    }
    Ok(())
}

struct Asker(SocketAddr);

impl Client<Op, usize> for Asker {
    async fn call(&mut self, Op::Members: &Op) -> Outcome<usize> {
        let ask = async {
            let mut text = String::new();
            TcpStream::connect(self.0).await?.read_to_string(&mut text).await?;
            text.parse().map_err(io::Error::other)
        };
        // It changes nothing: whoever got no answer has not asked.
        ask.await.map_or_else(|error: io::Error| Outcome::Fail(error.to_string()), Outcome::Ok)
    }
}
