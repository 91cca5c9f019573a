//! Packets between machines of different groups wait, and arrive after the fault ends: `hold = [["n1"], ["n2"]]`.

use super::{Action, Cast, Drawing, Drawn, Kind, LinkEffect, Plan, Said, Stage, Target, groups};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(super) static KIND: Kind = Kind::new::<Hold>("hold").drawn(&[Drawn {
    name: "hold",
    about: "Packets between two groups wait.",
    nodes_min: 2,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Hold {
    /// Packets between machines of different groups wait, and arrive after the fault ends.
    hold: Vec<Vec<Target>>,
}

impl Said for Hold {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn groups(&self) -> Option<(&'static str, &[Vec<Target>])> {
        Some(("hold", &self.hold))
    }

    fn plan(&self, stage: &Stage) -> Plan {
        groups::between(stage.cast, &self.hold, LinkEffect::Hold)
    }

    fn smaller(&self, _: Cast) -> Vec<Action> {
        groups::narrower(&self.hold).into_iter().map(|hold| Hold { hold }.into()).collect()
    }
}

fn draw(drawing: &mut Drawing) -> Option<Action> {
    Some(Hold { hold: groups::of_names(drawing.groups()) }.into())
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hold {}", groups::words(&self.hold))
    }
}
