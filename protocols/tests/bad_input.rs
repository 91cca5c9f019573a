//! What a node does with input that is wrong, or meant to be: it refuses, or drops the connection and counts it; it
//! lives on either way.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use protocols::registry::{Client, ClientError, Config, NodeId, Options, Pid, Refusal, View, serve};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const LOCALHOST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const MEGABYTE: usize = 1024 * 1024;

struct Node {
    address: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl Node {
    /// A node n2 whose only peer, n1, dials it.
    async fn start() -> Node {
        let listener = TcpListener::bind(LOCALHOST).await.unwrap();
        let address = listener.local_addr().unwrap();
        let peers = vec![(NodeId(1), LOCALHOST)];
        let config =
            Config { id: NodeId(2), listen: address, peers, options: Options::default(), resolve: None };
        Node { address, task: tokio::spawn(serve(listener, config)) }
    }

    async fn client(&self) -> Client {
        Client::connect(self.address).await.unwrap()
    }

    /// Registers a name of its own, and finds the view of this node by it.
    async fn view(&self, name: &str) -> View {
        let mut client = self.client().await;
        let pid = client.spawn().await.unwrap();
        client.register(name, pid, "").await.unwrap();
        let debug_port = TcpListener::bind(LOCALHOST).await.unwrap();
        let address = debug_port.local_addr().unwrap();
        tokio::spawn(host::view::serve(debug_port));
        let mut json = String::new();
        TcpStream::connect(address).await.unwrap().read_to_string(&mut json).await.unwrap();
        let views: Vec<View> = serde_json::from_str(&json).unwrap();
        views.into_iter().find(|view| view.scope("default").unwrap().entries.contains_key(name)).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn a_name_of_a_megabyte_is_refused_and_the_client_goes_on() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let pid = client.spawn().await.unwrap();
    let name = "x".repeat(MEGABYTE);
    for refused in [
        client.register(&name, pid, "").await.unwrap_err(),
        client.unregister(&name).await.unwrap_err(),
        client.lookup(&name).await.unwrap_err(),
        client.join(&name, pid, "").await.unwrap_err(),
    ] {
        assert!(
            matches!(refused, ClientError::Refused(Refusal::NameTooLong { bytes: MEGABYTE })),
            "{refused}"
        );
    }
    client.register("x", pid, "").await.unwrap();
}

#[tokio::test]
async fn an_empty_name_is_refused_and_the_client_goes_on() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let pid = client.spawn().await.unwrap();
    for refused in
        [client.register("", pid, "").await.unwrap_err(), client.join("", pid, "").await.unwrap_err()]
    {
        assert!(matches!(refused, ClientError::Refused(Refusal::EmptyName)), "{refused}");
    }
    client.register("x", pid, "").await.unwrap();
}

#[tokio::test]
async fn a_process_of_a_node_that_never_existed_is_out_of_reach() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let nobody = Pid { node: NodeId(99), incarnation: 1, serial: 1 };
    for refused in [
        client.register("x", nobody, "").await.unwrap_err(),
        client.join("x", nobody, "").await.unwrap_err(),
        client.kill(nobody).await.unwrap_err(),
    ] {
        let right = matches!(refused, ClientError::Refused(Refusal::Unreachable { node: NodeId(99) }));
        assert!(right, "{refused}");
    }
    assert_eq!(client.lookup("x").await.unwrap(), None);
}

#[tokio::test]
async fn a_process_that_never_existed_on_a_node_that_does_is_not_alive() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let alive = client.spawn().await.unwrap();
    for nobody in [Pid { serial: 1 << 40, ..alive }, Pid { incarnation: alive.incarnation ^ 1, ..alive }] {
        let refused = client.register("x", nobody, "").await.unwrap_err();
        assert!(matches!(refused, ClientError::Refused(Refusal::NotAlive)), "{refused}");
    }
}

/// n1, in its fifth life, says hello and then this; n2 hangs up.
async fn is_hung_up_on(address: SocketAddr, frame: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[0, 0, 0, 3, 0, 1, 5]).await.unwrap();
    stream.write_all(&u32::try_from(frame.len()).unwrap().to_be_bytes()).await.unwrap();
    stream.write_all(frame).await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "still open after {frame:?}");
}

#[tokio::test]
async fn a_peer_that_speaks_for_others_or_nonsense_is_hung_up_on_and_counted() {
    let node = Node::start().await;
    const NAME: [u8; 2] = [1, b'x'];
    let register = |pid: [u8; 3]| [&[0, 3], &NAME[..], &pid[..], &[0, 7]].concat();
    let frames = [
        register([2, 5, 1]),                                // for a process of n2 itself
        register([3, 5, 1]),                                // for one of a third node
        register([1, 4, 1]),                                // for one of an earlier life
        [&[0, 3, 0][..], &[1, 5, 1, 0, 7]].concat(),        // with an empty name
        [&[0, 2, 1], &NAME[..], &[3, 5, 1, 0, 7]].concat(), // a snapshot with a stranger in it
        [&[0, 4], &NAME[..], &[2, 5, 1]].concat(),          // a removal of what is not its own
        vec![0, 2, 0xff, 0xff, 0xff, 0xff, 0x0f], // a snapshot of 4 billion entries, and none follows
        vec![0, 250],                             // no such message
        vec![],                                   // nothing
    ];
    for frame in &frames {
        is_hung_up_on(node.address, frame).await;
    }
    let view = node.view("after-hostility").await;
    assert_eq!(view.malformed_frames, frames.len() as u64);
    assert_eq!(view.scope("default").unwrap().entries.len(), 1);
}

#[tokio::test]
async fn a_peer_that_speaks_for_itself_is_heard() {
    let node = Node::start().await;
    let mut stream = TcpStream::connect(node.address).await.unwrap();
    stream.write_all(&[0, 0, 0, 3, 0, 1, 5]).await.unwrap();
    // In the default scope, a snapshot: x is <n1, life 5, process 1>, without metadata, stamp 7.
    stream.write_all(&[0, 0, 0, 10, 0, 2, 1, 1, b'x', 1, 5, 1, 0, 7]).await.unwrap();
    let mut client = node.client().await;
    let pid = Pid { node: NodeId(1), incarnation: 5, serial: 1 };
    for _ in 0..200 {
        if client.lookup("x").await.unwrap().is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(client.lookup("x").await.unwrap(), Some((pid, String::new())));
}
