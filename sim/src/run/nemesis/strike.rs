//! What each effect does to the world, and how it is taken back.

use super::machines::Machines;
use super::{Nemesis, Step, Struck};
use crate::scenario::fault::{Effect, LinkEffect, MachineEffect, links};
use host::world::{self, FaultStep, MachineId};
use std::sync::Arc;
use std::time::Duration;

/// A slow machine gets the processor once in this time: the period in which containers are throttled, by default 100 ms,
/// is too coarse for networks of milliseconds.
const PERIOD: Duration = Duration::from_millis(10);

impl Nemesis {
    pub(super) fn strike(&mut self, now_ns: u64, index: usize, that: Option<MachineId>) {
        let strokes = Arc::clone(&self.strokes);
        let stroke = &strokes[index];
        let active = !stroke.effect.is_instant();
        let mut struck = Struck { stroke: index, machine: None, groups: Vec::new(), active };
        match &stroke.effect {
            Effect::Links(..) => {}
            Effect::Groups(groups, _) => match self.apart(index, groups, that) {
                Err(why) => return self.skip(index, None, &why),
                Ok(groups) => struck.groups = groups,
            },
            Effect::Machine(aim, effect) => match self.aim(index, aim, that) {
                Err(why) => return self.skip(index, None, &why),
                Ok(machine) => match self.may_befall(machine, effect) {
                    Err(why) => return self.skip(index, Some(machine), &why),
                    Ok(()) => struck.machine = Some(machine),
                },
            },
        }
        self.begin(&stroke.effect, &struck);
        self.note(FaultStep::Strikes, index, struck.machine.or(that), &struck.groups);
        self.strikes += 1;
        if let Some(lasts) = stroke.said.lasts.filter(|_| active && !stroke.said.permanent) {
            self.plan(now_ns + lasts.as_nanos() as u64, Step::End { struck: self.struck.len() });
        }
        self.struck.push(struck);
        self.turn(now_ns, self.struck.len() - 1, false);
    }

    fn begin(&mut self, effect: &Effect, struck: &Struck) {
        match (effect, struck.machine) {
            (Effect::Links(links, effect), _) => begin_between(links, effect),
            (Effect::Groups(_, effect), _) => begin_between(&links(&struck.groups), effect),
            (Effect::Machine(_, effect), Some(machine)) => self.begin_on(machine, effect),
            (Effect::Machine(..), None) => {}
        }
    }

    fn begin_on(&mut self, machine: MachineId, effect: &MachineEffect) {
        match effect {
            MachineEffect::Isolate(others) => cut(&isolated(machine, others)),
            MachineEffect::Crash(death) => {
                self.end_those_of_processes(machine, None);
                self.published.forget(machine);
                self.machines.crash(machine, *death);
            }
            MachineEffect::Pause => self.machines.pause(machine),
            MachineEffect::CrashProcess(process) => {
                self.end_those_of_processes(machine, Some(process));
                world::crash_process(machine, process);
            }
            MachineEffect::PauseProcess(process) => world::pause_process(machine, process),
            // By its turns.
            MachineEffect::Slow(_) => {}
            MachineEffect::JumpClock(by_ns) => world::with(|world| world.jump_clock(machine, *by_ns)),
            MachineEffect::FreezeClock => world::with(|world| world.freeze_clock(machine)),
            MachineEffect::FailDisk(fault) => {
                let set = world::with(|world| world.set_disk_fault(machine, *fault));
                set.expect("a validated scenario has only disk faults that can be");
                self.machines.disk_fails(machine, effect.corrupts());
            }
            MachineEffect::Decay(sectors, decay) => {
                world::with(|world| world.decay_disk(machine, *sectors, *decay));
                self.machines.corrupted(machine);
            }
        }
    }

    /// Ends what has befallen the processes of a machine, or one of them: a crash leaves nothing to restart or resume.
    fn end_those_of_processes(&mut self, machine: MachineId, only: Option<&str>) {
        let strokes = Arc::clone(&self.strokes);
        for index in 0..self.struck.len() {
            let Struck { stroke, machine: befallen, .. } = self.struck[index];
            let process = strokes[stroke].effect.process();
            if befallen == Some(machine) && process.is_some() && only.is_none_or(|only| process == Some(only))
            {
                self.end(index);
            }
        }
    }

