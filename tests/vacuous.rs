//! Runs in which nothing is wrong because nothing was judged, or because what they are about did not happen.
#![allow(clippy::unwrap_used)] // the helpers of a test are the test

use schemars::JsonSchema;
use serde::Deserialize;
use sim::catalog::{Case, Catalog};
use sim::check::Checkers;
use sim::once;
use sim::run::{Attention, Met};
use sim::scenario::Scenario;
use sim::shrink::{Limits, shrink};
use sim::sweep::{Plan, Step, confirm_on_a_fresh_thread, sweep};
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
    SomethingToJudgeNowAndThen,
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
        let says = match lacks {
            Lacks::SomethingToJudge => false,
            Lacks::SomethingToJudgeNowAndThen => host::entropy::u64().is_multiple_of(2),
            _ => true,
        };
        if says {
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

const REACHES: &str = r#", expect = { reaches = ["judged"] }"#;

#[test]
fn a_run_that_reaches_what_it_must_is_valid_and_one_that_does_not_is_not() {
    assert_eq!(run("nothing", REACHES).1, "valid");
    assert_eq!(run("something-to-judge", REACHES).1, "unreached");
    assert_eq!(run("something-to-judge", "").1, "valid", "nobody asks");
    let case = case("something-to-judge", REACHES);
    let report = once(case.system, &case.scenario, 1, Attention::QUICK).0;
    assert_eq!(report.met(&case.scenario.check.expect), Met::Unreached);
    let json = serde_json::to_value(report.json("empty")).unwrap();
    assert_eq!((&json["verdict"], &json["unreached"]), (&"unreached".into(), &serde_json::json!(["judged"])));
}

#[test]
fn each_run_of_a_sweep_must_reach_it_and_not_just_some() {
    let cases = [case("something-to-judge-now-and-then", REACHES)];
    let plan = Plan { jobs: 1, ..Plan::new(&cases, 0..40) };
    let mut wrong = Vec::new();
    let summary = sweep(&plan, &confirm_on_a_fresh_thread, |_, step| {
        if let Step::Released(Some(failure)) = step {
            assert_eq!((failure.met, failure.report.word()), (Met::Unreached, "unreached"));
            wrong.push(failure.report.seed);
        }
        true
    });
    let summary = summary.summary;
    assert!((1..40).contains(&wrong.len()), "some runs reach it, and some do not: {wrong:?}");
    assert_eq!(summary.first_failing_seed, Some(wrong[0]));
    let says = format!("{} of 40 runs did not reach `judged`", wrong.len());
    assert_eq!(summary.unmet(&cases), [(0, says)]);
    assert_eq!((summary.violations, summary.vacuous(&cases)), (0, vec![]));
    let mut merged = summary.clone();
    merged.absorb(&summary);
    let says = format!("{} of 80 runs did not reach `judged`", 2 * wrong.len());
    assert_eq!(merged.unmet(&cases), [(0, says)]);
}

#[test]
fn what_a_run_does_not_reach_is_not_made_smaller() {
    let case = case("something-to-judge", REACHES);
    let why = shrink(&case, 1, &Limits::default(), &mut |_| {}).unwrap_err().to_string();
    assert_eq!(why, "seed 1 of something-to-judge violates nothing unexpected, and does not reach `judged`");
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
