//! Machines are cut off one after the other, until all of these are, and come back in another order:
//! `swizzle = { nodes = ["n1", "n2", "n3"], gap = "500ms" }`. The seed decides both orders. It is short for isolating each
//! of them for a time.

use super::isolate::Isolate;
use super::{
    Action, Checked, Checks, Drawing, Drawn, Ends, Kind, Name, Path, Plan, Problem, Round, Said, Stage,
    Target, Time, above_zero, drawing,
};
use crate::scenario::cast::listed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub(super) static KIND: Kind = Kind::new::<Swizzle>("swizzle").drawn(&[Drawn {
    name: "swizzle",
    about: "Some nodes are cut off one after the other, and come back in another order.",
    nodes_min: LEAST as u32,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Swizzle {
    /// Nodes are cut off one after the other, and come back in another order.
    swizzle: Orders,
}

/// Nodes that go and come in the order of the seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Swizzle")]
#[serde(deny_unknown_fields)]
struct Orders {
    /// Which; two at least.
    nodes: Vec<Name>,
    /// The time from one to the next, as they go and as they come.
    gap: Time,
}

/// One alone has no order.
const LEAST: usize = 2;

impl Said for Swizzle {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn ends(&self) -> Ends {
        Ends::SAYS_ITSELF
    }

    fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked {
        let (Orders { nodes, gap }, path_of_nodes) = (&self.swizzle, path.then("nodes"));
        if nodes.len() < LEAST {
            return Err(Problem::new(path_of_nodes, "has no order in which they could come back")
                .label(format!("{} of {LEAST}", nodes.len()))
                .help("name at least two nodes; for one alone write isolate"));
        }
        checks.distinct_nodes(path_of_nodes, nodes)?;
        above_zero(&path.then("gap"), *gap, "500ms")
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let Orders { nodes, gap } = &self.swizzle;
        let (mut draw, mut going) = (stage.draw(), nodes.clone());
        draw.shuffle(&mut going);
        let mut coming = going.clone();
        draw.shuffle(&mut coming);
        if coming == going {
            coming.rotate_left(1);
        }
        let comes = |node| coming.iter().position(|coming| coming == node).unwrap_or_default();
        let rounds = going.iter().enumerate().map(|(goes, node)| {
            let away = going.len() - goes + comes(node);
            Round {
                after: gap.get() * goes as u32,
                action: Isolate::wholly(Target::Node(*node)).into(),
                lasts: Some(Time::from(gap.get() * away as u32)),
            }
        });
        Plan::Rounds(rounds.collect())
    }
}

/// Some nodes, or all.
fn draw(drawing: &mut Drawing) -> Option<Action> {
    let mut nodes = drawing.some_or_all(LEAST);
    nodes.sort_unstable();
    let gap = drawing::whole_millis(drawing.lasts / (2 * nodes.len() as u32));
    let gap = Time::from(gap.max(Duration::from_millis(1)));
    Some(Swizzle { swizzle: Orders { nodes, gap } }.into())
}

impl fmt::Display for Swizzle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Orders { nodes, gap } = &self.swizzle;
        write!(f, "swizzle {}, one every {gap}", listed(nodes))
    }
}
