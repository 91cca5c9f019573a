//! Who a fault is aimed at.

use super::Nemesis;
use super::skip::Skipped;
use crate::scenario::Whose;
use crate::scenario::fault::{Aim, Stroke};
use host::world::{Draw, MachineId, Probe, Stream};
use std::collections::{BTreeMap, BTreeSet};

/// What each machine published last, of the probes by which faults choose.
#[derive(Debug, Default)]
pub(super) struct Published {
    values: BTreeMap<String, BTreeMap<MachineId, String>>,
}

impl Published {
    pub(super) fn of_interest_to(strokes: &[Stroke]) -> Self {
        let names = strokes.iter().flat_map(|stroke| stroke.effect.aims()).filter_map(|aim| match aim {
            Aim::Whose(Whose { probe, .. }) => Some((probe.clone(), BTreeMap::new())),
            Aim::Machine(_) | Aim::That => None,
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

    /// What a machine said last; none if it never did: a machine of another kind has no such thing to say.
    fn said(&self, host: MachineId, probe: &str) -> Option<&str> {
        self.values.get(probe).and_then(|values| values.get(&host)).map(String::as_str)
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
            Aim::Whose(whose) => self.one(whose, &BTreeSet::new(), &mut self.draw(fault)),
        }
    }

    /// Who is in the groups that a fault sets apart, or why nobody is. Nobody is in two places: the seed picks among those
    /// who have none yet, from the first group to the last.
    pub(super) fn apart(
        &self,
        fault: usize,
        groups: &[Vec<Aim>],
        that: Option<MachineId>,
    ) -> Result<Vec<Vec<MachineId>>, Skipped> {
        let mut placed = BTreeSet::new();
        for aim in groups.iter().flatten().filter(|aim| !matches!(aim, Aim::Whose(_))) {
            if !placed.insert(self.aim(fault, aim, that)?) {
                return Err(Skipped::Twice);
            }
        }
        let mut draw = self.draw(fault);
        let mut place = |aim: &Aim| match aim {
            Aim::Whose(whose) => {
                let machine = self.one(whose, &placed, &mut draw)?;
                placed.insert(machine);
                Ok(machine)
            }
            Aim::Machine(_) | Aim::That => self.aim(fault, aim, that),
        };
        groups.iter().map(|group| group.iter().map(&mut place).collect()).collect()
    }

    /// One of the nodes that say something, of which it is true, but none of some.
    fn one(&self, whose: &Whose, but: &BTreeSet<MachineId>, draw: &mut Draw) -> Result<MachineId, Skipped> {
        let Whose { probe, value, is } = whose;
        let (mut fitting, mut anybody) = (Vec::new(), false);
        for host in self.machines.nodes().filter(|host| self.machines.runs(*host)) {
            let Some(said) = self.published.said(host, probe) else { continue };
            anybody = true;
            if (said == value) == *is && !but.contains(&host) {
                fitting.push(host);
            }
        }
        match fitting[..] {
            [] if anybody => Err(Skipped::Nobody(whose.clone())),
            [] => Err(Skipped::NobodySays(probe.clone())),
            _ => Ok(*draw.pick(&fitting)),
        }
    }

    /// What picks among those at whom a fault may be aimed.
    fn draw(&self, fault: usize) -> Draw {
        Draw::new(self.seed, Stream::Target { fault, strikes: self.strikes })
    }
}
