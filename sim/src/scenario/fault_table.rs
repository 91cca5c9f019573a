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

use super::disk_table::DiskTable;
use super::fault::{Action, Death, Fault, Moment, ProcessAction, Target};
use super::fault_forms::{
    ANY, ClockTable, CrashLoop, Flap, Isolate, OneWay, RollingRestart, Slow, THAT, TargetForm, When, form,
};
use super::link_table::LinkTable;
use super::units::Time;
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
    /// It strikes when a node publishes a probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<When>,
    /// How long after the probe; at once if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Time>,
    /// It strikes again after each such period, while the workload lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<Time>,
    /// How often it strikes: with `every`, at most; with `when`, at the first so many probes (1 if not given).
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u32>,

    /// Packets between machines of different groups are lost, both ways. Machines not named keep all their links.
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<Vec<Vec<String>>>,
    /// `true`: the nodes fall into two groups that do not hear each other, as the seed decides.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    halves: bool,
    /// The other nodes fall into two groups that do not hear each other; this one hears both.
    #[serde(skip_serializing_if = "Option::is_none")]
    bridge: Option<String>,
    /// Each of these machines, four at least, hears only the one before and the one after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ring: Option<Vec<String>>,
    /// Packets between machines of different groups are lost again and again.
    #[serde(skip_serializing_if = "Option::is_none")]
    flap: Option<Flap>,
    /// One node hears none of some others, and they do not hear it.
    #[serde(skip_serializing_if = "Option::is_none")]
    isolate: Option<Isolate>,
    /// Packets from the first to the second are lost; the way back works.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_way: Option<OneWay>,
    /// Packets between machines of different groups wait, and arrive after the fault ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<Vec<Vec<String>>>,
    /// Something is wrong with links that are up.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<LinkTable>,
    /// This node stops: by name, "that" for the one which published the probe, or by what it published.
    #[serde(skip_serializing_if = "Option::is_none")]
    crash: Option<TargetForm>,
    /// How it stops: only its process (the default), its power, or its power and all that is on its disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<Death>,
    /// This node crashes, comes back and crashes again.
    #[serde(skip_serializing_if = "Option::is_none")]
    crash_loop: Option<CrashLoop>,
    /// One node after the other stops and starts again.
    #[serde(skip_serializing_if = "Option::is_none")]
    rolling_restart: Option<RollingRestart>,
    /// Everything on this node stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pause: Option<TargetForm>,
    /// Of the node that crashes or pauses, only the process with this name does.
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<String>,
    /// A node's process gets only a part of the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    slow: Option<Slow>,
    /// A node's wall clock jumps, or stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<ClockTable>,
    /// Something is wrong with a node's disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    disk: Option<DiskTable>,

    /// How long a fault of links, disks or clocks lasts; until the heal phase if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    heal_after: Option<Time>,
    /// How long a crashed machine is down; until the heal phase if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_after: Option<Time>,
    /// How long a paused machine stands still; until the heal phase if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    resume_after: Option<Time>,
    /// The fault stays through the heal phase.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    permanent: bool,
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

