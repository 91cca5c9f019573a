//! A machine's process gets one part in `factor` of the processor: `slow = { node = "n1", factor = 10 }`. It runs for a
//! moment and then stands still, again and again.

use super::{
    Action, Cast, Checked, Checks, Drawing, Drawn, Effect, Kind, MachineEffect, Path, Plan, Said, Stage,
    Target, bounded,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(super) static KIND: Kind = Kind::new::<Slow>("slow").drawn(&[Drawn {
    name: "slow",
    about: "One node gets only a part of its processor.",
    nodes_min: 1,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Slow {
    /// A node's process gets only a part of the processor.
    slow: Part,
}

/// A node without processor time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Slow")]
#[serde(deny_unknown_fields)]
struct Part {
    /// Which.
    node: Target,
    /// How many times as slow.
    factor: u32,
}

/// The slowest processor.
const FACTOR_MAX: u32 = 1000;

impl Said for Slow {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn target(&self) -> Option<(&'static str, &Target)> {
        Some(("slow.node", &self.slow.node))
    }

    fn check(&self, _: &Checks<'_>, path: &Path) -> Checked {
        bounded(&path.then("factor"), self.slow.factor, 2, FACTOR_MAX, "factor")
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let effect = MachineEffect::Slow(self.slow.factor);
        Plan::Stroke(Effect::Machine(self.slow.node.aim(stage.cast), effect))
    }

    fn smaller(&self, _: Cast) -> Vec<Action> {
        let Part { node, factor } = &self.slow;
        let half = Some(factor / 2).filter(|half| *half >= 2);
        half.map(|factor| Slow { slow: Part { node: node.clone(), factor } }.into()).into_iter().collect()
    }
}

fn draw(drawing: &mut Drawing) -> Option<Action> {
    let (node, factor) = (drawing.target()?, *drawing.draw.pick(&[2, 5, 10, 50]));
    Some(Slow { slow: Part { node, factor } }.into())
}

impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Part { node, factor } = &self.slow;
        write!(f, "{node} is {factor} times as slow")
    }
}
