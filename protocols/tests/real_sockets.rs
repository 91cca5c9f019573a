//! The registry on the operating system's sockets: the same node code as in the simulation.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use protocols::registry::{
    Client, ClientError, Config, NAME_BYTES_MAX, NodeId, Options, Pid, Refusal, View, serve,
};
use std::{future::Future, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::Instant,
};

const LOCALHOST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

struct Cluster {
    addresses: Vec<SocketAddr>,
    tasks: Vec<JoinHandle<std::io::Result<()>>>,
}

impl Cluster {
    async fn start(nodes: u16) -> Cluster {
        let options = Options {
            net_tick: Duration::from_millis(400),
            redial: Duration::from_millis(50),
            call_timeout: Duration::from_secs(2),
            ..Options::default()
        };
        let mut listeners = Vec::new();
        for id in 1..=nodes {
            listeners.push((NodeId(id), TcpListener::bind(LOCALHOST).await.unwrap()));
        }
        let all: Vec<(NodeId, SocketAddr)> =
            listeners.iter().map(|(id, listener)| (*id, listener.local_addr().unwrap())).collect();
        let addresses = all.iter().map(|(_, address)| *address).collect();
        let tasks = listeners
            .into_iter()
            .map(|(id, listener)| {
                let listen = listener.local_addr().unwrap();
                let peers = all.iter().copied().filter(|(peer, _)| *peer != id).collect();
                tokio::spawn(serve(
                    listener,
                    Config { id, listen, peers, options: options.clone(), resolve: None },
                ))
            })
            .collect();
        Cluster { addresses, tasks }
    }

    async fn clients(&self) -> Vec<Client> {
        let mut clients = Vec::new();
        for address in &self.addresses {
            clients.push(Client::connect(*address).await.unwrap());
        }
        clients
    }

    async fn stop(&mut self, index: usize) {
        self.tasks[index].abort();
        let _ = (&mut self.tasks[index]).await;
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Asks again until the answer is yes, for ten seconds at most.
async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}: not within ten seconds");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn looks_up(address: SocketAddr, name: &str, expected: Option<Pid>) -> bool {
    let mut client = Client::connect(address).await.unwrap();
    client.lookup(name).await.unwrap().map(|(pid, _)| pid) == expected
}

/// Registers `name-<index>` for a new process through each node, and waits until every node shows all of them.
async fn register_everywhere(cluster: &Cluster, name: &str) -> Vec<Pid> {
    let mut pids = Vec::new();
    for (index, client) in cluster.clients().await.iter_mut().enumerate() {
        let pid = client.spawn().await.unwrap();
        client.register(&format!("{name}-{index}"), pid, "meta").await.unwrap();
        pids.push(pid);
    }
    for address in &cluster.addresses {
        for (index, pid) in pids.iter().enumerate() {
            let name = format!("{name}-{index}");
            eventually("every node shows every name", || looks_up(*address, &name, Some(*pid))).await;
        }
    }
    pids
}

#[tokio::test]
async fn names_registered_on_each_of_three_nodes_are_seen_on_all() {
    let cluster = Cluster::start(3).await;
    register_everywhere(&cluster, "seen").await;
}

#[tokio::test]
async fn a_name_can_be_registered_moved_and_freed_through_any_node() {
    let cluster = Cluster::start(3).await;
    let pids = register_everywhere(&cluster, "moved").await;
    let mut clients = cluster.clients().await;

    // n1 is asked about a process of n3, and shows the new metadata at once.
    clients[0].register("moved-2", pids[2], "changed").await.unwrap();
    assert_eq!(clients[0].lookup("moved-2").await.unwrap(), Some((pids[2], "changed".to_owned())));
    let taken = clients[1].register("moved-2", pids[0], "").await.unwrap_err();
    assert!(matches!(taken, ClientError::Refused(Refusal::Taken)), "{taken}");

    clients[1].unregister("moved-2").await.unwrap();
    assert_eq!(clients[1].lookup("moved-2").await.unwrap(), None);
    let address = cluster.addresses[0];
    eventually("the removal reaches n1", || looks_up(address, "moved-2", None)).await;
    let undefined = clients[0].unregister("moved-2").await.unwrap_err();
    assert!(matches!(undefined, ClientError::Refused(Refusal::Undefined)), "{undefined}");
}

