//! Scenario files as their writers meet them: what is refused and in which words, what a seed makes of the rest.

mod combined;
mod documents;
mod errors;
mod fault_errors;
mod fault_limits;
mod files;
mod inherited;
mod mangled;
mod networks;
mod operations;
mod orders;
mod plans;
mod refusals;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use schemars::JsonSchema;
use serde::Deserialize;
use sim::scenario::{Scenario, ScenarioError, Systems, Tolerated, Vocabulary};

/// A scenario with a bit of everything.
const GOOD: &str = r#"
title = "One owner for a name registered on both sides of a netsplit"
system = "registry"

[cluster]
nodes = 3
options = { resolver = "latest" }

[network]
latency = { median = "2ms", p99 = "20ms" }
loss = 0.001

[clock]
skew = "50ms"

[workload]
clients = 4
rate = "50/s"
for = "20s"
mix = { register = 4, unregister = 2, kill = 1, lookup = 8 }

[[fault]]
at = "3s"
partition = [["n1"], ["n2", "n3"]]
heal_after = "5s"

[[fault]]
when = { node = "any", probe = "conflict" }
after = "10ms"
crash = "that"
restart_after = "2s"

[random]
kinds = ["partition", "one-way", "hold", "crash", "pause", "clock"]
every = "2s"
at_most = { down = 1 }
swarm = true

[check]
settle = "30s"
expect = { tolerates = ["convergence"] }
"#;

/// One system, `registry`, as a caller would describe it.
struct Registry;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// Who keeps a name that two have registered.
    resolver: Resolver,
    /// Whether a registration is on disk before it is confirmed.
    sync: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Resolver {
    Latest,
    First,
}

/// What a client can be told to do.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "nothing is done with it")]
enum Op {
    Register(String),
    Lookup(String),
    Audit,
}

impl Default for Options {
    fn default() -> Self {
        Options { resolver: Resolver::Latest, sync: true }
    }
}

impl Systems for Registry {
    fn names(&self) -> Vec<String> {
        vec!["registry".into()]
    }

    fn vocabulary(&self, system: &str) -> Option<Vocabulary> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        (system == "registry").then(|| Vocabulary {
            operations: words(&["register", "unregister", "kill", "lookup"]),
            check_operation: |name, argument| {
                let written = serde_json::json!({ name: argument });
                serde_json::from_value::<Op>(written).map(drop).map_err(|error| error.to_string())
            },
            probes: words(&["conflict", "role"]),
            processes: words(&["agent", "engine"]),
            checkers: words(&["convergence", "one-owner"]),
            ..Vocabulary::with_options::<Options>()
        })
    }

    fn tolerates(&self, _: &str, options: &toml::Table) -> Vec<Tolerated> {
        let because = "what is not on disk is forgotten";
        let forgets = options.get("sync").and_then(toml::Value::as_bool) == Some(false);
        forgets.then_some(Tolerated { checker: "one-owner", because }).into_iter().collect()
    }
}

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::parse("netsplit.toml", text, &[], &Registry)
}

fn parse_with(overrides: &[(&str, &str)]) -> Result<Scenario, ScenarioError> {
    let owned: Vec<_> = overrides.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    Scenario::parse("netsplit.toml", GOOD, &owned, &Registry)
}

/// The error after one replacement in the good file, as the command would print it, without colour.
fn refused(good: &str, bad: &str) -> String {
    assert!(GOOD.contains(good), "the good file does not have {good}");
    let error = parse(&GOOD.replacen(good, bad, 1)).expect_err("a bad file was accepted");
    rendered(&error)
}

fn rendered(error: &dyn Diagnostic) -> String {
    let mut page = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .render_report(&mut page, error)
        .expect("rendering to a string");
    page.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