const ACTIONS: [&str; 16] = [
    "partition",
    "halves",
    "bridge",
    "ring",
    "flap",
    "isolate",
    "one_way",
    "hold",
    "link",
    "crash",
    "crash_loop",
    "rolling_restart",
    "pause",
    "slow",
    "clock",
    "disk",
];

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
            (Some(_), None) if self.times.is_some() && self.every.is_none() => Err(wrong(
                "times",
                "`times` says how often, and nothing says at what intervals",
                "add `every = \"5s\"`",
            )),
            (Some(at), None) => Ok(Moment::At { at, every: self.every, times: self.times }),
            (None, Some(_)) if self.every.is_some() => Err(wrong(
                "every",
                "this fault strikes when a probe is published, not at intervals",
                "write `times` for the first so many probes, or `at` instead of `when`",
            )),
            (None, Some(when)) => Ok(Moment::Probe {
                node: (when.node != ANY).then(|| when.node.clone()),
                probe: when.probe.clone(),
                is: when.is.clone(),
                after: self.after.unwrap_or_default(),
                times: self.times.unwrap_or(1),
            }),
        }
    }

    /// The one action. If the table has two, the second is the mistake.
    fn action(&self) -> Result<Action, FaultError> {
        let target = |key, form: &TargetForm| self.target(key, form);
        let mut actions = Vec::with_capacity(1);
        actions.extend(self.partition.clone().map(Action::Partition));
        actions.extend(self.halves.then_some(Action::Halves));
        actions.extend(self.bridge.clone().map(Action::Bridge));
        actions.extend(self.ring.clone().map(Action::Ring));
        if let Some(Flap { between, down, up, times }) = self.flap.clone() {
            actions.push(Action::Flap { between, down, up, times });
        }
        if let Some(Isolate { node, from }) = &self.isolate {
            actions.push(Action::Isolate { node: target("isolate.node", node)?, from: from.clone() });
        }
        if let Some(OneWay { from, to }) = self.one_way.clone() {
            actions.push(Action::OneWay { from, to });
        }
        actions.extend(self.hold.clone().map(Action::Hold));
        if let Some(link) = &self.link {
            actions.push(Action::Link { links: link.links()?, action: link.action()? });
        }
        let how = self.how.unwrap_or_default();
        if let Some(node) = &self.crash {
            let node = target("crash", node)?;
            actions.push(match self.process.clone() {
                Some(process) => Action::Process { node, process, action: ProcessAction::Crash },
                None => Action::Crash { node, how },
            });
        }
        if let Some(CrashLoop { node, times, up, backoff }) = &self.crash_loop {
            let (node, times, up, backoff) = (target("crash_loop.node", node)?, *times, *up, *backoff);
            actions.push(Action::CrashLoop { node, how, times, up, backoff });
        }
        if let Some(RollingRestart { down, gap }) = self.rolling_restart.clone() {
            actions.push(Action::RollingRestart { down, gap });
        }
        if let Some(node) = &self.pause {
            let node = target("pause", node)?;
            actions.push(match self.process.clone() {
                Some(process) => Action::Process { node, process, action: ProcessAction::Pause },
                None => Action::Pause(node),
            });
        }
        if let Some(Slow { node, factor }) = &self.slow {
            actions.push(Action::Slow { node: target("slow.node", node)?, factor: *factor });
        }
        if let Some(clock) = &self.clock {
            actions.push(clock.action(target("clock.node", &clock.node)?)?);
        }
        if let Some(disk) = &self.disk {
            actions.push(Action::Disk { node: target("disk.node", &disk.node)?, action: disk.action()? });
        }
        match (actions.pop(), actions.pop()) {
            (None, _) => Err(FaultError {
                key: None,
                says: "nothing says what the fault does".into(),
                help: format!("add one of: {}", ACTIONS.join(", ")),
            }),
            (Some(second), Some(first)) => Err(wrong(
                second.key(),
                format!("a fault does one thing, and this one has `{}` already", first.key()),
                format!("give `{}` a [[fault]] of its own", second.key()),
            )),
            (Some(action), None) => Ok(action),
        }
    }

    fn target(&self, key: &'static str, form: &TargetForm) -> Result<Target, FaultError> {
        match form.clone() {
            TargetForm::Name(name) if name != THAT => Ok(Target::Node(name)),
            TargetForm::Name(_) if self.when.is_none() => Err(wrong(
                key,
                "\"that\" is the node that published the probe, and this fault waits for none",
                "name a node, or replace `at` with `when = { node = \"any\", probe = \"…\" }`",
            )),
            TargetForm::Name(_) => Ok(Target::That),
            TargetForm::Is { whose, is } => Ok(Target::Whose { probe: whose, value: is, is: true }),
            TargetForm::IsNot { whose, is_not } => {
                Ok(Target::Whose { probe: whose, value: is_not, is: false })
            }
        }
    }
}

impl TryFrom<FaultTable> for Fault {
    type Error = FaultError;

