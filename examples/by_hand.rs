//! By hand: one world, one history, one latency. `docs/by-hand.md` tells more of each.
//!
//! `cargo run --example by_hand` prints all three; `cargo test --example by_hand` keeps the history as a snapshot.
#![allow(clippy::print_stdout)] // it is there to be looked at

use host::lab;
use host::net::{TcpListener, TcpStream};
use host::world::{self, Config, Death};
use sim::catalog::{Case, Catalog};
use sim::latency::Latencies;
use sim::run::{Attention, Recording, Report};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn main() {
    let (greeting, refused) = greeted_and_refused();
    println!("a server says {greeting:?}, and then {refused:?}\n");
    let (_, recording) = a_run(1);
    println!("{}", sim::history::table(&recording.history));
    let latencies = latencies_of(0..100);
    println!("p99 {} µs calm, {} µs under faults", latencies.calm().p99, latencies.faulty().p99);
}

/// What a client hears from a server, and then of one that died. No system and no scenario: two machines, and you.
fn greeted_and_refused() -> (String, io::Result<String>) {
    lab::run(Config::new(7, lab::machines(2)), async |lab| {
        let server = lab.boot(async || {
            let (mut stream, _) = TcpListener::bind("0.0.0.0:7000").await?.accept().await?;
            stream.write_all(b"hello").await
        });
        let client = lab.machine();
        let ask = || async move {
            let mut text = String::new();
            TcpStream::connect("n1:7000").await?.read_to_string(&mut text).await?;
            Ok(text)
        };
        let on_client = async || lab.on(client, ask()).await.expect("nobody ends the client");
        let greeting: io::Result<String> = on_client().await;
        world::crash(server, Death::Process);
        (greeting.expect("the server is there"), on_client().await)
    })
}

fn netsplit() -> Case {
    let found = Catalog::new(splitbrain::systems::ALL).load("tests/histories/netsplit.toml", &[]);
    found.expect("the scenario is there and right").remove(0)
}

/// One run of a scenario: what it came to, what clients did and saw, and every event.
fn a_run(seed: u64) -> (Report, Recording) {
    let case = netsplit();
    let (report, recording) = sim::once(case.system, &case.scenario, seed, Attention::RECORDED);
    (report, recording.expect("it was asked for"))
}

/// How long operations took in so many runs, in simulated time: the same on every machine.
fn latencies_of(seeds: std::ops::Range<u64>) -> Latencies {
    let (case, mut latencies) = (netsplit(), Latencies::new());
    for seed in seeds {
        let (report, _) = sim::once(case.system, &case.scenario, seed, Attention::ALONE);
        latencies.record(&report.latencies);
    }
    latencies
}

#[test]
fn a_server_greets_and_one_that_died_refuses() {
    let (greeting, refused) = greeted_and_refused();
    assert_eq!(greeting, "hello");
    assert_eq!(refused.expect_err("it died").kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn what_clients_see_of_a_netsplit() {
    let (report, recording) = a_run(1);
    assert_eq!(report.violations, []);
    insta::assert_snapshot!(sim::history::table(&recording.history));
}

#[test]
fn every_event_is_there_too() {
    let (_, recording) = a_run(1);
    let mut faults = recording.lines().filter(|line| line.event == "fault");
    let first_ms = faults.next().map(|line| line.time / 1_000_000);
    assert_eq!(first_ms, Some(1000), "as the scenario has it");
}

#[test]
fn a_latency_is_a_number_that_every_machine_agrees_upon() {
    let once_and_again = [latencies_of(0..5), latencies_of(0..5)];
    let [(calm, faulty), again] = once_and_again.map(|latencies| (latencies.calm(), latencies.faulty()));
    assert_eq!((calm, faulty), again);
    assert!(0 < calm.p50 && calm.p50 <= faulty.max);
}
