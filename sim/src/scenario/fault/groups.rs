//! Machines that do not hear each other, and the links between them.

use super::effect::{Effect, LinkEffect};
use super::plan::Plan;
use super::target::{Aim, Target};
use crate::scenario::cast::{Cast, Name, listed};
use host::world::MachineId;

/// This befalls every link between machines of different groups, both ways.
pub(super) fn between(cast: Cast, groups: &[Vec<Target>], effect: LinkEffect) -> Plan {
    let aims: Vec<Vec<Aim>> =
        groups.iter().map(|group| group.iter().map(|target| target.aim(cast)).collect()).collect();
    let known: Option<Vec<Vec<MachineId>>> =
        aims.iter().map(|group| group.iter().map(Aim::known).collect()).collect();
    Plan::Stroke(match known {
        Some(groups) => Effect::Links(links(&groups), effect),
        None => Effect::Groups(aims, effect),
    })
}

/// The links between machines of different groups, both ways.
pub(crate) fn links(groups: &[Vec<MachineId>]) -> Vec<(MachineId, MachineId)> {
    let mut links = Vec::new();
    for (index, left) in groups.iter().enumerate() {
        for right in &groups[index + 1..] {
            links.extend(pairs(left, right));
            links.extend(pairs(right, left));
        }
    }
    links
}

/// This befalls every link from the first machines to the second.
pub(super) fn one_way(cast: Cast, from: &[Name], to: &[Name], effect: LinkEffect) -> Plan {
    Plan::Stroke(Effect::Links(pairs(&cast.ids(from), &cast.ids(to)).collect(), effect))
}

fn pairs(from: &[MachineId], to: &[MachineId]) -> impl Iterator<Item = (MachineId, MachineId)> {
    from.iter().flat_map(move |from| to.iter().map(move |to| (*from, *to)))
}

/// Groups of machines whose names are known.
pub(super) fn of_names(groups: Vec<Vec<Name>>) -> Vec<Vec<Target>> {
    groups.into_iter().map(|group| group.into_iter().map(Target::Node).collect()).collect()
}

/// The groups with one less, or with a machine less in one of them.
pub(super) fn narrower(groups: &[Vec<Target>]) -> Vec<Vec<Vec<Target>>> {
    let without_a_group = (0..groups.len()).filter(|_| groups.len() > 2).map(|out| {
        let mut fewer = groups.to_vec();
        fewer.remove(out);
        fewer
    });
    let without_a_machine = groups.iter().enumerate().flat_map(|(index, group)| {
        let mut fewer = groups.to_vec();
        one_less(group).into_iter().map(move |group| {
            fewer[index] = group;
            fewer.clone()
        })
    });
    without_a_group.chain(without_a_machine).collect()
}

/// Some machines with one less, if one is left.
pub(super) fn one_less<T: Clone>(machines: &[T]) -> Vec<Vec<T>> {
    let without = |out: usize| {
        let mut fewer = machines.to_vec();
        fewer.remove(out);
        fewer
    };
    (0..machines.len()).filter(|_| machines.len() > 1).map(without).collect()
}

/// `n1 n2 | n3`
pub(super) fn words(groups: &[Vec<Target>]) -> String {
    groups.iter().map(|group| listed(group)).collect::<Vec<_>>().join(" | ")
}
