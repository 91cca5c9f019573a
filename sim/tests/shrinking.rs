//! What is left of a failing run: the few faults and operations that it takes.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

mod register;

use register::{Op, Register};
use schemars::JsonSchema;
use serde::Deserialize;
use sim::catalog::{Case, Catalog};
use sim::check::Checkers;
use sim::run::Attention;
use sim::scenario::Scenario;
use sim::shrink::{Class, Limits, NotShrunk, Shrunk, counterfactuals, shrink};
use sim::verdict::Violation;
use sim::{AnySystem, Client, ClientContext, NodeContext, Operation, Outcome, System, once};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

thread_local! {
    static VALUE: Cell<u64> = const { Cell::new(0) };
}

/// The first run of the process gets it wrong, and no other.
static IS_FIRST: AtomicBool = AtomicBool::new(true);

/// A register without a network.
struct Memory;

#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Flaw {
    None,
    /// Clients answer reads from what they wrote or read last.
    Caches,
    /// Clients panic when they write a value above 90.
    Panics,
    /// Clients answer with nonsense in the first run of the process.
    Static,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Options {
    flaw: Flaw,
    /// It has no say.
    #[serde(default)]
    #[expect(dead_code, reason = "it has no say")]
    colour: String,
}

impl System for Memory {
    type Options = Options;
    type Op = Op;
    type Ret = u64;
    type View = ();

    const NAME: &'static str = "memory";

    fn operations() -> &'static [Operation<Op>] {
        &[Operation("read", |_, _| Op::Read), Operation("write", |_, draw| Op::Write(draw.between(1, 99)))]
    }

    async fn node(&self, _: NodeContext<Options>) -> std::io::Result<()> {
        std::future::pending().await
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, u64> {
        let flaw = client.options.flaw;
        let is_wrong = flaw == Flaw::Static && IS_FIRST.swap(false, Ordering::Relaxed);
        Handle { cache: (flaw == Flaw::Caches).then_some(0), panics: flaw == Flaw::Panics, is_wrong }
    }

    fn checkers(&self) -> Checkers<Op, u64, ()> {
        Checkers::new().linearizable(Register)
    }
}

struct Handle {
    cache: Option<u64>,
    panics: bool,
    is_wrong: bool,
}

impl Client<Op, u64> for Handle {
    async fn call(&mut self, op: &Op) -> Outcome<u64> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let value = match op {
            Op::Read => self.cache.unwrap_or_else(|| VALUE.get()),
            Op::Write(value) => {
                assert!(!self.panics || *value <= 90, "{value} is too much");
                VALUE.set(*value);
                *value
            }
        };
        self.cache = self.cache.map(|_| value);
        tokio::time::sleep(Duration::from_millis(5)).await;
        Outcome::Ok(if self.is_wrong { 1000 } else { value })
    }
}

const SYSTEMS: &[&dyn AnySystem] = &[&Memory];

fn case(flaw: &str) -> Case {
    let text = format!(
        r#"
        title = "a register"
        system = "memory"
        workload = {{ clients = 4, rate = "80/s", for = "3s", mix = {{ read = 1, write = 2 }} }}
        cluster = {{ nodes = 3, options = {{ flaw = "{flaw}", colour = "blue" }} }}
        random = {{ kinds = ["partition", "crash", "pause"], every = "500ms" }}
        check = {{ settle = "3s" }}"#
    );
    let scenario = Scenario::parse("memory", &text, &[], &Catalog::new(SYSTEMS)).unwrap();
    Case {
        name: "memory".into(),
        path: "memory.toml".into(),
        overrides: Vec::new(),
        scenario,
        system: &Memory,
    }
}

fn shrunk(case: &Case, limits: &Limits) -> Shrunk {
    let mut told = 0;
    let shrunk = shrink(case, 1, limits, &mut |_| told += 1).unwrap();
    assert!(told > 0, "it tells how far it has come");
    shrunk
}

