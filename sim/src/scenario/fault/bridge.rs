//! The other nodes fall into two groups that do not hear each other, and this one hears both: `bridge = "n2"`. It is
//! short for a partition.

use super::partition::Partition;
use super::{Action, Checked, Checks, Drawing, Drawn, Kind, Name, Path, Plan, Said, Stage, groups};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(super) static KIND: Kind = Kind::new::<Bridge>("bridge").drawn(&[Drawn {
    name: "bridge",
    about: "All nodes but one fall into two groups that do not hear each other; that one hears both.",
    nodes_min: 3,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Bridge {
    /// The other nodes fall into two groups that do not hear each other; this one hears both.
    bridge: Name,
}

impl Said for Bridge {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked {
        checks.node(path.clone(), self.bridge, "")?;
        checks.enough(path, 3, "a bridge and its two sides")
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let mut left: Vec<Name> = stage.cast.nodes().filter(|node| *node != self.bridge).collect();
        let right = left.split_off(left.len() / 2);
        Plan::Instead(Partition { partition: groups::of_names(vec![left, right]) }.into())
    }
}

/// Between two groups of any size.
fn draw(drawing: &mut Drawing) -> Option<Action> {
    drawing.one()?;
    Some(Partition { partition: groups::of_names(drawing.groups()) }.into())
}

impl fmt::Display for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition with {} as the bridge", self.bridge)
    }
}
