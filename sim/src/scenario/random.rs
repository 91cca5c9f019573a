//! Faults drawn from the seed: of which kinds, how often, within which budget.

use super::fault::{Action, Drawing, Drawn, KINDS};
use super::units::Time;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Faults drawn from the seed, within a budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Random {
    /// The kinds to draw from.
    pub kinds: Vec<RandomKind>,
    /// Mean time from one fault to the next.
    pub every: Time,
    /// No fault is drawn in the first so much of the workload.
    #[serde(default, skip_serializing_if = "Time::is_zero")]
    pub quiet_start: Time,
    /// How long one lasts.
    #[serde(default, skip_serializing_if = "Lasts::is_default")]
    pub lasts: Lasts,
    /// Half of the crashes and pauses of a machine strike one of these processes there, and the others go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<String>,
    /// What the system must survive at the same time.
    #[serde(default)]
    pub at_most: AtMost,
    /// The seed also picks which of the kinds, how often, and which operations exist at all.
    #[serde(default)]
    pub swarm: bool,
    /// This share of the faults waits, from the time on at which it would strike, for a probe: one of those below, each as
    /// likely as another however often nodes publish it. It strikes within milliseconds of it, most often that node.
    #[serde(default, skip_serializing_if = "is_no_share")]
    pub strikes: f64,
    /// The probes that faults wait for; all of the system's if not given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<String>,
    /// The seed also picks options that the system may have (those that the file does not say), how many keys there are, how
    /// much work, and in what bursts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sizes: bool,
    /// What the system says may be picked.
    #[serde(skip)]
    pub(super) choices: Vec<Choice>,
}

// serde hands over a reference.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_no_share(share: &f64) -> bool {
    *share == 0.0
}

/// An option of a system that a seed may pick, and what it may be: all of these are right together with any of the
/// others'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Its place in `[cluster.options]`, dotted: `store.lease_min`.
    pub option: &'static str,
    /// What it may be, as a file says it: `"2s"` in quotes, or `64`.
    pub among: &'static [&'static str],
}

/// A kind of random fault, one of those that the list of kinds has.
#[derive(Debug, Clone, Copy)]
pub struct RandomKind(&'static Drawn);

impl RandomKind {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().flat_map(|kind| kind.random).map(RandomKind)
    }

    /// The kind as the file has it.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What happens.
    pub fn about(self) -> &'static str {
        self.0.about
    }

    /// Draws one; none where it does not come about.
    pub(super) fn draw(self, mut drawing: Drawing) -> Option<Action> {
        (self.0.draw)(&mut drawing)
    }

    /// The smallest cluster that it can happen to.
    pub(super) fn nodes_min(self) -> u32 {
        self.0.nodes_min
    }
}

impl PartialEq for RandomKind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Serialize for RandomKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for RandomKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Finds a kind by its name, and says as serde does which there are.
struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = RandomKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a kind of fault")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<RandomKind, E> {
        RandomKind::all().find(|kind| kind.name() == name).ok_or_else(|| {
            let known: Vec<String> = RandomKind::all().map(|kind| format!("`{}`", kind.name())).collect();
            E::custom(format!("unknown variant `{name}`, expected one of {}", known.join(", ")))
        })
    }
}

impl JsonSchema for RandomKind {
    fn schema_name() -> Cow<'static, str> {
        "RandomKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |kind: RandomKind| serde_json::json!({ "description": kind.about(), "const": kind.name() });
        json_schema!({ "type": "string", "oneOf": RandomKind::all().map(one).collect::<Vec<_>>() })
    }
}

/// How long a random fault lasts: as often between `from` and twice that as between half of `to` and `to`. A fault that
/// outlives the workload ends soon after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lasts {
    /// At least so long.
    pub from: Time,
    /// At most so long: what a system waits for longer than this is outlasted by no fault.
    pub to: Time,
}

impl Lasts {
    fn is_default(&self) -> bool {
        *self == Lasts::default()
    }
}

impl Default for Lasts {
    fn default() -> Self {
        Lasts { from: Time::from_millis(50), to: Time::from_millis(12_000) }
    }
}

/// What a system must survive at the same time. The nemesis never strikes beyond it, whatever triggers a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AtMost {
    /// Nodes crashed or paused at the same time.
    pub down: u32,
    /// Nodes whose disks fail at the same time.
    pub disk: u32,
}

impl Default for AtMost {
    fn default() -> Self {
        AtMost { down: 1, disk: 1 }
    }
}
