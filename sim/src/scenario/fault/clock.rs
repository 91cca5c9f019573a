//! A machine's wall clock jumps, `clock = { node = "n1", by = "-2s" }`, or stands still until the fault ends and is then
//! set right, `clock = { node = "n1", frozen = true }`.

use super::{
    Action, Cast, Checked, Checks, Drawing, Drawn, Effect, Ends, FaultError, HEAL_AFTER, Kind, MachineEffect,
    Offset, Path, Plan, Problem, Said, Stage, Target, Time, YEAR, at_most, drawing, wrong,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub(super) static KIND: Kind = Kind::new::<Clock>("clock").drawn(&[
    Drawn { name: "clock", about: "One node's clock jumps.", nodes_min: 1, draw: draw_jump },
    Drawn { name: "clock-freeze", about: "One node's clock stands still.", nodes_min: 1, draw: draw_freeze },
]);

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clock {
    node: Target,
    wrong: Wrong,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    Jumps(Offset),
    StandsStill,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Form {
    /// A node's wall clock jumps, or stands still.
    clock: ClockForm,
}

/// A wall clock that is wrong.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WrongClock")]
#[serde(deny_unknown_fields)]
struct ClockForm {
    /// Whose.
    node: Target,
    /// It jumps by this much, forwards or backwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Offset>,
    /// `true`: it stands still.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    frozen: bool,
}

/// Random jumps, either way.
const JUMP_MIN: Duration = Duration::from_millis(1);
const JUMP_MAX: Duration = Duration::from_secs(10);

impl Said for Clock {
    type Form = Form;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn ends(&self) -> Ends {
        match self.wrong {
            Wrong::Jumps(_) => Ends::ByItself {
                why: "a clock jump is over at once",
                help: "remove it; a second fault can set the clock back",
            },
            Wrong::StandsStill => Ends::After(HEAL_AFTER),
        }
    }

    fn target(&self) -> Option<(&'static str, &Target)> {
        Some(("clock.node", &self.node))
    }

    fn check(&self, _: &Checks<'_>, path: &Path) -> Checked {
        let Wrong::Jumps(by) = self.wrong else { return Ok(()) };
        let path = path.then("by");
        if by.as_nanos() == 0 {
            return Err(Problem::new(path, format!("{by} is no jump"))
                .help("forwards is \"+500ms\", backwards \"-2s\""));
        }
        let size = Duration::from_nanos(by.as_nanos().unsigned_abs());
        at_most(&path, Time::from(size), YEAR, "largest jump")
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let effect = match self.wrong {
            Wrong::Jumps(by) => MachineEffect::JumpClock(by.as_nanos()),
            Wrong::StandsStill => MachineEffect::FreezeClock,
        };
        Plan::Stroke(Effect::Machine(self.node.aim(stage.cast), effect))
    }

    /// By half as much, in whole milliseconds.
    fn smaller(&self, _: Cast) -> Vec<Action> {
        let Wrong::Jumps(by) = self.wrong else { return Vec::new() };
        let half = Offset::from_nanos(by.as_nanos() / 2_000_000 * 1_000_000);
        let is_jump = half.as_nanos() != 0;
        is_jump
            .then(|| Clock { node: self.node.clone(), wrong: Wrong::Jumps(half) }.into())
            .into_iter()
            .collect()
    }
}

fn draw_jump(drawing: &mut Drawing) -> Option<Action> {
    let size = drawing::log_uniform(&mut drawing.draw, JUMP_MIN, JUMP_MAX).as_nanos() as i64;
    let by = Offset::from_nanos(if drawing.draw.chance(0.5) { size } else { -size });
    drawing.target().map(|node| Clock { node, wrong: Wrong::Jumps(by) }.into())
}

fn draw_freeze(drawing: &mut Drawing) -> Option<Action> {
    drawing.target().map(|node| Clock { node, wrong: Wrong::StandsStill }.into())
}

impl TryFrom<Form> for Clock {
    type Error = FaultError;

    fn try_from(Form { clock: ClockForm { node, by, frozen } }: Form) -> Result<Self, FaultError> {
        match (by, frozen) {
            (Some(by), false) => Ok(Clock { node, wrong: Wrong::Jumps(by) }),
            (None, true) => Ok(Clock { node, wrong: Wrong::StandsStill }),
            (Some(_), true) => {
                Err(wrong("clock.frozen", "a clock jumps or stands still, not both", "remove one of the two"))
            }
            (None, false) => Err(wrong(
                "clock",
                "nothing says what is wrong with the clock",
                "add by = \"+2s\" or frozen = true",
            )),
        }
    }
}

impl From<Clock> for Form {
    fn from(Clock { node, wrong }: Clock) -> Self {
        let (by, frozen) = match wrong {
            Wrong::Jumps(by) => (Some(by), false),
            Wrong::StandsStill => (None, true),
        };
        Form { clock: ClockForm { node, by, frozen } }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wrong {
            Wrong::Jumps(by) => write!(f, "clock of {} jumps {by}", self.node),
            Wrong::StandsStill => write!(f, "clock of {} stands still", self.node),
        }
    }
}
