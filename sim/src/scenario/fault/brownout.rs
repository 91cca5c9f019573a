//! A disk that is slow, and then the power fails: `brownout = { node = "n1", factor = 50, power_after = "300ms" }`. It is
//! short for the two. What a slow disk has not synced yet is the most that a power loss can take.

use super::crash::Crash;
use super::disk::Disk;
use super::{
    Action, Checked, Checks, Death, Drawing, Drawn, Ends, Kind, Path, Plan, Problem, Round, Said, Stage,
    Target, Time, above_zero, drawing,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub(super) static KIND: Kind = Kind::new::<Brownout>("brownout").drawn(&[Drawn {
    name: "brownout",
    about: "One node's disk is slow, and then its power fails.",
    nodes_min: 1,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Brownout {
    /// A node's disk is slow, and then its power fails.
    brownout: Failing,
}

/// A node whose disk is slow before its power fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Brownout")]
#[serde(deny_unknown_fields)]
struct Failing {
    /// Which.
    node: Target,
    /// How many times as slow its disk is.
    factor: u32,
    /// How long the disk is slow before the power fails.
    power_after: Time,
    /// How long the machine is down.
    down: Time,
}

/// A random one loses its power after this long at most: longer, and what waits for the disk has given up.
const POWER_AFTER_MAX: Duration = Duration::from_secs(3);
/// Slower is as good as a stall.
const FACTOR_MAX: u32 = 10_000;

impl Said for Brownout {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn ends(&self) -> Ends {
        Ends::SAYS_ITSELF
    }

    fn target(&self) -> Option<(&'static str, &Target)> {
        Some(("brownout.node", &self.brownout.node))
    }

    fn check(&self, _: &Checks<'_>, path: &Path) -> Checked {
        let Failing { factor, power_after, down, .. } = &self.brownout;
        if !(2..=FACTOR_MAX).contains(factor) {
            return Err(Problem::new(path.then("factor"), format!("{factor} is not from 2 to {FACTOR_MAX}"))
                .help("for example 50"));
        }
        above_zero(&path.then("power_after"), *power_after, "300ms")?;
        above_zero(&path.then("down"), *down, "1s")
    }

    fn plan(&self, _: &Stage) -> Plan {
        let Failing { node, factor, power_after, down } = &self.brownout;
        let slow = Disk::slow(node.clone(), f64::from(*factor)).into();
        let crash = Crash::of(node.clone(), Death::Power).into();
        Plan::Rounds(vec![
            Round { after: Duration::ZERO, action: slow, lasts: Some(*power_after) },
            Round { after: power_after.get(), action: crash, lasts: Some(*down) },
        ])
    }
}

fn draw(drawing: &mut Drawing) -> Option<Action> {
    let node = drawing.target()?;
    let factor = *drawing.draw.pick(&[10, 50, 200, 1000]);
    let power_after = drawing::log_uniform(&mut drawing.draw, Duration::from_millis(5), POWER_AFTER_MAX);
    let (power_after, down) = (Time::from(power_after), Time::from(drawing.lasts));
    Some(Brownout { brownout: Failing { node, factor, power_after, down } }.into())
}

impl fmt::Display for Brownout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failing { node, factor, power_after, .. } = &self.brownout;
        write!(f, "slow disk ({factor} times) of {node}, and {power_after} later its power fails")
    }
}
