//! Runs whose history is judged at the end: by a model that the scenario names, and by one of the system's own types.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

mod register;

use register::{Op, Register};
use schemars::JsonSchema;
use serde::Deserialize;
use sim::catalog::Catalog;
use sim::check::Checkers;
use sim::once;
use sim::run::{Attention, Report, Verdict};
use sim::scenario::Scenario;
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::cell::Cell;
use std::time::Duration;

thread_local! {
    /// The register of a run: each run has a thread of its own.
    static VALUE: Cell<u64> = const { Cell::new(0) };
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Options {
    /// Clients answer reads from what they wrote or read last.
    caches: bool,
}

/// A register without a network: what is judged is the judging. `TYPED` says whether the system brings a model.
struct Memory<const TYPED: bool>;

impl<const TYPED: bool> System for Memory<TYPED> {
    type Options = Options;
    type Op = Op;
    type Ret = u64;
    type View = ();

    const NAME: &'static str = "memory";

    fn operations() -> &'static [Operation<Op>] {
        &[Operation("read", |_, _| Op::Read), Operation("write", |_, draw| Op::Write(draw.below(100)))]
    }

    async fn node(&self, _: NodeContext<Options>) -> std::io::Result<()> {
        std::future::pending().await
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, u64> {
        Handle { cache: client.options.caches.then_some(0) }
    }

    fn checkers(&self) -> Checkers<Op, u64, ()> {
        let checkers = Checkers::new();
        if TYPED { checkers.linearizable(Register) } else { checkers }
    }
}

struct Handle {
    cache: Option<u64>,
}

impl Client<Op, u64> for Handle {
    async fn call(&mut self, op: &Op) -> Outcome<u64> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let value = match op {
            Op::Read => self.cache.unwrap_or_else(|| VALUE.get()),
            Op::Write(value) => {
                VALUE.set(*value);
                *value
            }
        };
        self.cache = self.cache.map(|_| value);
        tokio::time::sleep(Duration::from_millis(5)).await;
        Outcome::Ok(value)
    }
}

fn run(
    system: &'static dyn sim::AnySystem,
    systems: &'static [&'static dyn sim::AnySystem],
    check: &str,
    caches: bool,
) -> Report {
    let text = format!(
        r#"
        title = "a register"
        system = "memory"
        workload = {{ clients = 3, rate = "60/s", for = "2s", mix = {{ read = 1, write = 1 }} }}
        cluster = {{ nodes = 1, options = {{ caches = {caches} }} }}
        check = {{ settle = "3s"{check} }}"#
    );
    let scenario = Scenario::parse("memory", &text, &[], &Catalog::new(systems)).unwrap();
    once(system, &scenario, 1, Attention::QUICK).0
}

fn named(caches: bool) -> Report {
    run(&Memory::<false>, &[&Memory::<false>], r#", linearizable = "register:0""#, caches)
}

fn typed(caches: bool) -> Report {
    run(&Memory::<true>, &[&Memory::<true>], "", caches)
}

#[test]
fn a_linearizable_run_is_valid_and_a_stale_read_is_a_violation() {
    for judged in [named, typed] {
        assert_eq!(judged(false).verdict(), Verdict::Valid, "{:?}", judged(false).violations);
        let report = judged(true);
        let [violation] = &report.violations[..] else { panic!("{:?}", report.violations) };
        assert_eq!(violation.checker, "linearizable");
        assert!(
            violation.message.contains("read →") && violation.message.contains("cannot be placed"),
            "{violation:?}"
        );
        assert!(violation.at_ms > 0, "{violation:?}");
    }
}

#[test]
fn the_evidence_names_the_operation_and_its_window() {
    let evidence = |report: Report| report.violations[0].message.clone();
    insta::assert_snapshot!(evidence(named(true)), @r"
    `p0 read → 1` (163.068 ms to 173.068 ms) cannot be placed after `p2 write 67`
    ");
    // The two models give the same order different answers to choose from, but the same operation is stuck.
    let stuck = |evidence: String| evidence.split(" after ").next().unwrap().to_owned();
    assert_eq!(stuck(evidence(named(true))), stuck(evidence(typed(true))));
}

#[test]
fn judging_leaves_the_digest_as_it_was() {
    let unjudged = run(&Memory::<false>, &[&Memory::<false>], "", true);
    assert_eq!(unjudged.verdict(), Verdict::Valid);
    assert_eq!(unjudged.digest, named(true).digest);
}

#[test]
fn linearizable_may_be_what_a_scenario_shows() {
    let expects = r#", linearizable = "register:0", expect = { violation = "linearizable" }"#;
    let report = run(&Memory::<false>, &[&Memory::<false>], expects, true);
    assert_eq!(report.violations.len(), 1);
}
