//! Runs in which nothing is wrong because nothing was judged.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use schemars::JsonSchema;
use serde::Deserialize;
use sim::catalog::{Case, Catalog};
use sim::check::Checkers;
use sim::once;
use sim::run::Attention;
use sim::scenario::Scenario;
use sim::sweep::{Plan, confirm_on_a_fresh_thread, sweep};
use sim::verdict::Lack;
use sim::{Client, ClientContext, NodeContext, Operation, Outcome, System};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Lacks {
    Nothing,
    View,
    ViewOfItsType,
    Success,
    SuccessInSeedZero,
    Declaration,
    SomethingToJudge,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
struct Options {
    lacks: Lacks,
}

struct Empty;

impl System for Empty {
    type Options = Options;
    type Op = ();
    type Ret = ();
    type View = u32;

    const NAME: &'static str = "empty";

    fn operations() -> &'static [Operation<()>] {
        &[Operation("nothing", |_, _| ())]
    }

    fn probes() -> Vec<&'static str> {
        vec!["judged"]
    }

    async fn node(&self, node: NodeContext<Options>) -> std::io::Result<()> {
        let (id, lacks) = (node.id, node.options.lacks);
        match lacks {
            Lacks::View => {}
            Lacks::ViewOfItsType => host::view::register(move || u64::from(id)),
            _ => host::view::register(move || id),
        }
        if lacks == Lacks::Declaration {
            host::probe!("not declared");
        }
        if lacks != Lacks::SomethingToJudge {
            host::probe!("judged");
        }
        std::future::pending().await
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<(), ()> {
        Idle(client.options.lacks)
    }

    fn checkers(&self) -> Checkers<(), (), u32> {
        Checkers::new().convergence(|_| Ok::<_, String>(())).invariant("once", |seen| {
            let _ = seen.on("judged");
            Ok::<_, String>(())
        })
    }
}

struct Idle(Lacks);

impl Client<(), ()> for Idle {
    async fn call(&mut self, (): &()) -> Outcome<()> {
        let fails = match self.0 {
            Lacks::Success => true,
            Lacks::SuccessInSeedZero => !host::entropy::u64().is_multiple_of(3),
            _ => false,
        };
        if fails { Outcome::Fail("it never works".to_owned()) } else { Outcome::Ok(()) }
    }
}

fn case(lacks: &str, check: &str) -> Case {
    let text = r#"
        title = "a run that lacks something"
        system = "empty"
        workload = { clients = 1, rate = "5/s", for = "2s", mix = { nothing = 1 } }
        cluster = { nodes = 2, options = { lacks = "LACKS" } }
        check = { settle = "3s" CHECK }
    "#;
    let text = text.replace("LACKS", lacks).replace("CHECK", check);
    let scenario = Scenario::parse("empty", &text, &[], &Catalog::new(&[&Empty])).unwrap();
    Case { name: lacks.to_owned(), path: lacks.into(), overrides: Vec::new(), scenario, system: &Empty }
}

/// What one run lacks, and its verdict in a word.
fn run(lacks: &str, check: &str) -> (Vec<Lack>, &'static str) {
    let case = case(lacks, check);
    let report = once(case.system, &case.scenario, 1, Attention::QUICK).0;
    (report.vacuities.iter().map(|vacuity| vacuity.lack).collect(), report.word())
}

/// What all runs of a sweep lack.
fn swept(lacks: &str, check: &str) -> Vec<Lack> {
    let cases = [case(lacks, check)];
    let progress = sweep(&Plan::new(&cases, 0..20), &confirm_on_a_fresh_thread, |_, _| true);
    progress.summary.vacuous(&cases).into_iter().map(|(_, vacuity)| vacuity.lack).collect()
}

#[test]
fn a_run_that_lacks_nothing_is_valid() {
    assert_eq!(run("nothing", ""), (vec![], "valid"));
    assert_eq!(swept("nothing", ""), []);
}

#[test]
fn a_run_without_views_or_with_views_of_another_type_is_vacuous() {
    for lacks in ["view", "view-of-its-type"] {
        assert_eq!(run(lacks, ""), (vec![Lack::NoView], "vacuous"));
        assert_eq!(swept(lacks, ""), [Lack::NoView]);
    }
}

#[test]
fn a_run_in_which_no_operation_succeeds_is_vacuous() {
    assert_eq!(run("success", ""), (vec![Lack::NoSuccess], "vacuous"));
    assert_eq!(swept("success", ""), [Lack::NoSuccess]);
}

#[test]
fn a_sweep_in_which_some_run_has_a_success_is_not() {
    assert_eq!(swept("success-in-seed-zero", ""), []);
}

#[test]
fn a_probe_that_the_system_does_not_declare_makes_a_run_vacuous() {
    assert_eq!(run("declaration", ""), (vec![Lack::UndeclaredProbe], "vacuous"));
    assert_eq!(swept("declaration", ""), [Lack::UndeclaredProbe]);
}

#[test]
fn a_checker_without_anything_to_judge_is_noted_of_a_run_and_said_of_a_sweep() {
    assert_eq!(run("something-to-judge", ""), (vec![Lack::NeverJudged], "valid"));
    assert_eq!(swept("something-to-judge", ""), [Lack::NeverJudged]);
}

#[test]
fn a_scenario_may_allow_what_it_lacks_by_name() {
    let allows = r#", allows = ["no-success", "no-view"]"#;
    assert_eq!(run("success", allows), (vec![], "valid"));
    assert_eq!(swept("view", allows), []);
    assert_eq!(swept("something-to-judge", allows), [Lack::NeverJudged], "and nothing else");
}

#[test]
fn a_sweep_that_made_no_run_is_vacuous() {
    let cases = [case("nothing", "")];
    let plan = Plan { time: Some(std::time::Duration::ZERO), ..Plan::new(&cases, 0..20) };
    let progress = sweep(&plan, &confirm_on_a_fresh_thread, |_, _| true);
    let lacks: Vec<Lack> =
        progress.summary.vacuous(&cases).into_iter().map(|(_, vacuity)| vacuity.lack).collect();
    assert_eq!((progress.summary.runs, &lacks[..]), (0, &[Lack::NoRun][..]));
}

#[test]
fn unless_its_scenario_allows_that() {
    let cases = [case("nothing", r#", allows = ["no-run"]"#)];
    let plan = Plan { time: Some(std::time::Duration::ZERO), ..Plan::new(&cases, 0..20) };
    let progress = sweep(&plan, &confirm_on_a_fresh_thread, |_, _| true);
    assert_eq!(progress.summary.vacuous(&cases), []);
}