#[tokio::test]
async fn a_process_killed_from_another_node_loses_its_names_everywhere() {
    let cluster = Cluster::start(3).await;
    let pids = register_everywhere(&cluster, "killed").await;
    let mut clients = cluster.clients().await;
    clients[2].kill(pids[0]).await.unwrap();
    for address in &cluster.addresses {
        eventually("the dead process is gone", || looks_up(*address, "killed-0", None)).await;
    }
    let not_alive = clients[1].register("killed-0", pids[0], "").await.unwrap_err();
    assert!(matches!(not_alive, ClientError::Refused(Refusal::NotAlive)), "{not_alive}");
    assert!(not_alive.is_definite());
}

#[tokio::test]
async fn the_names_of_a_stopped_node_are_purged_on_the_others() {
    let mut cluster = Cluster::start(3).await;
    let pids = register_everywhere(&cluster, "purged").await;
    cluster.stop(1).await;
    for address in [cluster.addresses[0], cluster.addresses[2]] {
        eventually("the stopped node's name is gone", || looks_up(address, "purged-1", None)).await;
        assert!(looks_up(address, "purged-0", Some(pids[0])).await);
        assert!(looks_up(address, "purged-2", Some(pids[2])).await);
    }
    let mut client = Client::connect(cluster.addresses[0]).await.unwrap();
    let unreachable = client.register("new", pids[1], "").await.unwrap_err();
    assert!(matches!(unreachable, ClientError::Refused(Refusal::Unreachable { node: NodeId(2) })));
}

#[tokio::test]
async fn the_debug_port_shows_what_every_node_believes() {
    let cluster = Cluster::start(3).await;
    let pids = register_everywhere(&cluster, "debugged").await;
    let views = debug_views("debugged-0").await;
    assert_eq!(views.len(), 3);
    for view in views {
        assert_eq!(view.scope("default").unwrap().entries["debugged-2"].pid, pids[2]);
        assert_eq!(view.up.len(), 2);
        assert_eq!(view.scope("default").unwrap().known, view.up);
    }
}

/// The views of all nodes of this process that show `name`. Tests share the port, so names tell them apart.
async fn debug_views(name: &str) -> Vec<View> {
    let debug_port = TcpListener::bind(LOCALHOST).await.unwrap();
    let address = debug_port.local_addr().unwrap();
    tokio::spawn(host::view::serve(debug_port));
    let mut json = String::new();
    TcpStream::connect(address).await.unwrap().read_to_string(&mut json).await.unwrap();
    let views: Vec<View> = serde_json::from_str(&json).unwrap();
    views.into_iter().filter(|view| view.scope("default").unwrap().entries.contains_key(name)).collect()
}

#[tokio::test]
async fn a_malformed_frame_costs_its_connection_and_the_node_lives() {
    let cluster = Cluster::start(1).await;
    let garbage: [&[u8]; 4] = [
        b"\0\0\0\x01\xff",                 // no such greeting
        b"\0\0\0\x01\x01\0\0\0\x03\0\0\0", // a client's greeting, then a request with a byte too many
        b"\0\0\0\x01\x01\0\0\0\0",         // a client's greeting, then an empty frame
        b"\xff\xff\xff\xff",               // a frame of 4 GiB
    ];
    for bytes in garbage {
        let mut stream = TcpStream::connect(cluster.addresses[0]).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "still open after {bytes:?}");
        assert_eq!(rest, b"");
    }
    let mut client = Client::connect(cluster.addresses[0]).await.unwrap();
    let pid = client.spawn().await.unwrap();
    client.register("after-garbage", pid, "").await.unwrap();
    assert_eq!(debug_views("after-garbage").await[0].malformed_frames, garbage.len() as u64);
}

/// A hand-made n1 in front of one real node, n2.
struct FakePeer {
    stream: TcpStream,
}

impl FakePeer {
    /// "I am n1, in my fifth life."
    const HELLO: &[u8] = &[0, 0, 0, 3, 0, 1, 5];
    const HEARTBEAT: &[u8] = &[0, 0, 0, 2, 0, 0];

    async fn connect(address: SocketAddr) -> FakePeer {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(Self::HELLO).await.unwrap();
        let mut peer = FakePeer { stream };
        assert_eq!(peer.read_frame().await.unwrap()[..2], [0, 2], "n2 says hello");
        assert_eq!(peer.read_frame().await.unwrap(), [0, 1], "n2 discovers");
        assert_eq!(peer.read_frame().await.unwrap(), [0, 7, 0], "n2 has no groups");
        peer
    }

    async fn read_frame(&mut self) -> std::io::Result<Vec<u8>> {
        let length = self.stream.read_u32().await?;
        let mut frame = vec![0; length as usize];
        self.stream.read_exact(&mut frame).await?;
        Ok(frame)
    }

