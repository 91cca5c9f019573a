//! A run on a machine that hardly lets it: the same verdict and digest as on any other.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // the helpers of a test are the test
#![allow(clippy::disallowed_methods)] // who holds another process back waits in real time
#![allow(clippy::print_stdout)] // how the child tells

use sim::catalog::Catalog;
use sim::check::Checkers;
use sim::once;
use sim::run::Attention;
use sim::scenario::Scenario;
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::hint::black_box;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Tells the child that it is one.
const CHILD: &str = "THROTTLED_CHILD";
const TEST: &str = "a_run_that_is_held_to_a_hundredth_of_a_processor_has_the_verdict_and_digest_of_any_other";

/// A node that computes for a while: a fifth of a second, where nothing holds it back.
struct Computing;

impl System for Computing {
    type Options = Options;
    type Op = ();
    type Ret = ();
    type View = u64;

    const NAME: &'static str = "computing";

    fn operations() -> &'static [Operation<()>] {
        &[Operation("nothing", |_, _| ())]
    }

    fn probes() -> Vec<&'static str> {
        vec!["computed"]
    }

    async fn node(&self, node: NodeContext<Options>) -> std::io::Result<()> {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let rounds = if node.id == 1 { 40_000_000 } else { 1 };
        let computed = (0..rounds)
            .fold(node.id.into(), |sum: u64, round: u64| black_box(sum * 31 % 1_000_003 + round % 7));
        host::view::register(move || computed);
        host::probe!("computed", computed);
        std::future::pending().await
    }

    fn client(&self, _: ClientContext<Options>) -> impl Client<(), ()> {
        Idle
    }

    fn checkers(&self) -> Checkers<(), (), u64> {
        Checkers::new().convergence(|views| match views.up().count() {
            2 => Ok(()),
            up => Err(format!("{up} of 2 nodes have computed")),
        })
    }
}

#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
struct Options {}

struct Idle;

impl Client<(), ()> for Idle {
    async fn call(&mut self, (): &()) -> Outcome<()> {
        Outcome::Ok(())
    }
}

/// The verdict and digest of one run.
fn run() -> String {
    let text = r#"
        title = "a node that computes"
        system = "computing"
        workload = { clients = 1, rate = "5/s", for = "2s", mix = { nothing = 1 } }
        cluster = { nodes = 2 }
    "#;
    let scenario = Scenario::parse("computing", text, &[], &Catalog::new(&[&Computing])).unwrap();
    let (report, _) = once(&Computing, &scenario, 9, Attention::QUICK);
    format!("{} {:?} {}", report.word(), report.violations, report.digest)
}

fn signal(child: &Child, signal: &str) {
    // The child may have ended meanwhile.
    let _ = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {}", child.id())])
        .stderr(Stdio::null())
        .status()
        .unwrap();
}

#[test]
fn a_run_that_is_held_to_a_hundredth_of_a_processor_has_the_verdict_and_digest_of_any_other() {
    if std::env::var_os(CHILD).is_some() {
        println!("found: {}", run());
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut held_back = 0;
    while child.try_wait().unwrap().is_none() {
        signal(&child, "STOP");
        std::thread::sleep(Duration::from_millis(1100));
        signal(&child, "CONT");
        std::thread::sleep(Duration::from_millis(10));
        held_back += 1;
    }
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let found = output.lines().find_map(|line| line.split_once("found: ")).unwrap().1;
    assert_eq!(found, run());
    assert!(found.starts_with("valid []"), "{found} after {held_back} times");
}
