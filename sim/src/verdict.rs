//! What can be said of a run: the words that checkers, runs, sweeps and scenario files share.
//!
//! A verdict is worth what was judged. A system whose views have another type than it says, whose clients never got an
//! answer, or whose checker waits for a probe that nobody publishes, violates nothing. What a run lacks is noted with it
//! ([`Vacuity`]); what all runs of a sweep lack makes the sweep *vacuous*, which is a failure unless the scenario allows
//! it by name: `[check] allows = ["no-success"]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything that was judged holds.
    Valid,
    /// Something does not.
    Violation,
    /// A search ran out of its budget before it could tell.
    Unknown,
}

/// One thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The checker that says so.
    pub checker: String,
    /// When, in ms since the workload began; below 0 while nodes boot.
    pub at_ms: i64,
    /// The evidence.
    pub message: String,
    /// What the evidence is about, as far as its checker says; where it does not, the sentence is read for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<Subject>,
}

/// What evidence is about, by the name that traces and operations call it. As JSON: `{"machine":"n2"}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// The machine of a node.
    Machine(String),
    /// A client.
    Client(String),
    /// A process of the system's own.
    Process(String),
    /// A key, a name, an account.
    Key(String),
    /// A request, a record, a write.
    Item(String),
}

impl Subject {
    /// What it is called.
    pub fn name(&self) -> &str {
        let (Subject::Machine(name)
        | Subject::Client(name)
        | Subject::Process(name)
        | Subject::Key(name)
        | Subject::Item(name)) = self;
        name
    }
}

/// What a run, or a sweep, may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lack {
    /// The system has no checker of its own, and the scenario names none.
    NoChecker,
    /// No node registered a view of the system's type, though checkers read views.
    NoView,
    /// No operation of a client succeeded.
    NoSuccess,
    /// A probe was published that the system does not declare: no trigger and no checker can be held to its name.
    UndeclaredProbe,
    /// A checker had nothing to judge.
    NeverJudged,
    /// No run was made.
    NoRun,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl Lack {
    /// Whether a single run that lacks it has shown nothing. Another seed may give a checker something to judge.
    pub fn tells_of_one_run(self) -> bool {
        self != Lack::NeverJudged
    }
}

/// Something that a run lacks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Vacuity {
    /// What.
    pub lack: Lack,
    /// The checker that had nothing to judge, or the probe that is not declared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub about: Option<String>,
    /// What about it.
    pub message: String,
}
