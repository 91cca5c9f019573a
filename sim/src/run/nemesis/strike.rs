//! What each action does to the world, and how it is undone.

use super::machines::Machines;
use super::target::host;
use super::{Nemesis, Step, Struck, note};
use crate::scenario::{Action, Death, DiskAction, Links, ProcessAction};
use host::world::{self, Decay, DiskFault, LinkFault, MachineId, ProcessState};
use std::time::Duration;

/// A slow machine gets the processor once in this time: the period in which containers are throttled, by default 100 ms,
/// is too coarse for networks of milliseconds.
const PERIOD: Duration = Duration::from_millis(10);

/// How to end a part of what a fault did.
#[derive(Debug, Clone)]
pub(super) enum Undo {
    Mend(MachineId, MachineId),
    Release(MachineId, MachineId),
    Restart(MachineId),
    Resume(MachineId),
    RestartProcess(MachineId, String),
    ResumeProcess(MachineId, String),
    /// The fault with this number, which takes the machine's turns, takes no more.
    Turn(MachineId, usize),
    Thaw(MachineId),
    Repair(MachineId, DiskFault),
    Better(MachineId, MachineId, LinkFault),
}

impl Undo {
    pub(super) fn apply(self, machines: &mut Machines) {
        match self {
            Undo::Mend(from, to) => world::with(|world| world.mend(from, to)),
            Undo::Release(from, to) => world::with(|world| world.release(from, to)),
            Undo::Restart(host) => machines.restart(host),
            Undo::Resume(host) => machines.resume(host),
            Undo::RestartProcess(host, process) => world::restart_process(host, &process),
            Undo::ResumeProcess(host, process) => world::resume_process(host, &process),
            Undo::Turn(host, struck) => machines.take_turn(host, struck, false),
            Undo::Thaw(host) => world::with(|world| world.thaw_clock(host)),
            Undo::Better(from, to, fault) => {
                world::with(|world| world.clear_link_fault(from, to, fault));
            }
            Undo::Repair(host, fault) => {
                world::with(|world| world.clear_disk_fault(host, fault));
                machines.disk_works(host);
            }
        }
    }
}

impl Nemesis {
    pub(super) fn strike(&mut self, now_ns: u64, index: usize, that: Option<MachineId>) {
        let fault = self.faults[index].clone();
        let machine = match fault.action.target().map(|(_, target)| self.aim(index, target, that)) {
            None => None,
            Some(Ok(machine)) => Some(machine),
            Some(Err(why)) => return self.skip(index, None, &why),
        };
        if let Some(machine) = machine
            && let Err(why) = self.within_budget(&fault.action, machine)
        {
            return self.skip(index, Some(machine), &why);
        }
        let undo = self.hit(&fault.action, machine);
        self.note("strikes", index, machine.or(that));
        self.strikes += 1;
        let active = !undo.is_empty();
        if let Some(lasts) = fault.lasts.filter(|_| active && !fault.permanent) {
            self.plan(now_ns + lasts.as_nanos() as u64, Step::End { struck: self.struck.len() });
        }
        self.struck.push(Struck { fault: index, machine, undo, active });
        self.turn(now_ns, self.struck.len() - 1, false);
    }

    /// Whether a machine is there to be struck, and the plan lets as many fail at once.
    fn within_budget(&self, action: &Action, machine: MachineId) -> Result<(), String> {
        if action.takes_down() {
            if !world::is_up(machine) {
                return Err("the machine is down already".to_owned());
            }
            if matches!(action, Action::Pause(_)) && !self.machines.runs(machine) {
                return Err("the machine is paused already".to_owned());
            }
        }
        if let Action::Process { process, action, .. } = action {
            match (world::process_state(machine, process), action) {
                (None, _) => return Err(format!("no {process} runs there")),
                (Some(ProcessState::Down), _) => return Err(format!("{process} is down already")),
                (Some(ProcessState::Paused), ProcessAction::Pause) => {
                    return Err(format!("{process} is paused already"));
                }
                _ => {}
            }
        }
        let Some(at_most) = self.at_most else { return Ok(()) };
        let down = self.machines.down_count();
        if action.takes_down() && self.machines.runs(machine) && down as u32 >= at_most.down {
            return Err(format!("{down} nodes are down already, and at_most.down is {}", at_most.down));
        }
        let disks = self.machines.other_failing_disks(machine);
        if action.fails_disk() && disks as u32 >= at_most.disk {
            return Err(format!("{disks} other disks fail already, and at_most.disk is {}", at_most.disk));
        }
        Ok(())
    }

