//! Checkers that share what a listener has heard.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use schemars::JsonSchema;
use serde::Deserialize;
use sim::catalog::Catalog;
use sim::check::Checkers;
use sim::once;
use sim::run::{Attention, Report};
use sim::scenario::Scenario;
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};
use std::time::Duration;

#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Options {
    /// How far each node counts.
    counts_to: u64,
}

/// Nodes that count in probes. Three is too much.
struct Counting;

impl System for Counting {
    type Options = Options;
    type Op = ();
    type Ret = ();
    type View = ();

    const NAME: &'static str = "counting";

    fn operations() -> &'static [Operation<()>] {
        &[Operation("nothing", |_, _| ())]
    }

    async fn node(&self, node: NodeContext<Options>) -> std::io::Result<()> {
        for count in 1..=node.options.counts_to {
            host::probe!("count", count);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending().await
    }

    fn client(&self, _: ClientContext<Options>) -> impl Client<(), ()> {
        Idle
    }

    /// The listener keeps all counts, the latest last; it is added after the first checker, and before the others.
    fn checkers(&self) -> Checkers<(), (), ()> {
        let mut own = 0;
        Checkers::new()
            .invariant("alone", |_| Ok::<_, String>(()))
            .listener(Vec::new(), |heard, seen| {
                heard.extend(seen.probe.map(|probe| probe.values[0].to_string()));
            })
            .invariant("heard", |heard, seen| {
                let latest = seen.probe.map(|probe| probe.values[0].to_string());
                if latest.is_none() || heard.last() == latest.as_ref() {
                    Ok(())
                } else {
                    Err("late".to_owned())
                }
            })
            .invariant("its own", move |heard, seen| {
                own += usize::from(seen.probe.is_some());
                if heard.len() == own { Ok(()) } else { Err(format!("{own} and {}", heard.len())) }
            })
            .invariant("few", |heard, _| match heard.last() {
                Some(last) if last == "3" => Err("three".to_owned()),
                _ => Ok(()),
            })
            .eventually("all", |heard, _| if heard.len() >= 4 { Ok(()) } else { Err("too few".to_owned()) })
            .into()
    }
}

struct Idle;

impl Client<(), ()> for Idle {
    async fn call(&mut self, (): &()) -> Outcome<()> {
        Outcome::Ok(())
    }
}

fn run(counts_to: u64) -> Report {
    let text = r#"
        title = "counts"
        system = "counting"
        workload = { clients = 1, rate = "5/s", for = "2s", mix = { nothing = 1 } }
        cluster = { nodes = 2, options = { counts_to = COUNT } }
        check = { settle = "2s" }
    "#;
    let text = text.replace("COUNT", &counts_to.to_string());
    let scenario = Scenario::parse("counts", &text, &[], &Catalog::new(&[&Counting])).unwrap();
    once(&Counting, &scenario, 1, Attention::QUICK).0
}

fn violated(counts_to: u64) -> Vec<String> {
    run(counts_to).violations.into_iter().map(|violation| violation.checker).collect()
}

#[test]
fn a_listener_has_heard_each_probe_before_any_checker_is_asked() {
    assert_eq!(violated(2), [""; 0]);
}

#[test]
fn a_checker_that_reads_what_was_heard_finds_what_is_wrong_with_it() {
    assert_eq!(violated(3), ["few"]);
}

#[test]
fn what_was_heard_counts_in_the_end_too() {
    assert_eq!(violated(1), ["all"]);
}
