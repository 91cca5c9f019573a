//! One node after the other hears nobody for a while: `rolling_partition = { each = "2s", gap = "100ms" }`. It is short for
//! isolating each in turn. Whoever has just come back must not yet be needed, and is.

use super::isolate::Isolate;
use super::{
    Action, Checked, Checks, Drawing, Drawn, Ends, Kind, Name, Path, Plan, Round, Said, Stage, Target, Time,
    above_zero, drawing,
};
use crate::scenario::cast::listed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub(super) static KIND: Kind = Kind::new::<RollingPartition>("rolling_partition").drawn(&[Drawn {
    name: "rolling-partition",
    about: "One node after the other hears nobody for a while.",
    nodes_min: 2,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct RollingPartition {
    /// One node after the other hears nobody for a while.
    rolling_partition: Turns,
}

/// Nodes that are cut off in turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RollingPartition")]
#[serde(deny_unknown_fields)]
struct Turns {
    /// Which, in this order; all if not given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<Name>,
    /// How long each is cut off.
    each: Time,
    /// How long none is, in between.
    gap: Time,
}

impl Said for RollingPartition {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn ends(&self) -> Ends {
        Ends::SAYS_ITSELF
    }

    fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked {
        let Turns { nodes, each, gap } = &self.rolling_partition;
        for (index, node) in nodes.iter().enumerate() {
            checks.node(path.then("nodes").then(index), *node, "")?;
        }
        above_zero(&path.then("each"), *each, "2s")?;
        above_zero(&path.then("gap"), *gap, "100ms")
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let Turns { nodes, each, gap } = &self.rolling_partition;
        let nodes: Vec<Name> = if nodes.is_empty() { stage.cast.nodes().collect() } else { nodes.clone() };
        let round = |(node, turn): (Name, u32)| Round {
            after: (each.get() + gap.get()) * turn,
            action: Isolate::wholly(Target::Node(node)).into(),
            lasts: Some(*each),
        };
        Plan::Rounds(nodes.into_iter().zip(0..).map(round).collect())
    }
}

/// Some nodes or all, in any order.
fn draw(drawing: &mut Drawing) -> Option<Action> {
    let nodes = drawing.some_or_all(2);
    let each = Time::from(drawing::whole_millis(drawing.lasts / nodes.len() as u32).max(drawing::LASTS_MIN));
    let gap = drawing::log_uniform(&mut drawing.draw, Duration::from_millis(1), Duration::from_secs(1));
    Some(RollingPartition { rolling_partition: Turns { nodes, each, gap: Time::from(gap) } }.into())
}

impl fmt::Display for RollingPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Turns { nodes, each, .. } = &self.rolling_partition;
        write!(
            f,
            "rolling partition of {}, {each} each",
            if nodes.is_empty() { "all".to_owned() } else { listed(nodes) }
        )
    }
}
