//! A fault as it stands in the file: flat, so that it reads like a sentence.
//!
//! ```toml
//! [[fault]]
//! at = "3s"                                  # or: when = { node = "any", probe = "conflict" } and after = "10ms"
//! partition = [["n1"], ["n2", "n3"]]         # exactly one action
//! heal_after = "5s"                          # how long, under the name that fits the action
//! ```
//!
//! The file can say what a [`Fault`] cannot: two actions, none, a crash that heals. Each is an error that names the
//! key and what would be right.

use super::model::{Action, Death, Fault, Moment, Target};
use super::units::{Offset, Time};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One fault: a moment, exactly one action, and how long it lasts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FaultTable {
    /// When it strikes, counted from the start of the workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Time>,
    /// It strikes the first time that a node publishes a probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<When>,
    /// How long after the probe; at once if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Time>,
    /// Packets between machines of different groups are lost, both ways. Machines not named keep all their links.
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<Vec<Vec<String>>>,
    /// Packets from the first to the second are lost; the way back works.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_way: Option<OneWay>,
    /// Packets between machines of different groups wait, and arrive after the fault ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<Vec<Vec<String>>>,
    /// This machine stops: a node, or "that" for the one which published the probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    crash: Option<String>,
    /// How it stops: only its process (the default), or its power.
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<Death>,
    /// Everything on this machine stands still: a node, or "that" for the one which published the probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pause: Option<String>,
    /// A machine's wall clock jumps.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<Jump>,
    /// How long a partition, one-way cut or hold lasts; until the heal phase if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    heal_after: Option<Time>,
    /// How long a crashed machine is down; until the heal phase if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_after: Option<Time>,
    /// How long a pause lasts; until the heal phase if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    resume_after: Option<Time>,
    /// The fault stays through the heal phase.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    permanent: bool,
}

/// The probe that triggers a fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    /// Which node must publish it: its name, or "any".
    #[serde(default = "When::any")]
    node: String,
    /// The probe's name.
    probe: String,
}

/// A one-way cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneWay {
    /// The senders.
    from: Vec<String>,
    /// The receivers that do not hear them.
    to: Vec<String>,
}

/// A jump of a wall clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Jump {
    /// Whose: a node, or "that" for the one which published the probe.
    node: String,
    /// By how much, forwards or backwards.
    by: Offset,
}

/// Keys of a fault that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{says}; {help}")]
pub(super) struct FaultError {
    /// The key at fault, dotted when nested; none when one is missing.
    pub key: Option<&'static str>,
    /// What is wrong.
    pub says: String,
    /// What would be right.
    pub help: String,
}

const ACTIONS: &str = "partition, one_way, hold, crash, pause, clock";
const THAT: &str = "that";
const ANY: &str = "any";

impl When {
    fn any() -> String {
        ANY.to_owned()
    }
}

impl FaultTable {
    /// The durations given, each with its key.
    fn durations(&self) -> impl Iterator<Item = (&'static str, Time)> {
        let all = [
            ("heal_after", self.heal_after),
            ("restart_after", self.restart_after),
            ("resume_after", self.resume_after),
        ];
        all.into_iter().filter_map(|(key, time)| Some((key, time?)))
    }

    fn moment(&self) -> Result<Moment, FaultError> {
        match (self.at, &self.when) {
            (Some(_), Some(_)) => Err(wrong(
                "when",
                "a fault strikes either `at` a time or `when` a probe is published, not both",
                "remove one of the two",
            )),
            (None, None) => Err(FaultError {
                key: self.after.map(|_| "after"),
                says: "nothing says when the fault strikes".into(),
                help: "add `at = \"3s\"`, or `when = { node = \"any\", probe = \"…\" }`".into(),
            }),
            (Some(_), None) if self.after.is_some() => Err(wrong(
                "after",
                "`after` counts from the probe of `when`, and this fault has `at`",
                "remove `after`; for how long a fault lasts write heal_after, restart_after or resume_after",
            )),
            (Some(at), None) => Ok(Moment::At(at)),
            (None, Some(when)) => Ok(Moment::Probe {
                node: (when.node != ANY).then(|| when.node.clone()),
                probe: when.probe.clone(),
                after: self.after.unwrap_or_default(),
            }),
        }
    }

