//! Which machines stand still, which disks fail, and what was done to each node.
//!
//! A machine stands still while it is paused, or while a fault that slows it has taken the processor away. Both may
//! overlap; a crash ends a pause, since there is nothing left to resume, and a machine that is slow is so after it too.

use crate::check::Harm;
use host::world::{self, Death, MachineId, Probe};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub(super) struct Machines {
    paused: BTreeSet<MachineId>,
    /// The faults, by number, that have taken its turn from a machine.
    without_turn: BTreeSet<(MachineId, usize)>,
    /// Those that madsim was told to stop.
    stopped: BTreeSet<MachineId>,
    /// How many faults each disk has.
    failing_disks: BTreeMap<MachineId, u32>,
    harm: Vec<Harm>,
}

impl Machines {
    pub(super) fn new(nodes: u32) -> Self {
        Machines {
            paused: BTreeSet::new(),
            without_turn: BTreeSet::new(),
            stopped: BTreeSet::new(),
            failing_disks: BTreeMap::new(),
            harm: vec![Harm::default(); nodes as usize],
        }
    }

    /// Whether a machine's process runs, and is not paused.
    pub(super) fn runs(&self, host: MachineId) -> bool {
        world::is_up(host) && !self.paused.contains(&host)
    }

    /// All nodes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = MachineId> + use<> {
        MachineId::first(self.harm.len())
    }

    /// Whether a node published this, and not before an instant.
    pub(super) fn is_of_a_node(&self, probe: &Probe, from_ns: u64) -> bool {
        probe.at_ns >= from_ns && probe.host.is_some_and(|host| host.index() < self.harm.len())
    }

    /// The nodes that are crashed or paused.
    pub(super) fn down(&self) -> BTreeSet<MachineId> {
        self.nodes().filter(|host| !self.runs(*host)).collect()
    }

    /// The nodes whose disks fail, or have changed what was on them.
    pub(super) fn failing_disks(&self) -> BTreeSet<MachineId> {
        let fails = |host: &MachineId| {
            self.harm[host.index()].corrupted
                || self.failing_disks.get(host).is_some_and(|faults| *faults > 0)
        };
        self.nodes().filter(fails).collect()
    }

    pub(super) fn crash(&mut self, host: MachineId, death: Death) {
        self.paused.remove(&host);
        self.stopped.remove(&host);
        world::crash(host, death);
        self.harms(host, |harm| {
            harm.crashes += 1;
            harm.down = true;
            harm.wiped |= death == Death::Wiped;
        });
    }

    /// What befalls a client harms no node: a fault whose target is "that" may strike one.
    fn harms(&mut self, host: MachineId, change: impl FnOnce(&mut Harm)) {
        if let Some(harm) = self.harm.get_mut(host.index()) {
            change(harm);
        }
    }

    pub(super) fn restart(&mut self, host: MachineId) {
        world::restart(host);
        self.harms(host, |harm| harm.down = false);
        self.apply(host);
    }

    pub(super) fn pause(&mut self, host: MachineId) {
        self.paused.insert(host);
        self.apply(host);
    }

    pub(super) fn resume(&mut self, host: MachineId) {
        self.paused.remove(&host);
        self.apply(host);
    }

    /// A fault takes a machine's turn, or gives it back.
    pub(super) fn take_turn(&mut self, host: MachineId, fault: usize, takes: bool) {
        if takes {
            self.without_turn.insert((host, fault));
        } else {
            self.without_turn.remove(&(host, fault));
        }
        self.apply(host);
    }

    pub(super) fn disk_fails(&mut self, host: MachineId, corrupts: bool) {
        *self.failing_disks.entry(host).or_default() += 1;
        self.harms(host, |harm| harm.corrupted |= corrupts);
    }

    pub(super) fn corrupted(&mut self, host: MachineId) {
        self.harms(host, |harm| harm.corrupted = true);
    }

    pub(super) fn disk_works(&mut self, host: MachineId) {
        *self.failing_disks.entry(host).or_default() -= 1;
    }

    pub(super) fn harm(&self) -> Vec<Harm> {
        self.harm.clone()
    }

    /// Stops or wakes the machine, as it should be.
    fn apply(&mut self, host: MachineId) {
        let mut taken = self.without_turn.range((host, 0)..=(host, usize::MAX));
        let still = self.paused.contains(&host) || taken.next().is_some();
        if !world::is_up(host) {
            return;
        }
        if still && self.stopped.insert(host) {
            world::pause(host);
        } else if !still && self.stopped.remove(&host) {
            world::resume(host);
        }
    }
}
