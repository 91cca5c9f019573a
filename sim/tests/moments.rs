//! Runs that go on with other chance from an instant on, and what they tell of a failure.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use host::net::{TcpListener, TcpStream};
use host::probe::Value;
use host::world::{Happening, TraceEvent};
use host::{entropy, probe, view};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sim::catalog::Catalog;
use sim::check::Checkers;
use sim::erased::once_reseeded;
use sim::moment::{Failure, Rise};
use sim::once;
use sim::run::{Attention, Recording, Report, Reseed};
use sim::scenario::Scenario;
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Options {
    /// So many throws in a thousand doom a node for ever.
    doomed: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Op {
    Guess(u64),
}

/// Nodes that throw dice, each ten times a second, and tell the next node what they threw.
struct Dice;

impl System for Dice {
    type Options = Options;
    type Op = Op;
    type Ret = ();
    type View = bool;

    const NAME: &'static str = "dice";

    fn operations() -> &'static [Operation<Op>] {
        &[Operation("guess", |_, draw| Op::Guess(draw.below(1000)))]
    }

    fn probes() -> Vec<&'static str> {
        vec!["threw", "heard"]
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        let doomed = Arc::new(AtomicBool::new(false));
        let seen = doomed.clone();
        view::register(move || seen.load(Ordering::Relaxed));
        let listener = TcpListener::bind(node.nodes[node.id as usize - 1]).await?;
        tokio::task::spawn_local(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                while let Ok(thrown) = stream.read_u64().await {
                    probe!("heard", thrown);
                }
            }
        });
        sleep(Duration::from_secs(1)).await;
        let mut next = TcpStream::connect(node.nodes[node.id as usize % node.nodes.len()]).await?;
        loop {
            sleep(Duration::from_millis(100)).await;
            let thrown = entropy::u64() % 1000;
            probe!("threw", thrown);
            if thrown < node.options.doomed {
                doomed.store(true, Ordering::Relaxed);
            }
            next.write_u64(thrown).await?;
        }
    }

    fn client(&self, _: ClientContext<Options>) -> impl Client<Op, ()> {
        Guesser
    }

    fn checkers(&self) -> Checkers<Op, (), bool> {
        Checkers::new().convergence(|views| match views.up().any(|(_, doomed)| *doomed) {
            true => Err("a node is doomed".to_owned()),
            false => Ok(()),
        })
    }
}

struct Guesser;

impl Client<Op, ()> for Guesser {
    async fn call(&mut self, _: &Op) -> Outcome<()> {
        sleep(Duration::from_millis(5)).await;
        Outcome::Ok(())
    }
}

fn scenario(doomed: u64) -> Scenario {
    let text = format!(
        r#"
        title = "dice"
        system = "dice"
        cluster = {{ nodes = 2, options = {{ doomed = {doomed} }} }}
        workload = {{ clients = 2, rate = "20/s", for = "2s", mix = {{ guess = 1 }} }}
        check = {{ settle = "100ms" }}"#
    );
    Scenario::parse("dice.toml", &text, &[], &Catalog::new(&[&Dice])).unwrap()
}

fn recorded(reseed: Option<Reseed>) -> (Report, Vec<TraceEvent>) {
    let (scenario, attention) = (scenario(0), Attention::RECORDED);
    let (report, recording) = match reseed {
        None => once(&Dice, &scenario, 1, attention),
        Some(reseed) => once_reseeded(&Dice, &scenario, 1, attention, reseed, &|| false).unwrap(),
    };
    let Recording { trace, .. } = recording.unwrap();
    (report, trace)
}

fn until(trace: &[TraceEvent], at_ns: u64) -> Vec<&TraceEvent> {
    trace.iter().filter(|event| event.at_ns < at_ns).collect()
}

#[test]
fn a_run_with_other_chance_is_the_same_up_to_the_instant_and_another_one_from_there() {
    let (as_it_was, trace) = recorded(None);
    for at_ms in [500, 1_000, 1_777, 2_500] {
        let at_ns = at_ms * 1_000_000;
        let again = |seed| recorded(Some(Reseed { at_ns, seed }));
        let others = [again(1), again(2), again(3)];
        for (report, other) in &others {
            assert_eq!(until(other, at_ns), until(&trace, at_ns), "before {at_ms} ms");
            assert_ne!(report.digest, as_it_was.digest, "after {at_ms} ms");
        }
        assert_ne!(others[0].0.digest, others[1].0.digest);
        assert_eq!(others[2].0.digest, again(3).0.digest, "the same seed, the same chance");
    }
}

#[test]
fn where_the_run_is_over_before_nothing_changes() {
    let never = Reseed { at_ns: 60_000_000_000, seed: 2 };
    assert_eq!(recorded(Some(never)).0.digest, recorded(None).0.digest);
}

/// The first seed whose run is doomed, and when, in ms since the workload began.
fn doomed(scenario: &Scenario) -> (u64, i64) {
    let fell = |event: &&TraceEvent| match &event.happening {
        Happening::Probe { name: "threw", values, .. } => values[0] == Value::Uint(0),
        _ => false,
    };
    let at = |seed| {
        let (report, recording) = once(&Dice, scenario, seed, Attention::RECORDED);
        let Recording { trace, .. } = recording.unwrap();
        let thrown = trace.iter().find(fell);
        (!report.violations.is_empty()).then(|| thrown.unwrap().at_ns as i64 / 1_000_000 - 1000)
    };
    (1..).find_map(|seed| at(seed).filter(|at| (400..2_000).contains(at)).map(|at| (seed, at))).unwrap()
}

fn failure<'f>(
    scenario: &'f Scenario,
    seed: u64,
    is_same: &'f (dyn Fn(&Report) -> bool + Sync),
) -> Failure<'f> {
    Failure { system: &Dice, scenario, seed, at_ms: 2_100, is_same }
}

#[test]
fn the_moment_of_a_failure_is_when_the_dice_fell() {
    let scenario = scenario(1);
    let (seed, fell_ms) = doomed(&scenario);
    let fails = |report: &Report| !report.violations.is_empty();
    let failure = failure(&scenario, seed, &fails);
    let curve = failure.curve(2, &|| false).unwrap();
    let Rise::Between(before, after) = curve.rise() else { panic!("{curve:?}") };
    assert!(before.share() < 0.3 && after.share() == 1.0, "{before:?} {after:?}");
    assert!((before.at_ms..=after.at_ms).contains(&fell_ms), "{before:?} {after:?}, it fell at {fell_ms} ms");
    assert!(after.at_ms - before.at_ms <= 2, "{before:?} {after:?}");
    assert_eq!(curve, failure.curve(1, &|| false).unwrap(), "whoever makes the runs");
    assert_eq!(failure.curve(2, &|| true), None);
}

#[test]
fn a_failure_that_no_chance_avoids_is_settled_from_the_beginning() {
    let scenario = scenario(1000);
    let fails = |report: &Report| !report.violations.is_empty();
    let curve = failure(&scenario, 1, &fails).curve(2, &|| false).unwrap();
    assert_eq!(curve.rise(), Rise::Settled);
}