    /// Does it. Returns how to undo it; nothing for what is over at once.
    fn hit(&mut self, action: &Action, machine: Option<MachineId>) -> Vec<Undo> {
        match (action, machine) {
            (Action::Partition(groups), _) => cut(across(groups)),
            (Action::OneWay { from, to }, _) => cut(pairs(from, to)),
            (Action::Ring(machines), _) => cut(ring(machines)),
            (Action::Isolate { from, .. }, Some(node)) => {
                let others = self.others(node, from);
                cut(others.into_iter().flat_map(|other| [(node, other), (other, node)]).collect())
            }
            (Action::Hold(groups), _) => {
                let links = across(groups);
                world::with(|world| links.iter().for_each(|(from, to)| world.hold(*from, *to)));
                links.into_iter().map(|(from, to)| Undo::Release(from, to)).collect()
            }
            (Action::Link { links, action }, _) => {
                let links = match links {
                    Links::Between(groups) => across(groups),
                    Links::OneWay { from, to } => pairs(from, to),
                };
                worsen(links, action.in_the_world())
            }
            (Action::Crash { how, .. }, Some(host)) => {
                self.end_those_of_processes(host, None);
                self.published.forget(host);
                self.machines.crash(host, death(*how));
                vec![Undo::Restart(host)]
            }
            (Action::Pause(_), Some(host)) => {
                self.machines.pause(host);
                vec![Undo::Resume(host)]
            }
            (Action::Process { process, action: ProcessAction::Crash, .. }, Some(host)) => {
                self.end_those_of_processes(host, Some(process));
                world::crash_process(host, process);
                vec![Undo::RestartProcess(host, process.clone())]
            }
            (Action::Process { process, action: ProcessAction::Pause, .. }, Some(host)) => {
                world::pause_process(host, process);
                vec![Undo::ResumeProcess(host, process.clone())]
            }
            (Action::Slow { .. }, Some(host)) => {
                vec![Undo::Turn(host, self.struck.len())]
            }
            (Action::ClockJump { by, .. }, Some(host)) => {
                world::with(|world| world.jump_clock(host, by.as_nanos()));
                vec![]
            }
            (Action::ClockFreeze(_), Some(host)) => {
                world::with(|world| world.freeze_clock(host));
                vec![Undo::Thaw(host)]
            }
            (Action::Disk { action, .. }, Some(host)) => match *action {
                DiskAction::Fault(fault) => {
                    let set = world::with(|world| world.set_disk_fault(host, fault));
                    set.expect("a validated scenario has only disk faults that can be");
                    self.machines.disk_fails(host, action.corrupts());
                    vec![Undo::Repair(host, fault)]
                }
                DiskAction::Decay { sectors, unreadable } => {
                    let decay = if unreadable { Decay::Unreadable } else { Decay::Flip };
                    world::with(|world| world.decay_disk(host, sectors, decay));
                    self.machines.corrupted(host);
                    vec![]
                }
            },
            _ => unreachable!("a plan has only faults of one stroke, each aimed at whom it needs"),
        }
    }

    /// Ends what has befallen the processes of a machine, or one of them: a crash leaves nothing to restart or resume.
    fn end_those_of_processes(&mut self, host: MachineId, only: Option<&str>) {
        for index in 0..self.struck.len() {
            let Struck { fault, machine, .. } = self.struck[index];
            let Action::Process { process, .. } = &self.faults[fault].action else { continue };
            if machine == Some(host) && only.is_none_or(|only| only == process) {
                self.end(index);
            }
        }
    }

    /// A slow machine runs for one part in `factor` of the period, and stands still for the rest. Does nothing for
    /// other faults, and once the fault has ended.
    pub(super) fn turn(&mut self, now_ns: u64, index: usize, runs: bool) {
        let Struck { fault, machine: Some(machine), active: true, .. } = self.struck[index] else { return };
        let Action::Slow { factor, .. } = self.faults[fault].action else { return };
        let running = PERIOD.as_nanos() as u64 / u64::from(factor);
        self.machines.take_turn(machine, index, !runs);
        let lasts = if runs { running } else { PERIOD.as_nanos() as u64 - running };
        self.plan(now_ns + lasts, Step::Turn { struck: index, runs: !runs });
    }

    fn skip(&self, index: usize, machine: Option<MachineId>, why: &str) {
        note(&format!("is skipped, {why}"), index, &self.faults[index].action, machine);
    }
}

fn cut(links: Vec<(MachineId, MachineId)>) -> Vec<Undo> {
    world::with(|world| links.iter().for_each(|(from, to)| world.cut(*from, *to)));
    links.into_iter().map(|(from, to)| Undo::Mend(from, to)).collect()
}

fn worsen(links: Vec<(MachineId, MachineId)>, fault: LinkFault) -> Vec<Undo> {
    world::with(|world| {
        for (from, to) in &links {
            let set = world.set_link_fault(*from, *to, fault);
            set.expect("a validated scenario has only link faults that can be");
        }
    });
    links.into_iter().map(|(from, to)| Undo::Better(from, to, fault)).collect()
}

fn death(how: Death) -> world::Death {
    match how {
        Death::Process => world::Death::Process,
        Death::Power => world::Death::Power,
        Death::Wiped => world::Death::Wiped,
    }
}

fn pairs(from: &[String], to: &[String]) -> Vec<(MachineId, MachineId)> {
    from.iter().flat_map(|from| to.iter().map(move |to| (host(from), host(to)))).collect()
}

/// Every link between machines of different groups, both ways.
fn across(groups: &[Vec<String>]) -> Vec<(MachineId, MachineId)> {
    let mut links = Vec::new();
    for (index, left) in groups.iter().enumerate() {
        for right in &groups[index + 1..] {
            links.extend(pairs(left, right));
            links.extend(pairs(right, left));
        }
    }
    links
}

/// Every link but those between neighbours, both ways.
fn ring(machines: &[String]) -> Vec<(MachineId, MachineId)> {
    let count = machines.len();
    let far = |a: usize, b: usize| a != b && (a + 1) % count != b && (b + 1) % count != a;
    let hosts: Vec<MachineId> = machines.iter().map(|name| host(name)).collect();
    let links = (0..count).flat_map(|a| (0..count).map(move |b| (a, b)));
    links.filter(|(a, b)| far(*a, *b)).map(|(a, b)| (hosts[a], hosts[b])).collect()
}