    /// A slow machine runs for one part in so many of the period, and stands still for the rest. Does nothing for other
    /// faults, and once the fault has ended.
    pub(super) fn turn(&mut self, now_ns: u64, index: usize, runs: bool) {
        let Struck { stroke, machine: Some(machine), active: true, .. } = self.struck[index] else { return };
        let Effect::Machine(_, MachineEffect::Slow(factor)) = self.strokes[stroke].effect else { return };
        let running = PERIOD.as_nanos() as u64 / u64::from(factor);
        self.machines.take_turn(machine, index, !runs);
        let lasts = if runs { running } else { PERIOD.as_nanos() as u64 - running };
        self.plan(now_ns + lasts, Step::Turn { struck: index, runs: !runs });
    }
}

fn begin_between(links: &[(MachineId, MachineId)], effect: &LinkEffect) {
    match effect {
        LinkEffect::Cut => cut(links),
        LinkEffect::Hold => {
            world::with(|world| links.iter().for_each(|(from, to)| world.hold(*from, *to)));
        }
        LinkEffect::Worsen(fault) => world::with(|world| {
            for (from, to) in links {
                let set = world.set_link_fault(*from, *to, *fault);
                set.expect("a validated scenario has only link faults that can be");
            }
        }),
    }
}

/// Takes back what the fault with this number has done to links, or to a machine.
pub(super) fn take_back(machines: &mut Machines, number: usize, effect: &Effect, struck: &Struck) {
    match (effect, struck.machine) {
        (Effect::Links(links, effect), _) => take_back_between(links, effect),
        (Effect::Groups(_, effect), _) => take_back_between(&links(&struck.groups), effect),
        (Effect::Machine(_, effect), Some(machine)) => take_back_from(machines, number, machine, effect),
        (Effect::Machine(..), None) => {}
    }
}

fn take_back_between(links: &[(MachineId, MachineId)], effect: &LinkEffect) {
    match effect {
        LinkEffect::Cut => mend(links),
        LinkEffect::Hold => {
            world::with(|world| links.iter().for_each(|(from, to)| world.release(*from, *to)));
        }
        LinkEffect::Worsen(fault) => world::with(|world| {
            for (from, to) in links {
                world.clear_link_fault(*from, *to, *fault);
            }
        }),
    }
}

fn take_back_from(machines: &mut Machines, number: usize, machine: MachineId, effect: &MachineEffect) {
    match effect {
        MachineEffect::Isolate(others) => mend(&isolated(machine, others)),
        MachineEffect::Crash(_) => machines.restart(machine),
        MachineEffect::Pause => machines.resume(machine),
        MachineEffect::CrashProcess(process) => world::restart_process(machine, process),
        MachineEffect::PauseProcess(process) => world::resume_process(machine, process),
        MachineEffect::Slow(_) => machines.take_turn(machine, number, false),
        MachineEffect::FreezeClock => world::with(|world| world.thaw_clock(machine)),
        MachineEffect::FailDisk(fault) => {
            world::with(|world| world.clear_disk_fault(machine, *fault));
            machines.disk_works(machine);
        }
        // Over at once.
        MachineEffect::JumpClock(_) | MachineEffect::Decay(..) => {}
    }
}

fn cut(links: &[(MachineId, MachineId)]) {
    world::with(|world| links.iter().for_each(|(from, to)| world.cut(*from, *to)));
}

fn mend(links: &[(MachineId, MachineId)]) {
    world::with(|world| links.iter().for_each(|(from, to)| world.mend(*from, *to)));
}

/// The links of a machine to and from others.
fn isolated(machine: MachineId, others: &[MachineId]) -> Vec<(MachineId, MachineId)> {
    let others = others.iter().filter(|other| **other != machine);
    others.flat_map(|other| [(machine, *other), (*other, machine)]).collect()
}
