//! Whom a fault is aimed at.

use crate::scenario::cast::{Cast, Name, NoName};
use host::world::MachineId;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// The node that a fault is aimed at, as a file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(into = "Form")]
#[schemars(with = "Form")]
pub enum Target {
    /// This one.
    Node(Name),
    /// The one that published the probe which triggered the fault.
    That,
    /// One of which this is true.
    Whose(Whose),
}

/// The machine that a plan's fault is aimed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Aim {
    /// This one.
    Machine(MachineId),
    /// The one that published the probe which triggered the fault.
    That,
    /// One of which this is true: the seed picks among those that are up when the fault strikes.
    Whose(Whose),
}

/// A node of which something is true: what its latest probe of a name says. A node that has published none since it
/// began is never meant, whichever way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whose {
    /// The probe's name.
    pub probe: String,
    /// Its first value, as a text.
    pub value: String,
    /// Whether it must have this value, or must not.
    pub is: bool,
}

/// A node: its name, "that", or what it published last.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Target")]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a node: \"n1\", \"that\", { whose = \"role\", is = \"primary\" } or { whose = \"role\", is_not = \"primary\" }"
)]
enum Form {
    /// A node's name, or "that" for the one which published the probe.
    Name(String),
    /// One whose latest probe has this value.
    Is {
        /// The probe's name.
        whose: String,
        /// Its first value, as a text.
        is: String,
    },
    /// One whose latest probe has another value. Who published none is not meant.
    IsNot {
        /// The probe's name.
        whose: String,
        /// What its first value must not be, as a text.
        is_not: String,
    },
}

const THAT: &str = "that";

const EXPECTED: &str = "a node: \"n1\", \"that\", { whose = \"role\", is = \"primary\" } or { whose = \"role\", is_not = \"primary\" }";

impl Target {
    pub(super) fn aim(&self, cast: Cast) -> Aim {
        match self {
            Target::Node(name) => Aim::Machine(cast.id(*name)),
            Target::That => Aim::That,
            Target::Whose(whose) => Aim::Whose(whose.clone()),
        }
    }
}

impl Aim {
    /// The machine, if it is known before the run.
    pub(super) fn known(&self) -> Option<MachineId> {
        match self {
            Aim::Machine(machine) => Some(*machine),
            Aim::That | Aim::Whose(_) => None,
        }
    }
}

impl TryFrom<Form> for Target {
    type Error = NoName;

    fn try_from(form: Form) -> Result<Self, NoName> {
        let whose = |probe, value, is| Target::Whose(Whose { probe, value, is });
        Ok(match form {
            Form::Name(name) if name == THAT => Target::That,
            Form::Name(name) => Target::Node(name.parse()?),
            Form::Is { whose: probe, is } => whose(probe, is, true),
            Form::IsNot { whose: probe, is_not } => whose(probe, is_not, false),
        })
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetVisitor)
    }
}

/// Reads a target where it stands, so that an error is about that place.
struct TargetVisitor;

impl<'de> Visitor<'de> for TargetVisitor {
    type Value = Target;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Target, E> {
        Target::try_from(Form::Name(text.to_owned())).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Target, A::Error> {
        Target::try_from(Form::deserialize(MapAccessDeserializer::new(map))?).map_err(Error::custom)
    }
}

impl From<Target> for Form {
    fn from(target: Target) -> Self {
        match target {
            Target::Node(name) => Form::Name(name.to_string()),
            Target::That => Form::Name(THAT.to_owned()),
            Target::Whose(Whose { probe, value, is: true }) => Form::Is { whose: probe, is: value },
            Target::Whose(Whose { probe, value, is: false }) => Form::IsNot { whose: probe, is_not: value },
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Node(name) => name.fmt(f),
            Target::That => f.write_str("that node"),
            Target::Whose(whose) => write!(f, "a {whose}"),
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Whose { probe, value, is } = self;
        match is {
            true => write!(f, "node with {probe} {value}"),
            false => write!(f, "node with another {probe} than {value}"),
        }
    }
}
