//! Where a case runs: the two builds differ here and nowhere else.

use futures::future::BoxFuture;
use host::net::{TcpListener, TcpStream, UdpSocket};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::oneshot;

/// A task of a case that takes longer than this hangs.
const PATIENCE: Duration = if cfg!(madsim) { Duration::from_secs(600) } else { Duration::from_secs(20) };

/// The address of the machine on which the server of a case runs.
pub const SERVER_IP: &str = if cfg!(madsim) { "10.0.0.1" } else { "127.0.0.1" };

/// Waits until what was sent before has arrived.
pub async fn moment() {
    tokio::time::sleep(Duration::from_millis(if cfg!(madsim) { 100 } else { 20 })).await;
}

/// Runs two parties, each on its machine, until both are done. Boxed: an executor for each would take minutes to
/// compile.
#[cfg(madsim)]
fn on_two_machines(server: BoxFuture<'static, ()>, client: BoxFuture<'static, ()>) {
    use crate::support::{machines, simulate};
    use host::world::{Config, Latency, MachineId};
    const N1: MachineId = MachineId::numbered(1);
    const N2: MachineId = MachineId::numbered(2);
    let (fast, slow) = (Duration::from_millis(1), Duration::from_millis(10));
    let config = Config { latency: Latency::uniform(fast, slow), ..machines(1, 2) };
    simulate(config, |cluster| async move {
        let (server, client) = (cluster.on(N1, patiently(server)), cluster.on(N2, patiently(client)));
        server.await.expect("the server is done");
        client.await.expect("the client is done");
    });
}

/// Runs two parties until both are done.
#[cfg(not(madsim))]
fn on_two_machines(server: BoxFuture<'static, ()>, client: BoxFuture<'static, ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (server, client) = (tokio::spawn(patiently(server)), tokio::spawn(patiently(client)));
        server.await.expect("the server is done");
        client.await.expect("the client is done");
    });
}

async fn patiently(party: BoxFuture<'static, ()>) {
    tokio::time::timeout(PATIENCE, party).await.expect("this party hangs");
}

/// Runs a case on one machine, the server's.
pub fn machine<F: Future<Output = ()> + Send + 'static>(case: impl FnOnce() -> F) {
    on_two_machines(Box::pin(case()), Box::pin(async {}));
}

/// Runs a server with a listener on a free port of its machine, and a client that knows the address.
pub fn parties<S, C>(
    server: impl FnOnce(TcpListener) -> S + Send + 'static,
    client: impl FnOnce(SocketAddr) -> C + Send + 'static,
) where
    S: Future<Output = ()> + Send + 'static,
    C: Future<Output = ()> + Send + 'static,
{
    let (tell, told) = oneshot::channel();
    let server = async move {
        let listener = TcpListener::bind((SERVER_IP, 0)).await.expect("a free port");
        tell.send(listener.local_addr().expect("it is bound")).expect("the client listens");
        server(listener).await;
    };
    let client = async move { client(told.await.expect("the server binds")).await };
    on_two_machines(Box::pin(server), Box::pin(client));
}

/// Runs the two ends of one connection.
pub fn ends<A, D>(
    acceptor: impl FnOnce(TcpStream) -> A + Send + 'static,
    dialler: impl FnOnce(TcpStream) -> D + Send + 'static,
) where
    A: Future<Output = ()> + Send + 'static,
    D: Future<Output = ()> + Send + 'static,
{
    parties(
        async |listener| acceptor(listener.accept().await.expect("a connection").0).await,
        async |address| dialler(TcpStream::connect(address).await.expect("it is accepted")).await,
    );
}

/// Runs a server with a UDP socket on a free port of its machine, and a client that has one too and knows the address.
pub fn sockets<S, C>(
    server: impl FnOnce(UdpSocket) -> S + Send + 'static,
    client: impl FnOnce(UdpSocket, SocketAddr) -> C + Send + 'static,
) where
    S: Future<Output = ()> + Send + 'static,
    C: Future<Output = ()> + Send + 'static,
{
    let (tell, told) = oneshot::channel();
    let server = async move {
        let socket = UdpSocket::bind((SERVER_IP, 0)).await.expect("a free port");
        tell.send(socket.local_addr().expect("it is bound")).expect("the client listens");
        server(socket).await;
    };
    let client = async move {
        let socket = UdpSocket::bind("0.0.0.0:0").await.expect("a free port");
        client(socket, told.await.expect("the server binds")).await;
    };
    on_two_machines(Box::pin(server), Box::pin(client));
}

/// Two signals, for a case whose parties take turns.
pub fn signal() -> (oneshot::Sender<()>, oneshot::Receiver<()>) {
    oneshot::channel()
}

/// The kind of an outcome that must be an error.
pub fn kind<T>(outcome: io::Result<T>) -> io::ErrorKind {
    outcome.err().expect("an error").kind()
}

/// Bytes that repeat nowhere near.
pub fn noise(len: usize, salt: u64) -> Vec<u8> {
    let mut state = salt.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}
