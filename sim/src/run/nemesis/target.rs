//! Who a fault is aimed at.

use super::Nemesis;
use super::skip::Skipped;
use crate::scenario::Whose;
use crate::scenario::fault::{Aim, Effect, Stroke};
use host::world::{Draw, MachineId, Probe, Stream};
use std::collections::BTreeMap;

/// What each machine published last, of the probes by which faults choose.
#[derive(Debug, Default)]
pub(super) struct Published {
    values: BTreeMap<String, BTreeMap<MachineId, String>>,
}

impl Published {
    pub(super) fn of_interest_to(strokes: &[Stroke]) -> Self {
        let names = strokes.iter().filter_map(|stroke| match &stroke.effect {
            Effect::Machine(Aim::Whose(Whose { probe, .. }), _) => Some((probe.clone(), BTreeMap::new())),
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
    pub(super) fn aim(&self, fault: usize, aim: &Aim, that: Option<MachineId>) -> Result<MachineId, Skipped> {
        match aim {
            Aim::Machine(machine) => Ok(*machine),
            Aim::That => that.ok_or(Skipped::NoPublisher),
            Aim::Whose(whose) => {
                let Whose { probe, value, is } = whose;
                let fits = |host: &MachineId| {
                    self.machines.runs(*host) && self.published.says(*host, probe, value) == *is
                };
                let fitting: Vec<MachineId> = self.machines.nodes().filter(fits).collect();
                if fitting.is_empty() {
                    return Err(Skipped::Nobody(whose.clone()));
                }
                let stream = Stream::Target { fault, strikes: self.strikes };
                Ok(*Draw::new(self.seed, stream).pick(&fitting))
            }
        }
    }
}
