//! What a scenario file says, as types. A resolved plan is the same types with nothing left to draw.

use super::disk::Disk;
use super::fault::Fault;
use super::network::Network;
use super::operation::ListedOperation;
use super::order::Order;
use super::overload::Overload;
use super::random::{AtMost, Random};
use super::units::{Rate, Time};
use crate::verdict::Lack;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// A scenario: a system, the world around it, what its clients do, what goes wrong, and what must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One sentence: what the scenario shows.
    pub title: String,
    /// The system under test, as `splitbrain list` names it.
    pub system: String,
    /// The machines.
    #[serde(default)]
    pub cluster: Cluster,
    /// The network between them.
    #[serde(default)]
    pub network: Network,
    /// Their wall clocks.
    #[serde(default)]
    pub clock: Clock,
    /// What the clients do.
    pub workload: Workload,
    /// The machines' disks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
    /// What the system must survive at the same time: scripted faults beyond it are refused, and where probes trigger
    /// them, skipped. `[random] at_most` says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<AtMost>,
    /// What the clients do, in place of drawing it.
    #[serde(default, rename = "operation", skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<ListedOperation>,
    /// What an operator does besides.
    #[serde(default, rename = "order", skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Order>,
    /// Scripted faults.
    #[serde(default, rename = "fault", skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Faults drawn from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random: Option<Random>,
    /// What is judged, and what is expected.
    #[serde(default)]
    pub check: Check,
}

/// The machines that run the system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// How many nodes, named n1, n2, …; a range `{ from = 2, to = 5 }` is drawn from the seed.
    pub nodes: Nodes,
    /// Each node boots for the first time up to so long after the world began, so that what they do at intervals is not
    /// in step.
    #[serde(skip_serializing_if = "super::units::Time::is_zero")]
    pub stagger: Time,
    /// Whether `buggify!` in the protocol's code ever takes a rare path.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub buggify: bool,
    /// The system's own options.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub options: toml::Table,
}

/// A number of nodes, or a range to draw it from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields, expecting = "expected a number of nodes: 3, or { from = 2, to = 5 }")]
pub enum Nodes {
    /// Exactly so many.
    Exactly(u32),
    /// Drawn from the seed, both ends included.
    Between {
        /// The smallest cluster.
        from: u32,
        /// The largest cluster.
        to: u32,
    },
}

/// The one-way latency of a link.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a latency: \"5ms\", { from = \"1ms\", to = \"10ms\" } or { median = \"2ms\", p99 = \"20ms\" }"
)]
pub enum Latency {
    /// Always the same.
    Constant(Time),
    /// Uniform between two bounds.
    Uniform {
        /// The least.
        from: Time,
        /// The most.
        to: Time,
    },
    /// Pareto, by its median and 99th percentile: as log-normal, and beyond the 99th percentile later still.
    Pareto {
        /// Half of all packets are faster.
        median: Time,
        /// One packet in a hundred is slower.
        p99: Time,
        /// "pareto".
        tail: Tail,
    },
    /// Log-normal, by its median and 99th percentile: most packets are quick, a few are very late.
    LogNormal {
        /// Half of all packets are faster.
        median: Time,
        /// One packet in a hundred is slower.
        p99: Time,
    },
}

/// How late the latest are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tail {
    /// By a power law.
    Pareto,
}

/// The machines' wall clocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Clock {
    /// Each clock is off by up to this much, either way.
    pub skew: Time,
    /// Each clock runs fast or slow by up to this much, in parts per million.
    pub drift_ppm: u32,
}

/// What the clients do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// How many clients, each on a machine of its own named c1, c2, …, each with one operation under way at most.
    pub clients: u32,
    /// Operations a second, of all clients together. Only where operations are listed it may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How long clients work and faults happen.
    #[serde(rename = "for")]
    pub duration: Time,
    /// Clients work for a while and are silent for a while, as often on the whole as the rate says; without it, evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bursts: Option<Bursts>,
    /// Relative weights of the operations, by name; those not named do not occur. Only where operations are listed it may
    /// be left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mix: BTreeMap<String, u32>,
    /// How many distinct keys (names, accounts) the operations use.
    #[serde(default = "Workload::default_keys")]
    pub keys: u32,
    /// Each client has keys of its own, so that no two contend for one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_keys: bool,
    /// After this long without an answer an operation's outcome is unknown.
    #[serde(default = "Workload::default_timeout")]
    pub timeout: Time,
}

/// Work that comes in bursts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    /// So long all clients work,
    pub on: Time,
    /// and so long none begins anything.
    pub off: Time,
}

/// What is judged at the end, and what is expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// Within this time after the last fault the system must have converged.
    pub settle: Time,
    /// What clients see must be linearizable as this model: "register", "bank:100".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linearizable: Option<String>,
    /// From what on a run counts as overloaded.
    #[serde(skip_serializing_if = "Overload::is_default")]
    pub overload: Overload,
    /// What the verdict must be. Left out: no violation but of what the system does not promise under its options.
    #[serde(skip_serializing_if = "Expect::is_inherited", serialize_with = "Expect::as_said")]
    pub expect: Expect,
    /// What all runs may lack without the sweep being vacuous: "no-checker", "no-view", "no-success",
    /// "undeclared-probe", "never-judged", "no-run".
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allows: Vec<Lack>,
}

