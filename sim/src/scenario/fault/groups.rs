//! Machines that do not hear each other, and the links between them.

use super::effect::{Effect, LinkEffect};
use super::plan::Plan;
use crate::scenario::cast::{Cast, Name, listed};
use host::world::MachineId;

/// This befalls every link between machines of different groups, both ways.
pub(super) fn between(cast: Cast, groups: &[Vec<Name>], effect: LinkEffect) -> Plan {
    let mut links = Vec::new();
    for (index, left) in groups.iter().enumerate() {
        for right in &groups[index + 1..] {
            links.extend(pairs(cast, left, right));
            links.extend(pairs(cast, right, left));
        }
    }
    Plan::Stroke(Effect::Links(links, effect))
}

/// This befalls every link from the first machines to the second.
pub(super) fn one_way(cast: Cast, from: &[Name], to: &[Name], effect: LinkEffect) -> Plan {
    Plan::Stroke(Effect::Links(pairs(cast, from, to).collect(), effect))
}

fn pairs(cast: Cast, from: &[Name], to: &[Name]) -> impl Iterator<Item = (MachineId, MachineId)> {
    let to = cast.ids(to);
    cast.ids(from).into_iter().flat_map(move |from| to.clone().into_iter().map(move |to| (from, to)))
}

/// The groups with one less, or with a machine less in one of them.
pub(super) fn narrower(groups: &[Vec<Name>]) -> Vec<Vec<Vec<Name>>> {
    let without_a_group = (0..groups.len()).filter(|_| groups.len() > 2).map(|out| {
        let mut fewer = groups.to_vec();
        fewer.remove(out);
        fewer
    });
    let without_a_machine = groups.iter().enumerate().flat_map(|(index, group)| {
        let mut fewer = groups.to_vec();
        fewer_names(group).into_iter().map(move |group| {
            fewer[index] = group;
            fewer.clone()
        })
    });
    without_a_group.chain(without_a_machine).collect()
}

/// Some machines with one less, if one is left.
pub(super) fn fewer_names(names: &[Name]) -> Vec<Vec<Name>> {
    let without = |out: usize| {
        let mut fewer = names.to_vec();
        fewer.remove(out);
        fewer
    };
    (0..names.len()).filter(|_| names.len() > 1).map(without).collect()
}

/// `n1 n2 | n3`
pub(super) fn words(groups: &[Vec<Name>]) -> String {
    groups.iter().map(|group| listed(group)).collect::<Vec<_>>().join(" | ")
}
