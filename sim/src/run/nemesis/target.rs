//! Who a fault is aimed at.

use super::Nemesis;
use crate::scenario::{Class, Fault, Others, Target};
use host::world::{self, Draw, MachineId, Probe, Stream};
use std::collections::BTreeMap;

/// What each machine published last, of the probes by which faults choose.
#[derive(Debug, Default)]
pub(super) struct Published {
    values: BTreeMap<String, BTreeMap<MachineId, String>>,
}

impl Published {
    pub(super) fn of_interest_to(faults: &[Fault]) -> Self {
        let names = faults.iter().filter_map(|fault| match fault.action.target() {
            Some((_, Target::Whose { probe, .. })) => Some((probe.clone(), BTreeMap::new())),
            _ => None,
        });
        Published { values: names.collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn remember(&mut self, probe: &Probe) {
        if let (Some(values), Some(host)) = (self.values.get_mut(probe.name), probe.host) {
            values.insert(host, first_value(probe).unwrap_or_default());
        }
    }

    /// A machine that crashed is nothing any more, until it says so.
    pub(super) fn forget(&mut self, host: MachineId) {
        self.values.values_mut().for_each(|values| drop(values.remove(&host)));
    }

    fn says(&self, host: MachineId, probe: &str, value: &str) -> bool {
        self.values.get(probe).and_then(|values| values.get(&host)).is_some_and(|said| said == value)
    }
}

/// A probe's first value, as a text.
pub(super) fn first_value(probe: &Probe) -> Option<String> {
    probe.values.first().map(ToString::to_string)
}

impl Nemesis {
    /// The machine that a fault is aimed at, or why there is none.
    pub(super) fn aim(
        &self,
        fault: usize,
        target: &Target,
        that: Option<MachineId>,
    ) -> Result<MachineId, String> {
        match target {
            Target::Node(name) => Ok(host(name)),
            Target::That => that.ok_or_else(|| "no machine published the probe".to_owned()),
            Target::Whose { probe, value, is } => {
                let fits = |host: &MachineId| {
                    self.machines.runs(*host) && self.published.says(*host, probe, value) == *is
                };
                let fitting: Vec<MachineId> =
                    MachineId::first(self.machines.harm().len()).filter(fits).collect();
                if fitting.is_empty() {
                    return Err(format!("there is no {}", target.to_string().trim_start_matches("a ")));
                }
                let stream = Stream::Target { fault, strikes: self.strikes };
                Ok(*Draw::new(self.seed, stream).pick(&fitting))
            }
        }
    }

    /// Those others from whom a node is isolated.
    pub(super) fn others(&self, node: MachineId, others: &Others) -> Vec<MachineId> {
        let (all, nodes) = (world::with(|world| world.machines()), self.machines.harm().len());
        let hosts: Vec<MachineId> = match others {
            Others::All(Class::Everyone) => MachineId::first(all).collect(),
            Others::All(Class::Nodes) => MachineId::first(nodes).collect(),
            Others::All(Class::Clients) => MachineId::first(all).skip(nodes).collect(),
            Others::Machines(names) => names.iter().map(|name| host(name)).collect(),
        };
        hosts.into_iter().filter(|other| *other != node).collect()
    }
}

/// The number of a machine that the scenario names; validation has seen that it exists.
pub(super) fn host(name: &str) -> MachineId {
    world::with(|world| world.host_named(name)).expect("a validated scenario names only machines that exist")
}
