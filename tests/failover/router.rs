//! A router in front of one backend and its agent, each on a machine of its own: what HAProxy 3.0.11 was seen to do.

use crate::support::host;
use host::net::{TcpListener, TcpStream};
use host::process;
use host::world::{self, Config, Death, Latency, lab};
use protocols::router::{self, Backend, Options};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep, timeout};

const ROUTER: u8 = 1;
const AGENT: u8 = 2;
const BACKEND: u8 = 3;

fn at(machine: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, machine], 7000))
}

/// Runs a case, on the fourth machine, against a router that has just been switched on.
fn case<F: Future<Output = ()> + Send + 'static>(
    options: Options,
    case: impl FnOnce() -> F + Send + 'static,
) {
    let latency = Latency::constant(Duration::from_millis(1));
    let config = Config { latency, ..Config::new(1, lab::machines(4)) };
    lab::run(config, async move |lab| {
        lab.boot(move || {
            let backends = vec![Backend { address: at(BACKEND), health: at(AGENT) }];
            router::run(router::Config { listen: at(ROUTER), backends, options: options.clone() })
        });
        lab.boot(async || {
            process::run("agent", || serve(at(AGENT), b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")).await;
        });
        lab.boot(|| serve(at(BACKEND), b"served"));
        lab.on(lab.machine(), case()).await.unwrap();
    });
}

/// Says one thing to everybody, and hangs up.
async fn serve(address: SocketAddr, what: &'static [u8]) {
    let listener = TcpListener::bind(address).await.unwrap();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(what).await;
        let _ = stream.shutdown().await;
        // What was asked is read, so that the answer is not reset.
        let _ = timeout(Duration::from_millis(50), stream.read_to_end(&mut Vec::new())).await;
    }
}

/// What comes of a session, and after how long it is closed.
async fn session() -> (Vec<u8>, Duration) {
    let (began, mut heard) = (Instant::now(), Vec::new());
    let mut stream = TcpStream::connect(at(ROUTER)).await.unwrap();
    let _ = stream.read_to_end(&mut heard).await;
    (heard, began.elapsed())
}

async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

fn is_about(took: Duration, seconds: u64) -> bool {
    (Duration::from_secs(seconds)..Duration::from_millis(1000 * seconds + 100)).contains(&took)
}

#[test]
fn a_backend_whose_agent_hangs_is_down_after_21_to_24_s_and_then_sessions_are_closed_at_once() {
    for offset in 0..3 {
        case(Options::default(), move || async move {
            seconds(20 + offset).await;
            assert_eq!(session().await.0, b"served");
            world::pause_process(host(AGENT), "agent");
            let hangs = Instant::now();
            while !session().await.0.is_empty() {
                sleep(Duration::from_millis(50)).await;
            }
            let down_after = hangs.elapsed();
            let bounds = Duration::from_secs(21)..Duration::from_millis(24_500);
            assert!(bounds.contains(&down_after), "{down_after:?}");
            let (heard, took) = session().await;
            assert!(heard.is_empty() && is_about(took, 0), "{took:?}");
        });
    }
}

#[test]
fn a_backend_that_refuses_is_tried_again_after_a_second_each() {
    for retries in [2, 3] {
        case(Options { retries, ..Options::default() }, move || async move {
            seconds(10).await;
            world::crash(host(BACKEND), Death::Process);
            let (heard, took) = session().await;
            assert!(heard.is_empty() && is_about(took, retries.into()), "{retries}: {took:?}");
        });
    }
}

#[test]
fn a_silent_backend_is_tried_as_often_for_as_long_as_it_has_to_connect() {
    case(Options { retries: 3, ..Options::default() }, || async {
        seconds(10).await;
        crate::support::link(ROUTER, &[BACKEND], false);
        let (heard, took) = session().await;
        assert!(heard.is_empty() && is_about(took, (3 + 1) * 4), "{took:?}");
    });
}
