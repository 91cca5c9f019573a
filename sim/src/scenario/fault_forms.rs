//! The tables inside of a fault's table, as they stand in the file.

use super::fault::{Action, Class, Others, Target};
use super::fault_table::{FaultError, wrong};
use super::units::{Offset, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const THAT: &str = "that";
pub(super) const ANY: &str = "any";

/// The probe that triggers a fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    /// Which node must publish it: its name, or "any".
    #[serde(default = "When::any")]
    pub(super) node: String,
    /// The probe's name.
    pub(super) probe: String,
    /// What its first value must be, as a text; anything if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) is: Option<String>,
}

/// A node: its name, "that", or what it published last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a node: \"n1\", \"that\", { whose = \"role\", is = \"primary\" } or { whose = \"role\", is_not = \"primary\" }"
)]
pub(super) enum TargetForm {
    /// A node's name, or "that" for the one which published the probe.
    Name(String),
    /// One whose latest probe has this value.
    Is {
        /// The probe's name.
        whose: String,
        /// Its first value, as a text.
        is: String,
    },
    /// One whose latest probe has another value.
    IsNot {
        /// The probe's name.
        whose: String,
        /// What its first value must not be, as a text.
        is_not: String,
    },
}

/// Links that fail again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Flap {
    /// The groups that do not hear each other.
    pub(super) between: Vec<Vec<String>>,
    /// For how long.
    pub(super) down: Time,
    /// For how long they do, in between.
    pub(super) up: Time,
    /// How often they part.
    pub(super) times: u32,
}

/// A node without others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Isolate {
    /// Which.
    pub(super) node: TargetForm,
    /// From whom: "everyone" (if not given), "nodes", "clients", or a list of machines.
    #[serde(default = "Isolate::everyone")]
    pub(super) from: Others,
}

/// A one-way cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneWay {
    /// The senders.
    pub(super) from: Vec<String>,
    /// The receivers that do not hear them.
    pub(super) to: Vec<String>,
}

/// A node that does not stay up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CrashLoop {
    /// Which.
    pub(super) node: TargetForm,
    /// How often it crashes.
    pub(super) times: u32,
    /// How long it runs in between.
    pub(super) up: Time,
    /// How long it is down the first time; each time is twice the one before.
    pub(super) backoff: Time,
}

/// All nodes, one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RollingRestart {
    /// How long each is down.
    pub(super) down: Time,
    /// How long all are up in between.
    pub(super) gap: Time,
}

/// A node without processor time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Slow {
    /// Which.
    pub(super) node: TargetForm,
    /// How many times as slow.
    pub(super) factor: u32,
}

/// A wall clock that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockTable {
    /// Whose.
    pub(super) node: TargetForm,
    /// It jumps by this much, forwards or backwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<Offset>,
    /// `true`: it stands still.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) frozen: bool,
}

impl When {
    pub(super) fn any() -> String {
        ANY.to_owned()
    }
}

impl Isolate {
    fn everyone() -> Others {
        Others::All(Class::Everyone)
    }
}

impl ClockTable {
    pub(super) fn action(&self, node: Target) -> Result<Action, FaultError> {
        match (self.by, self.frozen) {
            (Some(by), false) => Ok(Action::ClockJump { node, by }),
            (None, true) => Ok(Action::ClockFreeze(node)),
            (Some(_), true) => {
                Err(wrong("clock.frozen", "a clock jumps or stands still, not both", "remove one of the two"))
            }
            (None, false) => Err(wrong(
                "clock",
                "nothing says what is wrong with the clock",
                "add by = \"+2s\" or frozen = true",
            )),
        }
    }
}

/// A target as the file has it.
pub(super) fn form(target: Target) -> TargetForm {
    match target {
        Target::Node(name) => TargetForm::Name(name),
        Target::That => TargetForm::Name(THAT.to_owned()),
        Target::Whose { probe, value, is: true } => TargetForm::Is { whose: probe, is: value },
        Target::Whose { probe, value, is: false } => TargetForm::IsNot { whose: probe, is_not: value },
    }
}
