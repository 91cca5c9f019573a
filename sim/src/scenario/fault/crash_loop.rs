//! A node crashes, comes back and crashes again, each time after twice the wait:
//! `crash_loop = { node = "n1", times = 4, up = "1ms", backoff = "200ms" }`. It is short for as many crashes.

use super::crash::Crash;
use super::{
    Action, Checked, Checks, Death, Drawing, Drawn, Ends, Kind, LASTS_MIN, Path, Plan, Round, Said, Stage,
    TIMES_MAX, Target, Time, above_zero, bounded, drawing,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub(super) static KIND: Kind = Kind::new::<CrashLoop>("crash_loop").beside(&["how"]).drawn(&[Drawn {
    name: "crash-loop",
    about: "One node crashes and restarts several times.",
    nodes_min: 1,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct CrashLoop {
    /// This node crashes, comes back and crashes again.
    crash_loop: Loop,
    /// How it stops each time: only its process (the default), its power, or its power and all that is on its disk.
    #[serde(default, skip_serializing_if = "is_default")]
    how: Death,
}

/// A node that does not stay up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CrashLoop")]
#[serde(deny_unknown_fields)]
struct Loop {
    /// Which.
    node: Target,
    /// How often it crashes.
    times: u32,
    /// How long it runs in between; less than it needs to boot, if it is to crash while booting.
    up: Time,
    /// How long it is down the first time; each time is twice the one before.
    backoff: Time,
}

/// A node in a random crash loop runs, and is down the first time, no longer than this.
const UP_MAX: Duration = Duration::from_secs(1);
/// As little is not enough to boot from a disk.
const UP_MIN: Duration = Duration::from_millis(1);

impl Said for CrashLoop {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn ends(&self) -> Ends {
        Ends::SAYS_ITSELF
    }

    fn target(&self) -> Option<(&'static str, &Target)> {
        Some(("crash_loop.node", &self.crash_loop.node))
    }

    fn check(&self, _: &Checks<'_>, path: &Path) -> Checked {
        let Loop { times, up, backoff, .. } = self.crash_loop;
        bounded(&path.then("times"), times, 2, TIMES_MAX, "number of crashes")?;
        above_zero(&path.then("up"), up, "1s")?;
        above_zero(&path.then("backoff"), backoff, "100ms")
    }

    fn plan(&self, _: &Stage) -> Plan {
        let Loop { node, times, up, backoff } = &self.crash_loop;
        let crash = Action::from(Crash::of(node.clone(), self.how));
        let (mut after, mut down) = (Duration::ZERO, backoff.get());
        let rounds = (0..*times).map(|_| {
            let round = Round { after, action: crash.clone(), lasts: Some(Time::from(down)) };
            after = after.saturating_add(down).saturating_add(up.get());
            down = down.saturating_mul(2);
            round
        });
        Plan::Rounds(rounds.collect())
    }
}

fn draw(drawing: &mut Drawing) -> Option<Action> {
    let (node, how) = (drawing.target()?, Death::drawn(drawing));
    let draw = &mut drawing.draw;
    let times = draw.between(2, 4) as u32;
    let up = Time::from(drawing::log_uniform(draw, UP_MIN, UP_MAX));
    let backoff = Time::from(drawing::log_uniform(draw, LASTS_MIN, UP_MAX));
    Some(CrashLoop { crash_loop: Loop { node, times, up, backoff }, how }.into())
}

// serde hands over a reference.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_default(how: &Death) -> bool {
    *how == Death::default()
}

impl fmt::Display for CrashLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Loop { node, times, .. } = &self.crash_loop;
        write!(f, "{} {node}, {times} times", self.how)
    }
}