    /// The one action, its key, and the key of its duration, if it has one.
    fn action(&self) -> Result<(&'static str, Action, Option<&'static str>), FaultError> {
        let target = |key, name: &str| self.target(key, name);
        let mut actions = Vec::with_capacity(1);
        if let Some(groups) = &self.partition {
            actions.push(("partition", Action::Partition(groups.clone()), Some("heal_after")));
        }
        if let Some(OneWay { from, to }) = &self.one_way {
            let action = Action::OneWay { from: from.clone(), to: to.clone() };
            actions.push(("one_way", action, Some("heal_after")));
        }
        if let Some(groups) = &self.hold {
            actions.push(("hold", Action::Hold(groups.clone()), Some("heal_after")));
        }
        if let Some(node) = &self.crash {
            let action = Action::Crash { node: target("crash", node)?, how: self.how.unwrap_or_default() };
            actions.push(("crash", action, Some("restart_after")));
        }
        if let Some(node) = &self.pause {
            actions.push(("pause", Action::Pause(target("pause", node)?), Some("resume_after")));
        }
        if let Some(Jump { node, by }) = &self.clock {
            let action = Action::ClockJump { node: target("clock.node", node)?, by: *by };
            actions.push(("clock", action, None));
        }
        match (actions.pop(), actions.pop()) {
            (None, _) => Err(FaultError {
                key: None,
                says: "nothing says what the fault does".into(),
                help: format!("add one of: {ACTIONS}"),
            }),
            (Some((second, ..)), Some((first, ..))) => Err(wrong(
                second,
                format!("a fault does one thing, and this one has `{first}` already"),
                format!("give `{second}` a [[fault]] of its own"),
            )),
            (Some(action), None) => Ok(action),
        }
    }

    fn target(&self, key: &'static str, name: &str) -> Result<Target, FaultError> {
        if name != THAT {
            return Ok(Target::Node(name.to_owned()));
        }
        if self.when.is_none() {
            return Err(wrong(
                key,
                "\"that\" is the node that published the probe, and this fault waits for none",
                "name a node, or replace `at` with `when = { node = \"any\", probe = \"…\" }`",
            ));
        }
        Ok(Target::That)
    }
}

impl TryFrom<FaultTable> for Fault {
    type Error = FaultError;

    fn try_from(table: FaultTable) -> Result<Self, FaultError> {
        let (key, action, duration) = table.action()?;
        let moment = table.moment()?;
        if table.how.is_some() && key != "crash" {
            return Err(wrong(
                "how",
                format!("`how` belongs to a crash, and this fault is a {key}"),
                "remove `how`",
            ));
        }
        for (given, time) in table.durations() {
            match duration {
                Some(right) if given != right => {
                    return Err(wrong(
                        given,
                        format!("a {key} ends by `{right}`, not by `{given}`"),
                        format!("write `{right} = \"{time}\"`"),
                    ));
                }
                None => {
                    return Err(wrong(
                        given,
                        format!("a clock jump is over at once, and has no `{given}`"),
                        "remove it; a second fault can set the clock back",
                    ));
                }
                Some(_) if table.permanent => {
                    return Err(wrong(
                        "permanent",
                        format!("a permanent fault does not end, and this one has `{given}`"),
                        "remove one of the two",
                    ));
                }
                Some(_) => {}
            }
        }
        if table.permanent && duration.is_none() {
            return Err(wrong("permanent", "a clock jump is over at once", "remove `permanent`"));
        }
        let lasts = table.durations().next().map(|(_, time)| time);
        Ok(Fault { moment, action, lasts, permanent: table.permanent })
    }
}

impl From<Fault> for FaultTable {
    fn from(fault: Fault) -> Self {
        let mut table = FaultTable { permanent: fault.permanent, ..FaultTable::default() };
        match fault.moment {
            Moment::At(at) => table.at = Some(at),
            Moment::Probe { node, probe, after } => {
                table.when = Some(When { node: node.unwrap_or_else(When::any), probe });
                table.after = (after > Time::ZERO).then_some(after);
            }
        }
        match fault.action {
            Action::Partition(groups) => {
                table.partition = Some(groups);
                table.heal_after = fault.lasts;
            }
            Action::OneWay { from, to } => {
                table.one_way = Some(OneWay { from, to });
                table.heal_after = fault.lasts;
            }
            Action::Hold(groups) => {
                table.hold = Some(groups);
                table.heal_after = fault.lasts;
            }
            Action::Crash { node, how } => {
                table.crash = Some(name(node));
                table.how = (how != Death::default()).then_some(how);
                table.restart_after = fault.lasts;
            }
            Action::Pause(node) => {
                table.pause = Some(name(node));
                table.resume_after = fault.lasts;
            }
            Action::ClockJump { node, by } => table.clock = Some(Jump { node: name(node), by }),
        }
        table
    }
}

impl JsonSchema for Fault {
    fn schema_name() -> Cow<'static, str> {
        "Fault".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = FaultTable::json_schema(generator);
        let one_of = |keys: &str| -> serde_json::Value {
            keys.split(", ").map(|key| serde_json::json!({ "required": [key] })).collect()
        };
        schema.insert(
            "allOf".into(),
            serde_json::json!([{ "oneOf": one_of(ACTIONS) }, { "oneOf": one_of("at, when") }]),
        );
        schema
    }
}

fn name(target: Target) -> String {
    match target {
        Target::Node(name) => name,
        Target::That => THAT.to_owned(),
    }
}

fn wrong(key: &'static str, says: impl Into<String>, help: impl Into<String>) -> FaultError {
    FaultError { key: Some(key), says: says.into(), help: help.into() }
}
