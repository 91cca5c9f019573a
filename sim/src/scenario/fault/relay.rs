//! One node after the other crashes, each while the one before recovers:
//! `relay = { nodes = ["n1", "n2"], down = "500ms", gap = "5ms" }`. It is short for a crash of each. Never are two down
//! at a time, and yet there is hardly an instant at which all have caught up.

use super::crash::Crash;
use super::{
    Action, Checked, Checks, Death, Drawing, Drawn, Ends, Kind, Name, Path, Plan, Problem, Round, Said,
    Stage, Target, Time, above_zero, drawing,
};
use crate::scenario::cast::listed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub(super) static KIND: Kind = Kind::new::<Relay>("relay").drawn(&[Drawn {
    name: "relay",
    about: "One node after the other crashes, each while the one before recovers.",
    nodes_min: LEAST as u32,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Relay {
    /// One node after the other crashes, each while the one before recovers.
    relay: Turns,
    /// How each stops: only its process (the default), its power, or its power and all that is on its disk.
    #[serde(default, skip_serializing_if = "is_default")]
    how: Death,
}

/// Nodes that crash in turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Relay")]
#[serde(deny_unknown_fields)]
struct Turns {
    /// Which, in this order; two at least.
    nodes: Vec<Name>,
    /// How long each is down.
    down: Time,
    /// How long after it is back the next one crashes.
    gap: Time,
}

/// One alone has nobody to follow.
const LEAST: usize = 2;
/// Who recovers needs no longer than this, mostly.
const GAP_MAX: Duration = Duration::from_secs(1);

impl Said for Relay {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn ends(&self) -> Ends {
        Ends::SAYS_ITSELF
    }

    fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked {
        let (Turns { nodes, down, gap }, path_of_nodes) = (&self.relay, path.then("nodes"));
        if nodes.len() < LEAST {
            return Err(Problem::new(path_of_nodes, "has nobody to crash next")
                .label(format!("{} of {LEAST}", nodes.len()))
                .help("name at least two nodes; for one alone write crash_loop"));
        }
        checks.distinct_nodes(path_of_nodes, nodes)?;
        above_zero(&path.then("down"), *down, "500ms")?;
        above_zero(&path.then("gap"), *gap, "5ms")
    }

    fn plan(&self, _: &Stage) -> Plan {
        let Turns { nodes, down, gap } = &self.relay;
        let round = |(node, turn): (&Name, u32)| Round {
            after: (down.get() + gap.get()) * turn,
            action: Crash::of(Target::Node(*node), self.how).into(),
            lasts: Some(*down),
        };
        Plan::Rounds(nodes.iter().zip(0..).map(round).collect())
    }
}

/// Some nodes or all, in any order.
fn draw(drawing: &mut Drawing) -> Option<Action> {
    let how = Death::drawn(drawing);
    let nodes = drawing.some_or_all(LEAST);
    let each = drawing::whole_millis(drawing.lasts / nodes.len() as u32).max(drawing::LASTS_MIN);
    let down = Time::from(drawing::log_uniform(&mut drawing.draw, drawing::LASTS_MIN, each));
    let gap = Time::from(drawing::log_uniform(&mut drawing.draw, Duration::from_millis(1), GAP_MAX));
    Some(Relay { relay: Turns { nodes, down, gap }, how }.into())
}

// serde hands over a reference.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_default(how: &Death) -> bool {
    *how == Death::default()
}

impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Turns { nodes, gap, .. } = &self.relay;
        write!(f, "{} {}, the next {gap} after the one before is back", self.how, listed(nodes))
    }
}
