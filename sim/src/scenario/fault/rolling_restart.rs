//! One node after the other stops and starts again: `rolling_restart = { down = "1s", gap = "5s" }`. It is short for a
//! crash of each.

use super::crash::Crash;
use super::{Checked, Checks, Death, Ends, Kind, Path, Plan, Round, Said, Stage, Target, Time, above_zero};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(super) static KIND: Kind = Kind::new::<RollingRestart>("rolling_restart");

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct RollingRestart {
    /// One node after the other stops and starts again.
    rolling_restart: Turns,
}

/// All nodes, one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RollingRestart")]
#[serde(deny_unknown_fields)]
struct Turns {
    /// How long each is down.
    down: Time,
    /// How long all are up in between.
    gap: Time,
}

impl Said for RollingRestart {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn ends(&self) -> Ends {
        Ends::SAYS_ITSELF
    }

    fn check(&self, _: &Checks<'_>, path: &Path) -> Checked {
        above_zero(&path.then("down"), self.rolling_restart.down, "1s")?;
        above_zero(&path.then("gap"), self.rolling_restart.gap, "5s")
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let Turns { down, gap } = self.rolling_restart;
        let period = down.get() + gap.get();
        let turn = |(node, round)| Round {
            after: period * round,
            action: Crash::of(Target::Node(node), Death::default()).into(),
            lasts: Some(down),
        };
        Plan::Rounds(stage.cast.nodes().zip(0..).map(turn).collect())
    }
}

impl fmt::Display for RollingRestart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Turns { down, gap } = self.rolling_restart;
        write!(f, "rolling restart, each down for {down} and the next after {gap}")
    }
}
