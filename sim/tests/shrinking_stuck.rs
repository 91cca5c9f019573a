//! A run whose client keeps its thread, made smaller: few candidates are tried, for each leaves its thread behind.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sim::catalog::{Case, Catalog};
use sim::check::Checkers;
use sim::scenario::Scenario;
use sim::shrink::{Limits, shrink};
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many runs have begun. One is made at a time: when the next begins, what spins in the last was given up, and
/// ends, or it would take its core from all that follow.
static RUNS: AtomicU64 = AtomicU64::new(0);

struct Tight;

#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Options {}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Look,
    Spin,
}

impl System for Tight {
    type Options = Options;
    type Op = Op;
    type Ret = ();
    type View = ();

    const NAME: &'static str = "tight";

    fn operations() -> &'static [Operation<Op>] {
        &[Operation("look", |_, _| Op::Look), Operation("spin", |_, _| Op::Spin)]
    }

    async fn node(&self, _: NodeContext<Options>) -> std::io::Result<()> {
        RUNS.fetch_add(1, Ordering::Relaxed);
        std::future::pending().await
    }

    fn client(&self, _: ClientContext<Options>) -> impl Client<Op, ()> {
        Loop
    }

    fn checkers(&self) -> Checkers<Op, (), ()> {
        Checkers::new()
    }
}

struct Loop;

impl Client<Op, ()> for Loop {
    async fn call(&mut self, op: &Op) -> Outcome<()> {
        let this = RUNS.load(Ordering::Relaxed);
        while matches!(op, Op::Spin) && RUNS.load(Ordering::Relaxed) == this {
            std::hint::spin_loop();
        }
        Outcome::Ok(())
    }
}

#[test]
fn a_run_that_spins_shrinks_to_the_operation_that_does() {
    let text = r#"
        title = "a loop"
        system = "tight"
        workload = { clients = 2, rate = "50/s", for = "4s", mix = { look = 40, spin = 1 } }
        cluster = { nodes = 1, options = {} }
        random = { kinds = ["pause"], every = "500ms" }"#;
    let scenario = Scenario::parse("tight", text, &[], &Catalog(&[&Tight])).unwrap();
    let case = Case {
        name: "tight".into(),
        path: "tight.toml".into(),
        overrides: Vec::new(),
        scenario,
        system: &Tight,
    };
    let shrunk = shrink(&case, 1, &Limits::default(), &mut |_| {}).unwrap();
    assert_eq!(shrunk.class.checker, "spin");
    assert_eq!((shrunk.after.faults, shrunk.after.operations), (0, 1), "{:#?}", shrunk.story());
    assert_eq!(shrunk.plan.operations[0].name, "spin");
    assert!(shrunk.before.operations > 10 && shrunk.robust.of == 0, "{shrunk:?}");
}
