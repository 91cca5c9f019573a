//! Packets between machines of different groups are lost, both ways: `partition = [["n1"], ["n2", "n3"]]`. Machines that
//! are not named keep all their links. A group may name a node by what it published: `{ whose = "role", is = "primary" }`.

use super::{Action, Cast, Drawing, Drawn, Kind, LinkEffect, Plan, Said, Stage, Target, groups};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(super) static KIND: Kind = Kind::new::<Partition>("partition").drawn(&[Drawn {
    name: "partition",
    about: "The nodes fall into two groups that do not hear each other.",
    nodes_min: 2,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Partition {
    /// Packets between machines of different groups are lost, both ways. Machines not named keep all their links.
    pub(super) partition: Vec<Vec<Target>>,
}

impl Said for Partition {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn groups(&self) -> Option<(&'static str, &[Vec<Target>])> {
        Some(("partition", &self.partition))
    }

    fn plan(&self, stage: &Stage) -> Plan {
        groups::between(stage.cast, &self.partition, LinkEffect::Cut)
    }

    fn smaller(&self, _: Cast) -> Vec<Action> {
        groups::narrower(&self.partition)
            .into_iter()
            .map(|partition| Partition { partition }.into())
            .collect()
    }
}

fn draw(drawing: &mut Drawing) -> Option<Action> {
    Some(Partition { partition: groups::of_names(drawing.groups()) }.into())
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {}", groups::words(&self.partition))
    }
}
