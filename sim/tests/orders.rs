//! Runs in which an operator gives orders beside the clients.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use serde::{Deserialize, Serialize};
use sim::catalog::Catalog;
use sim::check::Checkers;
use sim::once;
use sim::run::{Attention, Recording, Report};
use sim::scenario::{Name, Scenario};
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::time::Duration;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Read,
    Write(u64),
}

/// Clients that are told what they ask for.
struct Echo;

impl System for Echo {
    type Options = serde_json::Value;
    type Op = Op;
    type Ret = u64;
    type View = ();

    const NAME: &'static str = "echo";

    fn operations() -> &'static [Operation<Op>] {
        &[Operation("read", |_, _| Op::Read), Operation("write", |_, draw| Op::Write(draw.below(100)))]
    }

    async fn node(&self, _: NodeContext<Self::Options>) -> std::io::Result<()> {
        std::future::pending().await
    }

    fn client(&self, _: ClientContext<Self::Options>) -> impl Client<Op, u64> {
        Told
    }

    fn checkers(&self) -> Checkers<Op, u64, ()> {
        Checkers::new()
    }
}

struct Told;

impl Client<Op, u64> for Told {
    async fn call(&mut self, op: &Op) -> Outcome<u64> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        match op {
            Op::Read => Outcome::Unknown("nobody is there".to_owned()),
            Op::Write(value) => Outcome::Ok(*value),
        }
    }
}

const DRAWN: &str = r#"
title = "an operator"
system = "echo"
cluster = { nodes = 1 }
workload = { clients = 3, rate = "60/s", for = "2s", mix = { read = 1, write = 1 } }
"#;
const ORDERED: &str = r#"
order = [{ at = "1s", name = "write", argument = 777 }, { at = "1s 1ms", name = "read" }, { at = "1500ms", name = "write", argument = 778 }]
"#;

fn run(scenario: &Scenario) -> (Report, Recording) {
    let (report, recording) = once(&Echo, scenario, 1, Attention::RECORDED);
    (report, recording.unwrap())
}

fn parsed(text: &str) -> Scenario {
    let systems: &'static [&'static dyn sim::AnySystem] = &[&Echo];
    Scenario::parse("orders", text, &[], &Catalog::new(systems)).unwrap()
}

/// What was begun, and when: by the operator, or by the clients.
fn begun(recording: &Recording, by_operator: bool) -> Vec<(u64, String)> {
    let lines = recording.history.iter().filter(|line| line.kind == "invoke");
    let theirs = lines.filter(|line| (line.process % 4 == 3) == by_operator);
    theirs.map(|line| (line.time, format!("{} {}", line.f, line.value))).collect()
}

#[test]
fn orders_are_given_at_their_times_and_the_clients_do_what_they_would_have_done() {
    let (_, with) = run(&parsed(&[ORDERED, DRAWN].concat()));
    let orders = begun(&with, true);
    let told: Vec<&str> = orders.iter().map(|(_, what)| what.as_str()).collect();
    assert_eq!(told, ["write 777", "read null", "write 778"]);
    let at_ms: Vec<u64> = orders.iter().map(|(at, _)| at / 1_000_000).collect();
    assert_eq!(at_ms, [1000, 1005, 1500], "one begins when the last has ended");
    let (_, without) = run(&parsed(DRAWN));
    let all = without.history.iter().filter(|line| line.kind == "invoke");
    let all: Vec<String> = all.map(|line| format!("{} {}", line.f, line.value)).collect();
    let theirs: Vec<String> = begun(&with, false).into_iter().map(|(_, what)| what).collect();
    assert_eq!(theirs, all);
}

#[test]
fn a_plan_that_lists_orders_among_its_operations_is_the_same_run() {
    let (report, recording) = run(&parsed(&[ORDERED, DRAWN].concat()));
    let plan = recording.plan;
    assert_eq!((plan.orders.len(), plan.workload.clients), (0, 4));
    assert_eq!(plan.operations.iter().filter(|listed| listed.client == Name::Client(4)).count(), 3);
    let (again, _) = run(&parsed(&plan.to_toml()));
    assert_eq!(again.digest, report.digest);
}