/// What a scenario expects of its runs: in the file `"valid"`, or what may be violated.
///
/// A file that says nothing inherits what its system does not promise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Expectation", into = "Expectation")]
#[schemars(with = "Expectation")]
pub struct Expect {
    /// At least one seed must show this violation, and no seed any other that is not tolerated.
    pub violation: Option<String>,
    /// These violations are counted and reported, never a failure.
    pub tolerates: Vec<String>,
    /// So are these: the file says nothing, and the system does not promise them. Written down, they are left out
    /// again.
    pub inherited: Vec<Tolerated>,
    /// Each run must publish these probes: one that does not has not shown what the scenario is about.
    pub reaches: Vec<String>,
}

/// A checker whose violation a system does not promise to avoid, under some of its options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tolerated {
    /// The checker.
    pub checker: &'static str,
    /// Why it may be violated.
    pub because: &'static str,
}

impl Expect {
    /// Whether violations of a checker are no failure.
    pub fn tolerates(&self, checker: &str) -> bool {
        self.because(checker).is_some() || self.tolerates.iter().any(|tolerated| tolerated == checker)
    }

    /// Why the system does not promise what a checker judges, if that is inherited.
    pub fn because(&self, checker: &str) -> Option<&'static str> {
        self.inherited
            .iter()
            .find(|inherited| inherited.checker == checker)
            .map(|inherited| inherited.because)
    }

    /// Whether the file says nothing.
    fn is_inherited(&self) -> bool {
        !self.inherited.is_empty() && self.reaches.is_empty()
    }

    /// Written down as the file has it: what is inherited is inherited again.
    fn as_said<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.inherited.is_empty() {
            return self.serialize(serializer);
        }
        let reaches = Some(self.reaches.clone());
        Expectation::Table(Table { violation: None, tolerates: None, reaches }).serialize(serializer)
    }
}

/// The forms of an expectation in the file.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Expectation {
    Word(Word),
    Table(Table),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Word {
    /// No seed may violate anything.
    Valid,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The checker that at least one seed must violate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    violation: Option<String>,
    /// Checkers whose violations are counted and reported, never a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tolerates: Option<Vec<String>>,
    /// Probes that each run must publish. Alone it leaves what the system does not promise as it is; `tolerates = []`
    /// beside it tolerates nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reaches: Option<Vec<String>>,
}

impl TryFrom<Expectation> for Expect {
    type Error = &'static str;

    fn try_from(form: Expectation) -> Result<Self, &'static str> {
        match form {
            Expectation::Word(Word::Valid) => Ok(Expect::default()),
            Expectation::Table(Table { tolerates: Some(tolerates), reaches: None, .. })
                if tolerates.is_empty() =>
            {
                Err("nothing is tolerated")
            }
            Expectation::Table(Table { reaches: Some(reaches), .. }) if reaches.is_empty() => {
                Err("nothing is to be reached")
            }
            Expectation::Table(Table { violation: None, tolerates: None, reaches: None }) => {
                Err("nothing is expected")
            }
            Expectation::Table(Table { violation, tolerates, reaches }) => Ok(Expect {
                violation,
                tolerates: tolerates.unwrap_or_default(),
                inherited: Vec::new(),
                reaches: reaches.unwrap_or_default(),
            }),
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inherited: Vec<&str> = self.inherited.iter().map(|inherited| inherited.checker).collect();
        let parts = [
            self.violation.as_ref().map(|violation| format!("violation of {violation}")),
            Some(format!("tolerates {}", self.tolerates.join(", "))).filter(|_| !self.tolerates.is_empty()),
            Some(format!("inherits {}", inherited.join(", "))).filter(|_| !inherited.is_empty()),
        ];
        let mut parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            parts.push("valid".to_owned());
        }
        if !self.reaches.is_empty() {
            parts.push(format!("reaches {}", self.reaches.join(", ")));
        }
        f.write_str(&parts.join("; "))
    }
}

impl From<Expect> for Expectation {
    fn from(expect: Expect) -> Self {
        if expect == Expect::default() {
            return Expectation::Word(Word::Valid);
        }
        let inherited = expect.inherited.iter().map(|inherited| inherited.checker.to_owned());
        let tolerates: Vec<String> = expect.tolerates.into_iter().chain(inherited).collect();
        let reaches = Some(expect.reaches).filter(|reaches| !reaches.is_empty());
        // Without a word about violations more would be inherited.
        let says_nothing = reaches.is_some() && expect.violation.is_none();
        let tolerates = Some(tolerates).filter(|tolerates| says_nothing || !tolerates.is_empty());
        Expectation::Table(Table { violation: expect.violation, tolerates, reaches })
    }
}

impl Workload {
    fn default_keys() -> u32 {
        8
    }

    fn default_timeout() -> Time {
        Time::from_secs(5)
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Cluster { nodes: Nodes::Exactly(3), stagger: Time::ZERO, buggify: false, options: toml::Table::new() }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock { skew: Time::from_secs(0), drift_ppm: 0 }
    }
}

impl Default for Check {
    fn default() -> Self {
        Check {
            settle: Time::from_secs(30),
            linearizable: None,
            overload: Overload::default(),
            expect: Expect::default(),
            allows: Vec::new(),
        }
    }
}