    fn try_from(table: FaultTable) -> Result<Self, FaultError> {
        let action = table.action()?;
        let moment = table.moment()?;
        let key = action.key();
        let is_of_a_process = matches!(action, Action::Process { .. });
        if table.process.is_some() && !is_of_a_process {
            return Err(wrong(
                "process",
                format!("`process` belongs to a crash or a pause, and this fault is a {key}"),
                "remove `process`",
            ));
        }
        if table.how.is_some() && key == "crash" && is_of_a_process {
            return Err(wrong(
                "how",
                "`how` says how a machine goes down, and this fault ends one process of it",
                "remove `how`, or `process` for the whole machine",
            ));
        }
        if table.how.is_some() && !matches!(action, Action::Crash { .. } | Action::CrashLoop { .. }) {
            return Err(wrong(
                "how",
                format!("`how` belongs to a crash, and this fault is a {key}"),
                "remove `how`",
            ));
        }
        let why_none = match action {
            Action::ClockJump { .. } => "a clock jump is over at once",
            Action::Disk { .. } => "the decay of a disk is over at once",
            _ => "this fault says itself how long it lasts",
        };
        for (given, time) in table.durations() {
            match action.duration_key() {
                Some(right) if given != right => {
                    return Err(wrong(
                        given,
                        format!("a {key} ends by `{right}`, not by `{given}`"),
                        format!("write `{right} = \"{time}\"`"),
                    ));
                }
                None => {
                    let help = match action {
                        Action::ClockJump { .. } => "remove it; a second fault can set the clock back",
                        _ => "remove it",
                    };
                    return Err(wrong(given, format!("{why_none}, and has no `{given}`"), help));
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
        if table.permanent && action.duration_key().is_none() {
            return Err(wrong("permanent", why_none, "remove `permanent`"));
        }
        let lasts = table.durations().next().map(|(_, time)| time);
        Ok(Fault { moment, action, lasts, permanent: table.permanent })
    }
}

impl From<Fault> for FaultTable {
    fn from(fault: Fault) -> Self {
        let mut table = FaultTable { permanent: fault.permanent, ..FaultTable::default() };
        match fault.moment {
            Moment::At { at, every, times } => {
                (table.at, table.every, table.times) = (Some(at), every, times);
            }
            Moment::Probe { node, probe, is, after, times } => {
                table.when = Some(When { node: node.unwrap_or_else(When::any), probe, is });
                table.after = (after > Time::ZERO).then_some(after);
                table.times = (times != 1).then_some(times);
            }
        }
        match fault.action.duration_key() {
            Some("restart_after") => table.restart_after = fault.lasts,
            Some("resume_after") => table.resume_after = fault.lasts,
            _ => table.heal_after = fault.lasts,
        }
        match fault.action {
            Action::Partition(groups) => table.partition = Some(groups),
            Action::Halves => table.halves = true,
            Action::Bridge(node) => table.bridge = Some(node),
            Action::Ring(nodes) => table.ring = Some(nodes),
            Action::Flap { between, down, up, times } => table.flap = Some(Flap { between, down, up, times }),
            Action::Isolate { node, from } => table.isolate = Some(Isolate { node: form(node), from }),
            Action::OneWay { from, to } => table.one_way = Some(OneWay { from, to }),
            Action::Hold(groups) => table.hold = Some(groups),
            Action::Link { links, action } => table.link = Some(LinkTable::new(links, action)),
            Action::Crash { node, how } => {
                table.crash = Some(form(node));
                table.how = (how != Death::default()).then_some(how);
            }
            Action::CrashLoop { node, how, times, up, backoff } => {
                table.crash_loop = Some(CrashLoop { node: form(node), times, up, backoff });
                table.how = (how != Death::default()).then_some(how);
            }
            Action::RollingRestart { down, gap } => {
                table.rolling_restart = Some(RollingRestart { down, gap });
            }
            Action::Pause(node) => table.pause = Some(form(node)),
            Action::Process { node, process, action } => {
                match action {
                    ProcessAction::Crash => table.crash = Some(form(node)),
                    ProcessAction::Pause => table.pause = Some(form(node)),
                }
                table.process = Some(process);
            }
            Action::Slow { node, factor } => table.slow = Some(Slow { node: form(node), factor }),
            Action::ClockJump { node, by } => {
                table.clock = Some(ClockTable { node: form(node), by: Some(by), frozen: false });
            }
            Action::ClockFreeze(node) => {
                table.clock = Some(ClockTable { node: form(node), by: None, frozen: true });
            }
            Action::Disk { node, action } => table.disk = Some(DiskTable::new(form(node), action)),
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
        let one_of = |keys: &[&str]| -> serde_json::Value {
            keys.iter().map(|key| serde_json::json!({ "required": [key] })).collect()
        };
        schema.insert(
            "allOf".into(),
            serde_json::json!([{ "oneOf": one_of(&ACTIONS) }, { "oneOf": one_of(&["at", "when"]) }]),
        );
        schema
    }
}

pub(super) fn wrong(key: &'static str, says: impl Into<String>, help: impl Into<String>) -> FaultError {
    FaultError { key: Some(key), says: says.into(), help: help.into() }
}
