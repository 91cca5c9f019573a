//! Packets between machines of different groups are lost again and again:
//! `flap = { between = [["n1"], ["n2"]], down = "200ms", up = "1s", times = 5 }`. It is short for as many partitions.

use super::partition::Partition;
use super::{
    Action, Checked, Checks, Drawing, Drawn, Ends, Kind, Path, Plan, Round, Said, Stage, TIMES_MAX, Target,
    Time, above_zero, bounded, drawing, groups,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub(super) static KIND: Kind = Kind::new::<Flap>("flap").drawn(&[Drawn {
    name: "flap",
    about: "The links between two groups fail again and again.",
    nodes_min: 2,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Flap {
    /// Packets between machines of different groups are lost again and again.
    flap: Links,
}

/// Links that fail again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Flap")]
#[serde(deny_unknown_fields)]
struct Links {
    /// The groups that do not hear each other.
    between: Vec<Vec<Target>>,
    /// For how long.
    down: Time,
    /// For how long they do, in between.
    up: Time,
    /// How often they part.
    times: u32,
}

impl Said for Flap {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn ends(&self) -> Ends {
        Ends::SAYS_ITSELF
    }

    fn groups(&self) -> Option<(&'static str, &[Vec<Target>])> {
        Some(("flap.between", &self.flap.between))
    }

    fn check(&self, _: &Checks<'_>, path: &Path) -> Checked {
        let Links { down, up, times, .. } = &self.flap;
        above_zero(&path.then("down"), *down, "200ms")?;
        above_zero(&path.then("up"), *up, "1s")?;
        bounded(&path.then("times"), *times, 1, TIMES_MAX, "number of times")
    }

    fn plan(&self, _: &Stage) -> Plan {
        let Links { between, down, up, times } = &self.flap;
        let period = down.get() + up.get();
        let partition = Action::from(Partition { partition: between.clone() });
        let part = |round| Round { after: period * round, action: partition.clone(), lasts: Some(*down) };
        Plan::Rounds((0..*times).map(part).collect())
    }
}

fn draw(drawing: &mut Drawing) -> Option<Action> {
    let times = drawing.draw.between(2, 5) as u32;
    let half = drawing::whole_millis(drawing.lasts / times) / 2;
    let half = Time::from(half.max(Duration::from_millis(1)));
    Some(
        Flap { flap: Links { between: groups::of_names(drawing.groups()), down: half, up: half, times } }
            .into(),
    )
}

impl fmt::Display for Flap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Links { between, down, up, times } = &self.flap;
        write!(f, "partition {} flaps {times} times, {down} down and {up} up", groups::words(between))
    }
}