    /// Reads what comes until the node hangs up.
    async fn closed(&mut self) {
        let closed = async { while self.read_frame().await.is_ok() {} };
        tokio::time::timeout(Duration::from_secs(5), closed).await.expect("the node hangs up");
    }
}

/// A node n2 whose only peer, n1, dials it.
async fn lone_node(net_tick: Duration, call_timeout: Duration) -> (SocketAddr, Cluster) {
    let listener = TcpListener::bind(LOCALHOST).await.unwrap();
    let listen = listener.local_addr().unwrap();
    let options = Options { net_tick, call_timeout, ..Options::default() };
    let config =
        Config { id: NodeId(2), listen, peers: vec![(NodeId(1), LOCALHOST)], options, resolve: None };
    let tasks = vec![tokio::spawn(serve(listener, config))];
    (listen, Cluster { addresses: vec![listen], tasks })
}

const FAR_PROCESS: Pid = Pid { node: NodeId(1), incarnation: 5, serial: 1 };
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_silent_peer_is_given_up_and_a_call_to_it_has_an_unknown_outcome() {
    let (address, _cluster) = lone_node(Duration::from_millis(200), LONG).await;
    let mut peer = FakePeer::connect(address).await;
    let mut client = Client::connect(address).await.unwrap();
    let (error, ()) = tokio::join!(client.register("x", FAR_PROCESS, ""), peer.closed());
    let error = error.unwrap_err();
    assert!(matches!(error, ClientError::NodeDown { node: NodeId(1) }), "{error}");
    assert!(!error.is_definite());
}

#[tokio::test]
async fn a_peer_that_sends_heartbeats_stays_up() {
    let (address, _cluster) = lone_node(Duration::from_millis(400), LONG).await;
    let mut peer = FakePeer::connect(address).await;
    // Twice as long as it would last in silence.
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        peer.stream.write_all(FakePeer::HEARTBEAT).await.unwrap();
        assert_eq!(peer.read_frame().await.unwrap(), [0, 0], "a heartbeat comes back");
    }
}

#[tokio::test]
async fn a_peer_that_connects_anew_is_taken_to_have_been_down() {
    let (address, _cluster) = lone_node(LONG, LONG).await;
    let mut before = FakePeer::connect(address).await;
    let _after = FakePeer::connect(address).await;
    before.closed().await;
}

#[tokio::test]
async fn an_answer_after_the_call_timed_out_is_dropped() {
    let (address, _cluster) = lone_node(LONG, Duration::from_millis(50)).await;
    let mut peer = FakePeer::connect(address).await;
    let mut client = Client::connect(address).await.unwrap();
    let error = client.register("x", FAR_PROCESS, "").await.unwrap_err();
    assert!(matches!(error, ClientError::CallTimeout), "{error}");

    let call = peer.read_frame().await.unwrap();
    assert_eq!(call[..2], [0, 5], "a call, in the default scope");
    // Reply to it: registered, with stamp 7.
    peer.stream.write_all(&[0, 0, 0, 5, 0, 6, call[2], 0, 7]).await.unwrap();
    peer.stream.write_all(&[0, 0, 0, 1, 0xff]).await.unwrap();
    peer.closed().await;
    // The connection fell to the garbage that followed, so the reply has been handled.
    assert_eq!(client.lookup("x").await.unwrap(), None);
}

#[tokio::test]
async fn a_name_out_of_bounds_is_refused_and_the_client_goes_on() {
    let cluster = Cluster::start(1).await;
    let mut client = Client::connect(cluster.addresses[0]).await.unwrap();
    let pid = client.spawn().await.unwrap();
    let empty = client.register("", pid, "").await.unwrap_err();
    assert!(matches!(empty, ClientError::Refused(Refusal::EmptyName)), "{empty}");
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    let too_long = client.register(&long, pid, "").await.unwrap_err();
    assert!(matches!(too_long, ClientError::Refused(Refusal::NameTooLong { bytes }) if bytes == long.len()));
    client.register(&long[1..], pid, "").await.unwrap();
}

#[tokio::test]
async fn a_configuration_out_of_bounds_is_refused() {
    let listener = TcpListener::bind(LOCALHOST).await.unwrap();
    let options = Options { net_tick: Duration::ZERO, ..Options::default() };
    let config = Config { id: NodeId(1), listen: LOCALHOST, peers: Vec::new(), options, resolve: None };
    let error = serve(listener, config).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
