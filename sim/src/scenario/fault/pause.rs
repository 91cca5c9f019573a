//! Everything on a machine stands still, and its kernel still receives: `pause = "n1"`. Of a machine that runs several
//! processes, `process = "agent"` makes one stand still, and the others go on.

use super::{
    Action, Checked, Checks, Drawing, Drawn, Effect, Ends, Kind, MachineEffect, Path, Plan, RESUME_AFTER,
    Said, Stage, Target,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(super) static KIND: Kind = Kind::new::<Pause>("pause").beside(&["process"]).drawn(&[Drawn {
    name: "pause",
    about: "One node stands still for a while.",
    nodes_min: 1,
    draw,
}]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Pause {
    /// Everything on this node stands still; its kernel still receives.
    pause: Target,
    /// Not the whole machine, only the process with this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    process: Option<String>,
}

impl Said for Pause {
    type Form = Self;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn ends(&self) -> Ends {
        Ends::After(RESUME_AFTER)
    }

    fn target(&self) -> Option<(&'static str, &Target)> {
        Some(("pause", &self.pause))
    }

    fn process(&self) -> Option<&str> {
        self.process.as_deref()
    }

    fn check(&self, _: &Checks<'_>, _: &Path) -> Checked {
        Ok(())
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let effect = self.process.clone().map_or(MachineEffect::Pause, MachineEffect::PauseProcess);
        Plan::Stroke(Effect::Machine(self.pause.aim(stage.cast), effect))
    }
}

fn draw(drawing: &mut Drawing) -> Option<Action> {
    let pause = drawing.target()?;
    Some(Pause { pause, process: drawing.process() }.into())
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            None => write!(f, "pause {}", self.pause),
            Some(process) => write!(f, "pause {process} on {}", self.pause),
        }
    }
}
