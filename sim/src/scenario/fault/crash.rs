//! A machine stops, and starts again when the fault ends: `crash = "n1"`, `how = "power"`. Of a machine that runs several
//! processes, `process = "agent"` stops one, and the others go on.

use super::{
    Action, Cast, Checked, Checks, Drawing, Drawn, Effect, Ends, FaultError, Kind, MachineEffect, Path, Plan,
    RESTART_AFTER, Said, Stage, Target, wrong,
};
use host::world;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

pub(super) static KIND: Kind = Kind::new::<Crash>("crash").beside(&["how", "process"]).drawn(&[Drawn {
    name: "crash",
    about: "One node crashes and restarts: its process, or its power.",
    nodes_min: 1,
    draw,
}]);

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Crash {
    node: Target,
    what: Victim,
}

#[derive(Debug, Clone, PartialEq)]
enum Victim {
    Machine(Death),
    Process(String),
}

/// How a machine goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Death {
    /// The process dies; the kernel lives and resets its connections. What was written to files is there.
    #[default]
    Process,
    /// The power fails: not a packet more, and whoever asks is answered by nobody until it is back. What was not synced
    /// to the disk may be lost.
    Power,
    /// The power fails as the last write of each file is under way: all before it arrived, it itself in part.
    Torn,
    /// The power fails, and the machine comes back with an empty disk.
    Wiped,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Form {
    /// This node stops: by name, "that" for the one which published the probe, or by what it published.
    crash: Target,
    /// How it stops: only its process (the default), its power, its power while it writes, or its power and all that is
    /// on its disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    how: Option<Death>,
    /// Not the whole machine, only the process with this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    process: Option<String>,
}

impl Crash {
    /// Of a whole machine.
    pub(super) fn of(node: Target, how: Death) -> Self {
        Crash { node, what: Victim::Machine(how) }
    }
}

impl Said for Crash {
    type Form = Form;

    fn kind() -> &'static Kind {
        &KIND
    }

    fn ends(&self) -> Ends {
        Ends::After(RESTART_AFTER)
    }

    fn target(&self) -> Option<(&'static str, &Target)> {
        Some(("crash", &self.node))
    }

    fn process(&self) -> Option<&str> {
        match &self.what {
            Victim::Machine(_) => None,
            Victim::Process(process) => Some(process),
        }
    }

    fn check(&self, _: &Checks<'_>, _: &Path) -> Checked {
        Ok(())
    }

    fn plan(&self, stage: &Stage) -> Plan {
        let effect = match &self.what {
            Victim::Machine(how) => MachineEffect::Crash(how.in_the_world()),
            Victim::Process(process) => MachineEffect::CrashProcess(process.clone()),
        };
        Plan::Stroke(Effect::Machine(self.node.aim(stage.cast), effect))
    }

    /// Of the machine, by a milder death: one that leaves less to chance is milder.
    fn smaller(&self, _: Cast) -> Vec<Action> {
        let milder: &[Death] = match &self.what {
            Victim::Machine(Death::Wiped) => &[Death::Process, Death::Power],
            Victim::Machine(Death::Power) => &[Death::Process, Death::Torn],
            Victim::Machine(Death::Torn) => &[Death::Process],
            Victim::Machine(Death::Process) | Victim::Process(_) => &[],
        };
        milder.iter().map(|how| Crash::of(self.node.clone(), *how).into()).collect()
    }
}

fn draw(drawing: &mut Drawing) -> Option<Action> {
    let node = drawing.target()?;
    match drawing.process() {
        Some(process) => Some(Crash { node, what: Victim::Process(process) }.into()),
        None => Some(Crash::of(node, Death::drawn(drawing)).into()),
    }
}

impl Death {
    /// With or without power; a machine whose disk is lost is beyond what most systems survive.
    pub(super) fn drawn(drawing: &mut Drawing) -> Self {
        if drawing.draw.chance(0.5) { Death::Process } else { Death::Power }
    }

    fn in_the_world(self) -> world::Death {
        match self {
            Death::Process => world::Death::Process,
            Death::Power => world::Death::Power,
            Death::Torn => world::Death::Torn,
            Death::Wiped => world::Death::Wiped,
        }
    }
}

impl TryFrom<Form> for Crash {
    type Error = FaultError;

    fn try_from(form: Form) -> Result<Self, FaultError> {
        let what = match (form.process, form.how) {
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "how",
                    "`how` says how a machine goes down, and this fault ends one process of it",
                    "remove `how`, or `process` for the whole machine",
                ));
            }
            (Some(process), None) => Victim::Process(process),
            (None, how) => Victim::Machine(how.unwrap_or_default()),
        };
        Ok(Crash { node: form.crash, what })
    }
}

impl From<Crash> for Form {
    fn from(Crash { node, what }: Crash) -> Self {
        match what {
            Victim::Machine(how) => {
                Form { crash: node, how: (how != Death::default()).then_some(how), process: None }
            }
            Victim::Process(process) => Form { crash: node, how: None, process: Some(process) },
        }
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Victim::Machine(how) => write!(f, "{how} {}", self.node),
            Victim::Process(process) => write!(f, "crash {process} on {}", self.node),
        }
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Death::Process => "crash",
            Death::Power => "power loss of",
            Death::Torn => "power loss, while it writes, of",
            Death::Wiped => "power and disk loss of",
        })
    }
}
