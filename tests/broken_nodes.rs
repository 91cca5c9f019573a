//! Nodes that break in ways that are no protocol's: the tool says which, and goes on.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use schemars::JsonSchema;
use serde::Deserialize;
use sim::catalog::Catalog;
use sim::check::Checkers;
use sim::once;
use sim::run::{Attention, Report};
use sim::scenario::{Overload, Scenario};
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Breaks {
    Panics,
    PanicsInATask,
    Stops,
    Fails,
    NeverConverges,
    ClientHangs,
    Spins,
    Checker,
    Floods,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Options {
    breaks: Breaks,
}

struct Broken;

/// Ends what spins, once it was seen to.
static TIRED: AtomicBool = AtomicBool::new(false);

impl System for Broken {
    type Options = Options;
    type Op = ();
    type Ret = ();
    type View = String;

    const NAME: &'static str = "broken";

    fn operations() -> &'static [Operation<()>] {
        &[Operation("nothing", |_, _| ())]
    }

    async fn node(&self, node: NodeContext<Options>) -> std::io::Result<()> {
        let text = format!("n{} at {:?}", node.id, node.options.breaks);
        host::view::register(move || text.clone());
        tokio::time::sleep(Duration::from_millis(1500)).await;
        match node.options.breaks {
            Breaks::Panics if node.id == 2 => panic!("the second node is unlucky"),
            Breaks::PanicsInATask if node.id == 2 => {
                tokio::spawn(async { panic!("a task of the second node is unlucky") });
            }
            Breaks::Spins if node.id == 2 => {
                tokio::spawn(async {
                    while !TIRED.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            Breaks::Floods if node.id == 2 => {
                let socket = host::net::UdpSocket::bind("0.0.0.0:0").await?;
                for _ in 0..200 {
                    socket.send_to(b"again", "10.0.0.1:7000").await?;
                }
            }
            Breaks::Stops if node.id == 2 => return Ok(()),
            Breaks::Fails if node.id == 2 => return Err(std::io::Error::other("no disk")),
            _ => {}
        }
        std::future::pending().await
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<(), ()> {
        Idle { hangs: matches!(client.options.breaks, Breaks::ClientHangs) }
    }

    fn checkers(&self) -> Checkers<(), (), String> {
        Checkers::<(), (), String>::new().convergence(|views| match views.get(1) {
            Some(view) if view.ends_with("Checker") => panic!("a checker is unlucky"),
            Some(view) if view.ends_with("NeverConverges") => Err(format!("still moving: {view}")),
            _ => Ok(()),
        })
    }
}

struct Idle {
    hangs: bool,
}

impl Client<(), ()> for Idle {
    async fn call(&mut self, (): &()) -> Outcome<()> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Outcome::Ok(())
    }
}

fn scenario(breaks: &str) -> Scenario {
    let text = r#"
        title = "a broken node"
        system = "broken"
        workload = { clients = 1, rate = "5/s", for = "2s", timeout = "1s", mix = { nothing = 1 } }
        cluster = { nodes = 3, options = { breaks = "BREAKS" } }
        check = { settle = "3s" }
    "#;
    Scenario::parse("broken", &text.replace("BREAKS", breaks), &[], &Catalog::new(&[&Broken])).unwrap()
}

fn run(breaks: &str) -> Report {
    let scenario = scenario(breaks);
    let (report, _) = once(&Broken, &scenario, 1, Attention::RECORDED);
    assert_eq!(
        report.digest,
        once(&Broken, &scenario, 1, Attention::QUICK).0.digest,
        "broken runs replay too"
    );
    report
}

fn only_violation(breaks: &str) -> (String, String) {
    let mut report = run(breaks);
    assert_eq!(report.violations.len(), 1, "{:?}", report.violations);
    let violation = report.violations.pop().unwrap();
    (violation.checker, violation.message)
}

#[test]
fn a_panic_is_a_violation_with_its_machine_and_message() {
    for (breaks, message) in [
        ("panics", "the second node is unlucky"),
        ("panics-in-a-task", "a task of the second node is unlucky"),
    ] {
        let (checker, evidence) = only_violation(breaks);
        assert_eq!(checker, "panic");
        assert!(evidence.starts_with("n2 panicked at tests/broken_nodes.rs:"), "{evidence}");
        assert!(evidence.ends_with(message), "{evidence}");
    }
}

#[test]
fn a_checker_that_panics_is_named() {
    let (checker, evidence) = only_violation("checker");
    assert_eq!(checker, "panic");
    assert!(evidence.starts_with("the checker convergence panicked at tests/broken_nodes.rs:"), "{evidence}");
    assert!(evidence.ends_with("a checker is unlucky"), "{evidence}");
}

/// In a process of its own, whose standard error can be read.
#[test]
fn a_panic_is_told_as_a_violation_and_nowhere_else() {
    const CHILD: &str = "BROKEN_NODES_CHILD";
    if std::env::var_os(CHILD).is_some() {
        assert_eq!(once(&Broken, &scenario("panics"), 1, Attention::QUICK).0.violations.len(), 1);
        return;
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_panic_is_told_as_a_violation_and_nowhere_else", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!(String::from_utf8_lossy(&child.stderr), "", "what madsim says of it is heard");
}

#[test]
fn a_node_that_stops_is_a_violation_with_its_error() {
    assert_eq!(only_violation("stops"), ("node".into(), "n2 stopped by itself, without an error".into()));
    assert_eq!(only_violation("fails"), ("node".into(), "n2 stopped by itself, with: no disk".into()));
}

#[test]
fn a_run_with_more_than_its_scenario_allows_is_an_overload() {
    let limited = |limit: fn(&mut Overload)| {
        let mut scenario = scenario("floods");
        limit(&mut scenario.check.overload);
        once(&Broken, &scenario, 1, Attention::QUICK).0.violations
    };
    for (limit, says) in [
        ((|overload| overload.messages = 100) as fn(&mut Overload), "100 messages are under way and unread"),
        (|overload| overload.bytes = 500, "500 bytes are under way and unread"),
        (
            |overload| (overload.events, overload.events_per_second) = (150, 10),
            "events within 1.5 s, more than 150 and 10 a second",
        ),
    ] {
        let violations = limited(limit);
        let [violation] = &violations[..] else { panic!("{violations:?}") };
        assert_eq!(violation.checker, "overload");
        assert!(violation.message.contains(says), "{}", violation.message);
    }
    assert!(limited(|overload| overload.messages = 1000).is_empty());
}

#[test]
fn a_system_that_never_converges_says_what_is_unmet() {
    let (checker, evidence) = only_violation("never-converges");
    assert_eq!(checker, "convergence");
    assert_eq!(evidence, "3s after the last fault: still moving: n1 at NeverConverges");
}

#[test]
fn an_operation_without_an_answer_is_unknown_after_the_time_out() {
    let report = run("client-hangs");
    assert!(report.violations.is_empty(), "{:?}", report.violations);
    assert!(report.operations.unknown > 0 && report.operations.ok == 0, "{:?}", report.operations);
}

#[test]
fn a_node_that_spins_is_given_up_and_named() {
    let (report, _) = once(&Broken, &scenario("spins"), 1, Attention::QUICK);
    TIRED.store(true, Ordering::Relaxed);
    let [violation] = &report.violations[..] else { panic!("{:?}", report.violations) };
    assert_eq!(violation.checker, "spin");
    assert_eq!(violation.message, "n2 spins: one of its tasks computes, and awaits nothing");
}
