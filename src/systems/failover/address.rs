//! **address**: in the end one machine has the address that moves, and its database is the primary.

use super::fact::name;
use host::world::MachineId;
use protocols::database::{Role, View};
use sim::check::{Broken, Views};
use std::collections::BTreeSet;

/// `owners`: who has the address; none where none moves.
pub(super) fn check(owners: Option<&BTreeSet<MachineId>>, views: &Views<View>) -> Result<(), Broken> {
    let Some(owners) = owners else { return Ok(()) };
    let is_up = |owner: &&MachineId| views.get(owner.number()).is_some();
    let owners: Vec<MachineId> = owners.iter().filter(is_up).copied().collect();
    let owner = match owners[..] {
        [owner] => owner,
        [] => return Err(Broken::new("nobody has the address")),
        _ => {
            let names: Vec<String> = owners.iter().map(|owner| name(*owner)).collect();
            let why = Broken::new(format!("{} have the address", names.join(" and ")));
            return Err(owners.into_iter().fold(why, |why, owner| why.node(owner.number())));
        }
    };
    let is_primary = |node: u32| views.get(node).is_some_and(|view| view.role == Role::Primary);
    let why = |why: String| Broken::new(why).node(owner.number());
    if let Some((other, _)) = views.up().find(|(node, _)| *node != owner.number() && is_primary(*node)) {
        let too = if is_primary(owner.number()) { ", too" } else { "" };
        return Err(
            why(format!("{} has the address, and n{other} is a primary{too}", name(owner))).node(other)
        );
    }
    if is_primary(owner.number()) {
        return Ok(());
    }
    Err(why(format!("{} has the address, and there is no primary", name(owner))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::failover::example::view;

    /// n1 is down, n2 is the primary, n3 its standby.
    fn judge(owners: &[u32]) -> Result<(), String> {
        judge_with(owners, [Role::Primary, Role::Standby])
    }

    fn judge_with(owners: &[u32], [n2, n3]: [Role; 2]) -> Result<(), String> {
        let views = Views::new(vec![None, Some(view(2, n2)), Some(view(3, n3))]);
        let owners = owners.iter().copied().map(MachineId::numbered).collect();
        check(Some(&owners), &views).map_err(|why| why.to_string())
    }

    #[test]
    fn the_primary_has_the_address_and_nobody_else_who_is_up() {
        assert_eq!(judge(&[2]), Ok(()));
        assert_eq!(judge(&[1, 2]), Ok(()), "what n1 had when it went down is nobody's");
    }

    #[test]
    fn an_address_elsewhere_or_nowhere_or_twice_is_found() {
        assert_eq!(judge(&[3]).unwrap_err(), "n3 has the address, and n2 is a primary");
        assert_eq!(judge(&[1]).unwrap_err(), "nobody has the address");
        assert_eq!(judge(&[2, 3]).unwrap_err(), "n2 and n3 have the address");
    }

    #[test]
    fn a_primary_without_the_address_is_found_and_an_address_without_a_primary() {
        let why = judge_with(&[2], [Role::Primary, Role::Primary]).unwrap_err();
        assert_eq!(why, "n2 has the address, and n3 is a primary, too");
        let why = judge_with(&[2], [Role::Standby, Role::Standby]).unwrap_err();
        assert_eq!(why, "n2 has the address, and there is no primary");
    }

    #[test]
    fn where_no_address_moves_there_is_nothing_to_judge() {
        assert_eq!(check(None, &Views::new(Vec::new())), Ok(()));
    }
}
