//! The provisioner on the operating system's sockets: the same node code as in the simulation.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use protocols::provisioner::{Client, Config, Flaw, Options, serve};
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const SHORT: Duration = Duration::from_millis(50);

fn options() -> Options {
    Options {
        limit: NonZeroU32::new(2).unwrap(),
        poll: Duration::from_millis(100),
        timeout: Duration::from_secs(1),
        look: Duration::from_millis(20),
        reconcile: Duration::from_millis(500),
        calls_per_minute: NonZeroU32::new(6000).unwrap(),
        start_min: SHORT,
        start_max: 2 * SHORT,
        boot: SHORT,
        ping: Duration::from_millis(200),
        silence: Duration::from_secs(1),
        redial: Duration::from_millis(20),
        ..Options::default()
    }
}

/// A controller and two zones. They end when they are dropped.
struct Nodes(Vec<JoinHandle<std::io::Result<()>>>);

impl Nodes {
    async fn start(options: Options) -> (Nodes, Client) {
        let mut listeners = Vec::new();
        for _ in 0..3 {
            listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
        }
        let nodes: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let controller = nodes[0];
        let run = |(id, listener)| {
            let config = Config { id, nodes: nodes.clone(), options: options.clone() };
            tokio::spawn(serve(listener, config))
        };
        let tasks = (1..).zip(listeners).map(run).collect();
        (Nodes(tasks), Client::new(controller))
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

#[tokio::test]
async fn a_build_gets_an_agent_and_the_next_one_the_same() {
    let (_nodes, mut client) = Nodes::start(options()).await;
    let first = timeout(Duration::from_secs(20), client.build(SHORT)).await.unwrap();
    assert!(first >= 2 * SHORT, "an agent starts and boots: {first:?}");
    let second = timeout(Duration::from_secs(20), client.build(SHORT)).await.unwrap();
    assert!(second < first, "{second:?} after {first:?}");
}

#[tokio::test]
async fn a_build_whose_zone_ends_is_built_in_another() {
    let (nodes, mut client) = Nodes::start(options()).await;
    let building = tokio::spawn(async move { client.build(Duration::from_millis(800)).await });
    // The first agent is launched in the first zone.
    tokio::time::sleep(Duration::from_millis(600)).await;
    nodes.0[1].abort();
    timeout(Duration::from_secs(20), building).await.unwrap().unwrap();
}

#[tokio::test]
async fn with_polls_as_late_as_the_deadline_who_connects_is_used_and_by_the_flawed_launcher_is_not() {
    let late = Options { poll: Duration::from_secs(1), ..options() };
    let (_nodes, mut client) = Nodes::start(late.clone()).await;
    timeout(Duration::from_secs(20), client.build(SHORT)).await.unwrap();
    let (_nodes, mut client) = Nodes::start(Options { flaw: Some(Flaw::PollEqualsTimeout), ..late }).await;
    let waits = timeout(Duration::from_secs(4), client.build(SHORT)).await;
    assert!(waits.is_err(), "it should wait for ever: {waits:?}");
}

#[tokio::test]
async fn nodes_out_of_bounds_do_not_start() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nodes = vec![listener.local_addr().unwrap(); 2];
    let options = Options { poll: Duration::ZERO, ..options() };
    let error = serve(listener, Config { id: 1, nodes, options }).await.unwrap_err();
    assert_eq!(error.to_string(), "poll: 0ns is below 4ms");
}
