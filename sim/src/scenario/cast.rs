//! The machines of a scenario: by name, as a file has them, and by number, as a plan does.

use super::model::{Nodes, Scenario};
use host::world::MachineId;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A machine as a file names it: `n1`, `c2`. Whether there is one of this name, only the scenario can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A node, counted from 1.
    Node(u32),
    /// A client, counted from 1.
    Client(u32),
}

/// How many machines there are: first the nodes, then the clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cast {
    pub(crate) nodes: u32,
    pub(crate) clients: u32,
}

/// A text that names no machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no machine; {HELP}")]
pub struct NoName(String);

/// How machines are called.
pub(super) const HELP: &str = "they are n1, n2 and so on, and the clients c1, c2 and so on";

impl Cast {
    /// Of a plan, or of the smallest cluster that a scenario may have.
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let nodes = match scenario.cluster.nodes {
            Nodes::Exactly(nodes) => nodes,
            Nodes::Between { from, .. } => from,
        };
        Cast { nodes, clients: scenario.clients() }
    }

    /// Whether there is a machine of this name.
    pub(super) fn has(self, name: Name) -> bool {
        match name {
            Name::Node(number) => number <= self.nodes,
            Name::Client(number) => number <= self.clients,
        }
    }

    /// The number of a machine.
    pub(crate) fn id(self, name: Name) -> MachineId {
        match name {
            Name::Node(number) => MachineId::numbered(number),
            Name::Client(number) => MachineId::numbered(self.nodes + number),
        }
    }

    /// The numbers of some machines, in the same order.
    pub(super) fn ids(self, names: &[Name]) -> Vec<MachineId> {
        names.iter().map(|name| self.id(*name)).collect()
    }

    /// The names of all nodes.
    pub(super) fn nodes(self) -> impl Iterator<Item = Name> {
        (1..=self.nodes).map(Name::Node)
    }

    /// The names of all clients.
    pub(super) fn clients(self) -> impl Iterator<Item = Name> {
        (1..=self.clients).map(Name::Client)
    }
}

/// Names with a space between them.
pub(super) fn listed(names: &[impl fmt::Display]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Node(number) => write!(f, "n{number}"),
            Name::Client(number) => write!(f, "c{number}"),
        }
    }
}

impl FromStr for Name {
    type Err = NoName;

    /// In its one spelling: no other text names the same machine.
    fn from_str(text: &str) -> Result<Self, NoName> {
        let of: fn(u32) -> Name = if text.starts_with('n') { Name::Node } else { Name::Client };
        let number = text.get(1..).and_then(|number| number.parse().ok()).filter(|number| *number > 0);
        number.map(of).filter(|name| name.to_string() == text).ok_or_else(|| NoName(text.to_owned()))
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Reads a name where it stands, so that an error is about that place.
struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a machine such as \"n1\" or \"c1\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
        text.parse().map_err(E::custom)
    }
}

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "Machine".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "A machine: \"n1\", or a client: \"c1\"", "pattern": "^[nc][1-9][0-9]*$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_one_name_and_one_number() {
        let cast = Cast { nodes: 3, clients: 2 };
        let names: Vec<Name> = cast.nodes().chain(cast.clients()).collect();
        assert_eq!(listed(&names), "n1 n2 n3 c1 c2");
        assert!(cast.ids(&names).into_iter().eq(MachineId::first(5)));
        for name in names {
            assert_eq!(name.to_string().parse(), Ok(name));
            assert!(cast.has(name));
        }
        assert!(!cast.has(Name::Node(4)) && !cast.has(Name::Client(3)));
    }

    #[test]
    fn no_other_text_is_a_name() {
        for text in ["", "n", "n0", "n01", "N1", "x1", "n-1", "n1 ", "n99999999999", "é1"] {
            assert!(text.parse::<Name>().is_err(), "{text}");
        }
    }
}
