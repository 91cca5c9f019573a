//! Several machines lose power at one instant, and are back one after the other, as far apart as the file says:
//! `blackout = { nodes = ["n1", "n2"], apart = "30ms" }`. It is short for a power loss of each.

use super::crash::Crash;
use super::{
    Action, Cast, Checked, Checks, Death, Drawing, Drawn, Ends, Kind, Name, Path, Plan, Problem, Round, Said,
    Stage, Target, Time, above_zero, drawing,
};
use crate::scenario::cast::listed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub(super) static KIND: Kind = Kind::new::<Blackout>("blackout").drawn(&[Drawn {
    name: "blackout",
    about: "Several nodes lose power at one instant.",
    nodes_min: LEAST as u32,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Blackout {
    /// Several nodes lose power at one instant.
    blackout: Dark,
}

/// Nodes without power.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Blackout")]
#[serde(deny_unknown_fields)]
struct Dark {
    /// Which; two at least. They come back in this order.
    nodes: Vec<Name>,
    /// How long the first is down.
    down: Time,
    /// How long after it the next one is back; all at once if not given.
    #[serde(default, skip_serializing_if = "Time::is_zero")]
    apart: Time,
}

/// One alone is a crash.
const LEAST: usize = 2;

impl Said for Blackout {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn ends(&self) -> Ends {
        Ends::SAYS_ITSELF
    }

    fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked {
        let (Dark { nodes, down, .. }, path_of_nodes) = (&self.blackout, path.then("nodes"));
        if nodes.len() < LEAST {
            return Err(Problem::new(path_of_nodes, "is no blackout")
                .label(format!("{} of {LEAST}", nodes.len()))
                .help("name at least two nodes; for one alone write crash, and how = \"power\""));
        }
        checks.distinct_nodes(path_of_nodes, nodes)?;
        above_zero(&path.then("down"), *down, "1s")
    }

    fn plan(&self, _: &Stage) -> Plan {
        let Dark { nodes, down, apart } = &self.blackout;
        let round = |(node, place): (&Name, u32)| Round {
            after: Duration::ZERO,
            action: Crash::of(Target::Node(*node), Death::Power).into(),
            lasts: Some(Time::from(down.get() + apart.get() * place)),
        };
        Plan::Rounds(nodes.iter().zip(0..).map(round).collect())
    }

    /// Of one node less.
    fn smaller(&self, _: Cast) -> Vec<Action> {
        let Dark { nodes, down, apart } = &self.blackout;
        if nodes.len() == LEAST {
            return nodes.iter().map(|node| Crash::of(Target::Node(*node), Death::Power).into()).collect();
        }
        let without = |index| {
            let mut nodes = nodes.clone();
            nodes.remove(index);
            Blackout { blackout: Dark { nodes, down: *down, apart: *apart } }.into()
        };
        (0..nodes.len()).map(without).collect()
    }
}

/// As many as may be down, or fewer; they are back in any order, together or within a second.
fn draw(drawing: &mut Drawing) -> Option<Action> {
    let mut nodes = drawing.some(LEAST)?;
    drawing.draw.shuffle(&mut nodes);
    let down = Time::from(drawing::log_uniform(&mut drawing.draw, drawing::LASTS_MIN, drawing.lasts));
    let apart = Time::from_millis(*drawing.draw.pick(&[0, 1, 10, 30, 100, 300]));
    Some(Blackout { blackout: Dark { nodes, down, apart } }.into())
}

impl fmt::Display for Blackout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blackout of {}", listed(&self.blackout.nodes))
    }
}