/// How the file fails when it is run by itself.
fn violation(shrunk: &Shrunk) -> Option<Violation> {
    let file = Scenario::parse("shrunk", &shrunk.to_file(), &[], &Catalog::new(SYSTEMS)).unwrap();
    let report = once(&Memory, &file, shrunk.seed, Attention::QUICK).0;
    shrunk.class.find(&report).cloned()
}

#[test]
fn a_stale_read_shrinks_to_a_write_and_a_read_that_fail_by_themselves() {
    let case = case("caches");
    let shrunk = shrunk(&case, &Limits::default());
    assert_eq!((shrunk.after.faults, shrunk.after.operations), (0, 2), "{:#?}", shrunk.story());
    assert!(shrunk.before.faults > 0 && shrunk.before.operations > 100, "{:?}", shrunk.before);
    assert_eq!((shrunk.after.nodes, shrunk.after.clients), (1, 2));
    assert_eq!((shrunk.robust.fails, shrunk.robust.of), (10, 10));
    let options: Vec<&String> = shrunk.plan.cluster.options.keys().collect();
    assert_eq!(options, ["flaw"], "what has no say is left out");
    assert_eq!(violation(&shrunk), Some(shrunk.violation.clone()));

    let without = counterfactuals(&case, &shrunk, &Limits::default());
    assert_eq!(without.len(), 2);
    assert!(without.iter().all(|without| (without.fails, without.of) == (0, 20)), "{without:?}");
    let in_no_time = Limits { time: Some(Duration::ZERO), ..Limits::default() };
    let unknown = counterfactuals(&case, &shrunk, &in_no_time);
    assert!(unknown.iter().all(|without| without.of == 0 && !without.is_whole()), "{unknown:?}");
}

#[test]
fn what_is_found_does_not_depend_on_the_number_of_cores() {
    let on = |jobs| {
        let shrunk = shrunk(&case("caches"), &Limits { jobs, ..Limits::default() });
        (shrunk.to_file(), shrunk.runs)
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn a_panic_shrinks_to_the_operation_that_panics() {
    let shrunk = shrunk(&case("panics"), &Limits::default());
    assert_eq!((shrunk.after.faults, shrunk.after.operations), (0, 1), "{:#?}", shrunk.story());
    assert_eq!(shrunk.class, Class { checker: "panic".into(), words: "panicked at is too much".into() });
    assert!(violation(&shrunk).is_some());
}

#[test]
fn a_limit_ends_it_with_what_is_known() {
    let shrunk = shrunk(&case("caches"), &Limits { runs: 40, ..Limits::default() });
    assert!(shrunk.cut_short && shrunk.after.operations < shrunk.before.operations);
    assert!(violation(&shrunk).is_some(), "what is known fails by itself");
}

#[test]
fn a_seed_that_does_not_fail_is_not_shrunk() {
    let shrunk = shrink(&case("none"), 1, &Limits::default(), &mut |_| {});
    let Err(error @ NotShrunk::Passes { .. }) = shrunk else { panic!("{shrunk:?}") };
    assert_eq!(error.to_string(), "seed 1 of memory violates nothing");
}

#[test]
fn a_failure_that_does_not_come_again_is_nondeterminism() {
    let shrunk = shrink(&case("static"), 1, &Limits::default(), &mut |_| {});
    let Err(NotShrunk::Nondeterminism(why)) = shrunk else { panic!("{shrunk:?}") };
    assert!(why.contains("violates linearizable"), "{why}");
}

#[test]
fn a_failing_test_tells_what_is_left_of_its_failure() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("memory.toml");
    std::fs::write(&file, case("caches").scenario.to_toml()).unwrap();
    let test = || sim::test(&Memory).scenarios(file.to_str().unwrap()).seeds(3).run();
    let panic = std::panic::catch_unwind(test).expect_err("the test fails");
    let text = panic.downcast_ref::<String>().unwrap();
    for told in [
        "no fault and 2 operations are left of ",
        " read",
        "and in 10 of 10 other schedules",
        "[[operation]]",
    ] {
        assert!(text.contains(told), "{told} in {text}");
    }
    assert!(text.contains("\nnext: cargo run --release -- replay "), "{text}");
}
