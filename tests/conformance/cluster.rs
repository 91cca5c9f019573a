//! A cluster in the simulation, driven step by step.

use host::net::TcpStream;
use host::world::{self, Config, Death, Latency, Machine, MachineId, lab};
use protocols::registry::{self, Client, DEFAULT_SCOPE, NodeId, Options, Pid, Protocol, Resolver, View};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

const PORT: u16 = 7000;

/// Runs a case with each protocol, on a cluster that has met.
pub fn case<F: Future<Output = ()> + Send + 'static>(nodes: u8, run: impl Fn(Cluster) -> F + Sync) {
    case_with(nodes, &Options::default(), run);
}

pub fn case_with<F: Future<Output = ()> + Send + 'static>(
    nodes: u8,
    options: &Options,
    run: impl Fn(Cluster) -> F + Sync,
) {
    for protocol in [Protocol::Syn, Protocol::Converged] {
        // It has its own.
        if protocol == Protocol::Converged && options.resolver != Resolver::Latest {
            continue;
        }
        let options = Options { protocol, ..options.clone() };
        simulate(nodes, &options, &run);
    }
}

fn simulate<F: Future<Output = ()> + Send + 'static>(
    nodes: u8,
    options: &Options,
    run: &(impl Fn(Cluster) -> F + Sync),
) {
    let mut machines = lab::machines(nodes);
    machines.push(Machine::new("c1", [10, 0, 0, 100]));
    let latency = Latency::uniform(Duration::from_millis(1), Duration::from_millis(10));
    lab::run(Config { latency, ..Config::new(1, machines) }, async |lab| {
        for id in 1..=nodes {
            let peers = (1..=nodes).filter(|peer| *peer != id);
            let config = registry::Config {
                id: NodeId(u16::from(id)),
                listen: address(id),
                peers: peers.map(|peer| (NodeId(u16::from(peer)), address(peer))).collect(),
                options: options.clone(),
                resolve: None,
            };
            lab.boot(move || {
                let config = config.clone();
                async move { registry::run(config).await.unwrap() }
            });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        lab.on(lab.machine(), run(Cluster { nodes })).await.unwrap();
    });
}

pub fn address(node: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, node)), PORT)
}

/// A node as the world knows it.
pub fn machine(node: u8) -> MachineId {
    MachineId::numbered(node.into())
}

/// Nodes are numbered from 1.
#[derive(Clone, Copy)]
pub struct Cluster {
    pub nodes: u8,
}

impl Cluster {
    pub async fn client(&self, node: u8) -> Client {
        Client::connect(address(node)).await.unwrap()
    }

    pub async fn clients(&self) -> Vec<Client> {
        let mut clients = Vec::new();
        for node in 1..=self.nodes {
            clients.push(self.client(node).await);
        }
        clients
    }

    pub async fn spawn(&self, node: u8) -> Pid {
        self.client(node).await.spawn().await.unwrap()
    }

    pub fn view(&self, node: u8) -> View {
        self.view_if_up(node).unwrap()
    }

    pub fn view_if_up(&self, node: u8) -> Option<View> {
        world::view(machine(node))
    }

    /// What a name points at, on each node.
    pub fn everywhere(&self, name: &str) -> Vec<Option<(Pid, String)>> {
        self.everywhere_in(DEFAULT_SCOPE, name)
    }

    /// What a name points at in a scope, on each node; none too on those that have not added it.
    pub fn everywhere_in(&self, scope: &str, name: &str) -> Vec<Option<(Pid, String)>> {
        let at = |node| {
            let entry = self.view_if_up(node)?.scope(scope)?.entries.get(name).cloned();
            entry.map(|entry| (entry.pid, entry.meta))
        };
        (1..=self.nodes).map(at).collect()
    }

    /// Cuts two nodes from each other and waits until both know.
    pub async fn cut(&self, a: u8, b: u8) {
        self.links(a, b, world::World::cut);
        self.until(|| !self.knows(a, b) && !self.knows(b, a)).await;
    }

    /// Mends the link and waits until the two have met again, and what they do about it is done.
    pub async fn mend(&self, a: u8, b: u8) {
        self.links(a, b, world::World::mend);
        self.until(|| self.knows(a, b) && self.knows(b, a)).await;
        self.settle().await;
    }

    fn links(&self, a: u8, b: u8, act: impl Fn(&mut world::World, MachineId, MachineId)) {
        let (a, b) = (machine(a), machine(b));
        world::with(|world| {
            act(world, a, b);
            act(world, b, a);
        });
    }

    pub fn knows(&self, node: u8, peer: u8) -> bool {
        self.known_in(DEFAULT_SCOPE, node).contains(&peer)
    }

    /// The other nodes of a scope, as a node knows them.
    pub fn known_in(&self, scope: &str, node: u8) -> Vec<u8> {
        let view = self.view(node);
        let known = view.scope(scope).into_iter().flat_map(|scope| &scope.known);
        known.map(|peer| peer.0 as u8).collect()
    }

    /// Lets nodes take part in scopes, and waits until they have met there.
    pub async fn add_scopes(&self, scopes: &[(u8, &[&str])]) {
        for (node, scopes) in scopes {
            let mut client = self.client(*node).await;
            for scope in *scopes {
                client.scope(scope).add_scope().await.unwrap();
            }
        }
        self.settle().await;
    }

    /// Long enough for everything that is on its way.
    pub async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    pub async fn until(&self, holds: impl Fn() -> bool) {
        for _ in 0..6_000 {
            if holds() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not within a minute");
    }

    /// Somebody who tells n2 to be n1, in its fifth life. n1 itself is dead.
    pub async fn impostor(&self) -> Impostor {
        world::crash(machine(1), Death::Process);
        let mut impostor = Impostor(TcpStream::connect(address(2)).await.unwrap());
        impostor.says(&[0, 1, 5]).await;
        self.until(|| self.view(2).up.contains(&NodeId(1))).await;
        impostor
    }

    /// A node dies and is back, with nothing.
    pub async fn restart(&self, node: u8) {
        world::crash(machine(node), Death::Process);
        world::restart(machine(node));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Speaks the wire's language, and nothing but what it is told to.
pub struct Impostor(TcpStream);

/// The impostor's first process.
pub const IMPOSTORS: Pid = Pid { node: NodeId(1), incarnation: 5, serial: 1 };

impl Impostor {
    /// Sends one frame, and waits until it has been handled.
    pub async fn says(&mut self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).unwrap().to_be_bytes();
        self.0.write_all(&[&length, frame].concat()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
