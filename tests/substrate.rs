//! Nodes that use what is not simulated: it does nothing, or leaves the simulation, and no such run may be valid.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // what is disallowed is what this is about

use schemars::JsonSchema;
use serde::Deserialize;
use sim::catalog::{Case, Catalog};
use sim::check::Checkers;
use sim::once;
use sim::run::{Attention, Report};
use sim::scenario::Scenario;
use sim::sweep::{Again, Plan, Progress, sweep};
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::time::Duration;

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Uses {
    Nothing,
    RealSpawn,
    RealJoinSet,
    RealTimer,
    RealTcp,
    MadsimTcp,
    MadsimUdp,
    StdUdp,
    Thread,
    Blocks,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Options {
    uses: Uses,
}

struct Foreign;

impl System for Foreign {
    type Options = Options;
    type Op = ();
    type Ret = ();
    type View = u32;

    const NAME: &'static str = "foreign";

    fn operations() -> &'static [Operation<()>] {
        &[Operation("nothing", |_, _| ())]
    }

    async fn node(&self, node: NodeContext<Options>) -> std::io::Result<()> {
        let id = node.id;
        host::view::register(move || id);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        if id == 2 {
            uses(node.options.uses).await;
        }
        std::future::pending().await
    }

    fn client(&self, _: ClientContext<Options>) -> impl Client<(), ()> {
        Idle
    }

    fn checkers(&self) -> Checkers<(), (), u32> {
        Checkers::new().convergence(|_| Ok::<_, String>(()))
    }
}

async fn uses(what: Uses) {
    match what {
        Uses::Nothing => {}
        Uses::RealSpawn => drop(real_tokio::spawn(async {})),
        Uses::RealJoinSet => {
            let mut tasks = real_tokio::task::JoinSet::new();
            tasks.spawn(async {});
            tasks.join_next().await;
        }
        Uses::RealTimer => real_tokio::time::sleep(Duration::from_millis(1)).await,
        Uses::RealTcp => drop(real_tokio::net::TcpStream::connect("127.0.0.1:9").await),
        Uses::MadsimTcp => drop(madsim::net::TcpStream::connect("10.0.0.1:7000").await),
        Uses::MadsimUdp => drop(madsim::net::UdpSocket::bind("10.0.0.2:7000").await),
        Uses::StdUdp => {
            let _socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            std::future::pending::<()>().await;
        }
        Uses::Thread => drop(std::thread::spawn(|| {})),
        Uses::Blocks => std::thread::sleep(Duration::from_secs(3600)),
    }
}

struct Idle;

impl Client<(), ()> for Idle {
    async fn call(&mut self, (): &()) -> Outcome<()> {
        Outcome::Ok(())
    }
}

fn case(uses: &str) -> Case {
    let text = r#"
        title = "a node that uses what is not simulated"
        system = "foreign"
        workload = { clients = 1, rate = "5/s", for = "2s", mix = { nothing = 1 } }
        cluster = { nodes = 3, options = { uses = "USES" } }
        check = { settle = "3s" }
    "#;
    let text = text.replace("USES", uses);
    let scenario = Scenario::parse("foreign", &text, &[], &Catalog::new(&[&Foreign])).unwrap();
    Case { name: uses.to_owned(), path: uses.into(), overrides: Vec::new(), scenario, system: &Foreign }
}

fn run(uses: &str, attention: Attention) -> Report {
    once(&Foreign, &case(uses).scenario, 1, attention).0
}

#[track_caller]
fn assert_noticed(report: &Report, what: &str) {
    let first = report.violations.first().unwrap_or_else(|| panic!("{what} goes unnoticed"));
    assert_eq!(first.checker, "substrate", "{first:?}");
    assert!(first.message.starts_with("n2 ") && first.message.contains(what), "{}", first.message);
    assert!(first.message.contains("docs/your-own-protocol.md"), "the page that helps: {}", first.message);
    assert!(first.at_ms >= 0, "{first:?}");
}

#[test]
fn a_node_that_uses_nothing_real_is_valid_however_closely_one_looks() {
    for attention in [Attention::QUICK, Attention::CLOSE, Attention::ALONE, Attention::RECORDED] {
        let report = run("nothing", attention);
        assert_eq!((report.word(), &report.violations[..]), ("valid", &[][..]), "{attention:?}");
    }
}

#[test]
fn a_task_of_the_real_tokio_is_a_violation_in_every_run() {
    for uses in ["real-spawn", "real-join-set"] {
        for attention in [Attention::QUICK, Attention::CLOSE] {
            assert_noticed(&run(uses, attention), "the real tokio's spawn at tests/substrate.rs");
        }
    }
}

#[test]
fn what_the_real_runtime_refuses_is_a_violation_that_says_what_to_use() {
    assert_noticed(&run("real-timer", Attention::QUICK), "the real tokio's timers");
    assert_noticed(&run("real-tcp", Attention::QUICK), "the real tokio's sockets");
    assert_noticed(&run("thread", Attention::QUICK), "a thread");
}

#[test]
fn madsims_own_network_is_a_violation_in_a_run_that_is_looked_at_closely() {
    assert_noticed(&run("madsim-tcp", Attention::CLOSE), "madsim's own network");
    assert_noticed(&run("madsim-udp", Attention::CLOSE), "madsim's own network");
}

#[test]
fn a_thread_that_a_node_blocks_is_a_violation_that_names_the_node() {
    let report = run("blocks", Attention::QUICK);
    assert!(report.is_of_a_stuck_run());
    assert_noticed(&report, "blocks its thread");
}

fn sweep_of(uses: &str, confirm: sim::sweep::Confirm<'_>) -> Progress {
    let cases = [case(uses)];
    sweep(&Plan { jobs: 1, ..Plan::new(&cases, 0..3) }, confirm, |_, _| true)
}

#[test]
fn a_sweep_looks_closely_at_the_first_seed() {
    let swept = sweep_of("madsim-tcp", &sim::sweep::confirm_on_a_fresh_thread).summary;
    assert_eq!((swept.cases[0].first_unexpected, swept.violations), (Some(0), 1));
}

#[test]
fn a_sweep_takes_over_only_what_the_second_run_noticed_of_the_substrate() {
    let confirm = |case: &Case, seed: u64| {
        let (report, _) = once(case.system, &case.scenario, seed, Attention::QUICK);
        let violation = |checker: &str| sim::check::Broken::new("").violates(checker, 0);
        let violations = vec![violation("convergence"), violation("substrate")];
        Ok(Again { digest: report.digest, violations })
    };
    assert_eq!(sweep_of("nothing", &confirm).summary.violations, 1);
}

/// A test of its own process: sockets of other tests would be seen.
#[test]
fn a_real_socket_is_a_violation_where_the_run_has_the_process_to_itself() {
    const ALONE: &str = "SUBSTRATE_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        assert_noticed(&run("std-udp", Attention::ALONE), "a real socket");
        return;
    }
    if !std::path::Path::new("/proc/self/fd").exists() {
        return;
    }
    let name = "a_real_socket_is_a_violation_where_the_run_has_the_process_to_itself";
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--test-threads=1"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}
