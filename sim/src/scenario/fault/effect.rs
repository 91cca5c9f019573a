//! What the faults of a plan do to the world: data, which the nemesis carries out and takes back.

use super::target::Aim;
use host::world::{Death, Decay, DiskFault, LinkFault, MachineId};
use std::collections::BTreeSet;

/// What a fault does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// This befalls the links from the first machines to the second.
    Links(Vec<(MachineId, MachineId)>, LinkEffect),
    /// This befalls the links between these groups, both ways: who is in them, the run tells.
    Groups(Vec<Vec<Aim>>, LinkEffect),
    /// This befalls one machine.
    Machine(Aim, MachineEffect),
}

/// What befalls a link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum LinkEffect {
    /// Packets are lost.
    Cut,
    /// Packets wait until it ends.
    Hold,
    /// Packets pass, and something is wrong with them.
    Worsen(LinkFault),
}

/// What befalls a machine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MachineEffect {
    /// Its links to and from these are cut.
    Isolate(Vec<MachineId>),
    /// It goes down, and starts again at the end.
    Crash(Death),
    /// It stands still.
    Pause,
    /// This one of its processes dies, and starts again at the end.
    CrashProcess(String),
    /// This one of its processes stands still.
    PauseProcess(String),
    /// It runs one part in so many.
    Slow(u32),
    /// Its wall clock jumps by so many ns.
    JumpClock(i64),
    /// Its wall clock stands still, and is set right at the end.
    FreezeClock,
    /// Something is wrong with its disk.
    FailDisk(DiskFault),
    /// So many sectors of its disk go bad.
    Decay(u32, Decay),
}

/// What a node does without, of what a scenario bounds by `at_most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Its process: it is crashed or paused.
    Process,
    /// Its disk.
    Disk,
}

impl Effect {
    /// Whether it is over at once.
    pub(crate) fn is_instant(&self) -> bool {
        matches!(self, Effect::Machine(_, MachineEffect::JumpClock(_) | MachineEffect::Decay(..)))
    }

    /// All those that it befalls: this machine, or those of these groups, where the run tells who they are.
    pub(crate) fn befallen(&self, machine: Option<MachineId>, groups: &[Vec<MachineId>]) -> Vec<MachineId> {
        match self {
            Effect::Machine(..) => machine.into_iter().collect(),
            Effect::Groups(..) => groups.concat(),
            Effect::Links(links, _) => {
                let ends: BTreeSet<MachineId> = links.iter().flat_map(|(from, to)| [*from, *to]).collect();
                ends.into_iter().collect()
            }
        }
    }

    /// Whom it is aimed at.
    pub(crate) fn aims(&self) -> Vec<&Aim> {
        match self {
            Effect::Links(..) => Vec::new(),
            Effect::Groups(groups, _) => groups.iter().flatten().collect(),
            Effect::Machine(aim, _) => vec![aim],
        }
    }

    /// The process that it befalls; none if that is a whole machine, or links.
    pub(crate) fn process(&self) -> Option<&str> {
        match self {
            Effect::Machine(_, effect) => effect.process(),
            Effect::Links(..) | Effect::Groups(..) => None,
        }
    }
}

impl MachineEffect {
    /// What the budget must have room for.
    pub(crate) fn takes(&self) -> Option<Need> {
        match self {
            MachineEffect::Crash(_) | MachineEffect::Pause => Some(Need::Process),
            MachineEffect::FailDisk(_) | MachineEffect::Decay(..) => Some(Need::Disk),
            MachineEffect::Isolate(_)
            | MachineEffect::CrashProcess(_)
            | MachineEffect::PauseProcess(_)
            | MachineEffect::Slow(_)
            | MachineEffect::JumpClock(_)
            | MachineEffect::FreezeClock => None,
        }
    }

    /// Whether what the machine has synced may be different afterwards.
    pub(crate) fn corrupts(&self) -> bool {
        matches!(
            self,
            MachineEffect::Decay(..)
                | MachineEffect::FailDisk(DiskFault::BitFlip { .. } | DiskFault::Misdirect { .. })
        )
    }

    /// The process that it befalls; none if that is the whole machine.
    pub(crate) fn process(&self) -> Option<&str> {
        match self {
            MachineEffect::CrashProcess(process) | MachineEffect::PauseProcess(process) => Some(process),
            _ => None,
        }
    }
}
