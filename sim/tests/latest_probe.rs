//! What checkers see where a node publishes several probes before anything is looked at.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use host::probe::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use sim::catalog::Catalog;
use sim::check::Checkers;
use sim::once;
use sim::run::Attention;
use sim::scenario::Scenario;
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Options {
    /// So many counts are published in one breath.
    at_once: u64,
    /// Whether the checker judges each probe by the view, as it may judge the latest one alone.
    hasty: bool,
}

/// One node that counts: its view is as far as it has come.
struct Counting;

impl System for Counting {
    type Options = Options;
    type Op = ();
    type Ret = ();
    type View = (u64, bool);

    const NAME: &'static str = "counting";

    fn operations() -> &'static [Operation<()>] {
        &[Operation("nothing", |_, _| ())]
    }

    async fn node(&self, node: NodeContext<Options>) -> std::io::Result<()> {
        let Options { at_once, hasty } = node.options;
        let count = Arc::new(AtomicU64::new(0));
        let shown = count.clone();
        host::view::register(move || (shown.load(Ordering::Relaxed), hasty));
        loop {
            for _ in 0..at_once {
                host::probe!("count", count.fetch_add(1, Ordering::Relaxed) + 1);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn client(&self, _: ClientContext<Options>) -> impl Client<(), ()> {
        Idle
    }

    fn checkers(&self) -> Checkers<(), (), (u64, bool)> {
        Checkers::new().invariant("as of the probe", |seen| {
            let (Some(probe), Some((shown, hasty))) = (seen.probe, seen.views.get(1)) else { return Ok(()) };
            let is_as_of_it = probe.values == [Value::from(*shown)];
            match seen.is_latest || *hasty {
                true if !is_as_of_it => Err(format!("{shown} is shown at {}", probe.values[0])),
                false if is_as_of_it => Err(format!("{shown} is the latest, and not told so")),
                _ => Ok(()),
            }
        })
    }
}

struct Idle;

impl Client<(), ()> for Idle {
    async fn call(&mut self, (): &()) -> Outcome<()> {
        Outcome::Ok(())
    }
}

/// The first violation of a run, if any.
fn first(at_once: u64, hasty: bool) -> Option<String> {
    let text = format!(
        r#"
        title = "counts"
        system = "counting"
        workload = {{ clients = 1, rate = "5/s", for = "1s", mix = {{ nothing = 1 }} }}
        cluster = {{ nodes = 1, options = {{ at_once = {at_once}, hasty = {hasty} }} }}
        "#
    );
    let scenario = Scenario::parse("counts", &text, &[], &Catalog::new(&[&Counting])).unwrap();
    let report = once(&Counting, &scenario, 1, Attention::QUICK).0;
    report.violations.into_iter().next().map(|violation| violation.message)
}

#[test]
fn a_view_is_as_of_the_latest_of_the_probes_of_one_breath() {
    assert_eq!(first(3, false), None);
    assert_eq!(first(1, false), None);
}

#[test]
fn who_judges_an_earlier_probe_by_the_view_is_wrong() {
    assert_eq!(first(1, true), None);
    assert_eq!(first(3, true).as_deref(), Some("3 is shown at 1"));
}
