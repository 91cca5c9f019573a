//! Why a fault is skipped: nobody is there to be struck, what is to befall it has befallen it already, or the budget has
//! no room.

use super::Nemesis;
use crate::scenario::Whose;
use crate::scenario::fault::budget::Beyond;
use crate::scenario::fault::{MachineEffect, Need};
use host::world::{self, MachineId, ProcessState};

/// Why a fault is skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Skipped {
    #[error("no machine published the probe")]
    NoPublisher,
    #[error("there is no {0}")]
    Nobody(Whose),
    #[error("no node that is up has published `{0}`")]
    NobodySays(String),
    #[error("the machine that published the probe is in two groups")]
    Twice,
    #[error("the machine is down already")]
    Down,
    #[error("the machine is paused already")]
    Paused,
    #[error("no {0} runs there")]
    NoProcess(String),
    #[error("{0} is down already")]
    ProcessDown(String),
    #[error("{0} is paused already")]
    ProcessPaused(String),
    #[error("{}", beyond(.0))]
    Beyond(Beyond),
}

fn beyond(Beyond { need, others, most }: &Beyond) -> String {
    match need {
        Need::Process => format!("{others} nodes are down already, and at_most.down is {most}"),
        Need::Disk => format!("{others} other disks fail already, and at_most.disk is {most}"),
    }
}

impl Nemesis {
    /// Whether this can befall a machine now, and the plan lets as many fail at once.
    pub(super) fn may_befall(&self, machine: MachineId, effect: &MachineEffect) -> Result<(), Skipped> {
        if effect.takes() == Some(Need::Process) && !world::is_up(machine) {
            return Err(Skipped::Down);
        }
        if *effect == MachineEffect::Pause && !self.machines.runs(machine) {
            return Err(Skipped::Paused);
        }
        if let Some(process) = effect.process() {
            let pauses = matches!(effect, MachineEffect::PauseProcess(_));
            match world::process_state(machine, process) {
                None => return Err(Skipped::NoProcess(process.to_owned())),
                Some(ProcessState::Down) => return Err(Skipped::ProcessDown(process.to_owned())),
                Some(ProcessState::Paused) if pauses => {
                    return Err(Skipped::ProcessPaused(process.to_owned()));
                }
                Some(_) => {}
            }
        }
        let (Some(at_most), Some(need)) = (self.at_most, effect.takes()) else { return Ok(()) };
        let without = match need {
            Need::Process => self.machines.down(),
            Need::Disk => self.machines.failing_disks(),
        };
        at_most.allows(need, machine, &without).map_err(Skipped::Beyond)
    }
}
