//! What a scenario file says, as types. A resolved plan is the same types with nothing left to draw.

use super::units::{Offset, Rate, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// The network between all machines, the clients' included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// One-way latency of every link.
    pub latency: Latency,
    /// Probability that a packet is lost, 0 to below 1. TCP retransmits.
    pub loss: f64,
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
    /// Log-normal, by its median and 99th percentile: most packets are quick, a few are very late.
    LogNormal {
        /// Half of all packets are faster.
        median: Time,
        /// One packet in a hundred is slower.
        p99: Time,
    },
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
    /// Operations a second, of all clients together.
    pub rate: Rate,
    /// How long clients work and faults happen.
    #[serde(rename = "for")]
    pub duration: Time,
    /// Relative weights of the operations, by name; those not named do not occur.
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

/// One scripted fault: a moment, an action, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "super::fault_table::FaultTable", into = "super::fault_table::FaultTable")]
pub struct Fault {
    /// When it strikes.
    pub moment: Moment,
    /// What it does.
    pub action: Action,
    /// How long it lasts; without it, until the heal phase.
    pub lasts: Option<Time>,
    /// It stays through the heal phase.
    pub permanent: bool,
}

/// When a fault strikes.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// At a time, counted from the start of the workload.
    At(Time),
    /// The first time that a node publishes a probe, and a delay after it.
    Probe {
        /// The node that must publish it; none for any.
        node: Option<String>,
        /// The probe's name.
        probe: String,
        /// The delay.
        after: Time,
    },
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Packets between machines of different groups are lost, both ways. Machines not named keep all their links.
    Partition(Vec<Vec<String>>),
    /// Packets from the first to the second are lost; the way back works.
    OneWay {
        /// The senders.
        from: Vec<String>,
        /// The receivers that do not hear them.
        to: Vec<String>,
    },
    /// Packets between machines of different groups wait, and arrive after the fault ends.
    Hold(Vec<Vec<String>>),
    /// A machine stops; it starts again when the fault ends.
    Crash {
        /// Which.
        node: Target,
        /// What is left of it.
        how: Death,
    },
    /// Everything on a machine stands still; its kernel still receives.
    Pause(Target),
    /// A machine's wall clock jumps, forwards or backwards.
    ClockJump {
        /// Which machine.
        node: Target,
        /// By how much.
        by: Offset,
    },
}

/// The machine that a fault is aimed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This one.
    Node(String),
    /// The one that published the probe which triggered the fault.
    That,
}

/// How a machine goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Death {
    /// The process dies; the kernel lives and resets its connections.
    #[default]
    Process,
    /// The power fails: not a packet more, and whoever asks is answered by nobody until it is back.
    Power,
}

/// Faults drawn from the seed, within a budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Random {
    /// The kinds to draw from.
    pub kinds: Vec<Kind>,
    /// Mean time from one fault to the next.
    pub every: Time,
    /// What the system must survive at the same time.
    #[serde(default)]
    pub at_most: AtMost,
    /// The seed also picks which of the kinds, how often, and which operations exist at all.
    #[serde(default)]
    pub swarm: bool,
}

/// A kind of random fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The nodes fall into two groups that do not hear each other.
    Partition,
    /// Some nodes do not hear one other; the way back works.
    OneWay,
    /// Packets between two groups wait.
    Hold,
    /// One node crashes and restarts: its process, or its power.
    Crash,
    /// One node stands still for a while.
    Pause,
    /// One node's clock jumps.
    Clock,
}

/// The budget of random faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AtMost {
    /// Nodes crashed or paused at the same time.
    pub down: u32,
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
    /// What the verdict must be.
    pub expect: Expect,
}

/// What a scenario expects of its runs: in the file `"valid"`, or what may be violated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Expectation", into = "Expectation")]
#[schemars(with = "Expectation")]
pub struct Expect {
    /// At least one seed must show this violation, and no seed any other that is not tolerated.
    pub violation: Option<String>,
    /// These violations are counted and reported, never a failure.
    pub tolerates: Vec<String>,
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
}

impl TryFrom<Expectation> for Expect {
    type Error = &'static str;

    fn try_from(form: Expectation) -> Result<Self, &'static str> {
        match form {
            Expectation::Word(Word::Valid) => Ok(Expect::default()),
            Expectation::Table(Table { tolerates: Some(tolerates), .. }) if tolerates.is_empty() => {
                Err("nothing is tolerated")
            }
            Expectation::Table(Table { violation: None, tolerates: None }) => Err("nothing is expected"),
            Expectation::Table(Table { violation, tolerates }) => {
                Ok(Expect { violation, tolerates: tolerates.unwrap_or_default() })
            }
        }
    }
}

impl From<Expect> for Expectation {
    fn from(expect: Expect) -> Self {
        if expect == Expect::default() {
            return Expectation::Word(Word::Valid);
        }
        let tolerates = Some(expect.tolerates).filter(|tolerates| !tolerates.is_empty());
        Expectation::Table(Table { violation: expect.violation, tolerates })
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
        Cluster { nodes: Nodes::Exactly(3), options: toml::Table::new() }
    }
}

impl Default for Network {
    fn default() -> Self {
        Network {
            latency: Latency::Uniform { from: Time::from_millis(1), to: Time::from_millis(10) },
            loss: 0.0,
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock { skew: Time::from_secs(0), drift_ppm: 0 }
    }
}

impl Default for AtMost {
    fn default() -> Self {
        AtMost { down: 1 }
    }
}

impl Default for Check {
    fn default() -> Self {
        Check { settle: Time::from_secs(30), linearizable: None, expect: Expect::default() }
    }
}
